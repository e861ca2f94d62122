#include <stdbool.h>
#include <stdlib.h>

#include "nn/backend.h"

#include "nn_oracle.h"


long oracle_pixels(const struct shape_s* s)
{
	return s->dims[0] * s->dims[1] * s->dims[2];
}


long oracle_inputs(const struct shape_s* s)
{
	return s->in * oracle_pixels(s) * s->dims[3];
}


long oracle_outputs(const struct shape_s* s)
{
	return s->out * oracle_pixels(s) * s->dims[3];
}


static long taps(const struct shape_s* s)
{
	return s->kernel[0] * s->kernel[1] * s->kernel[2];
}


long oracle_weights(const struct shape_s* s)
{
	return s->out * s->in * taps(s);
}


// index -1 is a zero
static long edge(enum nn_padding padding, long i, long n)
{
	if ((-1 < i) && (i < n))
		return i;

	if (NN_PAD_ZERO == padding)
		return -1;

	if (NN_PAD_REPLICATE == padding)
		return (i < 0) ? 0 : (n - 1);

	return (i < 0) ? 1 : (n - 2);
}


// pixel index of what a tap sees at p, or -1
static long seen(const struct shape_s* s, long p, long tap)
{
	long q = 0;
	long str = 1;

	for (int i = 0; i < NN_SPATIAL; i++) {

		long k = s->kernel[i];
		long n = s->dims[i];
		long e = edge(s->padding, p % n + ((3 == k) ? (tap % 3 - 1) : 0), n);

		if (-1 == e)
			return -1;

		q += str * e;
		str *= n;
		p /= n;
		tap /= k;
	}

	return q;
}


static double act(const struct shape_s* s, double x)
{
	return (s->relu && (x < 0.)) ? 0. : x;
}


// calls fun for each product that there is: output channel and pixel, input channel and pixel, weight

typedef void (*product_fun)(const struct shape_s* s, long y, long x, long w, double* dst, const double* a, const double* b);


static void each_product(const struct shape_s* s, product_fun fun, double* dst, const double* a, const double* b)
{
	long P = oracle_pixels(s);
	long T = taps(s);
	long* q = malloc((size_t)(T * P) * sizeof(long));

	for (long k = 0; k < T * P; k++)
		q[k] = seen(s, k % P, k / P);

	for (long n = 0; n < s->dims[3]; n++)
		for (long o = 0; o < s->out; o++)
			for (long i = 0; i < s->in; i++)
				for (long k = 0; k < T * P; k++)
					if (-1 != q[k])
						fun(s, (n * s->out + o) * P + k % P, (n * s->in + i) * P + q[k],
							(o * s->in + i) * T + k / P, dst, a, b);

	free(q);
}


static void forward_product(const struct shape_s* s, long y, long x, long w, double* dst, const double* a, const double* b)
{
	dst[y] += act(s, a[x]) * b[w];
}


static void data_product(const struct shape_s* /*s*/, long y, long x, long w, double* dst, const double* a, const double* b)
{
	dst[x] += a[y] * b[w];
}


static void weights_product(const struct shape_s* s, long y, long x, long w, double* dst, const double* a, const double* b)
{
	dst[w] += act(s, a[x]) * b[y];
}


void oracle_forward(const struct shape_s* s, double* y, const double* x, const double* weights, const double* bias)
{
	for (long i = 0; (NULL != bias) && (i < oracle_outputs(s)); i++)
		y[i] += bias[i / oracle_pixels(s) % s->out];

	each_product(s, forward_product, y, x, weights);
}


void oracle_backward_data(const struct shape_s* s, double* dx, const double* dy, const double* x, const double* weights)
{
	long N = oracle_inputs(s);
	double* sum = calloc((size_t)N, sizeof(double));

	each_product(s, data_product, sum, dy, weights);

	for (long i = 0; i < N; i++)
		if (!s->relu || (x[i] > 0.))
			dx[i] += sum[i];

	free(sum);
}


void oracle_backward_weights(const struct shape_s* s, double* dweights, double* dbias, const double* x, const double* dy)
{
	for (long i = 0; (NULL != dbias) && (i < oracle_outputs(s)); i++)
		dbias[i / oracle_pixels(s) % s->out] += dy[i];

	each_product(s, weights_product, dweights, x, dy);
}


static long pixel_index(const struct shape_s* s, const long pos[NN_DIMS])
{
	return pos[0] + s->dims[0] * (pos[1] + s->dims[1] * pos[2]);
}


void oracle_forward_at(const struct shape_s* s, double* y, const long pos[NN_DIMS], const double* x, const double* weights)
{
	long P = oracle_pixels(s);
	long p = pixel_index(s, pos);

	for (long o = 0; o < s->out; o++) {

		y[o] = 0.;

		for (long t = 0; t < taps(s); t++) {

			long q = seen(s, p, t);

			for (long i = 0; (-1 != q) && (i < s->in); i++)
				y[o] += act(s, x[(pos[3] * s->in + i) * P + q]) * weights[(o * s->in + i) * taps(s) + t];
		}
	}
}


double oracle_backward_data_at(const struct shape_s* s, long i, const long pos[NN_DIMS],
		const double* dy, const double* x, const double* weights)
{
	long P = oracle_pixels(s);
	long p = pixel_index(s, pos);
	double sum = 0.;

	for (long q = 0; q < P; q++)
		for (long t = 0; t < taps(s); t++)
			if (p == seen(s, q, t))
				for (long o = 0; o < s->out; o++)
					sum += dy[(pos[3] * s->out + o) * P + q] * weights[(o * s->in + i) * taps(s) + t];

	return (s->relu && !(x[(pos[3] * s->in + i) * P + p] > 0.)) ? 0. : sum;
}


double oracle_backward_weights_at(const struct shape_s* s, long w, const double* x, const double* dy)
{
	long P = oracle_pixels(s);
	long i = w / taps(s) % s->in;
	long o = w / taps(s) / s->in;
	double sum = 0.;

	for (long p = 0; p < P * s->dims[3]; p++) {

		long q = seen(s, p % P, w % taps(s));

		if (-1 != q)
			sum += dy[(p / P * s->out + o) * P + p % P] * act(s, x[(p / P * s->in + i) * P + q]);
	}

	return sum;
}
