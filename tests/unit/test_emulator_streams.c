/*
 * On the emulated device, too, operations run later and streams do not wait for
 * each other: what forgets to wait sees old data.
 */

#ifdef GLEAM_EMULATE

#include <stdbool.h>
#include <stdlib.h>

#include <criterion/criterion.h>

#include "emulator/emulator.h"

#include "gpu/gpu.h"


// forgets to wait before it looks; how many values are right?
static int early_look(void)
{
	float* locked = gpu_malloc_host(100 * sizeof(float));
	float* x = gpu_malloc(100 * sizeof(float));
	int right = 0;

	gpu_clear(x, 100 * sizeof(float));
	gpu_sync();

	for (int i = 0; i < 100; i++)
		locked[i] = 0.f;

	gpu_download(locked, x, 100 * sizeof(float));

	for (int i = 0; i < 100; i++)
		right += (0.f == locked[i]);

	gpu_sync();

	for (int i = 0; i < 100; i++)
		cr_assert(0.f == locked[i]);

	gpu_free(x);
	gpu_free_host(locked);

	return right;
}


Test(emulator, results_are_not_there_before_synchronisation)
{
	cr_assert(0 == early_look());
}


Test(emulator, eager_operations_run_at_once)
{
	setenv("GLEAM_EMULATED", "eager", 1);

	cr_assert(100 == early_look());
	cr_assert(0 == emulated_waiting());
}


Test(emulator, page_locked_memory_is_read_when_the_copy_runs)
{
	float* locked = gpu_malloc_host(sizeof(float));
	float* x = gpu_malloc(sizeof(float));
	float y;

	*locked = 1.f;
	gpu_upload(x, locked, sizeof(float));
	*locked = 2.f;

	gpu_download(&y, x, sizeof(float));
	gpu_sync();

	cr_assert(2.f == y);

	gpu_free(x);
	gpu_free_host(locked);
}


// does the computation see what the copy stream brings?
static bool upload_seen(bool wait)
{
	float* locked = gpu_malloc_host(sizeof(float));
	float* x = gpu_malloc(sizeof(float));
	float* y = gpu_malloc(sizeof(float));
	float z;
	cudaEvent_t here;

	*locked = 3.f;

	GPU_CHECK(cudaEventCreateWithFlags(&here, cudaEventDisableTiming));
	GPU_CHECK(cudaMemcpyAsync(x, locked, sizeof(float), cudaMemcpyHostToDevice, gpu_copy_stream()));
	GPU_CHECK(cudaEventRecord(here, gpu_copy_stream()));

	if (wait)
		GPU_CHECK(cudaStreamWaitEvent(gpu_stream(), here, 0));

	gpu_copy(y, x, sizeof(float));
	gpu_download(&z, y, sizeof(float));
	gpu_sync();

	GPU_CHECK(cudaEventDestroy(here));
	gpu_free(x);
	gpu_free(y);
	gpu_free_host(locked);

	return 3.f == z;
}


Test(emulator, streams_that_do_not_wait_see_old_data)
{
	cr_assert(!upload_seen(false));
	cr_assert(upload_seen(true));
}


// a copy to memory that is still being read, without waiting: in how many of n trials is it seen?
static int overwritten(int n, bool wait)
{
	float* locked = gpu_malloc_host(sizeof(float));
	float* x = gpu_malloc(sizeof(float));
	float* y = gpu_malloc(sizeof(float));
	cudaEvent_t used;
	int seen = 0;

	*locked = 5.f;

	GPU_CHECK(cudaEventCreateWithFlags(&used, cudaEventDisableTiming));

	for (int i = 0; i < n; i++) {

		float z;

		gpu_clear(x, sizeof(float));
		gpu_sync();

		gpu_copy(y, x, sizeof(float));
		GPU_CHECK(cudaEventRecord(used, gpu_stream()));

		if (wait)
			GPU_CHECK(cudaStreamWaitEvent(gpu_copy_stream(), used, 0));

		GPU_CHECK(cudaMemcpyAsync(x, locked, sizeof(float), cudaMemcpyHostToDevice, gpu_copy_stream()));

		gpu_download(&z, y, sizeof(float));
		gpu_sync();
		GPU_CHECK(cudaStreamSynchronize(gpu_copy_stream()));

		seen += (5.f == z);
	}

	GPU_CHECK(cudaEventDestroy(used));
	gpu_free(x);
	gpu_free(y);
	gpu_free_host(locked);

	return seen;
}


Test(emulator, copies_may_come_too_early)
{
	setenv("GLEAM_EMULATED", "random", 1);

	cr_assert(0 < overwritten(20, false));
	cr_assert(0 == overwritten(20, true));
}


Test(emulator, no_more_is_run_than_is_waited_for)
{
	float* x = gpu_malloc(sizeof(float));
	cudaEvent_t first;

	GPU_CHECK(cudaEventCreateWithFlags(&first, 0));

	gpu_clear(x, sizeof(float));
	GPU_CHECK(cudaEventRecord(first, gpu_stream()));
	gpu_clear(x, sizeof(float));
	GPU_CHECK(cudaMemsetAsync(x, 0, 1, gpu_copy_stream()));

	cr_assert(4 == emulated_waiting());
	GPU_CHECK(cudaEventSynchronize(first));
	cr_assert(2 == emulated_waiting());
	gpu_sync();
	cr_assert(1 == emulated_waiting());

	// memory that is in use is not freed
	gpu_free(x);
	cr_assert(0 == emulated_waiting());
	cr_assert(2 == emulated_counts().synchronisations);

	GPU_CHECK(cudaEventDestroy(first));
}

#endif		// GLEAM_EMULATE
