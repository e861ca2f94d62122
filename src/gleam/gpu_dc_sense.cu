/*
 * The forward model on the GPU and the steps of PGD, without the transforms.
 */

#include "gleam/gpu_dc_device.h"
#include "gleam/gpu_dc_position.h"

// enough blocks for a GPU, few enough for each of them to sum over all
#define SLOTS_MAX 1024

void gpu_dc_set_launches(struct gpu_dc_shape_s* d)
{
	// two pixels can be loaded at once if all images are aligned for it
	d->width = (0 == d->pixels % 2) ? 2 : 1;

	long items = d->frames * (d->pixels / d->width);
	long blocks = (items + SUM_THREADS - 1) / SUM_THREADS;

	d->slots = (blocks < SLOTS_MAX) ? blocks : SLOTS_MAX;
}


long gpu_dc_partials(const struct gpu_dc_shape_s* d)
{
	return partials_of(*d);
}


static __global__ void modulate_maps(struct gpu_dc_shape_s d, float scale, float2* dst, const float2* src)
{
	long N = d.map_frames * d.maps * d.coils * d.pixels;

	for (long i = blockIdx.x * (long)blockDim.x + threadIdx.x; i < N; i += gridDim.x * (long)blockDim.x) {

		float2 m = modulation(d, position(d, i % d.pixels));

		dst[i] = product(make_float2(scale * m.x, scale * m.y), src[i]);
	}
}


void gpu_dc_modulate_maps(const struct gpu_dc_shape_s* d, float2* dst, const float2* src)
{
	long N = d->map_frames * d->maps * d->coils * d->pixels;
	float scale = (float)(1. / sqrt((double)d->pixels));

	GPU_LAUNCH(modulate_maps, gpu_blocks(N, SUM_THREADS), SUM_THREADS, gpu_stream(), *d, scale, dst, src);
}


static __global__ void pattern_weights(struct gpu_dc_shape_s d, float* weights, const float2* pattern)
{
	long N = d.pat_frames * d.pixels;

	for (long i = blockIdx.x * (long)blockDim.x + threadIdx.x; i < N; i += gridDim.x * (long)blockDim.x) {

		float2 p = pattern_at(d, pattern, i / d.pixels, position(d, i % d.pixels));

		weights[i] = p.x * p.x + p.y * p.y;
	}
}


void gpu_dc_pattern_weights(const struct gpu_dc_shape_s* d, float* weights, const float2* pattern)
{
	GPU_LAUNCH(pattern_weights, gpu_blocks(d->pat_frames * d->pixels, SUM_THREADS), SUM_THREADS, gpu_stream(), *d, weights, pattern);
}


static __global__ void apply_pattern(struct gpu_dc_shape_s d, float2* ksp, const float2* pattern, bool conj)
{
	for (unsigned int i = first_item(d); i < d.frames * d.pixels; i += next_item(d)) {

		struct place_s at = place_of<1>(d, i);
		struct position_s pos = position(d, at.pixel);

		float2* y = ksp + coil_at(d, at);
		float2 p = product(pattern_at(d, pattern, d.pat_frame[at.frame], pos), modulation(d, pos));

		if (conj)
			p.y = -p.y;

		for (long c = 0; c < d.coils; c++)
			y[c * d.pixels] = product(p, y[c * d.pixels]);
	}
}


void gpu_dc_apply_pattern(const struct gpu_dc_shape_s* d, float2* ksp, const float2* pattern, bool conj)
{
	GPU_LAUNCH(apply_pattern, blocks_of(d), SUM_THREADS, gpu_stream(), *d, ksp, pattern, conj);
}


template <int V>
static __device__ inline void weight_coils(const struct gpu_dc_shape_s& d, bool zeros, long first, float2* coils, const reals_s<V>& a)
{
	pixels_s<V> w[COILS_MAX] = { };

	for (int i = 0; i < COILS_MAX; i++)
		if (!zeros && (first + i < d.coils))
			w[i] = load<V>(coils + (first + i) * d.pixels);

	for (int i = 0; i < COILS_MAX; i++) {

		for (int j = 0; j < 2 * V; j++)
			w[i].v[j] *= a.v[j / 2];

		if (first + i < d.coils)
			store(coils + (first + i) * d.pixels, w[i]);
	}
}


/* Most weights are zero or one: then coil images are only written, or not touched
 * at all.
 */
template <int V>
static __global__ void weight(struct gpu_dc_shape_s d, float2* __restrict__ coils, const float* __restrict__ weights)
{
	for (unsigned int i = first_item(d); i < d.frames * (d.pixels / V); i += next_item(d)) {

		struct place_s at = place_of<V>(d, i);

		float2* w = coils + coil_at(d, at);
		reals_s<V> a = *(const reals_s<V>*)(weights + d.pat_frame[at.frame] * d.pixels + at.pixel);

		bool ones = true;
		bool zeros = true;

		for (int j = 0; j < V; j++) {

			ones = ones && (1.f == a.v[j]);
			zeros = zeros && (0.f == a.v[j]);
		}

		if (ones)
			continue;

		for (long c = 0; c < d.coils; c += COILS_MAX)
			weight_coils(d, zeros, c, w, a);
	}
}


void gpu_dc_weight(const struct gpu_dc_shape_s* d, float2* coils, const float* weights)
{
	if (2 == d->width)
		GPU_LAUNCH(weight<2>, blocks_of(d), SUM_THREADS, gpu_stream(), *d, coils, weights);
	else
		GPU_LAUNCH(weight<1>, blocks_of(d), SUM_THREADS, gpu_stream(), *d, coils, weights);
}


namespace {

struct plain_s {

	static const bool WAITS = false;

	const float2* x;

	__device__ void begin(const struct gpu_dc_shape_s&, double*) { }

	template <int V>
	__device__ pixels_s<V> at(long i) const { return load<V>(x + i); }
};

}


void gpu_dc_expand(const struct gpu_dc_shape_s* d, float2* coils, const float2* maps, const float2* x)
{
	expand_maps(d, coils, maps, plain_s{ x });
}


namespace {

struct store_s {

	static const bool SUMS = false;

	float2* dst;
	double* partial;

	__device__ void begin() { }

	template <int V>
	__device__ double apply(long i, const pixels_s<V>& y) const
	{
		store(dst + i, y);

		return 0.;
	}
};

}


void gpu_dc_combine(const struct gpu_dc_shape_s* d, float2* dst, const float2* maps, const float2* coils)
{
	combine_maps(d, coils, maps, store_s{ dst, NULL });
}


namespace {

struct step_s {

	static const bool SUMS = false;

	float2* v;
	const float2* x;
	const float2* x0;	// may be NULL
	const float* t;
	bool inverse;		// t is mu
	double* partial;

	float t2;

	__device__ void begin() { t2 = inverse ? (-1.f / *t) : (2.f * *t); }

	template <int V>
	__device__ double apply(long i, const pixels_s<V>& y) const
	{
		pixels_s<V> out = load<V>(x + i);
		pixels_s<V> sub = { };

		if (NULL != x0)
			sub = load<V>(x0 + i);

		for (int j = 0; j < 2 * V; j++)
			out.v[j] -= t2 * (y.v[j] - sub.v[j]);

		store(v + i, out);

		return 0.;
	}
};

}


void gpu_dc_combine_step(const struct gpu_dc_shape_s* d, float2* v, const float2* maps, const float2* coils,
		const float* t, const float2* x, const float2* x0)
{
	combine_maps(d, coils, maps, step_s{ v, x, x0, t, false, NULL, 0.f });
}


void gpu_dc_combine_inverse(const struct gpu_dc_shape_s* d, float2* z, const float2* maps, const float2* coils,
		const float* mu, const float2* u, const float2* x0)
{
	combine_maps(d, coils, maps, step_s{ z, u, x0, mu, true, NULL, 0.f });
}


// Re <a, b - c>
template <int V>
static __device__ inline double product_diff(const pixels_s<V>& a, const pixels_s<V>& b, const pixels_s<V>& c)
{
	double sum = 0.;

	for (int j = 0; j < 2 * V; j++)
		sum += (double)a.v[j] * ((double)b.v[j] - (double)c.v[j]);

	return sum;
}


namespace {

struct gradient_s {

	static const bool SUMS = true;

	const float2* dv;
	const float2* x0;
	double* partial;

	__device__ void begin() { }

	template <int V>
	__device__ double apply(long i, const pixels_s<V>& y) const
	{
		return product_diff(load<V>(dv + i), y, load<V>(x0 + i));
	}
};

}


void gpu_dc_combine_gradient(const struct gpu_dc_shape_s* d, double* partial, const float2* maps, const float2* coils,
		const float2* dv, const float2* x0)
{
	combine_maps(d, coils, maps, gradient_s{ dv, x0, partial });
}


namespace {

struct dot_diff_s {

	const float2* a;
	const float2* b;
	const float2* c;
	double* partial;

	__device__ void begin(const struct gpu_dc_shape_s&, double*) { }

	template <int V>
	__device__ double apply(long i) const
	{
		return product_diff(load<V>(a + i), load<V>(b + i), load<V>(c + i));
	}
};

}


void gpu_dc_dot_diff(const struct gpu_dc_shape_s* d, double* partial, const float2* a, const float2* b, const float2* c)
{
	each_element(d, dot_diff_s{ a, b, c, partial });
}


static __global__ void total(float* dst, double factor, const float* divisor, long count, const double* partial)
{
	__shared__ double buf[SUM_THREADS];

	double sum = factor * block_total(count, partial, buf);

	if (0 == threadIdx.x)
		*dst += (float)((NULL == divisor) ? sum : (sum / (double)*divisor));
}


void gpu_dc_total(const struct gpu_dc_shape_s* d, float* dst, double factor, const float* divisor, const double* partial)
{
	GPU_LAUNCH_SYNC(total, 1, SUM_THREADS, gpu_stream(), dst, factor, divisor, d->samples * partials_of(*d), partial);
}
