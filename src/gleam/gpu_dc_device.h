/*
 * The three passes over images of which data consistency is made, for .cu files:
 *
 *  - expand: from images to coil images;
 *  - combine: from coil images to images;
 *  - elementwise: from images to images.
 *
 * What they read and what is done with the result is a type of the caller: the
 * vector operations around the operator cost no pass of their own. Each sample has
 * a fixed number of blocks (slots), and each slot leaves one partial sum, so that
 * results do not depend on the device.
 */
#ifndef _GLEAM_GPU_DC_DEVICE_H
#define _GLEAM_GPU_DC_DEVICE_H

#include "gpu/launch.h"

#include "gpu/sum.h"
#include "gleam/gpu_dc_kernels.h"

#define MAPS_MAX 2	// worked on in one pass
#define COILS_MAX 4	// read before the first of them is written

// V pixels side by side, which are loaded and stored at once
template <int V>
struct alignas(8 * V) pixels_s { float v[2 * V]; };

template <int V>
struct alignas(4 * V) reals_s { float v[V]; };

template <int V>
static __device__ inline pixels_s<V> load(const float2* src)
{
	return *(const pixels_s<V>*)src;
}

static __device__ inline void store(float2* dst, const pixels_s<1>& x)
{
	*dst = make_float2(x.v[0], x.v[1]);
}

static __device__ inline void store(float2* dst, const pixels_s<2>& x)
{
	float4 y = make_float4(x.v[0], x.v[1], x.v[2], x.v[3]);

#ifdef __CUDA_ARCH__
	// nvcc would make two stores of an assignment
	__stcg((float4*)dst, y);
#else
	*(float4*)dst = y;
#endif
}

// d += a b
template <int V>
static __device__ inline void fmac(pixels_s<V>& d, const pixels_s<V>& a, const pixels_s<V>& b)
{
	for (int i = 0; i < 2 * V; i += 2) {

		d.v[i + 0] += a.v[i] * b.v[i] - a.v[i + 1] * b.v[i + 1];
		d.v[i + 1] += a.v[i] * b.v[i + 1] + a.v[i + 1] * b.v[i];
	}
}

// d += conj(a) b
template <int V>
static __device__ inline void fmacc(pixels_s<V>& d, const pixels_s<V>& a, const pixels_s<V>& b)
{
	for (int i = 0; i < 2 * V; i += 2) {

		d.v[i + 0] += a.v[i] * b.v[i] + a.v[i + 1] * b.v[i + 1];
		d.v[i + 1] += a.v[i] * b.v[i + 1] - a.v[i + 1] * b.v[i];
	}
}

// Re <a, b>
template <int V>
static __device__ inline double dot(const pixels_s<V>& a, const pixels_s<V>& b)
{
	double sum = 0.;

	for (int i = 0; i < 2 * V; i++)
		sum += (double)a.v[i] * (double)b.v[i];

	return sum;
}


static __device__ inline unsigned int sample_of_block(const struct gpu_dc_shape_s& d)
{
	return blockIdx.x / (unsigned int)d.slots;
}

static __device__ inline unsigned int slot_of_block(const struct gpu_dc_shape_s& d)
{
	return blockIdx.x % (unsigned int)d.slots;
}

static __device__ inline unsigned int first_item(const struct gpu_dc_shape_s& d)
{
	return slot_of_block(d) * SUM_THREADS + threadIdx.x;
}

static __device__ inline unsigned int next_item(const struct gpu_dc_shape_s& d)
{
	return (unsigned int)d.slots * SUM_THREADS;
}

// one thread of each sample
static __device__ inline bool speaks_for_sample(const struct gpu_dc_shape_s& d)
{
	return (0 == slot_of_block(d)) && (0 == threadIdx.x);
}

// V pixels of a frame
struct place_s {

	long frame;	// of all samples
	long pixel;
};

template <int V>
static __device__ inline struct place_s place_of(const struct gpu_dc_shape_s& d, unsigned int item)
{
	unsigned int row = (unsigned int)(d.pixels / V);
	unsigned int frame = item / row;

	return { sample_of_block(d) * d.frames + frame, (long)(item - frame * row) * V };
}


static __device__ inline long image_at(const struct gpu_dc_shape_s& d, struct place_s at, long map)
{
	return (at.frame * d.maps + map) * d.pixels + at.pixel;
}

static __device__ inline long coil_at(const struct gpu_dc_shape_s& d, struct place_s at)
{
	return at.frame * d.coils * d.pixels + at.pixel;
}

static __device__ inline long map_at(const struct gpu_dc_shape_s& d, struct place_s at, long map)
{
	return (d.map_frame[at.frame] * d.maps + map) * d.coils * d.pixels + at.pixel;
}


// of COILS_MAX coils
template <int V, int E>
static __device__ inline void expand_coils(const struct gpu_dc_shape_s& d, bool add, long first,
		float2* __restrict__ coils, const float2* __restrict__ maps, const pixels_s<V>* x)
{
	pixels_s<V> w[COILS_MAX] = { };
	pixels_s<V> s[COILS_MAX][E] = { };

	for (int i = 0; i < COILS_MAX; i++) {

		long c = first + i;

		if (c >= d.coils)
			break;

		if (add)
			w[i] = load<V>(coils + c * d.pixels);

		for (int e = 0; e < E; e++)
			s[i][e] = load<V>(maps + (e * d.coils + c) * d.pixels);
	}

	for (int i = 0; i < COILS_MAX; i++) {

		long c = first + i;

		if (c >= d.coils)
			break;

		for (int e = 0; e < E; e++)
			fmac(w[i], s[i][e], x[e]);

		store(coils + c * d.pixels, w[i]);
	}
}


/* Coil images of E maps, from the first on; those after MAPS_MAX are added.
 *
 * Source: WAITS if begin() waits for other threads of the block, and at() gives the image
 */
template <int V, int E, class Source>
static __global__ void expand(struct gpu_dc_shape_s d, long first, float2* __restrict__ coils, const float2* __restrict__ maps, Source source)
{
	__shared__ double buf[SUM_THREADS];

	source.begin(d, buf);

	for (unsigned int i = first_item(d); i < d.frames * (d.pixels / V); i += next_item(d)) {

		struct place_s at = place_of<V>(d, i);

		const float2* s = maps + map_at(d, at, first);
		float2* w = coils + coil_at(d, at);

		pixels_s<V> x[E];

		for (int e = 0; e < E; e++)
			x[e] = source.template at<V>(image_at(d, at, first + e));

		for (long c = 0; c < d.coils; c += COILS_MAX)
			expand_coils<V, E>(d, 0 < first, c, w, s, x);
	}
}


// partial sums of a sample: for each launch of combine one from each slot
static __host__ __device__ inline long partials_of(const struct gpu_dc_shape_s& d)
{
	return (d.maps + MAPS_MAX - 1) / MAPS_MAX * d.slots;
}

static __device__ inline double* partial_of_slot(const struct gpu_dc_shape_s& d, double* partial)
{
	return partial + sample_of_block(d) * partials_of(d) + slot_of_block(d);
}


/* Images of E maps.
 *
 * Follow: apply() takes them and returns what is to be added to partial if SUMS
 */
template <int V, int E, class Follow>
static __global__ void combine(struct gpu_dc_shape_s d, long first, const float2* __restrict__ coils, const float2* __restrict__ maps, Follow follow)
{
	__shared__ double buf[SUM_THREADS];
	double sum = 0.;

	follow.begin();

	for (unsigned int i = first_item(d); i < d.frames * (d.pixels / V); i += next_item(d)) {

		struct place_s at = place_of<V>(d, i);

		const float2* s = maps + map_at(d, at, first);
		const float2* w = coils + coil_at(d, at);

		pixels_s<V> y[E] = { };

		for (long c = 0; c < d.coils; c++) {

			pixels_s<V> wc = load<V>(w + c * d.pixels);

			for (int e = 0; e < E; e++)
				fmacc(y[e], load<V>(s + (e * d.coils + c) * d.pixels), wc);
		}

		for (int e = 0; e < E; e++)
			sum += follow.apply(image_at(d, at, first + e), y[e]);
	}

	if (!Follow::SUMS)
		return;

	sum = block_sum(sum, buf);

	if (0 == threadIdx.x)
		partial_of_slot(d, follow.partial)[first / MAPS_MAX * d.slots] = sum;
}


// Work: begin() waits for other threads of the block; apply() returns what is to be added to partial
template <int V, class Work>
static __global__ void elementwise(struct gpu_dc_shape_s d, Work work)
{
	__shared__ double buf[SUM_THREADS];
	double sum = 0.;

	work.begin(d, buf);

	long N = d.frames * d.maps * (d.pixels / V);

	for (unsigned int i = first_item(d); i < N; i += next_item(d))
		sum += work.template apply<V>((sample_of_block(d) * N + i) * V);

	sum = block_sum(sum, buf);

	double* partial = partial_of_slot(d, work.partial);

	if (0 == threadIdx.x)
		for (long i = 0; i < partials_of(d); i += d.slots)
			partial[i] = (0 == i) ? sum : 0.;
}


static inline unsigned int blocks_of(const struct gpu_dc_shape_s* d)
{
	return (unsigned int)(d->samples * d->slots);
}


template <int V, int E, class Source>
static void launch_expand(const struct gpu_dc_shape_s* d, long first, float2* coils, const float2* maps, Source source)
{
	if (Source::WAITS)
		GPU_LAUNCH_SYNC((expand<V, E, Source>), blocks_of(d), SUM_THREADS, gpu_stream(), *d, first, coils, maps, source);
	else
		GPU_LAUNCH((expand<V, E, Source>), blocks_of(d), SUM_THREADS, gpu_stream(), *d, first, coils, maps, source);
}


template <int V, int E, class Follow>
static void launch_combine(const struct gpu_dc_shape_s* d, long first, const float2* coils, const float2* maps, Follow follow)
{
	if (Follow::SUMS)
		GPU_LAUNCH_SYNC((combine<V, E, Follow>), blocks_of(d), SUM_THREADS, gpu_stream(), *d, first, coils, maps, follow);
	else
		GPU_LAUNCH((combine<V, E, Follow>), blocks_of(d), SUM_THREADS, gpu_stream(), *d, first, coils, maps, follow);
}


// one launch for each MAPS_MAX maps
template <class Source>
static void expand_maps(const struct gpu_dc_shape_s* d, float2* coils, const float2* maps, Source source)
{
	for (long e = 0; e < d->maps; e += MAPS_MAX) {

		bool two = (e + 1 < d->maps);

		if (2 == d->width)
			(two ? launch_expand<2, 2, Source> : launch_expand<2, 1, Source>)(d, e, coils, maps, source);
		else
			(two ? launch_expand<1, 2, Source> : launch_expand<1, 1, Source>)(d, e, coils, maps, source);
	}
}


template <class Follow>
static void combine_maps(const struct gpu_dc_shape_s* d, const float2* coils, const float2* maps, Follow follow)
{
	for (long e = 0; e < d->maps; e += MAPS_MAX) {

		bool two = (e + 1 < d->maps);

		if (2 == d->width)
			(two ? launch_combine<2, 2, Follow> : launch_combine<2, 1, Follow>)(d, e, coils, maps, follow);
		else
			(two ? launch_combine<1, 2, Follow> : launch_combine<1, 1, Follow>)(d, e, coils, maps, follow);
	}
}


template <class Work>
static void each_element(const struct gpu_dc_shape_s* d, Work work)
{
	if (2 == d->width)
		GPU_LAUNCH_SYNC((elementwise<2, Work>), blocks_of(d), SUM_THREADS, gpu_stream(), *d, work);
	else
		GPU_LAUNCH_SYNC((elementwise<1, Work>), blocks_of(d), SUM_THREADS, gpu_stream(), *d, work);
}

#endif		// _GLEAM_GPU_DC_DEVICE_H
