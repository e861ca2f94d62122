/*
 * cuDNN's operations by plain loops, with sums in double.
 */

#include <algorithm>
#include <cmath>
#include <cstring>

#include "gpu/bf16.h"

#include "cudnn_graph.h"

namespace emulated {

// a tensor's elements without gaps, the last dimension innermost
typedef std::vector<float> Dense;


static float round_to(cudnnDataType_t type, float x)
{
	return (CUDNN_DATA_BFLOAT16 == type) ? bf16_to_float(bf16_from_float(x)) : x;
}


// to the 10 bits of mantissa that tensor cores take of a float
static float round_tf32(float x)
{
	uint32_t bits;

	memcpy(&bits, &x, sizeof(bits));

	if (0x7f800000u > (bits & 0x7fffffffu))
		bits = (bits + 0xfffu + ((bits >> 13) & 1u)) & ~0x1fffu;

	memcpy(&x, &bits, sizeof(x));

	return x;
}


// calls f(index of the dense element, offset by strides)
template <typename F>
static void for_each(const std::vector<int64_t>& dims, const std::vector<int64_t>& strides, F f)
{
	std::vector<int64_t> pos(dims.size(), 0);
	int64_t offset = 0;
	int64_t index = 0;

	while (true) {

		f(index++, offset);

		size_t i = dims.size();

		while (0 < i--) {

			offset += strides[i];

			if (++pos[i] < dims[i])
				break;

			offset -= dims[i] * strides[i];
			pos[i] = 0;

			if (0 == i)
				return;
		}
	}
}


static Dense load(const tensor_s& t, const char* ptr)
{
	Dense d((size_t)t.size());
	bool half = (CUDNN_DATA_BFLOAT16 == t.type);

	for_each(t.dims, t.strides, [&](int64_t i, int64_t o) {

		d[(size_t)i] = half ? bf16_to_float(((const bf16_t*)ptr)[o]) : ((const float*)ptr)[o];
	});

	return d;
}


static void store(const tensor_s& t, char* ptr, const Dense& d)
{
	bool half = (CUDNN_DATA_BFLOAT16 == t.type);

	for_each(t.dims, t.strides, [&](int64_t i, int64_t o) {

		if (half)
			((bf16_t*)ptr)[o] = bf16_from_float(d[(size_t)i]);
		else
			((float*)ptr)[o] = d[(size_t)i];
	});
}


// --- convolutions; x: [N][C][pixels], w: [K][C][taps], y: [N][K][pixels]

struct geometry_s { int64_t N, C, K, X, Y, taps; };

static int64_t product(const std::vector<int64_t>& v, size_t from)
{
	int64_t p = 1;

	for (size_t i = from; i < v.size(); i++)
		p *= v[i];

	return p;
}


// [outer][channels][inner] -> [outer][inner][channels]
static std::vector<double> channels_last(const Dense& d, int64_t outer, int64_t channels, int64_t inner)
{
	std::vector<double> t(d.size());

	for (int64_t o = 0; o < outer; o++)
		for (int64_t c = 0; c < channels; c++)
			for (int64_t i = 0; i < inner; i++)
				t[(size_t)((o * inner + i) * channels + c)] = (double)d[(size_t)((o * channels + c) * inner + i)];

	return t;
}


/* Calls f(x's pixel, y's pixel, tap) for all that belong together: this is all that
 * the three convolutions differ from matrix products by.
 */
template <typename F>
static void for_each_tap(const convolution_s& c, const std::vector<int64_t>& x, const std::vector<int64_t>& w, const std::vector<int64_t>& y, F f)
{
	size_t n = (size_t)c.spatial;
	std::vector<int64_t> none(n, 0);
	std::vector<int64_t> yd(y.begin() + 2, y.end());
	std::vector<int64_t> wd(w.begin() + 2, w.end());

	for_each(yd, none, [&](int64_t yi, int64_t) {

		for_each(wd, none, [&](int64_t wi, int64_t) {

			int64_t xi = 0;
			int64_t stride = 1;
			int64_t yr = yi;
			int64_t wr = wi;

			for (size_t i = n; 0 < i--; ) {

				int64_t tap = wr % wd[i];
				int64_t pos = (yr % yd[i]) * c.strides[i] - c.pre[i]
					+ c.dilations[i] * (c.flipped ? wd[i] - 1 - tap : tap);

				if ((0 > pos) || (x[2 + i] <= pos))
					return;

				xi += pos * stride;
				stride *= x[2 + i];
				yr /= yd[i];
				wr /= wd[i];
			}

			f(xi, yi, wi);
		});
	});
}


// a[i] += sum_j b[i][j] v[j]; where transposed, b[j][i]
static void multiply_add(int64_t I, int64_t J, double* a, const double* b, const double* v)
{
	for (int64_t j = 0; j < J; j++)
		for (int64_t i = 0; i < I; i++)
			a[i] += b[j * I + i] * v[j];
}


static Dense from_channels_last(const std::vector<double>& t, int64_t outer, int64_t channels, int64_t inner)
{
	Dense d(t.size());

	for (int64_t o = 0; o < outer; o++)
		for (int64_t c = 0; c < channels; c++)
			for (int64_t i = 0; i < inner; i++)
				d[(size_t)((o * channels + c) * inner + i)] = (float)t[(size_t)((o * inner + i) * channels + c)];

	return d;
}


// w as [taps][J][I]: out of the filter [K][C][taps]
static std::vector<double> filter(const Dense& w, const geometry_s& g, bool forward)
{
	std::vector<double> t(w.size());

	for (int64_t k = 0; k < g.K; k++)
		for (int64_t c = 0; c < g.C; c++)
			for (int64_t r = 0; r < g.taps; r++)
				t[(size_t)(forward ? (r * g.C + c) * g.K + k : (r * g.K + k) * g.C + c)]
					= (double)w[(size_t)((k * g.C + c) * g.taps + r)];

	return t;
}


static Dense convolve(const operation_s& op, const Dense& a, const Dense& b)
{
	bool forward = (Kind::FORWARD == op.kind);
	bool gradient = (Kind::BACKWARD_FILTER == op.kind);

	const auto& x = (Kind::BACKWARD_DATA == op.kind) ? op.out.dims : op.in[0].dims;
	const auto& w = gradient ? op.out.dims : op.in[1].dims;
	const auto& y = forward ? op.out.dims : (gradient ? op.in[1].dims : op.in[0].dims);

	geometry_s g = { x[0], x[1], w[0], product(x, 2), product(y, 2), product(w, 2) };

	auto va = forward || gradient ? channels_last(a, g.N, g.C, g.X) : channels_last(a, g.N, g.K, g.Y);
	auto vb = gradient ? channels_last(b, g.N, g.K, g.Y) : filter(b, g, forward);

	std::vector<double> out((size_t)op.out.size(), 0.);

	for (int64_t n = 0; n < g.N; n++)
		for_each_tap(op.conv, x, w, y, [&](int64_t xi, int64_t yi, int64_t r) {

			int64_t xo = (n * g.X + xi) * g.C;
			int64_t yo = (n * g.Y + yi) * g.K;

			if (forward)
				multiply_add(g.K, g.C, &out[(size_t)yo], &vb[(size_t)(r * g.C * g.K)], &va[(size_t)xo]);

			else if (!gradient)
				multiply_add(g.C, g.K, &out[(size_t)xo], &vb[(size_t)(r * g.C * g.K)], &va[(size_t)yo]);

			else
				for (int64_t k = 0; k < g.K; k++)
					multiply_add(g.C, 1, &out[(size_t)((k * g.taps + r) * g.C)], &va[(size_t)xo], &vb[(size_t)(yo + k)]);
		});

	if (gradient)
		return from_channels_last(out, g.K, g.C, g.taps);

	return forward ? from_channels_last(out, g.N, g.K, g.Y) : from_channels_last(out, g.N, g.C, g.X);
}


// --- the others

// strides of a dense tensor; 0 where it is repeated
static std::vector<int64_t> dense_strides(const std::vector<int64_t>& dims)
{
	std::vector<int64_t> s(dims.size());
	int64_t n = 1;

	for (size_t i = dims.size(); 0 < i--; n *= dims[i])
		s[i] = (1 == dims[i]) ? 0 : n;

	return s;
}


static Dense repeat(const tensor_s& t, const Dense& d, const std::vector<int64_t>& dims)
{
	Dense r((size_t)product(dims, 0));

	for_each(dims, dense_strides(t.dims), [&](int64_t i, int64_t o) { r[(size_t)i] = d[(size_t)o]; });

	return r;
}


static float pointwise(const operation_s& op, float a, float b)
{
	switch (op.mode) {

	case CUDNN_POINTWISE_ADD: return a + b;
	case CUDNN_POINTWISE_MUL: return a * b;
	// a NaN becomes zero, as it does on devices
	case CUDNN_POINTWISE_RELU_FWD: return std::isnan(a) ? 0.f : (float)std::min(std::max((double)a, op.lower), op.upper);
	case CUDNN_POINTWISE_RELU_BWD: return (((double)b > op.lower) && ((double)b < op.upper)) ? a : 0.f;
	case CUDNN_POINTWISE_IDENTITY: return a;
	}

	violation("a pointwise operation that is not emulated");
}


static Dense apply_pointwise(const operation_s& op, const std::vector<Dense>& in)
{
	Dense a = repeat(op.in[0], in[0], op.out.dims);
	Dense b = (1 < in.size()) ? repeat(op.in[1], in[1], op.out.dims) : Dense(a.size(), 0.f);

	for (size_t i = 0; i < a.size(); i++)
		a[i] = pointwise(op, a[i], b[i]);

	return a;
}


static Dense reduce(const operation_s& op, const Dense& in)
{
	std::vector<double> sum((size_t)op.out.size(), 0.);

	for_each(op.in[0].dims, dense_strides(op.out.dims), [&](int64_t i, int64_t o) { sum[(size_t)o] += (double)in[(size_t)i]; });

	return Dense(sum.begin(), sum.end());
}


// --- graphs

static Dense run(const operation_s& op, const execution_s& e, std::vector<Dense> in)
{
	if (Kind::POINTWISE == op.kind)
		return apply_pointwise(op, in);

	if (Kind::REDUCTION == op.kind)
		return reduce(op, in[0]);

	if (ENGINE_TENSOR_CORE == e.engine)
		for (Dense& d : in)
			std::transform(d.begin(), d.end(), d.begin(), round_tf32);

	Dense out = convolve(op, in[0], in[1]);
	Dense old = (0.f != op.beta) ? load(op.out, e.pointers.at(op.out.uid)) : Dense(out.size(), 0.f);

	for (size_t i = 0; i < out.size(); i++)
		out[i] = op.alpha * out[i] + ((0.f != op.beta) ? op.beta * old[i] : 0.f);

	// as if in another order each time
	if (ENGINE_NONDETERMINISTIC == e.engine)
		for (float& f : out)
			f *= 1.f + 1.e-7f * (float)random_below(3);

	return out;
}


void compute(const execution_s& e)
{
	std::map<int64_t, Dense> values;

	memset(e.workspace, 0xff, e.workspace_size);

	for (const operation_s& op : e.graph->operations) {

		std::vector<Dense> in;

		for (const tensor_s& t : op.in) {

			if (0 == values.count(t.uid))
				values[t.uid] = load(t, e.pointers.at(t.uid));

			in.push_back(values[t.uid]);
		}

		Dense out = run(op, e, in);

		for (float& f : out)
			f = round_to(op.out.type, f);

		if (!op.out.is_virtual)
			store(op.out, e.pointers.at(op.out.uid), out);

		values[op.out.uid] = std::move(out);
	}

	counts.cudnn_executions++;
}

}
