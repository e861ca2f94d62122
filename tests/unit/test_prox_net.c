/*
 * The prox networks against a second implementation in double; gradients against
 * its central differences.
 */

#include <string.h>

#include <criterion/criterion.h>

#include "misc/misc.h"

#include "nn/backend.h"
#include "nn/prox_net.h"

#include "nn_test.h"
#include "nn_net_oracle.h"

/* A network of at most ten convolutions, each with sums of at most 30 * 27
 * products in fp32 (or, by Winograd's algorithm, with an error that is a few
 * times that of such a sum).
 */
#define TOLERANCE 1.e-5

struct case_s {

	const char* name;
	struct nn_prox_conf_s conf;
	long dims[NN_DIMS];
};

static const struct case_s cases[] = {

	{ "resnet 2D",			RESNET(3, 2, 1, 2), { 6, 5, 1, 1 } },
	{ "resnet 2D, two maps",	RESNET(3, 2, 2, 2), { 5, 4, 1, 1 } },
	{ "resnet 2D, batch",		RESNET(2, 1, 1, 2), { 4, 7, 1, 3 } },
	{ "resnet 2D, smallest",	RESNET(1, 3, 1, 2), { 2, 2, 1, 2 } },
	{ "resnet 2D, slices",		RESNET(2, 1, 1, 2), { 3, 4, 2, 2 } },
	{ "resnet 3D",			RESNET(2, 2, 1, 3), { 4, 3, 3, 1 } },
	{ "resnet 3D, two maps, batch",	RESNET(2, 3, 2, 3), { 3, 2, 3, 2 } },
	{ "revnet 2D",			REVNET(3, 5, 1, 2), { 6, 5, 1, 1 } },
	{ "revnet 2D, two maps, batch",	REVNET(2, 4, 2, 2), { 4, 3, 1, 3 } },
	{ "revnet 2D, two layers",	REVNET(4, 2, 1, 2), { 3, 3, 1, 1 } },
	{ "revnet 3D",			REVNET(2, 3, 1, 3), { 3, 4, 2, 1 } },
};


static long volume(const long dims[NN_DIMS])
{
	return dims[0] * dims[1] * dims[2];
}


// --- a network and its data: images with gaps between rows, slices, maps and batches


struct data_s {

	struct nn_tensor_s image;
	struct nn_prox_s* prox;

	long P;
	float* params;

	long N;		// floats of an image with its gaps
	float* in;
	float* out;
	float* dout;

	long M;		// without
};

#define GAP 1234.f


static float* new_floats(long N)
{
	float* p = xmalloc((size_t)N * sizeof(float));

	for (long i = 0; i < N; i++)
		p[i] = GAP;

	return p;
}


static struct nn_tensor_s gapped_image(const struct case_s* c)
{
	long strs[NN_DIMS] = { 1, c->dims[0] + 1 };
	strs[2] = strs[1] * c->dims[1] + 2;

	long maps_str = strs[2] * c->dims[2];
	strs[3] = maps_str * c->conf.maps + 3;

	return nn_tensor_image(c->conf.maps, maps_str, c->dims, strs);
}


static long image_offset(const struct data_s* d, long i)
{
	const long* n = d->image.dims;
	long p = i % volume(n);
	long c = i / volume(n) % d->image.channels;

	long pos[NN_DIMS] = { p % n[0], p / n[0] % n[1], p / n[0] / n[1], i / volume(n) / d->image.channels };

	return nn_test_offset(&d->image, c, pos);
}


static void image_random(const struct data_s* d, float* dst, unsigned int seed)
{
	float val[d->M];
	nn_test_random(d->M, val, seed);

	for (long i = 0; i < d->M; i++)
		dst[image_offset(d, i)] = val[i];
}


static void image_to_double(const struct data_s* d, double* dst, const float* src)
{
	for (long i = 0; i < d->M; i++)
		dst[i] = src[image_offset(d, i)];
}


static double image_distance(const struct data_s* d, const float* a, const double* b)
{
	float val[d->M];

	for (long i = 0; i < d->M; i++)
		val[i] = a[image_offset(d, i)];

	return nn_test_distance_double(d->M, val, b);
}


// how much lies between the pixels is not lost
static long count_gaps(long N, const float* image)
{
	long gaps = 0;

	for (long i = 0; i < N; i++)
		if (GAP == image[i])
			gaps++;

	return gaps;
}


static struct data_s create(const struct case_s* c, const struct nn_backend_s* backend, int slots)
{
	struct data_s d = { .image = gapped_image(c) };

	d.prox = nn_prox_create(backend, &c->conf, &d.image, slots);
	nn_prox_alloc(d.prox);

	d.P = nn_prox_params(&c->conf);
	d.params = new_floats(d.P);
	nn_prox_init(&c->conf, d.P, d.params, 1, 0);

	d.N = nn_tensor_size(&d.image);
	d.M = c->dims[3] * d.image.channels * volume(c->dims);

	d.in = new_floats(d.N);
	d.out = new_floats(d.N);
	d.dout = new_floats(d.N);

	image_random(&d, d.in, 2);
	image_random(&d, d.dout, 3);

	return d;
}


static void destroy(struct data_s* d)
{
	nn_prox_free(d->prox);
	xfree(d->params);
	xfree(d->in);
	xfree(d->out);
	xfree(d->dout);
}


static void for_all(const char* test, void (*fun)(const struct case_s* c, const struct nn_backend_s* backend))
{
	for (int i = 0; NULL != nn_backends[i]; i++) {

		if (!nn_test_can_run(nn_backends[i], test))
			continue;

		for (unsigned int j = 0; j < ARRAY_SIZE(cases); j++)
			fun(&cases[j], nn_test_spoiled(nn_backends[i]));
	}
}


// --- forward


static void check_forward(const struct case_s* c, const struct nn_backend_s* backend)
{
	struct data_s d = create(c, backend, 1);

	double in[d.M];
	double out[d.M];
	double params[d.P];

	image_to_double(&d, in, d.in);

	for (long i = 0; i < d.P; i++)
		params[i] = d.params[i];

	nn_net_oracle(&c->conf, c->dims, out, in, params);
	nn_prox_forward(d.prox, 0, d.out, d.in, d.params);

	double distance = image_distance(&d, d.out, out);

	cr_assert(TOLERANCE > distance, "%s, %s: %g", c->name, backend->name, distance);
	cr_assert_eq(d.N - d.M, count_gaps(d.N, d.out), "%s, %s: touches what is not the image's", c->name, backend->name);

	destroy(&d);
}


Test(prox_net, forward)
{
	for_all("prox_net forward", check_forward);
}


static void check_inference(const struct case_s* c, const struct nn_backend_s* backend)
{
	struct data_s d = create(c, backend, 2);
	struct data_s e = create(c, backend, 0);

	nn_prox_forward(d.prox, 1, d.out, d.in, d.params);
	nn_prox_forward(e.prox, 0, e.out, d.in, d.params);

	cr_assert_eq(0, memcmp(d.out, e.out, sizeof(float[d.N])), "%s, %s", c->name, backend->name);
	cr_assert_leq(nn_prox_bytes(e.prox), nn_prox_bytes(d.prox));

	destroy(&d);
	destroy(&e);
}


Test(prox_net, inference_is_the_forward_pass_of_training)
{
	for_all("prox_net inference", check_inference);
}


// --- gradients


// <dout, net(in)>
static double objective(const struct case_s* c, const struct data_s* d, const double* in, const double* params)
{
	double out[d->M];
	nn_net_oracle(&c->conf, c->dims, out, in, params);

	double sum = 0.;

	for (long i = 0; i < d->M; i++)
		sum += out[i] * d->dout[image_offset(d, i)];

	return sum;
}


/* The objective is piecewise a polynomial; the step is small enough that the
 * data here meet no kink of a ReLU.
 */
static void central_differences(const struct case_s* c, const struct data_s* d, long N, double grad[N], double var[N],
		const double* in, const double* params)
{
	double step = 1.e-6;

	for (long i = 0; i < N; i++) {

		double val = var[i];

		var[i] = val + step;
		double plus = objective(c, d, in, params);

		var[i] = val - step;
		double minus = objective(c, d, in, params);

		var[i] = val;
		grad[i] = (plus - minus) / (2. * step);
	}
}


static void check_gradients(const struct case_s* c, const struct nn_backend_s* backend)
{
	struct data_s d = create(c, backend, 1);

	double in[d.M];
	double params[d.P];
	double grad_in[d.M];
	double grad_params[d.P];

	image_to_double(&d, in, d.in);

	for (long i = 0; i < d.P; i++)
		params[i] = d.params[i];

	central_differences(c, &d, d.M, grad_in, in, in, params);
	central_differences(c, &d, d.P, grad_params, params, in, params);

	float* din = new_floats(d.N);
	float* dparams = new_floats(d.P);

	// the gradient is added
	for (long i = 0; i < d.P; i++) {

		dparams[i] = 0.5f;
		grad_params[i] += 0.5;
	}

	nn_prox_forward(d.prox, 0, d.out, d.in, d.params);
	nn_prox_backward(d.prox, 0, din, dparams, d.dout, d.in, d.params);

	double e_in = image_distance(&d, din, grad_in);
	double e_params = nn_test_distance_double(d.P, dparams, grad_params);

	cr_assert(TOLERANCE > e_in, "%s, %s: image %g", c->name, backend->name, e_in);
	cr_assert(TOLERANCE > e_params, "%s, %s: parameters %g", c->name, backend->name, e_params);
	cr_assert_eq(d.N - d.M, count_gaps(d.N, din), "%s, %s: touches what is not the image's", c->name, backend->name);

	xfree(din);
	xfree(dparams);
	destroy(&d);
}


Test(prox_net, gradients)
{
	for_all("prox_net gradients", check_gradients);
}


static void backward(const struct data_s* d, int slot, float* din, float* dparams)
{
	memset(dparams, 0, sizeof(float[d->P]));

	nn_prox_backward(d->prox, slot, din, dparams, d->dout, d->in, d->params);
}


// two slots do not know of each other; din may be left out, or be dout
static void check_slots(const struct case_s* c, const struct nn_backend_s* backend)
{
	struct data_s d = create(c, backend, 2);

	float* other = new_floats(d.N);
	float* din[2] = { new_floats(d.N), new_floats(d.N) };
	float* dparams[2] = { new_floats(d.P), new_floats(d.P) };

	image_random(&d, other, 4);

	nn_prox_forward(d.prox, 0, d.out, d.in, d.params);
	backward(&d, 0, din[0], dparams[0]);

	nn_prox_forward(d.prox, 1, d.out, d.in, d.params);
	nn_prox_forward(d.prox, 0, d.out, other, d.params);
	backward(&d, 1, din[1], dparams[1]);

	cr_assert_eq(0, memcmp(din[0], din[1], sizeof(float[d.N])), "%s, %s: image", c->name, backend->name);
	cr_assert_eq(0, memcmp(dparams[0], dparams[1], sizeof(float[d.P])), "%s, %s: parameters", c->name, backend->name);

	nn_prox_forward(d.prox, 0, d.out, d.in, d.params);
	backward(&d, 0, NULL, dparams[1]);

	cr_assert_eq(0, memcmp(dparams[0], dparams[1], sizeof(float[d.P])), "%s, %s: without din", c->name, backend->name);

	nn_prox_forward(d.prox, 0, d.out, d.in, d.params);
	backward(&d, 0, d.dout, dparams[1]);

	cr_assert_eq(0, memcmp(din[0], d.dout, sizeof(float[d.N])), "%s, %s: din in place of dout", c->name, backend->name);

	xfree(other);

	for (int i = 0; i < 2; i++) {

		xfree(din[i]);
		xfree(dparams[i]);
	}

	destroy(&d);
}


Test(prox_net, slots)
{
	for_all("prox_net slots", check_slots);
}


// --- parameters
