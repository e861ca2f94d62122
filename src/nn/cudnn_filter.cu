/*
 * The layout of weights, and sums over all pixels.
 */

#include "gpu/bf16.h"
#include "gpu/gpu.h"
#include "gpu/launch.h"
#include "gpu/sum.h"

#include "nn/tensor.h"

#include "nn/cudnn_grid.h"
#include "nn/cudnn_kernels.h"


// --- weights


static long packed_size(const struct nn_filter_s* f)
{
	return (long)f->out_padded * f->in_padded * f->taps;
}


template <typename T>
static inline __device__ T packed_weight(const nn_filter_s& f, bool turned, long i, const float* src)
{
	int columns = turned ? f.out_padded : f.in_padded;

	int column = (int)(i % columns);
	int tap = (int)(i / columns % f.taps);
	int row = (int)(i / columns / f.taps);

	int o = turned ? column : row;
	int c = turned ? row : column;
	int t = turned ? (f.taps - 1 - tap) : tap;

	bool inside = (o < f.out) && (c < f.in);

	return from_float<T>(inside ? src[((long)o * f.in + c) * f.taps + t] : 0.f);
}


// the bias, if there is one, comes behind the weights
template <typename T>
static __global__ void pack_kernel(long N, long M, nn_filter_s f, bool turned, T* dst, const float* src, T* padded_bias, const float* bias)
{
	for (long i = (long)blockIdx.x * blockDim.x + threadIdx.x; i < N + M; i += (long)gridDim.x * blockDim.x) {

		if (i < N)
			dst[i] = packed_weight<T>(f, turned, i, src);
		else
			padded_bias[i - N] = from_float<T>(((NULL != bias) && (i - N < f.out)) ? bias[i - N] : 0.f);
	}
}


template <typename T>
static void pack(const struct nn_filter_s* filter, bool turned, void* dst, const float* src, void* padded_bias, const float* bias)
{
	long N = packed_size(filter);
	long M = (NULL == padded_bias) ? 0 : filter->out_padded;

	GPU_LAUNCH(pack_kernel<T>, gpu_blocks(N + M, THREADS), THREADS, gpu_stream(),
			N, M, *filter, turned, (T*)dst, src, (T*)padded_bias, bias);
}


void nn_filter_pack(const struct nn_filter_s* filter, bool turned, void* dst, const float* src, void* padded_bias, const float* bias)
{
	FOR_TYPE(filter->type, pack, filter, turned, dst, src, padded_bias, bias);
}


template <typename T>
static __global__ void add_kernel(long N, nn_filter_s f, float* dst, const T* src)
{
	for (long i = (long)blockIdx.x * blockDim.x + threadIdx.x; i < N; i += (long)gridDim.x * blockDim.x) {

		long tap = i % f.taps;
		long c = i / f.taps % f.in;
		long o = i / f.taps / f.in;

		dst[i] += to_float(src[(o * f.taps + tap) * f.in_padded + c]);
	}
}


template <typename T>
static void filter_add(const struct nn_filter_s* filter, float* dst, const void* src)
{
	long N = (long)filter->out * filter->in * filter->taps;

	GPU_LAUNCH(add_kernel<T>, gpu_blocks(N, THREADS), THREADS, gpu_stream(), N, *filter, dst, (const T*)src);
}


void nn_filter_add(const struct nn_filter_s* filter, float* dst, const void* src)
{
	FOR_TYPE(filter->type, filter_add, filter, dst, src);
}


/* --- sums over all pixels, in two stages: first of parts of the pixels, then of the
 * parts. Their number does not depend on the device, so that the bits do not.
 */

#define PARTS 1024


template <typename T>
static __global__ void sum_parts_kernel(long pixels, int channels, float* sums, const T* src)
{
	for (int i = (int)(blockIdx.x * blockDim.x + threadIdx.x); i < PARTS * channels; i += (int)(gridDim.x * blockDim.x)) {

		int c = i % channels;
		int part = i / channels;

		float sum = 0.f;

		for (long p = part * pixels / PARTS; p < (part + 1) * pixels / PARTS; p++)
			sum += to_float(src[p * channels + c]);

		sums[i] = sum;
	}
}


// a block for each channel
static __global__ void add_parts_kernel(int channels, float* dst, const float* sums)
{
	__shared__ double buf[SUM_THREADS];
	double sum = 0.;

	for (int p = (int)threadIdx.x; p < PARTS; p += SUM_THREADS)
		sum += (double)sums[p * channels + (int)blockIdx.x];

	sum = block_sum(sum, buf);

	if (0 == threadIdx.x)
		dst[blockIdx.x] += (float)sum;
}


size_t nn_array_sums(const struct nn_array_s* array)
{
	return (size_t)PARTS * (size_t)array->channels;
}


template <typename T>
static void sum_parts(const struct nn_array_s* array, float* sums, const void* src)
{
	struct grid_s g = grid_of(array);
	long pixels = g.planes * (g.plane / g.units);

	GPU_LAUNCH(sum_parts_kernel<T>, gpu_blocks((long)PARTS * array->channels, THREADS), THREADS, gpu_stream(),
			pixels, array->channels, sums, (const T*)src);
}


void nn_array_sum(const struct nn_array_s* array, int channels, float* dst, const void* src, float* sums)
{
	FOR_TYPE(array->type, sum_parts, array, sums, src);

	GPU_LAUNCH_SYNC(add_parts_kernel, channels, SUM_THREADS, gpu_stream(), array->channels, dst, sums);
}
