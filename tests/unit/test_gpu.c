/*
 * The GPU's memory, copies, streams and graphs: on a device, or on the emulated one.
 */

#include "gpu_test.h"

#ifndef GLEAM_GPU

Test(gpu, none) { GPU_SKIP("gpu::*"); }

#else

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cufft.h>

#include "caught.h"
#include "gpu_kernels.h"


static float value(long i)
{
	return sinf((float)i);
}


static float* ramp(long N)
{
	float* x = malloc((size_t)N * sizeof(float));

	for (long i = 0; i < N; i++)
		x[i] = value(i);

	return x;
}


Test(gpu, describes_itself)
{
	NEED_GPU("gpu::describes_itself");

	gpu_init();
	gpu_init();

	cr_assert(NULL != strstr(gpu_describe(), "compute capability"), "%s", gpu_describe());
	cr_assert(NULL != strstr(gpu_describe(), "GiB"), "%s", gpu_describe());
	cr_assert(0 < gpu_multiprocessors());
	cr_assert(NULL != gpu_stream());
	cr_assert(NULL != gpu_copy_stream());
	cr_assert(gpu_stream() != gpu_copy_stream());
	cr_assert(gpu_stream() == gpu_stream());
}


// --- memory

Test(gpu, memory_is_aligned_and_counted)
{
	NEED_GPU("gpu::memory_is_aligned_and_counted");

	size_t bytes[5] = { 1, 3, 256, 100000, 1 << 20 };
	size_t all = 0;
	void* ptr[5];

	for (int i = 0; i < 5; i++) {

		ptr[i] = gpu_malloc(bytes[i]);
		all += bytes[i];

		cr_assert(NULL != ptr[i]);
		cr_expect(0 == (uintptr_t)ptr[i] % 256);
		cr_expect(all == gpu_memory().taken);
	}

	for (int i = 0; i < 5; i++) {

		gpu_free(ptr[i]);
		all -= bytes[i];

		cr_expect(all == gpu_memory().taken);
	}

	gpu_free(NULL);

	struct gpu_memory_s m = gpu_memory();

	cr_expect(0 == m.taken);
	cr_expect((1 << 20) + 100000 + 256 + 3 + 1 == m.peak);
	cr_expect((0 < m.free) && (m.free <= m.total));
}


Test(gpu, no_memory_is_told_and_leaves_the_device_usable)
{
	NEED_GPU("gpu::no_memory_is_told_and_leaves_the_device_usable");

	struct gpu_memory_s m = gpu_memory();

	cr_assert(NULL == gpu_malloc(m.total + 1));
	cr_assert(NULL == gpu_malloc(SIZE_MAX / 2));
	cr_expect(m.taken == gpu_memory().taken);
	cr_expect(m.peak == gpu_memory().peak);

	// a launch asks for the last error: it must not be the one above
	float one = 1.f;
	float* x = gpu_malloc(sizeof(float));

	gpu_upload(x, &one, sizeof(one));
	test_axpy(gpu_stream(), 1, x, 2.f, x);
	gpu_download(&one, x, sizeof(one));
	gpu_sync();

	cr_assert(3.f == one);

	gpu_free(x);
}


static void free_twice(const void* arg)
{
	(void)arg;

	void* ptr = gpu_malloc(1);

	gpu_free(ptr);
	gpu_free(ptr);
}


Test(gpu, wrong_calls_are_told)
{
	NEED_GPU_IN_CHILD("gpu::wrong_calls_are_told");

	assert_error(free_twice, NULL, "is not from gpu_malloc");
}


static void bad_copy(const void* arg)
{
	(void)arg;

	int x = 0;

	gpu_copy(&x, NULL, sizeof(x));
	gpu_sync();
}


static void bad_launch(const void* arg)
{
	(void)arg;

	test_too_many(gpu_stream());
}


Test(gpu, errors_name_the_call_and_the_place)
{
	NEED_GPU_IN_CHILD("gpu::errors_name_the_call_and_the_place");

	assert_error(bad_copy, NULL, "cudaMemcpyAsync", "failed", "gpu.c:");
	assert_error(bad_launch, NULL, "cudaGetLastError", "gpu_kernels.cu");
}


// --- copies

Test(gpu, copies_there_and_back)
{
	NEED_GPU("gpu::copies_there_and_back");

	long N = 12345;
	size_t bytes = (size_t)N * sizeof(float);
	float* x = ramp(N);
	float* y = malloc(bytes);
	float* locked = gpu_malloc_host(bytes);
	float* a = gpu_malloc(bytes);
	float* b = gpu_malloc(bytes);

	gpu_upload(a, x, bytes);

	// ordinary memory may be used again at once
	memset(x, 0, bytes);

	gpu_copy(b, a, bytes);
	gpu_clear(a + 10, bytes - 20 * sizeof(float));
	gpu_download(y, b, bytes);
	gpu_download(locked, a, bytes);
	gpu_sync();

	for (long i = 0; i < N; i++) {

		cr_assert(value(i) == y[i]);
		cr_assert(((10 <= i) && (i < N - 10) ? 0.f : value(i)) == locked[i]);
	}

	gpu_upload(a, locked, 0);
	gpu_sync();

	gpu_free(a);
	gpu_free(b);
	gpu_free_host(locked);
	free(x);
	free(y);
}


// --- kernels

Test(gpu, kernels_compute)
{
	NEED_GPU("gpu::kernels_compute");

	long N = 100003;
	size_t bytes = (size_t)N * sizeof(float);
	float* x = ramp(N);
	float* y = malloc(bytes);
	float* a = gpu_malloc(bytes);
	float* b = gpu_malloc(bytes);
	float sum;

	gpu_upload(a, x, bytes);
	gpu_clear(b, bytes);
	test_axpy(gpu_stream(), N, b, 2.f, a);
	test_sum(gpu_stream(), N, a, b);
	gpu_download(y, b, bytes);
	gpu_download(&sum, a, sizeof(sum));
	gpu_sync();

	double expected = 0.;

	for (long i = 0; i < N; i++) {

		cr_assert(2.f * value(i) == y[i]);
		expected += (double)y[i];
	}

	// 400 terms in each thread, of size 2
	cr_assert(fabs(expected - (double)sum) < 400. * 256. * 2. * 6.e-8, "%f %f", expected, (double)sum);

	gpu_free(a);
	gpu_free(b);
	free(x);
	free(y);
}


Test(gpu, blocks_and_threads_are_where_cuda_has_them)
{
	NEED_GPU("gpu::blocks_and_threads_are_where_cuda_has_them");

	enum { X = 19, Y = 11 };
	float y[Y][X];
	float* a = gpu_malloc(sizeof(y));

	test_index(gpu_stream(), X, Y, a);
	gpu_download(y, a, sizeof(y));
	gpu_sync();

	for (int j = 0; j < Y; j++)
		for (int i = 0; i < X; i++)
			cr_assert((float)(i / 8) + 1000.f * (float)(j % 4) == y[j][i]);

	gpu_free(a);
}


// --- streams

// b += value + 0, 1, 2: the copy stream brings what the other one waits for
static void add_ramps(long N, float* locked, float* a, float* b, cudaEvent_t here, cudaEvent_t used)
{
	for (int k = 0; k < 3; k++) {

		GPU_CHECK(cudaEventSynchronize(here));

		for (long i = 0; i < N; i++)
			locked[i] = value(i) + (float)k;

		GPU_CHECK(cudaStreamWaitEvent(gpu_copy_stream(), used, 0));
		GPU_CHECK(cudaMemcpyAsync(a, locked, (size_t)N * sizeof(float), cudaMemcpyHostToDevice, gpu_copy_stream()));
		GPU_CHECK(cudaEventRecord(here, gpu_copy_stream()));

		GPU_CHECK(cudaStreamWaitEvent(gpu_stream(), here, 0));
		test_axpy(gpu_stream(), N, b, 1.f, a);
		GPU_CHECK(cudaEventRecord(used, gpu_stream()));
	}
}


Test(gpu, streams_wait_for_events)
{
	NEED_GPU("gpu::streams_wait_for_events");

	long N = 1000;
	size_t bytes = (size_t)N * sizeof(float);
	float* locked = gpu_malloc_host(bytes);
	float* a = gpu_malloc(bytes);
	float* b = gpu_malloc(bytes);
	cudaEvent_t here;
	cudaEvent_t used;

	GPU_CHECK(cudaEventCreateWithFlags(&here, cudaEventDisableTiming));
	GPU_CHECK(cudaEventCreateWithFlags(&used, cudaEventDisableTiming));

	gpu_clear(b, bytes);
	add_ramps(N, locked, a, b, here, used);

	float y[N];

	gpu_download(y, b, bytes);
	gpu_sync();

	for (long i = 0; i < N; i++)
		cr_assert(value(i) + (value(i) + 1.f) + (value(i) + 2.f) == y[i]);

	GPU_CHECK(cudaEventDestroy(here));
	GPU_CHECK(cudaEventDestroy(used));
	gpu_free(a);
	gpu_free(b);
	gpu_free_host(locked);
}


// --- graphs

// on the device, each element i is factor * i
static void expect_multiples(long N, const float* x, long factor)
{
	float y[N];

	gpu_download(y, x, (size_t)N * sizeof(float));
	gpu_sync();

	for (long i = 0; i < N; i++)
		cr_assert((float)(factor * i) == y[i]);
}


Test(gpu, graphs_do_again_what_was_recorded)
{
	NEED_GPU("gpu::graphs_do_again_what_was_recorded");

	long N = 1000;
	size_t bytes = (size_t)N * sizeof(float);
	float* locked = gpu_malloc_host(bytes);
	float* a = gpu_malloc(bytes);
	float* b = gpu_malloc(bytes);

	gpu_clear(b, bytes);
	gpu_sync();

	gpu_graph_begin();
	gpu_upload(a, locked, bytes);
	test_axpy(gpu_stream(), N, b, 1.f, a);
	struct gpu_graph_s* graph = gpu_graph_end();

	// recording is not running
	expect_multiples(N, b, 0);

	for (int k = 0; k < 3; k++) {

		for (long i = 0; i < N; i++)
			locked[i] = (float)(i * k);

		gpu_graph_launch(graph);
		gpu_sync();
	}

	expect_multiples(N, b, 3);

	gpu_graph_free(graph);
	gpu_graph_free(NULL);
	gpu_free(a);
	gpu_free(b);
	gpu_free_host(locked);
}


static void allocate_while_recording(const void* arg)
{
	(void)arg;

	gpu_graph_begin();
	(void)gpu_malloc(1);
}


static void wait_while_recording(const void* arg)
{
	(void)arg;

	gpu_graph_begin();
	gpu_sync();
}


Test(gpu, what_a_graph_cannot_record_is_an_error)
{
	NEED_GPU_IN_CHILD("gpu::what_a_graph_cannot_record_is_an_error");

	assert_error(allocate_while_recording, NULL, "failed");
	assert_error(wait_while_recording, NULL, "failed");
}


// --- cuFFT: three dimensions, strides, a batch, against the definition

enum { FX = 5, FY = 3, FZ = 2, BATCH = 3, STRIDE = 2, DIST = 2 * FX * FY * FZ + 7 };

static void direct_dft(double out[2], const float* in, int kx, int ky, int kz, double sign)
{
	out[0] = 0.;
	out[1] = 0.;

	for (int z = 0; z < FZ; z++)
		for (int y = 0; y < FY; y++)
			for (int x = 0; x < FX; x++) {

				const float* v = in + 2 * STRIDE * (x + FX * (y + FY * z));
				double phase = sign * 2. * M_PI * ((double)(kx * x) / FX + (double)(ky * y) / FY + (double)(kz * z) / FZ);

				out[0] += (double)v[0] * cos(phase) - (double)v[1] * sin(phase);
				out[1] += (double)v[0] * sin(phase) + (double)v[1] * cos(phase);
			}
}


static void check_dft(const float* in, const float* out, double sign)
{
	for (int b = 0; b < BATCH; b++)
		for (int z = 0; z < FZ; z++)
			for (int y = 0; y < FY; y++)
				for (int x = 0; x < FX; x++) {

					double expected[2];
					long pos = (long)b * DIST + STRIDE * (x + FX * (y + FY * z));

					direct_dft(expected, in + 2 * (long)b * DIST, x, y, z, sign);

					for (int i = 0; i < 2; i++)
						cr_assert(fabs(expected[i] - (double)out[2 * pos + i]) < 30. * 1.e-6);
				}
}


static void fft(cufftHandle plan, float* a, int direction, float* y, size_t bytes, const float* x)
{
	gpu_upload(a, x, bytes);
	cr_assert(CUFFT_SUCCESS == cufftExecC2C(plan, (cufftComplex*)a, (cufftComplex*)a, direction));
	gpu_download(y, a, bytes);
	gpu_sync();
}


Test(gpu, fft_is_the_definition)
{
	NEED_GPU("gpu::fft_is_the_definition");

	long N = 2L * DIST * BATCH;
	size_t bytes = (size_t)N * sizeof(float);
	float* x = ramp(N);
	float* y = malloc(bytes);
	float* a = gpu_malloc(bytes);

	int n[3] = { FZ, FY, FX };
	size_t area = 0;
	cufftHandle plan;

	cr_assert(CUFFT_SUCCESS == cufftCreate(&plan));
	cr_assert(CUFFT_SUCCESS == cufftSetAutoAllocation(plan, 0));
	cr_assert(CUFFT_SUCCESS == cufftMakePlanMany(plan, 3, n, n, STRIDE, DIST, n, STRIDE, DIST, CUFFT_C2C, BATCH, &area));

	void* work = gpu_malloc(area);

	cr_assert(CUFFT_SUCCESS == cufftSetWorkArea(plan, work));
	cr_assert(CUFFT_SUCCESS == cufftSetStream(plan, gpu_stream()));

	fft(plan, a, CUFFT_FORWARD, y, bytes, x);
	check_dft(x, y, -1.);

	fft(plan, a, CUFFT_INVERSE, y, bytes, x);
	check_dft(x, y, 1.);

	cr_assert(CUFFT_SUCCESS == cufftDestroy(plan));

	gpu_free(work);
	gpu_free(a);
	free(x);
	free(y);
}

#endif		// GLEAM_GPU
