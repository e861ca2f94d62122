#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "misc/misc.h"

#include "nn/backend.h"
#include "nn/prox_net.h"

#include "nn_net_oracle.h"


static long volume(const long dims[NN_DIMS])
{
	return dims[0] * dims[1] * dims[2];
}


static long mirror(long i, long n)
{
	return (i < 0) ? -i : ((i >= n) ? (2 * (n - 1) - i) : i);
}


static long clamp(long i, long n)
{
	return (i < 0) ? 0 : ((i >= n) ? (n - 1) : i);
}


static double pixel(const double* image, const long dims[NN_DIMS], long x, long y, long z, enum nn_padding padding)
{
	bool inside = (0 <= x) && (x < dims[0]) && (0 <= y) && (y < dims[1]) && (0 <= z) && (z < dims[2]);

	if (!inside) {

		if (NN_PAD_ZERO == padding)
			return 0.;

		long (*edge)(long, long) = (NN_PAD_REFLECT == padding) ? mirror : clamp;

		x = edge(x, dims[0]);
		y = edge(y, dims[1]);
		z = edge(z, dims[2]);
	}

	return image[x + dims[0] * (y + dims[1] * z)];
}


/* out = conv(in) + bias, a kernel of k x k (x k); moves params on to the next
 * convolution's.
 */
static void naive_conv(const long dims[NN_DIMS], long O, double* out, long I, const double* in,
		int spatial, long k, enum nn_padding padding, bool bias, const double** params)
{
	long kz = (3 == spatial) ? k : 1;
	const double* w = *params;
	const double* offset = w + O * I * k * k * kz;

	for (long n = 0; n < dims[3] * O * volume(dims); n++) {

		long x = n % dims[0];
		long y = n / dims[0] % dims[1];
		long z = n / (dims[0] * dims[1]) % dims[2];
		long o = n / volume(dims) % O;
		long b = n / volume(dims) / O;

		double sum = bias ? offset[o] : 0.;

		for (long i = 0; i < I; i++)
			for (long c = 0; c < kz; c++)
				for (long v = 0; v < k; v++)
					for (long u = 0; u < k; u++)
						sum += w[u + k * (v + k * (c + kz * (i + I * o)))]
							* pixel(in + (b * I + i) * volume(dims), dims, x + u - k / 2, y + v - k / 2, z + c - kz / 2, padding);

		out[n] = sum;
	}

	*params = offset + (bias ? O : 0);
}


static double margin = 0.;


double nn_net_oracle_margin(void)
{
	return margin;
}


static void note_margin(long N, const double* x)
{
	double sum = 0.;
	double nearest = INFINITY;

	for (long i = 0; i < N; i++) {

		sum += pow(x[i], 2.);
		nearest = fmin(nearest, fabs(x[i]));
	}

	margin = fmin(margin, nearest / sqrt(sum / (double)N));
}


static void naive_relu(long N, double* dst, const double* src)
{
	for (long i = 0; i < N; i++)
		dst[i] = (src[i] > 0.) ? src[i] : 0.;
}


static void naive_add(long N, double* dst, const double* src)
{
	for (long i = 0; i < N; i++)
		dst[i] += src[i];
}


static void relu_with_margin(bool margins, long N, double* dst, const double* src)
{
	if (margins)
		note_margin(N, src);

	naive_relu(N, dst, src);
}


/* s = the two convolutions of a block, of h with C channels. ReLUs come before each of
 * them in two dimensions, after each of them in three. The first one of the network
 * is not of a hidden layer.
 */
static void naive_block(const struct nn_prox_conf_s* conf, const long dims[NN_DIMS], bool first, double* s, long C, const double* h, const double** params)
{
	long F = conf->features;
	long N = dims[3] * C * volume(dims);
	long NF = dims[3] * F * volume(dims);

	double t[N];
	double u[NF];

	bool before = (2 == conf->spatial);
	enum nn_padding pad = before ? NN_PAD_REFLECT : NN_PAD_REPLICATE;

	memcpy(t, h, sizeof(double[N]));

	if (before)
		relu_with_margin(!first, N, t, t);

	naive_conv(dims, F, u, C, t, conf->spatial, 3, pad, false, params);
	relu_with_margin(true, NF, u, u);
	naive_conv(dims, F, s, F, u, conf->spatial, 3, pad, false, params);

	if (!before)
		relu_with_margin(true, NF, s, s);
}


static void naive_resnet(const struct nn_prox_conf_s* conf, const long dims[NN_DIMS], double* out, const double* in, const double* params)
{
	long E = 2 * conf->maps;
	long F = conf->features;
	long NE = dims[3] * E * volume(dims);
	long NF = dims[3] * F * volume(dims);

	double h[NF];
	double s[NF];

	for (long b = 0; b < conf->blocks; b++) {

		naive_block(conf, dims, 0 == b, s, (0 == b) ? E : F, (0 == b) ? in : h, &params);

		if (0 == b)
			naive_conv(dims, F, h, E, in, conf->spatial, 1, NN_PAD_ZERO, true, &params);

		naive_add(NF, h, s);
	}

	naive_conv(dims, E, out, F, h, conf->spatial, 3, NN_PAD_ZERO, true, &params);
	naive_add(NE, out, in);
}


static void naive_revnet(const struct nn_prox_conf_s* conf, const long dims[NN_DIMS], double* out, const double* in, const double* params)
{
	long E = 2 * conf->maps;
	long F = conf->features;
	long NE = dims[3] * E * volume(dims);
	long NF = dims[3] * F * volume(dims);

	double h[MAX(NE, NF)];
	double t[NF];

	enum nn_padding pad = (2 == conf->spatial) ? NN_PAD_REFLECT : NN_PAD_REPLICATE;

	naive_conv(dims, F, t, E, in, conf->spatial, 3, pad, false, &params);

	for (long l = 2; l < conf->layers; l++) {

		note_margin(NF, t);
		naive_relu(NF, h, t);
		naive_conv(dims, F, t, F, h, conf->spatial, 3, pad, false, &params);
	}

	note_margin(NF, t);
	naive_relu(NF, h, t);
	naive_conv(dims, E, out, F, h, conf->spatial, 3, pad, false, &params);
	naive_add(NE, out, in);
}


void nn_net_oracle(const struct nn_prox_conf_s* conf, const long dims[NN_DIMS], double* out, const double* in, const double* params)
{
	margin = INFINITY;

	if (NN_PROX_RESNET == conf->type)
		naive_resnet(conf, dims, out, in, params);
	else
		naive_revnet(conf, dims, out, in, params);
}
