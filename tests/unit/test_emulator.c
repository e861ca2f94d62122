/*
 * The emulated device finds what it is there to find: what a GPU would forgive, or
 * punish later.
 */

#include <stdio.h>

#include <criterion/criterion.h>

#ifndef GLEAM_EMULATE

Test(emulator, none)
{
	fprintf(stderr, "SKIP emulator::*: this binary is not for the emulated device (make EMULATE=1)\n");
	cr_skip_test("not emulated");
}

#else

#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include <cufft.h>

#include "emulator/emulator.h"

#include "gpu/gpu.h"

#include "caught.h"
#include "gpu_kernels.h"

// the address sanitizer makes an exit of this signal
#ifdef __SANITIZE_ADDRESS__
#define STATUS(sig) ((SIGSEGV == (sig)) ? 1 : -(sig))
#else
#define STATUS(sig) (-(sig))
#endif

#define assert_ends(fun, arg, sig, msg) do {								\
													\
	struct caught_s _c = caught(fun, arg);								\
													\
	cr_expect(STATUS(sig) == _c.status, "status %d, text: %s", _c.status, _c.text);			\
	cr_expect(NULL != strstr(_c.text, msg), "'%s' is not in: %s", msg, _c.text);			\
} while (0)

#define assert_violation(fun, arg, msg) assert_ends(fun, arg, SIGABRT, msg)


// --- memory

static void read_device(const void* arg)
{
	(void)arg;

	volatile float* x = gpu_malloc(100 * sizeof(float));

	printf("%f\n", (double)x[10]);
}


static void write_device(const void* arg)
{
	(void)arg;

	memset(gpu_malloc(100), 0, 100);
}


static void read_freed(const void* arg)
{
	(void)arg;

	volatile float* x = gpu_malloc(100);

	gpu_free((void*)x);
	printf("%f\n", (double)x[0]);
}


Test(emulator, host_cannot_touch_device_memory)
{
	assert_ends(read_device, NULL, SIGSEGV, "the host touched device memory at byte 40 of an allocation of 400 bytes");
	assert_ends(write_device, NULL, SIGSEGV, "the host touched device memory");
	assert_ends(read_freed, NULL, SIGSEGV, "");
}


// arg: which element of 100
static void write_element(const void* arg)
{
	float* x = gpu_malloc(100 * sizeof(float));

	test_write(gpu_stream(), *(const long*)arg, x);
	gpu_sync();
	gpu_free(x);
}


Test(emulator, kernels_cannot_write_out_of_bounds)
{
	struct { long where; int signal; const char* text; } wrong[] = {

		{ 100, SIGABRT, "memory was written 1 bytes behind an allocation of 400 bytes" },
		{ -1, SIGABRT, "before an allocation of 400 bytes" },
		{ 127, SIGABRT, "behind an allocation of 400 bytes" },
		{ 128, SIGSEGV, "write touched device memory at byte 512 of an allocation of 400 bytes" },
		{ 2000, SIGSEGV, "write touched device memory" },
		{ -2000, SIGSEGV, "write touched device memory" },
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_ends(write_element, &wrong[i].where, wrong[i].signal, wrong[i].text);

	struct caught_s c = caught(write_element, &(long){ 99 });

	cr_expect(0 == c.status, "status %d, text: %s", c.status, c.text);
}


static void host_pointer_for_kernel(const void* arg)
{
	(void)arg;

	float x[256];

	test_sum(gpu_stream(), 256, x, x);
}


Test(emulator, kernels_are_given_device_memory)
{
	assert_violation(host_pointer_for_kernel, NULL, "sum<float> was given");
}


Test(emulator, new_memory_is_not_a_number)
{
	float y[100];
	float* x = gpu_malloc(sizeof(y));

	gpu_download(y, x, sizeof(y));
	gpu_sync();

	for (int i = 0; i < 100; i++)
		cr_assert(isnan(y[i]));

	gpu_free(x);
}


Test(emulator, memory_is_limited_and_counted)
{
	setenv("GLEAM_EMULATED_MEMORY", "2", 1);

	struct gpu_memory_s m = gpu_memory();

	cr_assert(2 << 20 == m.total);
	cr_assert(m.total == m.free);

	void* a = gpu_malloc(1 << 20);
	void* b = gpu_malloc(1 << 20);

	cr_assert((NULL != a) && (NULL != b));
	cr_expect(0 == gpu_memory().free);
	cr_expect(NULL == gpu_malloc(1));

	gpu_free(a);

	cr_expect(1 << 20 == gpu_memory().free);
	cr_expect(NULL == gpu_malloc((1 << 20) + 1));
	cr_expect(1 == emulated_live_allocations());
	cr_expect(1 << 20 == emulated_live_bytes());
	cr_expect(2 == emulated_counts().allocations);

	gpu_free(b);

	cr_expect(0 == emulated_live_allocations());
}


Test(emulator, there_may_be_no_device)
{
	setenv("GLEAM_EMULATED_DEVICES", "0", 1);

	cr_assert(NULL != gpu_missing());
	cr_assert(NULL != strstr(gpu_missing(), "NoDevice"), "%s", gpu_missing());
}


// --- threads

Test(emulator, races_show)
{
	float y[256];
	float* x = gpu_malloc(sizeof(y));
	int right = 0;

	test_race(gpu_stream(), x);
	gpu_download(y, x, sizeof(y));
	gpu_sync();

	for (int i = 0; i < 256; i++)
		right += ((float)((i + 1) % 256) == y[i]);

	cr_assert(right < 256);

	gpu_free(x);
}


Test(emulator, shared_memory_has_no_value)
{
	float y[256];
	float* x = gpu_malloc(sizeof(y));

	test_unset(gpu_stream(), x);
	gpu_download(y, x, sizeof(y));
	gpu_sync();

	for (int i = 0; i < 256; i++)
		cr_assert(isnan(y[i]));

	gpu_free(x);
}


static void diverge(const void* arg)
{
	(void)arg;

	test_diverge(gpu_stream());
	gpu_sync();
}


Test(emulator, barriers_are_for_all_threads)
{
	assert_violation(diverge, NULL, "while another has finished");
}


// --- graphs

static void pageable_copy_while_recording(const void* arg)
{
	(void)arg;

	int x = 0;
	int* a = gpu_malloc(sizeof(x));

	gpu_graph_begin();
	gpu_download(&x, a, sizeof(x));
}


static void default_stream(const void* arg)
{
	(void)arg;

	GPU_CHECK(cudaMemsetAsync(gpu_malloc(1), 0, 1, NULL));
}


Test(emulator, recording_is_strict)
{
	assert_error(pageable_copy_while_recording, NULL, "cudaErrorStreamCaptureUnsupported");
	assert_violation(default_stream, NULL, "default stream");
}


// --- cuFFT

static cufftHandle small_plan(size_t* area)
{
	cufftHandle plan;
	int n[1] = { 8 };

	cufftCreate(&plan);
	cufftSetAutoAllocation(plan, 0);
	cr_assert(CUFFT_SUCCESS == cufftMakePlanMany(plan, 1, n, n, 1, 8, n, 1, 8, CUFFT_C2C, 1, area));
	cufftSetStream(plan, gpu_stream());

	return plan;
}


// arg: bytes of work area
static void fft_with_area(const void* arg)
{
	size_t area;
	cufftHandle plan = small_plan(&area);
	cufftComplex* x = gpu_malloc(8 * sizeof(cufftComplex));

	if (0 < *(const long*)arg)
		cufftSetWorkArea(plan, gpu_malloc((size_t)*(const long*)arg));

	cufftExecC2C(plan, x, x, CUFFT_FORWARD);
	gpu_sync();
}


Test(emulator, transforms_need_their_work_area)
{
	size_t area;

	cufftDestroy(small_plan(&area));

	cr_assert(0 < area);

	long none = 0;
	long few = (long)area - 1;
	long enough = (long)area;

	assert_violation(fft_with_area, &none, "work area");
	assert_violation(fft_with_area, &few, "work area");
	cr_assert(0 == caught(fft_with_area, &enough).status);
}

#endif		// GLEAM_EMULATE
