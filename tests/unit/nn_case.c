#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "misc/misc.h"

#include "nn/backend.h"

#include "nn_test.h"
#include "nn_transfer.h"
#include "nn_oracle.h"

#include "nn_case.h"

// .from_image, .to_image, .series
#define FEATURES false, false, false
#define IMAGE_IN true, false, false
#define IMAGE_OUT false, true, false
#define IMAGE_IN_OUT true, true, false
#define SERIES_IN true, false, true
#define SERIES_OUT false, true, true
#define SERIES_IN_OUT true, true, true

#define K2D { 3, 3, 1 }
#define K3D { 3, 3, 3 }
#define K1 { 1, 1, 1 }

#define ZERO NN_PAD_ZERO
#define REFL NN_PAD_REFLECT
#define REPL NN_PAD_REPLICATE

// a ReLU of the input, and what else: .relu, .relu_out, .relu_in_done
#define LINEAR false, false, false
#define RELU true, false, false
#define RELU_OUT false, true, false
#define RELU_THEN_OUT true, true, false
#define RELU_DONE true, false, true
#define RELU_DONE_THEN_OUT true, true, true

const struct shape_s nn_case_shapes[] = {

	{ "one channel",		1, 1, FEATURES, { 5, 4, 1, 1 }, K2D, REFL, RELU },
	{ "one channel, zero",		1, 1, FEATURES, { 6, 3, 1, 1 }, K2D, ZERO, LINEAR },
	{ "one pixel",			3, 2, FEATURES, { 1, 1, 1, 1 }, K2D, REPL, RELU },
	{ "one row",			2, 5, FEATURES, { 9, 1, 1, 2 }, K2D, ZERO, RELU },
	{ "one column",			2, 5, FEATURES, { 1, 9, 1, 2 }, K2D, REPL, LINEAR },
	{ "two by two",			3, 3, FEATURES, { 2, 2, 1, 2 }, K2D, REFL, RELU },
	{ "odd, reflected",		3, 5, FEATURES, { 7, 5, 1, 1 }, K2D, REFL, LINEAR },
	{ "odd, replicated",		5, 3, FEATURES, { 11, 3, 1, 3 }, K2D, REPL, RELU },
	{ "odd, zero",			17, 33, FEATURES, { 13, 7, 1, 1 }, K2D, ZERO, RELU },
	{ "batch",			16, 16, FEATURES, { 9, 11, 1, 3 }, K2D, REFL, RELU },
	{ "slices",			8, 9, FEATURES, { 6, 7, 3, 2 }, K2D, REFL, RELU },
	{ "wide",			8, 24, FEATURES, { 67, 5, 1, 1 }, K2D, REPL, RELU },
	{ "high",			24, 8, FEATURES, { 5, 67, 1, 1 }, K2D, REFL, RELU },
	{ "image in",			2, 7, IMAGE_IN, { 9, 8, 1, 1 }, K2D, REFL, RELU },
	{ "image in, batch, zero",	2, 7, IMAGE_IN, { 4, 5, 2, 3 }, K2D, ZERO, LINEAR },
	{ "two maps in",		4, 6, IMAGE_IN, { 8, 9, 1, 3 }, K2D, REFL, LINEAR },
	{ "image out",			7, 2, IMAGE_OUT, { 10, 7, 1, 1 }, K2D, ZERO, LINEAR },
	{ "image out, batch",		7, 2, IMAGE_OUT, { 7, 6, 2, 3 }, K2D, REFL, RELU },
	{ "two maps out",		5, 4, IMAGE_OUT, { 6, 9, 1, 3 }, K2D, REPL, RELU },
	{ "image in and out",		4, 4, IMAGE_IN_OUT, { 8, 7, 1, 2 }, K2D, REFL, RELU },
	{ "pixel by pixel, image",	4, 9, IMAGE_IN, { 7, 9, 1, 2 }, K1, ZERO, LINEAR },
	{ "pixel by pixel",		18, 5, FEATURES, { 8, 5, 2, 2 }, K1, REFL, RELU },
	{ "3D, replicated",		3, 4, FEATURES, { 5, 4, 3, 2 }, K3D, REPL, RELU },
	{ "3D, reflected",		4, 3, FEATURES, { 4, 5, 6, 1 }, K3D, REFL, LINEAR },
	{ "3D, zero",			9, 17, FEATURES, { 6, 5, 4, 1 }, K3D, ZERO, RELU },
	{ "3D, image in",		4, 6, IMAGE_IN, { 5, 6, 3, 2 }, K3D, REPL, LINEAR },
	{ "3D, image out",		6, 4, IMAGE_OUT, { 6, 5, 3, 2 }, K3D, ZERO, LINEAR },
	{ "3D, one along x, replicated",  5, 9, FEATURES, { 1, 7, 8, 2 }, K3D, REPL, RELU },
	{ "3D, one along x, zero",        9, 5, FEATURES, { 1, 7, 8, 2 }, K3D, ZERO, LINEAR },
	{ "3D, two along x, replicated",  5, 9, FEATURES, { 2, 7, 8, 1 }, K3D, REPL, LINEAR },
	{ "3D, two along x, zero",        9, 5, FEATURES, { 2, 7, 8, 1 }, K3D, ZERO, RELU },
	{ "3D, one along y, replicated",  5, 9, FEATURES, { 9, 1, 8, 2 }, K3D, REPL, RELU },
	{ "3D, one along y, zero",        9, 5, FEATURES, { 9, 1, 8, 2 }, K3D, ZERO, LINEAR },
	{ "3D, two along y, replicated",  5, 9, FEATURES, { 9, 2, 8, 1 }, K3D, REPL, LINEAR },
	{ "3D, two along y, zero",        9, 5, FEATURES, { 9, 2, 8, 1 }, K3D, ZERO, RELU },
	{ "3D, one along z, replicated",  5, 9, FEATURES, { 9, 7, 1, 2 }, K3D, REPL, RELU },
	{ "3D, one along z, zero",        9, 5, FEATURES, { 9, 7, 1, 2 }, K3D, ZERO, LINEAR },
	{ "3D, two along z, replicated",  5, 9, FEATURES, { 9, 7, 2, 1 }, K3D, REPL, LINEAR },
	{ "3D, two along z, zero",        9, 5, FEATURES, { 9, 7, 2, 1 }, K3D, ZERO, RELU },
	{ "3D, odd",			17, 18, FEATURES, { 11, 7, 13, 1 }, K3D, REPL, RELU },
	{ "3D, odd, zero",		6, 20, FEATURES, { 7, 13, 9, 1 }, K3D, ZERO, LINEAR },
	{ "3D, odd, ReLU done and out",	10, 10, FEATURES, { 13, 9, 7, 2 }, K3D, REPL, RELU_DONE_THEN_OUT },
	{ "series in",			2, 6, SERIES_IN, { 9, 7, 8, 2 }, K3D, REPL, LINEAR },
	{ "series in, two maps",	4, 6, SERIES_IN, { 8, 7, 5, 2 }, K3D, REPL, RELU_THEN_OUT },
	{ "series in, three maps, zero", 6, 3, SERIES_IN, { 3, 5, 2, 3 }, K3D, ZERO, LINEAR },
	{ "series out",			6, 2, SERIES_OUT, { 9, 8, 7, 2 }, K3D, ZERO, LINEAR },
	{ "series out, two maps",	6, 4, SERIES_OUT, { 7, 9, 6, 2 }, K3D, REPL, RELU_DONE },
	{ "series in and out",		4, 4, SERIES_IN_OUT, { 6, 5, 7, 2 }, K3D, REPL, LINEAR },
	{ "series, pixel by pixel",	4, 9, SERIES_IN, { 6, 7, 5, 2 }, K1, ZERO, LINEAR },
	{ "x only",			3, 4, FEATURES, { 6, 5, 2, 1 }, { 3, 1, 1 }, REFL, RELU },
	{ "y only",			3, 4, FEATURES, { 6, 5, 2, 1 }, { 1, 3, 1 }, REPL, RELU },
	{ "x and z",			3, 4, FEATURES, { 6, 5, 3, 1 }, { 3, 1, 3 }, REFL, RELU },
	{ "ReLU on the way out",	6, 7, FEATURES, { 7, 6, 1, 2 }, K2D, REFL, RELU_OUT },
	{ "ReLU done before",		7, 6, FEATURES, { 6, 7, 1, 2 }, K2D, REPL, RELU_DONE },
	{ "image in, ReLU out",		2, 7, IMAGE_IN, { 5, 8, 1, 2 }, K2D, REFL, RELU_THEN_OUT },
	{ "ReLU done, image out",	7, 2, IMAGE_OUT, { 8, 5, 1, 2 }, K2D, REFL, RELU_DONE },
	{ "3D, ReLU done and out",	3, 5, FEATURES, { 4, 5, 3, 2 }, K3D, REPL, RELU_DONE_THEN_OUT },
	{ "PGD first",			2, 100, IMAGE_IN, { 40, 36, 1, 1 }, K2D, REFL, RELU },
	{ "PGD hidden",			100, 100, FEATURES, { 40, 36, 1, 1 }, K2D, REFL, RELU },
	{ "PGD shortcut",		2, 100, IMAGE_IN, { 40, 36, 1, 1 }, K1, ZERO, LINEAR },
	{ "PGD last",			100, 2, IMAGE_OUT, { 40, 36, 1, 1 }, K2D, ZERO, LINEAR },
	{ "MoDL hidden",		70, 70, FEATURES, { 37, 29, 1, 1 }, K2D, REFL, RELU },
	{ "MoDL last",			70, 2, IMAGE_OUT, { 37, 29, 1, 1 }, K2D, REFL, RELU },

	{ .name = NULL },
};

const struct shape_s nn_case_full_size = { "full size", 100, 100, FEATURES, { 320, 256, 1, 1 }, K2D, REFL, RELU };


// --- data of one convolution, as the oracle and as the backend want it

float* nn_case_random(long N, unsigned int seed)
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


float* nn_case_dweights(const struct shape_s* s)
{
	return nn_case_random(oracle_weights(s), 7);
}


float* nn_case_dbias(const struct shape_s* s)
{
	return nn_case_random(s->out, 8);
}


static double* to_double_free(long N, float* src)
{
	double* p = to_double(N, src);

	xfree(src);

	return p;
}


struct case_data_s nn_case_data_create(const struct shape_s* s)
{
	struct case_data_s d = { .NI = oracle_inputs(s), .NO = oracle_outputs(s), .NW = oracle_weights(s) };

	d.x = nn_case_random(d.NI, 1);

	for (long i = 0; s->relu_in_done && (i < d.NI); i++)
		d.x[i] = MAX(0.f, d.x[i]);

	d.dy = nn_case_random(d.NO, 2);
	d.weights = nn_case_random(d.NW, 3);
	d.bias = nn_case_random(s->out, 4);

	d.x_d = to_double(d.NI, d.x);
	d.dy_d = to_double(d.NO, d.dy);
	d.weights_d = to_double(d.NW, d.weights);
	d.bias_d = to_double(s->out, d.bias);

	d.y = calloc((size_t)d.NO, sizeof(double));
	d.dx = calloc((size_t)d.NI, sizeof(double));
	d.dweights = to_double_free(d.NW, nn_case_dweights(s));
	d.dbias = to_double_free(s->out, nn_case_dbias(s));

	return d;
}


void nn_case_data_free(struct case_data_s* d)
{
	void* all[] = { d->x, d->dy, d->weights, d->bias, d->dx, d->y, d->dweights, d->dbias, d->x_d, d->dy_d, d->weights_d, d->bias_d };

	for (unsigned int i = 0; i < ARRAY_SIZE(all); i++)
		free(all[i]);
}


// --- tensors

#define GAP 1234.f


static int spatial_dims(const struct shape_s* s)
{
	return (3 == s->kernel[2]) ? 3 : 2;
}


static struct nn_tensor_s tensor_of(const struct nn_backend_s* backend, const struct shape_s* s, bool image, long channels)
{
	if (!image)
		return nn_tensor_feature(backend, channels, s->dims, spatial_dims(s));

	long maps = channels / 2;
	long strs[NN_DIMS] = { 1, s->dims[0] + 3 };
	long plane = strs[1] * s->dims[1] + 1;

	strs[2] = s->series ? (plane * maps + 2) : plane;

	long maps_str = s->series ? plane : (plane * s->dims[2] + 2);

	strs[3] = s->series ? (strs[2] * s->dims[2] + 1) : (maps_str * maps);

	return nn_tensor_image(maps, maps_str, s->dims, strs);
}


long nn_case_offset(const struct nn_tensor_s* tensor, long i)
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


static void* tensor_new(const struct nn_device_s* device, const struct nn_tensor_s* tensor, long N, const float src[N], bool gradient)
{
	long size = nn_tensor_size(tensor);
	float* data = xmalloc((size_t)size * sizeof(float));

	for (long i = 0; i < size; i++)
		data[i] = GAP;

	nn_test_each(tensor, data, true, set_zero);

	for (long i = 0; i < N; i++)
		data[nn_case_offset(tensor, i)] = src[i];

	void* p = (gradient ? nn_transfer_gradient : nn_transfer_new)(device, tensor, data);

	xfree(data);

	return p;
}


void* nn_case_tensor(const struct nn_device_s* device, const struct nn_tensor_s* tensor, long N, const float src[N])
{
	return tensor_new(device, tensor, N, src, false);
}


static double tensor_distance(const struct nn_tensor_s* tensor, const float* data, long N, const double ref[N], bool relu)
{
	float* a = xmalloc((size_t)N * sizeof(float));
	double* b = xmalloc((size_t)N * sizeof(double));

	for (long i = 0; i < N; i++) {

		float val = data[nn_case_offset(tensor, i)];

		// a NaN passes
		a[i] = (relu && (0.f > val)) ? 0.f : val;
		b[i] = (relu && (0. > ref[i])) ? 0. : ref[i];
	}

	double distance = nn_test_distance_double(N, a, b);

	xfree(a);
	xfree(b);

	return distance;
}


// between the pixels of an image; a feature tensor has no gaps but its rim
static bool gaps_are_kept(const struct nn_tensor_s* tensor, const float* data)
{
	if (0 < tensor->offset)
		return true;

	const long* n = tensor->dims;
	long used = n[0] * n[1] * n[2] * n[3] * ((tensor->group > tensor->channels) ? tensor->group : tensor->channels);

	for (long i = 0; i < nn_tensor_size(tensor); i++)
		if (GAP == data[i])
			used++;

	return (nn_tensor_size(tensor) == used);
}


// --- one convolution on one backend

#define GUARD 64


static void upload_guard(struct case_conv_s* c)
{
	char guard[GUARD];

	memset(guard, 0x5a, GUARD);
	c->backend->device->upload(c->ws + c->ws_bytes, guard, GUARD);
	c->backend->device->sync();
}


static void check_guard(const struct case_conv_s* c)
{
	char guard[GUARD];

	c->backend->device->download(guard, c->ws + c->ws_bytes, GUARD);

	for (int i = 0; i < GUARD; i++)
		cr_assert_eq(0x5a, guard[i], "%s, %s: writes behind its workspace", c->shape->name, c->backend->name);
}


static void* weights_of(const struct case_conv_s* c, const struct case_data_s* d, bool forward_only)
{
	const struct nn_backend_s* backend = c->backend;
	float* plain = nn_transfer_floats(backend->device, d->NW, d->weights);

	if (NULL == backend->conv_pack)
		return plain;

	void* packed = backend->device->alloc(backend->conv_packed(c->plan, forward_only));

	backend->conv_pack(c->plan, packed, forward_only, plain, c->bias);
	backend->device->sync();
	backend->device->free(plain);

	return packed;
}


struct case_conv_s nn_case_conv_create(const struct shape_s* s, const struct case_data_s* d, const struct nn_backend_s* backend,
		struct case_mode_s mode)
{
	const struct nn_device_s* device = backend->device;

	struct case_conv_s c = {

		.shape = s,
		.backend = backend,
		.conf = {

			.in = tensor_of(backend, s, s->from_image, s->in),
			.out = tensor_of(backend, s, s->to_image, s->out),
			.kernel = { s->kernel[0], s->kernel[1], s->kernel[2] },
			.padding = s->padding,
			.relu = s->relu,
			.bias = mode.bias,
			.res = mode.res,
			.relu_out = s->relu_out,
			.relu_in_done = s->relu_in_done,
		},
	};

	c.plan = backend->conv_create(&c.conf);
	c.ws_bytes = backend->conv_workspace(c.plan, mode.forward_only);

	cr_assert_leq(backend->conv_workspace(c.plan, true), c.ws_bytes);

	c.ws = device->alloc(c.ws_bytes + GUARD);
	upload_guard(&c);

	c.x = nn_case_tensor(device, &c.conf.in, d->NI, d->x);
	c.dy = tensor_new(device, &c.conf.out, d->NO, d->dy, true);
	c.bias = mode.bias ? nn_transfer_floats(device, s->out, d->bias) : NULL;
	c.weights = weights_of(&c, d, mode.forward_only);

	return c;
}


void nn_case_conv_free(struct case_conv_s* c)
{
	const struct nn_device_s* device = c->backend->device;

	check_guard(c);

	c->backend->conv_free(c->plan);

	device->free(c->ws);
	device->free(c->x);
	device->free(c->dy);
	device->free(c->weights);

	if (NULL != c->bias)
		device->free(c->bias);
}


void nn_case_all(const char* test, void (*prepare)(const struct shape_s* s, struct case_data_s* d), nn_case_fun fun)
{
	bool told = false;

	for (const struct shape_s* s = nn_case_shapes; NULL != s->name; s++) {

		struct case_data_s d = nn_case_data_create(s);

		if (NULL != prepare)
			prepare(s, &d);

		for (int i = 0; NULL != nn_backends[i]; i++)
			if (told ? (NULL == nn_backends[i]->missing()) : nn_test_can_run(nn_backends[i], test))
				fun(s, &d, nn_test_spoiled(nn_backends[i]));

		nn_case_data_free(&d);
		told = true;
	}

	nn_test_absent(test);
}


void nn_case_check(const struct case_conv_s* c, const char* what, const struct nn_tensor_s* tensor, const void* data, long N, const double ref[N])
{
	float* val = nn_transfer_from(c->backend->device, tensor, data);
	double distance = tensor_distance(tensor, val, N, ref, c->shape->relu_out && (&c->conf.out == tensor));

	cr_assert(nn_test_tolerance(c->backend) > distance, "%s, %s, %s: %g", c->shape->name, c->backend->name, what, distance);
	cr_assert(gaps_are_kept(tensor, val), "%s, %s, %s: touches what is not the image's", c->shape->name, c->backend->name, what);

	xfree(val);
}
