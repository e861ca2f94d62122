/*
 * One list of convolutions for every backend: forward, data gradient and weight
 * gradient against their definition in double.
 */

#include <math.h>
#include <omp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "misc/misc.h"

#include "nn/backend.h"
#include "nn/padding.h"

#include "nn_test.h"
#include "nn_oracle.h"

/* Relative to the norm. A sum of n fp32 products of random sign is off by about
 * sqrt(n) / 2 roundings of 6e-8, for n = 900 by 1e-6; Winograd's transforms
 * cost a few times that.
 */
#define TOLERANCE 1.e-5

#define FEATURES false, false
#define IMAGE_IN true, false
#define IMAGE_OUT false, true

#define K2D { 3, 3, 1 }
#define K3D { 3, 3, 3 }
#define K1 { 1, 1, 1 }

#define ZERO NN_PAD_ZERO
#define REFL NN_PAD_REFLECT
#define REPL NN_PAD_REPLICATE

static const struct shape_s shapes[] = {

	{ "one channel",		1, 1, FEATURES, { 5, 4, 1, 1 }, K2D, REFL, true },
	{ "one channel, zero",		1, 1, FEATURES, { 6, 3, 1, 1 }, K2D, ZERO, false },
	{ "one pixel",			3, 2, FEATURES, { 1, 1, 1, 1 }, K2D, REPL, true },
	{ "one row",			2, 5, FEATURES, { 9, 1, 1, 2 }, K2D, ZERO, true },
	{ "one column",			2, 5, FEATURES, { 1, 9, 1, 2 }, K2D, REPL, false },
	{ "two by two",			3, 3, FEATURES, { 2, 2, 1, 2 }, K2D, REFL, true },
	{ "odd, reflected",		3, 5, FEATURES, { 7, 5, 1, 1 }, K2D, REFL, false },
	{ "odd, replicated",		5, 3, FEATURES, { 11, 3, 1, 3 }, K2D, REPL, true },
	{ "odd, zero",			17, 33, FEATURES, { 13, 7, 1, 1 }, K2D, ZERO, true },
	{ "batch",			16, 16, FEATURES, { 9, 11, 1, 3 }, K2D, REFL, true },
	{ "slices",			8, 9, FEATURES, { 6, 7, 3, 2 }, K2D, REFL, true },
	{ "wide",			8, 24, FEATURES, { 67, 5, 1, 1 }, K2D, REPL, true },
	{ "high",			24, 8, FEATURES, { 5, 67, 1, 1 }, K2D, REFL, true },
	{ "image in",			2, 7, IMAGE_IN, { 9, 8, 1, 1 }, K2D, REFL, true },
	{ "image in, batch, zero",	2, 7, IMAGE_IN, { 4, 5, 2, 3 }, K2D, ZERO, false },
	{ "two maps in",		4, 6, IMAGE_IN, { 8, 9, 1, 3 }, K2D, REFL, false },
	{ "image out",			7, 2, IMAGE_OUT, { 10, 7, 1, 1 }, K2D, ZERO, false },
	{ "image out, batch",		7, 2, IMAGE_OUT, { 7, 6, 2, 3 }, K2D, REFL, true },
	{ "two maps out",		5, 4, IMAGE_OUT, { 6, 9, 1, 3 }, K2D, REPL, true },
	{ "image in and out",		4, 4, true, true, { 8, 7, 1, 2 }, K2D, REFL, true },
	{ "pixel by pixel, image",	4, 9, IMAGE_IN, { 7, 9, 1, 2 }, K1, ZERO, false },
	{ "pixel by pixel",		18, 5, FEATURES, { 8, 5, 2, 2 }, K1, REFL, true },
	{ "3D, replicated",		3, 4, FEATURES, { 5, 4, 3, 2 }, K3D, REPL, true },
	{ "3D, reflected",		4, 3, FEATURES, { 4, 5, 6, 1 }, K3D, REFL, false },
	{ "3D, zero",			9, 17, FEATURES, { 6, 5, 4, 1 }, K3D, ZERO, true },
	{ "3D, image in",		4, 6, IMAGE_IN, { 5, 6, 3, 2 }, K3D, REPL, false },
	{ "3D, image out",		6, 4, IMAGE_OUT, { 6, 5, 3, 2 }, K3D, ZERO, false },
	{ "x only",			3, 4, FEATURES, { 6, 5, 2, 1 }, { 3, 1, 1 }, REFL, true },
	{ "y only",			3, 4, FEATURES, { 6, 5, 2, 1 }, { 1, 3, 1 }, REPL, true },
	{ "x and z",			3, 4, FEATURES, { 6, 5, 3, 1 }, { 3, 1, 3 }, REFL, true },
	{ "PGD first",			2, 100, IMAGE_IN, { 40, 36, 1, 1 }, K2D, REFL, true },
	{ "PGD hidden",			100, 100, FEATURES, { 40, 36, 1, 1 }, K2D, REFL, true },
	{ "PGD shortcut",		2, 100, IMAGE_IN, { 40, 36, 1, 1 }, K1, ZERO, false },
	{ "PGD last",			100, 2, IMAGE_OUT, { 40, 36, 1, 1 }, K2D, ZERO, false },
	{ "MoDL hidden",		70, 70, FEATURES, { 37, 29, 1, 1 }, K2D, REFL, true },
	{ "MoDL last",			70, 2, IMAGE_OUT, { 37, 29, 1, 1 }, K2D, REFL, true },
};


// --- data of one convolution, as the oracle and as the backend want it

struct data_s {

	long NI;
	long NO;
	long NW;

	float* x;
	float* dy;
	float* weights;
	float* bias;

	double* dx;
	double* y;
	double* dweights;
	double* dbias;

	// in double
	double* x_d;
	double* dy_d;
	double* weights_d;
	double* bias_d;
};


static float* random_floats(long N, unsigned int seed)
{
	float* p = xmalloc((size_t)N * sizeof(float));
	nn_test_random(N, p, seed);

	return p;
}


static double* to_double(long N, const float* src)
{
	double* p = xmalloc((size_t)N * sizeof(double));

	for (long i = 0; i < N; i++)
		p[i] = src[i];

	return p;
}


// what an operation adds to, before and therefore also after
static double* initial(long N, unsigned int seed)
{
	float* f = random_floats(N, seed);
	double* d = to_double(N, f);

	xfree(f);

	return d;
}


static struct data_s data_create(const struct shape_s* s)
{
	struct data_s d = { .NI = oracle_inputs(s), .NO = oracle_outputs(s), .NW = oracle_weights(s) };

	d.x = random_floats(d.NI, 1);
	d.dy = random_floats(d.NO, 2);
	d.weights = random_floats(d.NW, 3);
	d.bias = random_floats(s->out, 4);

	d.x_d = to_double(d.NI, d.x);
	d.dy_d = to_double(d.NO, d.dy);
	d.weights_d = to_double(d.NW, d.weights);
	d.bias_d = to_double(s->out, d.bias);

	d.y = calloc((size_t)d.NO, sizeof(double));
	d.dx = calloc((size_t)d.NI, sizeof(double));
	d.dweights = initial(d.NW, 7);
	d.dbias = initial(s->out, 8);

	return d;
}


static void data_free(struct data_s* d)
{
	void* all[] = { d->x, d->dy, d->weights, d->bias, d->dx, d->y, d->dweights, d->dbias, d->x_d, d->dy_d, d->weights_d, d->bias_d };

	for (unsigned int i = 0; i < ARRAY_SIZE(all); i++)
		free(all[i]);
}


// --- tensors

#define GAP 1234.f


static struct nn_tensor_s tensor_of(const struct nn_backend_s* backend, const struct shape_s* s, bool image, long channels)
{
	if (!image)
		return nn_tensor_feature(backend, channels, s->dims);

	long strs[NN_DIMS] = { 1, s->dims[0] + 3 };
	strs[2] = strs[1] * s->dims[1] + 1;

	long maps_str = strs[2] * s->dims[2] + 2;
	strs[3] = maps_str * channels / 2;

	return nn_tensor_image(channels / 2, maps_str, s->dims, strs);
}


static long tensor_offset(const struct nn_tensor_s* tensor, long i)
{
	const long* n = tensor->dims;
	long P = n[0] * n[1] * n[2];
	long p = i % P;

	long pos[NN_DIMS] = { p % n[0], p / n[0] % n[1], p / n[0] / n[1], i / P / tensor->channels };

	return nn_test_offset(tensor, i / P % tensor->channels, pos);
}


static void set_zero(float* element)
{
	*element = 0.f;
}


// aligned as BART's memory is
static float* tensor_create(const struct nn_tensor_s* tensor, long N, const float src[N])
{
	long size = nn_tensor_size(tensor);
	float* data = xmalloc((size_t)size * sizeof(float));

	for (long i = 0; i < size; i++)
		data[i] = GAP;

	nn_test_each(tensor, data, true, set_zero);

	for (long i = 0; i < N; i++)
		data[tensor_offset(tensor, i)] = src[i];

	return data;
}


static double tensor_distance(const struct nn_tensor_s* tensor, const float* data, long N, const double* ref)
{
	float* val = xmalloc((size_t)N * sizeof(float));

	for (long i = 0; i < N; i++)
		val[i] = data[tensor_offset(tensor, i)];

	double distance = nn_test_distance_double(N, val, ref);

	xfree(val);

	return distance;
}


static bool gaps_are_kept(const struct nn_tensor_s* tensor, const float* data)
{
	const long* n = tensor->dims;
	long used = n[0] * n[1] * n[2] * n[3] * ((tensor->group > tensor->channels) ? tensor->group : tensor->channels);

	for (long i = 0; i < nn_tensor_size(tensor); i++)
		if (GAP == data[i])
			used++;

	return (nn_tensor_size(tensor) == used);
}


// --- one convolution on one backend

struct conv_s {

	const struct shape_s* shape;
	const struct nn_backend_s* backend;
	struct nn_conv_s conf;
	struct nn_plan_s* plan;

	char* ws;
	size_t ws_bytes;
};

#define GUARD 64


static struct conv_s conv_create(const struct shape_s* s, const struct nn_backend_s* backend, bool forward_only)
{
	struct conv_s c = {

		.shape = s,
		.backend = backend,
		.conf = {

			.in = tensor_of(backend, s, s->from_image, s->in),
			.out = tensor_of(backend, s, s->to_image, s->out),
			.kernel = { s->kernel[0], s->kernel[1], s->kernel[2] },
			.padding = s->padding,
			.relu = s->relu,
		},
	};

	c.plan = backend->conv_create(&c.conf);
	c.ws_bytes = backend->conv_workspace(c.plan, forward_only);

	cr_assert_leq(backend->conv_workspace(c.plan, true), backend->conv_workspace(c.plan, false));

	c.ws = aligned_alloc(64, (c.ws_bytes + GUARD + 63) / 64 * 64);
	memset(c.ws + c.ws_bytes, 0x5a, GUARD);

	return c;
}


static void conv_free(struct conv_s* c)
{
	for (int i = 0; i < GUARD; i++)
		cr_assert_eq(0x5a, c->ws[c->ws_bytes + (size_t)i], "%s, %s: writes behind its workspace", c->shape->name, c->backend->name);

	c->backend->conv_free(c->plan);
	free(c->ws);
}


typedef void (*check_fun)(const struct shape_s* s, const struct data_s* d, const struct nn_backend_s* backend);


static void for_all(const char* test, void (*prepare)(const struct shape_s* s, struct data_s* d), check_fun fun)
{
	for (unsigned int j = 0; j < ARRAY_SIZE(shapes); j++) {

		struct data_s d = data_create(&shapes[j]);

		if (NULL != prepare)
			prepare(&shapes[j], &d);

		for (int i = 0; NULL != nn_backends[i]; i++)
			if (nn_test_can_run(nn_backends[i], test))
				fun(&shapes[j], &d, nn_test_spoiled(nn_backends[i]));

		data_free(&d);
	}
}


static void check(const struct conv_s* c, const char* what, const struct nn_tensor_s* tensor, const float* data, long N, const double* ref)
{
	double distance = tensor_distance(tensor, data, N, ref);

	cr_assert(TOLERANCE > distance, "%s, %s, %s: %g", c->shape->name, c->backend->name, what, distance);
	cr_assert(gaps_are_kept(tensor, data), "%s, %s, %s: touches what is not the image's", c->shape->name, c->backend->name, what);
}


// --- the oracle itself: the gradients are the derivatives of what is computed forward


static double objective(const struct shape_s* s, const struct data_s* d)
{
	double* y = calloc((size_t)d->NO, sizeof(double));
	oracle_forward(s, y, d->x_d, d->weights_d, d->bias_d);

	double sum = 0.;

	for (long i = 0; i < d->NO; i++)
		sum += y[i] * d->dy_d[i];

	free(y);

	return sum;
}


// piecewise linear in each variable: only rounding limits the accuracy
static double difference(const struct shape_s* s, const struct data_s* d, double* var)
{
	double step = 1.e-6;
	double val = *var;

	*var = val + step;
	double plus = objective(s, d);

	*var = val - step;
	double minus = objective(s, d);

	*var = val;

	return (plus - minus) / (2. * step);
}


static void check_oracle(const struct shape_s* s)
{
	struct data_s d = data_create(s);

	memset(d.dweights, 0, sizeof(double[d.NW]));
	memset(d.dbias, 0, sizeof(double[s->out]));

	oracle_backward_data(s, d.dx, d.dy_d, d.x_d, d.weights_d);
	oracle_backward_weights(s, d.dweights, d.dbias, d.x_d, d.dy_d);

	for (long i = 0; i < d.NI; i++)
		cr_assert_float_eq(d.dx[i], difference(s, &d, &d.x_d[i]), 1.e-7, "%s: image", s->name);

	for (long i = 0; i < d.NW; i++)
		cr_assert_float_eq(d.dweights[i], difference(s, &d, &d.weights_d[i]), 1.e-7, "%s: weights", s->name);

	for (long i = 0; i < s->out; i++)
		cr_assert_float_eq(d.dbias[i], difference(s, &d, &d.bias_d[i]), 1.e-7, "%s: bias", s->name);

	data_free(&d);
}


Test(backend, oracle)
{
	for (unsigned int j = 0; j < ARRAY_SIZE(shapes); j++)
		if (3000 > oracle_outputs(&shapes[j]) * oracle_weights(&shapes[j]) / shapes[j].out)
			check_oracle(&shapes[j]);
}


// --- forward


static void prepare_forward(const struct shape_s* s, struct data_s* d)
{
	oracle_forward(s, d->y, d->x_d, d->weights_d, NULL);
}


static void check_forward(const struct shape_s* s, const struct data_s* d, const struct nn_backend_s* backend)
{
	struct conv_s c = conv_create(s, backend, true);

	float* x = tensor_create(&c.conf.in, d->NI, d->x);
	float* before = random_floats(d->NO, 5);
	double* ref = xmalloc((size_t)d->NO * sizeof(double));

	for (int mode = 0; mode < 4; mode++) {

		bool add = (0 != (mode & 1));
		bool bias = (0 != (mode & 2));

		float* y = tensor_create(&c.conf.out, d->NO, before);

		for (long i = 0; i < d->NO; i++)
			ref[i] = d->y[i] + (add ? before[i] : 0.f) + (bias ? d->bias_d[i / oracle_pixels(s) % s->out] : 0.);

		backend->conv_forward(c.plan, y, add, x, d->weights, bias ? d->bias : NULL, c.ws);

		check(&c, add ? "add" : "set", &c.conf.out, y, d->NO, ref);

		xfree(y);
	}

	xfree(x);
	xfree(before);
	xfree(ref);
	conv_free(&c);
}


Test(backend, forward)
{
	for_all("backend forward", prepare_forward, check_forward);
}


// --- data gradient


static void prepare_backward_data(const struct shape_s* s, struct data_s* d)
{
	oracle_backward_data(s, d->dx, d->dy_d, d->x_d, d->weights_d);
}


static void check_backward_data(const struct shape_s* s, const struct data_s* d, const struct nn_backend_s* backend)
{
	struct conv_s c = conv_create(s, backend, false);

	float* x = tensor_create(&c.conf.in, d->NI, d->x);
	float* dy = tensor_create(&c.conf.out, d->NO, d->dy);
	float* before = random_floats(d->NI, 5);
	float* dx = tensor_create(&c.conf.in, d->NI, before);

	double* ref = xmalloc((size_t)d->NI * sizeof(double));

	const float* given = s->relu ? x : NULL;

	backend->conv_backward_data(c.plan, dx, false, dy, given, d->weights, c.ws);
	check(&c, "set", &c.conf.in, dx, d->NI, d->dx);

	backend->conv_backward_data(c.plan, dx, true, dy, given, d->weights, c.ws);

	for (long i = 0; i < d->NI; i++)
		ref[i] = 2. * d->dx[i];

	check(&c, "add", &c.conf.in, dx, d->NI, ref);

	backend->conv_backward_data(c.plan, x, false, dy, x, d->weights, c.ws);
	check(&c, "in place", &c.conf.in, x, d->NI, d->dx);

	xfree(x);
	xfree(dy);
	xfree(dx);
	xfree(before);
	xfree(ref);
	conv_free(&c);
}


Test(backend, backward_data)
{
	for_all("backend data gradient", prepare_backward_data, check_backward_data);
}


// --- weight gradient


static void prepare_backward_weights(const struct shape_s* s, struct data_s* d)
{
	oracle_backward_weights(s, d->dweights, d->dbias, d->x_d, d->dy_d);
}


static void check_backward_weights(const struct shape_s* s, const struct data_s* d, const struct nn_backend_s* backend)
{
	struct conv_s c = conv_create(s, backend, false);

	float* x = tensor_create(&c.conf.in, d->NI, d->x);
	float* dy = tensor_create(&c.conf.out, d->NO, d->dy);

	for (int bias = 0; bias < 2; bias++) {

		float* dweights = random_floats(d->NW, 7);
		float* dbias = random_floats(s->out, 8);

		backend->conv_backward_weights(c.plan, dweights, (1 == bias) ? dbias : NULL, x, dy, c.ws);

		double e_weights = nn_test_distance_double(d->NW, dweights, d->dweights);
		double e_bias = (1 == bias) ? nn_test_distance_double(s->out, dbias, d->dbias) : 0.;

		cr_assert(TOLERANCE > e_weights, "%s, %s: weights %g", s->name, backend->name, e_weights);
		cr_assert(TOLERANCE > e_bias, "%s, %s: bias %g", s->name, backend->name, e_bias);

		xfree(dweights);
		xfree(dbias);
	}

	xfree(x);
	xfree(dy);
	conv_free(&c);
}


Test(backend, backward_weights)
{
	for_all("backend weight gradient", prepare_backward_weights, check_backward_weights);
}


// --- adjointness: <dy, A x> = <A^T dy, x> for every padding, <dy, A x> = <dW, W>


static double tensor_product(const struct nn_tensor_s* ta, const float* a, long N, const float* b)
{
	double sum = 0.;

	for (long i = 0; i < N; i++)
		sum += (double)a[tensor_offset(ta, i)] * b[i];

	return sum;
}


static double square(long N, const float* a)
{
	double sum = 0.;

	for (long i = 0; i < N; i++)
		sum += pow(a[i], 2.);

	return sum;
}


static void check_adjoint(const struct shape_s* shape, const struct data_s* d, const struct nn_backend_s* backend)
{
	struct shape_s s = *shape;
	s.relu = false;

	struct conv_s c = conv_create(&s, backend, false);

	float* x = tensor_create(&c.conf.in, d->NI, d->x);
	float* dy = tensor_create(&c.conf.out, d->NO, d->dy);
	float* y = tensor_create(&c.conf.out, d->NO, d->dy);
	float* dx = tensor_create(&c.conf.in, d->NI, d->x);
	float* dweights = calloc((size_t)d->NW, sizeof(float));

	backend->conv_forward(c.plan, y, false, x, d->weights, NULL, c.ws);
	backend->conv_backward_data(c.plan, dx, false, dy, NULL, d->weights, c.ws);
	backend->conv_backward_weights(c.plan, dweights, NULL, x, dy, c.ws);

	double forward = tensor_product(&c.conf.out, y, d->NO, d->dy);
	double data = tensor_product(&c.conf.in, dx, d->NI, d->x);
	double weights = 0.;
	double norm_y = 0.;

	for (long i = 0; i < d->NW; i++)
		weights += (double)dweights[i] * d->weights[i];

	for (long i = 0; i < d->NO; i++)
		norm_y += pow(y[tensor_offset(&c.conf.out, i)], 2.);

	double scale = TOLERANCE * sqrt(norm_y * square(d->NO, d->dy));

	cr_assert(scale > fabs(forward - data), "%s, %s: data %g %g", s.name, backend->name, forward, data);
	cr_assert(scale > fabs(forward - weights), "%s, %s: weights %g %g", s.name, backend->name, forward, weights);

	xfree(x);
	xfree(dy);
	xfree(y);
	xfree(dx);
	free(dweights);
	conv_free(&c);
}


Test(backend, adjoint)
{
	for_all("backend adjoint", NULL, check_adjoint);
}


// --- the same bits, twice and with any number of threads

struct result_s {

	long N[4];
	float* val[4];
};


static struct result_s all_operations(const struct conv_s* c, const struct data_s* d)
{
	const struct nn_backend_s* backend = c->backend;

	float* x = tensor_create(&c->conf.in, d->NI, d->x);
	float* dy = tensor_create(&c->conf.out, d->NO, d->dy);

	struct result_s r = {

		.N = { nn_tensor_size(&c->conf.out), nn_tensor_size(&c->conf.in), d->NW, c->shape->out },
		.val = {
			tensor_create(&c->conf.out, d->NO, d->dy),
			tensor_create(&c->conf.in, d->NI, d->x),
			random_floats(d->NW, 7),
			random_floats(c->shape->out, 8),
		},
	};

	backend->conv_forward(c->plan, r.val[0], false, x, d->weights, d->bias, c->ws);
	backend->conv_backward_data(c->plan, r.val[1], false, dy, x, d->weights, c->ws);
	backend->conv_backward_weights(c->plan, r.val[2], r.val[3], x, dy, c->ws);

	xfree(x);
	xfree(dy);

	return r;
}


static void check_bits(const struct shape_s* s, const struct data_s* d, const struct nn_backend_s* backend)
{
	static const char* const what[4] = { "forward", "data gradient", "weight gradient", "bias gradient" };
	static const int threads[] = { 1, 1, 2, 3 };

	struct result_s r[ARRAY_SIZE(threads)];

	int before = omp_get_max_threads();

	for (unsigned int t = 0; t < ARRAY_SIZE(threads); t++) {

		omp_set_num_threads(threads[t]);

		struct conv_s c = conv_create(s, backend, false);
		r[t] = all_operations(&c, d);
		conv_free(&c);
	}

	omp_set_num_threads(before);

	for (unsigned int t = 0; t < ARRAY_SIZE(threads); t++)
		for (int i = 0; i < 4; i++)
			cr_assert_eq(0, memcmp(r[0].val[i], r[t].val[i], (size_t)r[0].N[i] * sizeof(float)),
				"%s, %s: %s with %d threads", s->name, backend->name, what[i], threads[t]);

	for (unsigned int t = 0; t < ARRAY_SIZE(threads); t++)
		for (int i = 0; i < 4; i++)
			xfree(r[t].val[i]);
}


Test(backend, same_bits)
{
	for_all("backend threads", NULL, check_bits);
}


// --- full size, probed at some places

static const struct shape_s full = { "full size", 100, 100, FEATURES, { 320, 256, 1, 1 }, K2D, REFL, true };


static void check_places(long N, const double val[N], const double ref[N], const char* what, const char* name)
{
	float v[N];

	for (long i = 0; i < N; i++)
		v[i] = (float)val[i];

	double distance = nn_test_distance_double(N, v, ref);

	cr_assert(TOLERANCE > distance, "full size, %s: %s %g", name, what, distance);
}


static long place(long i, long n)
{
	return (i * 7919) % n;
}


// corners, edges, and pixels in between
static void place_pixel(long pos[NN_DIMS], long i)
{
	pos[0] = (0 == i % 3) ? 0 : ((1 == i % 3) ? 319 : place(i, 320));
	pos[1] = (0 == i / 3 % 3) ? 0 : ((1 == i / 3 % 3) ? 255 : place(i, 256));
	pos[2] = 0;
	pos[3] = 0;
}


static void check_full(const struct data_s* d, const struct nn_backend_s* backend)
{
	enum { PLACES = 18, WEIGHTS = 90 };

	struct conv_s c = conv_create(&full, backend, false);
	struct result_s r = all_operations(&c, d);
	float* before = random_floats(d->NW, 7);

	double val[PLACES][100];
	double ref[PLACES][100];
	double val_dx[PLACES];
	double ref_dx[PLACES];
	double val_dw[WEIGHTS];
	double ref_dw[WEIGHTS];

	for (long i = 0; i < PLACES; i++) {

		long pos[NN_DIMS];
		place_pixel(pos, i);

		oracle_forward_at(&full, ref[i], pos, d->x_d, d->weights_d);

		for (long o = 0; o < 100; o++) {

			val[i][o] = r.val[0][nn_test_offset(&c.conf.out, o, pos)];
			ref[i][o] += d->bias_d[o];
		}

		val_dx[i] = r.val[1][nn_test_offset(&c.conf.in, place(i, 100), pos)];
		ref_dx[i] = oracle_backward_data_at(&full, place(i, 100), pos, d->dy_d, d->x_d, d->weights_d);
	}

	for (long i = 0; i < WEIGHTS; i++) {

		long w = place(i, d->NW);

		val_dw[i] = r.val[2][w];
		ref_dw[i] = before[w] + oracle_backward_weights_at(&full, w, d->x_d, d->dy_d);
	}

	check_places(PLACES * 100, &val[0][0], &ref[0][0], "forward", backend->name);
	check_places(PLACES, val_dx, ref_dx, "data gradient", backend->name);
	check_places(WEIGHTS, val_dw, ref_dw, "weight gradient", backend->name);

	for (int i = 0; i < 4; i++)
		xfree(r.val[i]);

	xfree(before);
	conv_free(&c);
}


Test(backend, full_size)
{
	struct data_s d = data_create(&full);

	for (int i = 0; NULL != nn_backends[i]; i++) {

		if (&nn_backend_ref == nn_backends[i])
			fprintf(stderr, "SKIP backend full size on backend ref: takes a minute\n");
		else if (nn_test_can_run(nn_backends[i], "backend full size"))
			check_full(&d, nn_test_spoiled(nn_backends[i]));
	}

	data_free(&d);
}


// --- the registry, and the layouts


Test(backend, find)
{
	cr_assert_eq(&nn_backend_ref, nn_backend_find("ref"));
	cr_assert_null(nn_backend_find("abacus"));

	const struct nn_backend_s* fastest = nn_backend_find("auto");

	cr_assert_not_null(fastest);
	cr_assert_null(fastest->missing());

	for (int i = 0; fastest != nn_backends[i]; i++)
		cr_assert_not_null(nn_backends[i]->missing());
}


Test(backend, layouts)
{
	long dims[NN_DIMS] = { 5, 4, 3, 2 };
	long strs[NN_DIMS] = { 1, 5, 20, 120 };

	struct nn_backend_s eights = { .channel_multiple = 8 };
	struct nn_tensor_s feature = nn_tensor_feature(&eights, 17, dims);

	cr_assert_eq(24 * 5 * 4 * 3 * 2, nn_tensor_size(&feature));
	cr_assert_eq(17, feature.channels);
	cr_assert_eq(24, feature.strs[0]);
	cr_assert_eq(24 * 60, feature.strs[3]);

	// two maps in between slices and batches
	struct nn_tensor_s image = nn_tensor_image(2, 60, dims, strs);
	long last[NN_DIMS] = { 4, 3, 2, 1 };

	cr_assert_eq(4, image.channels);
	cr_assert_eq(2 * 120 * 2, nn_tensor_size(&image));
	cr_assert_eq(nn_tensor_size(&image) - 1, nn_test_offset(&image, 3, last));
}


Test(backend, paddings)
{
	for (long i = 0; i < 4; i++)
		for (enum nn_padding p = NN_PAD_ZERO; p <= NN_PAD_REPLICATE; p++)
			cr_assert_eq(i, nn_pad_index(p, i, 4));

	cr_assert_eq(-1, nn_pad_index(NN_PAD_ZERO, -1, 4));
	cr_assert_eq(-1, nn_pad_index(NN_PAD_ZERO, 4, 4));
	cr_assert_eq(1, nn_pad_index(NN_PAD_REFLECT, -1, 4));
	cr_assert_eq(2, nn_pad_index(NN_PAD_REFLECT, 4, 4));
	cr_assert_eq(0, nn_pad_index(NN_PAD_REPLICATE, -1, 4));
	cr_assert_eq(3, nn_pad_index(NN_PAD_REPLICATE, 4, 4));
}
