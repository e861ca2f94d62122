/*
 * Conjugate gradients on the GPU, each sample with step sizes of its own. A sum
 * is finished by each block that needs it, from the partial sums that the kernel
 * before has left: a launch for it would take longer. What a kernel reads of the
 * scalars it does not write, so that blocks can run in any order.
 */

#include "gleam/gpu_dc_device.h"

namespace {

// p = r + beta p
struct direction_s {

	static const bool WAITS = true;

	bool first;
	const float2* r;
	float2* p;

	const double* partial_rr;
	const double* pq;
	const struct gpu_dc_cg_scalars_s* before;
	struct gpu_dc_cg_scalars_s* now;

	float beta;

	__device__ struct gpu_dc_cg_scalars_s advance(unsigned int s, double rr) const
	{
		if (first)
			return { rr, 1.e-20 * rr, (rr <= 1.e-20 * rr) ? 1. : 0. };

		bool stop = (0. != before[s].stop) || (0. == pq[s]) || (rr <= before[s].end);

		return { rr, before[s].end, stop ? 1. : 0. };
	}

	__device__ void begin(const struct gpu_dc_shape_s& d, double* buf)
	{
		unsigned int s = sample_of_block(d);

		struct gpu_dc_cg_scalars_s next = advance(s, block_total(partials_of(d), partial_rr + s * partials_of(d), buf));

		beta = (first || (0. != next.stop)) ? 0.f : (float)(next.rr / before[s].rr);

		if (speaks_for_sample(d))
			now[s] = next;
	}

	template <int V>
	__device__ pixels_s<V> at(long i) const
	{
		pixels_s<V> x = load<V>(r + i);

		if (!first) {

			pixels_s<V> old = load<V>(p + i);

			for (int j = 0; j < 2 * V; j++)
				x.v[j] += beta * old.v[j];
		}

		store(p + i, x);

		return x;
	}
};

}


void gpu_dc_cg_expand(const struct gpu_dc_shape_s* d, const struct gpu_dc_cg_s* cg, int iteration, float2* coils, const float2* maps)
{
	direction_s direction = { (0 == iteration), cg->r, cg->p, cg->partial_rr, cg->pq,
		cg->scalars[(iteration + 1) % 2], cg->scalars[iteration % 2], 0.f };

	expand_maps(d, coils, maps, direction);
}


namespace {

// q = y + mu p
struct product_s {

	static const bool SUMS = true;

	float2* q;
	const float2* p;
	const float* mu;
	double* partial;

	float a;

	__device__ void begin() { a = *mu; }

	template <int V>
	__device__ double apply(long i, const pixels_s<V>& y) const
	{
		pixels_s<V> out = y;
		pixels_s<V> in = load<V>(p + i);

		for (int j = 0; j < 2 * V; j++)
			out.v[j] += a * in.v[j];

		store(q + i, out);

		return dot(in, out);
	}
};

}


void gpu_dc_cg_combine(const struct gpu_dc_shape_s* d, const struct gpu_dc_cg_s* cg, const float* mu, const float2* maps, const float2* coils)
{
	combine_maps(d, coils, maps, product_s{ cg->q, cg->p, mu, cg->partial_pq, 0.f });
}


namespace {

// x += alpha p, r -= alpha q
struct update_s {

	float2* x;
	float2* r;
	const float2* p;
	const float2* q;

	const double* partial_pq;
	const struct gpu_dc_cg_scalars_s* now;
	double* pq;
	double* partial;

	float alpha;
	bool stop;

	__device__ void begin(const struct gpu_dc_shape_s& d, double* buf)
	{
		unsigned int s = sample_of_block(d);
		double sum = block_total(partials_of(d), partial_pq + s * partials_of(d), buf);

		stop = (0. != now[s].stop) || (0. == sum);
		alpha = stop ? 0.f : (float)(now[s].rr / sum);

		if (speaks_for_sample(d))
			pq[s] = sum;
	}

	template <int V>
	__device__ double apply(long i) const
	{
		pixels_s<V> res = load<V>(r + i);

		if (stop)
			return dot(res, res);

		pixels_s<V> out = load<V>(x + i);
		pixels_s<V> dir = load<V>(p + i);
		pixels_s<V> prod = load<V>(q + i);

		for (int j = 0; j < 2 * V; j++) {

			out.v[j] += alpha * dir.v[j];
			res.v[j] -= alpha * prod.v[j];
		}

		store(x + i, out);
		store(r + i, res);

		return dot(res, res);
	}
};

}


void gpu_dc_cg_update(const struct gpu_dc_shape_s* d, const struct gpu_dc_cg_s* cg, int iteration, float2* x)
{
	each_element(d, update_s{ x, cg->r, cg->p, cg->q, cg->partial_pq,
			cg->scalars[iteration % 2], cg->pq, cg->partial_rr, 0.f, false });
}


namespace {

// r = x0 - y + mu (z - u)
struct residual_s {

	static const bool SUMS = true;

	float2* r;
	const float2* x0;
	const float2* z;
	const float2* u;
	const float* mu;
	double* partial;

	float a;

	__device__ void begin() { a = *mu; }

	template <int V>
	__device__ double apply(long i, const pixels_s<V>& y) const
	{
		pixels_s<V> out = load<V>(x0 + i);
		pixels_s<V> plus = load<V>(z + i);
		pixels_s<V> minus = load<V>(u + i);

		for (int j = 0; j < 2 * V; j++)
			out.v[j] = (out.v[j] - y.v[j]) + a * (plus.v[j] - minus.v[j]);

		store(r + i, out);

		return dot(out, out);
	}
};

}


void gpu_dc_cg_residual(const struct gpu_dc_shape_s* d, const struct gpu_dc_cg_s* cg, const float* mu,
		const float2* maps, const float2* coils, const float2* x0, const float2* z, const float2* u)
{
	combine_maps(d, coils, maps, residual_s{ cg->r, x0, z, u, mu, cg->partial_rr, 0.f });
}


namespace {

// r = mu b, x = 0
struct from_zero_s {

	float2* r;
	float2* x;
	const float2* b;
	const float* mu;
	double* partial;

	float a;

	__device__ void begin(const struct gpu_dc_shape_s&, double*) { a = *mu; }

	template <int V>
	__device__ double apply(long i) const
	{
		pixels_s<V> out = load<V>(b + i);

		for (int j = 0; j < 2 * V; j++)
			out.v[j] *= a;

		store(r + i, out);
		store(x + i, pixels_s<V>{ });

		return dot(out, out);
	}
};

}


void gpu_dc_cg_from_zero(const struct gpu_dc_shape_s* d, const struct gpu_dc_cg_s* cg, const float* mu, float2* x, const float2* b)
{
	each_element(d, from_zero_s{ cg->r, x, b, mu, cg->partial_rr, 0.f });
}
