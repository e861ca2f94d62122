/*
 * Loss and scaling on the GPU.
 */

#include <string.h>

#include "gpu/launch.h"

#include "gpu/sum.h"
#include "gleam/gpu_ops.h"

#define PARTIALS_MAX 1024

long gpu_loss_partials(long N)
{
	long blocks = (N + SUM_THREADS - 1) / SUM_THREADS;

	return (blocks < 1) ? 1 : ((blocks < PARTIALS_MAX) ? blocks : PARTIALS_MAX);
}


static __device__ inline float2 loss_gradient(float scale, float2 diff, double* sum)
{
	float abs = sqrtf(diff.x * diff.x + diff.y * diff.y);
	float a = (0.f < abs) ? (scale / abs) : 0.f;

	*sum += (double)abs;

	return (0.f < abs) ? make_float2(diff.x * a, diff.y * a) : make_float2(0.f, 0.f);
}


static __global__ void loss_l1(long N, float scale, float2* grad, const float2* x, const float2* ref, double* partial)
{
	__shared__ double buf[SUM_THREADS];
	double sum = 0.;

	for (long i = blockIdx.x * (long)SUM_THREADS + threadIdx.x; i < N; i += gridDim.x * (long)SUM_THREADS) {

		float2 a = x[i];
		float2 b = ref[i];

		grad[i] = loss_gradient(scale, make_float2(a.x - b.x, a.y - b.y), &sum);
	}

	sum = block_sum(sum, buf);

	if (0 == threadIdx.x)
		partial[blockIdx.x] = sum;
}


static __global__ void loss_total(long count, const double* partial, double* sum)
{
	__shared__ double buf[SUM_THREADS];

	double total = block_total(count, partial, buf);

	if (0 == threadIdx.x)
		*sum += total;
}


void gpu_loss_l1(long N, float scale, float2* grad, const float2* x, const float2* ref, double* sum, double* partial)
{
	long blocks = gpu_loss_partials(N);

	GPU_LAUNCH_SYNC(loss_l1, (unsigned int)blocks, SUM_THREADS, gpu_stream(), N, scale, grad, x, ref, partial);
	GPU_LAUNCH_SYNC(loss_total, 1, SUM_THREADS, gpu_stream(), blocks, partial, sum);
}


// at a pixel whose maps are stride elements apart
static __device__ inline float combined_gradient(float scale, long maps, long stride, float2* grad, const float2* x, float2 ref)
{
	float square = 0.f;

	for (long e = 0; e < maps; e++)
		square += x[e * stride].x * x[e * stride].x + x[e * stride].y * x[e * stride].y;

	float rss = sqrtf(square);
	float diff = rss - sqrtf(ref.x * ref.x + ref.y * ref.y);
	float a = (0.f < rss) ? (copysignf(scale, diff) / rss) : 0.f;

	// written so that what is not a number stays
	bool none = (0.f == a * diff);

	for (long e = 0; e < maps; e++)
		grad[e * stride] = none ? make_float2(0.f, 0.f) : make_float2(a * x[e * stride].x, a * x[e * stride].y);

	return fabsf(diff);
}


static __global__ void loss_combined(long frames, long maps, long pixels, float scale,
		float2* grad, const float2* x, const float2* ref, double* partial)
{
	__shared__ double buf[SUM_THREADS];
	double sum = 0.;

	for (long i = blockIdx.x * (long)SUM_THREADS + threadIdx.x; i < frames * pixels; i += gridDim.x * (long)SUM_THREADS) {

		long at = (i / pixels) * maps * pixels + i % pixels;

		sum += (double)combined_gradient(scale, maps, pixels, grad + at, x + at, ref[i]);
	}

	sum = block_sum(sum, buf);

	if (0 == threadIdx.x)
		partial[blockIdx.x] = sum;
}


void gpu_loss_combined(long frames, long maps, long pixels, float scale, float2* grad, const float2* x,
		const float2* ref, double* sum, double* partial)
{
	long blocks = gpu_loss_partials(frames * pixels);

	GPU_LAUNCH_SYNC(loss_combined, (unsigned int)blocks, SUM_THREADS, gpu_stream(), frames, maps, pixels, scale, grad, x, ref, partial);
	GPU_LAUNCH_SYNC(loss_total, 1, SUM_THREADS, gpu_stream(), blocks, partial, sum);
}


static __global__ void add_difference(long N, float2* x, const float2* a, const float2* b)
{
	for (long i = blockIdx.x * (long)blockDim.x + threadIdx.x; i < N; i += gridDim.x * (long)blockDim.x) {

		float2 s = make_float2(x[i].x + a[i].x, x[i].y + a[i].y);

		x[i] = make_float2(s.x - b[i].x, s.y - b[i].y);
	}
}


void gpu_add_difference(long N, float2* x, const float2* a, const float2* b)
{
	GPU_LAUNCH(add_difference, gpu_blocks(N, SUM_THREADS), SUM_THREADS, gpu_stream(), N, x, a, b);
}


static __global__ void energy(long N, const float2* a, const float2* b, double* partial)
{
	__shared__ double buf[SUM_THREADS];
	double sum = 0.;

	for (long i = blockIdx.x * (long)SUM_THREADS + threadIdx.x; i < N; i += gridDim.x * (long)SUM_THREADS) {

		double re = (double)a[i].x - ((NULL == b) ? 0. : (double)b[i].x);
		double im = (double)a[i].y - ((NULL == b) ? 0. : (double)b[i].y);

		sum += re * re + im * im;
	}

	sum = block_sum(sum, buf);

	if (0 == threadIdx.x)
		partial[blockIdx.x] = sum;
}


void gpu_energy(long N, const float2* a, const float2* b, double* sum, double* partial)
{
	long blocks = gpu_loss_partials(N);

	GPU_LAUNCH_SYNC(energy, (unsigned int)blocks, SUM_THREADS, gpu_stream(), N, a, b, partial);
	GPU_LAUNCH_SYNC(loss_total, 1, SUM_THREADS, gpu_stream(), blocks, partial, sum);
}


/* The magnitude as the bits of a float, which are ordered like it. The C library
 * computes cabsf in the same way: in double precision squares are exact, and it does
 * not matter whether one is added by a fused operation.
 */
static __device__ inline unsigned int magnitude_bits(float2 x)
{
	float abs = (float)sqrt((double)x.x * (double)x.x + (double)x.y * (double)x.y);
	unsigned int bits;

	memcpy(&bits, &abs, sizeof(bits));

	return bits;
}


static __device__ inline double magnitude(unsigned int bits)
{
	float abs;

	memcpy(&abs, &bits, sizeof(abs));

	return (double)abs;
}


#define RADIX_BITS 8
#define BINS (1 << RADIX_BITS)
#define COPIES 8	// of a histogram: many magnitudes have the same exponent, and threads would queue up
#define SELECT_THREADS 1024

// where an element of a given rank is, from its first digits on
struct select_s {

	unsigned int digits;
	unsigned int mask;
	unsigned int rank;	// among those that begin with these digits, from 0
	unsigned int count;	// of these
};


static __device__ inline void histogram_clear(unsigned int* hist)
{
	for (int i = (int)threadIdx.x; i < BINS * COPIES; i += SELECT_THREADS)
		hist[i] = 0;

	__syncthreads();
}


static __device__ inline void histogram_fill(unsigned int* hist, struct select_s sel, int shift, long N, const float2* x)
{
	for (long i = threadIdx.x; i < N; i += SELECT_THREADS) {

		unsigned int bits = magnitude_bits(x[i]);

		if ((bits & sel.mask) == sel.digits)
			atomicAdd(&hist[((bits >> shift) % BINS) * COPIES + threadIdx.x % COPIES], 1u);
	}

	__syncthreads();
}


static __device__ inline unsigned int histogram_bin(const unsigned int* hist, unsigned int bin)
{
	unsigned int count = 0;

	for (int i = 0; i < COPIES; i++)
		count += hist[bin * COPIES + i];

	return count;
}


// by one thread: the next digit of the element that is looked for
static __device__ inline struct select_s select_digit(const unsigned int* bins, struct select_s sel, int shift)
{
	unsigned int bin = 0;

	while ((BINS - 1 > bin) && (sel.rank >= bins[bin]))
		sel.rank -= bins[bin++];

	sel.digits |= bin << shift;
	sel.mask |= (BINS - 1u) << shift;
	sel.count = bins[bin];

	return sel;
}


// the smallest that is larger
static __device__ inline unsigned int bits_above(unsigned int bits, long N, const float2* x)
{
	unsigned int above = 0xffffffffu;

	for (long i = threadIdx.x; i < N; i += SELECT_THREADS) {

		unsigned int b = magnitude_bits(x[i]);

		if ((bits < b) && (b < above))
			above = b;
	}

	return above;
}


// not fused: a product that is rounded, as on the CPU
static __device__ inline float interpolate(unsigned int lower, unsigned int upper, double part)
{
	volatile double add = part * (magnitude(upper) - magnitude(lower));

	return (float)(magnitude(lower) + add);
}


/* The element of a rank by radix selection, digit by digit; one block for each
 * sample, which reads it five times.
 */
static __global__ void __launch_bounds__(SELECT_THREADS) percentile(long N, long stride, long below, double part, const float2* x0, float* scale)
{
	__shared__ unsigned int hist[BINS * COPIES];
	__shared__ unsigned int bins[BINS];
	__shared__ struct select_s sel;
	__shared__ unsigned int upper;

	const float2* x = x0 + blockIdx.x * stride;

	if (0 == threadIdx.x) {

		sel.digits = 0;
		sel.mask = 0;
		sel.rank = (unsigned int)below;
	}

	for (int shift = 32 - RADIX_BITS; 0 <= shift; shift -= RADIX_BITS) {

		histogram_clear(hist);
		histogram_fill(hist, sel, shift, N, x);

		if (threadIdx.x < BINS)
			bins[threadIdx.x] = histogram_bin(hist, threadIdx.x);

		__syncthreads();

		if (0 == threadIdx.x) {

			sel = select_digit(bins, sel, shift);
			upper = 0xffffffffu;
		}

		__syncthreads();
	}

	// the next rank, unless this is the last
	bool same = (sel.rank + 1 < sel.count) || (below == N - 1);

	if (!same)
		atomicMin(&upper, bits_above(sel.digits, N, x));

	__syncthreads();

	if (0 == threadIdx.x)
		scale[blockIdx.x] = interpolate(sel.digits, same ? sel.digits : upper, part);
}


void gpu_scaling(long samples, long N, long stride, const float2* x0, float* scale)
{
	if (1 > N) {

		gpu_clear(scale, (size_t)samples * sizeof(float));
		return;
	}

	double rank = 0.95 * (double)(N - 1);
	long below = (long)rank;

	GPU_LAUNCH_SYNC(percentile, (unsigned int)samples, SELECT_THREADS, gpu_stream(),
			N, stride, below, rank - (double)below, x0, scale);
}


static __global__ void unscale(long samples, long N, float2* dst, const float2* src, const float* scale)
{
	for (long i = blockIdx.x * (long)blockDim.x + threadIdx.x; i < samples * N; i += gridDim.x * (long)blockDim.x) {

		float a = scale[i / N];

		a = (0.f < a) ? (1.f / a) : 1.f;

		dst[i] = make_float2(a * src[i].x, a * src[i].y);
	}
}


void gpu_unscale(long samples, long N, float2* dst, const float2* src, const float* scale)
{
	GPU_LAUNCH(unscale, gpu_blocks(samples * N, SUM_THREADS), SUM_THREADS, gpu_stream(), samples, N, dst, src, scale);
}
