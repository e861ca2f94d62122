/*
 * What conv.c needs on a GPU: times by events, and the device's measured peak.
 * The peak of products is the fastest of cuBLAS's square matrix products in the
 * same precision, that of memory a copy within the device.
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#ifdef USE_CUDA
#include <cublas_v2.h>
#endif

#include "gpu/bf16.h"
#include "gpu/gpu.h"

#include "nn/backend.h"

enum { DEVICE_WARM_UP = 5, DEVICE_RUNS = 30 };


static int compare_float(const void* a, const void* b)
{
	float x = *(const float*)a;
	float y = *(const float*)b;

	return (x > y) - (x < y);
}


// the median over many runs, in seconds; run(data) only launches
static double device_seconds(void (*run)(void* data), void* data)
{
	cudaEvent_t marks[DEVICE_RUNS + 1];
	float ms[DEVICE_RUNS];

	for (int i = 0; i < DEVICE_WARM_UP; i++)
		run(data);

	gpu_sync();

	for (int i = 0; i <= DEVICE_RUNS; i++) {

		GPU_CHECK(cudaEventCreateWithFlags(&marks[i], cudaEventDefault));

		if (0 < i)
			run(data);

		GPU_CHECK(cudaEventRecord(marks[i], gpu_stream()));
	}

	gpu_sync();

	for (int i = 0; i < DEVICE_RUNS; i++)
		GPU_CHECK(cudaEventElapsedTime(&ms[i], marks[i], marks[i + 1]));

	for (int i = 0; i <= DEVICE_RUNS; i++)
		GPU_CHECK(cudaEventDestroy(marks[i]));

	qsort(ms, DEVICE_RUNS, sizeof(float), compare_float);

	return 1.e-3 * (double)ms[DEVICE_RUNS / 2];
}


struct copy_s { void* dst; void* src; size_t bytes; };

static void run_copy(void* data)
{
	struct copy_s* c = data;

	gpu_copy(c->dst, c->src, c->bytes);
}


// bytes per second, read and written
static double device_bandwidth(void)
{
	size_t bytes = 1UL << 30;
	struct copy_s c = { gpu_malloc(bytes), gpu_malloc(bytes), bytes };

	if ((NULL == c.dst) || (NULL == c.src))
		return NAN;

	gpu_clear(c.src, bytes);

	double rate = 2. * (double)bytes / device_seconds(run_copy, &c);

	gpu_free(c.dst);
	gpu_free(c.src);

	return rate;
}


#ifdef USE_CUDA

struct product_s {

	cublasHandle_t handle;
	enum nn_precision precision;
	int n;

	void* a;
	void* b;
	float* c;
};

static void run_product(void* data)
{
	const struct product_s* p = data;
	const float one = 1.f;
	const float zero = 0.f;

	cudaDataType_t type = (NN_BF16 == p->precision) ? CUDA_R_16BF : CUDA_R_32F;
	cublasComputeType_t compute = (NN_TF32 == p->precision) ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F;

	if (CUBLAS_STATUS_SUCCESS != cublasGemmEx(p->handle, CUBLAS_OP_T, CUBLAS_OP_N, p->n, p->n, p->n, &one,
				p->a, type, p->n, p->b, type, p->n, &zero, p->c, CUDA_R_32F, p->n, compute, CUBLAS_GEMM_DEFAULT)) {

		fprintf(stderr, "cublasGemmEx failed\n");
		exit(1);
	}
}


// random: on zeros the device is faster than on data
static void upload_random(void* dst, long N, enum nn_precision precision)
{
	float* host = malloc((size_t)N * sizeof(float));
	uint32_t state = 2463534242u;

	if (NULL == host)
		abort();

	for (long i = 0; i < N; i++) {

		state ^= state << 13;
		state ^= state >> 17;
		state ^= state << 5;

		float val = (float)((double)state / 2147483648. - 1.);

		if (NN_BF16 == precision)
			((bf16_t*)host)[i] = bf16_from_float(val);
		else
			host[i] = val;
	}

	gpu_upload(dst, host, (size_t)N * ((NN_BF16 == precision) ? sizeof(bf16_t) : sizeof(float)));
	gpu_sync();
	free(host);
}


static double product_rate(struct product_s* p)
{
	size_t bytes = (size_t)p->n * (size_t)p->n * sizeof(float);

	p->a = gpu_malloc(bytes);
	p->b = gpu_malloc(bytes);
	p->c = gpu_malloc(bytes);

	if ((NULL == p->a) || (NULL == p->b) || (NULL == p->c))
		return NAN;

	upload_random(p->a, (long)p->n * p->n, p->precision);
	upload_random(p->b, (long)p->n * p->n, p->precision);

	double rate = 2. * pow(p->n, 3.) / device_seconds(run_product, p);

	gpu_free(p->a);
	gpu_free(p->b);
	gpu_free(p->c);

	return rate;
}


// operations per second; prints what they are of
static double device_peak(enum nn_precision precision)
{
	static const int sizes[] = { 4096, 8192 };
	static const char* const names[] = { [NN_FP32] = "fp32", [NN_TF32] = "tf32", [NN_BF16] = "bf16" };
	struct product_s p = { .precision = precision };
	double best = 0.;
	int n = 0;

	if ((CUBLAS_STATUS_SUCCESS != cublasCreate(&p.handle)) || (CUBLAS_STATUS_SUCCESS != cublasSetStream(p.handle, gpu_stream())))
		return NAN;

	for (int i = 0; i < (int)(sizeof(sizes) / sizeof(sizes[0])); i++) {

		p.n = sizes[i];

		double rate = product_rate(&p);

		if (rate > best) {

			best = rate;
			n = p.n;
		}
	}

	cublasDestroy(p.handle);
	printf("peak, %s: %.1f TFLOP/s, cublasGemmEx of %d x %d random matrices, fp32 sums, median of %d\n",
			names[precision], 1.e-12 * best, n, n, DEVICE_RUNS);

	return best;
}

#else

static double device_peak(enum nn_precision precision)
{
	(void)precision;
	printf("peak: not measured, cuBLAS is not in this binary\n");

	return NAN;
}

#endif
