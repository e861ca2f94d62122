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
#include "nn_transfer.h"
#include "nn_net_oracle.h"

struct case_s {

	const char* name;
	struct nn_prox_conf_s conf;
	long dims[NN_DIMS];
	bool series;	// time in place of z: in memory after the maps
};

static const struct case_s cases[] = {

	{ "resnet 2D",			RESNET(3, 2, 1, 2), { 6, 5, 1, 1 }, false },
	{ "resnet 2D, two maps",	RESNET(3, 2, 2, 2), { 5, 4, 1, 1 }, false },
	{ "resnet 2D, batch",		RESNET(2, 1, 1, 2), { 4, 7, 1, 3 }, false },
	{ "resnet 2D, smallest",	RESNET(1, 3, 1, 2), { 2, 2, 1, 2 }, false },
	{ "resnet 2D, slices",		RESNET(2, 1, 1, 2), { 3, 4, 2, 2 }, false },
	{ "resnet 3D",			RESNET(2, 2, 1, 3), { 4, 3, 3, 1 }, false },
	{ "resnet 3D, two maps, batch",	RESNET(2, 3, 2, 3), { 3, 2, 3, 2 }, false },
	{ "resnet 3D, series",		RESNET(2, 2, 1, 3), { 3, 3, 4, 1 }, true },
	{ "resnet 3D, two maps, series", RESNET(2, 2, 2, 3), { 3, 2, 3, 2 }, true },
	{ "resnet 3D, large, series", RESNET(1, 1, 1, 3), { 7, 6, 6, 1 }, true },
	{ "revnet 2D",			REVNET(3, 5, 1, 2), { 6, 5, 1, 1 }, false },
	{ "revnet 2D, two maps, batch",	REVNET(2, 4, 2, 2), { 4, 3, 1, 3 }, false },
	{ "revnet 2D, two layers",	REVNET(4, 2, 1, 2), { 3, 3, 1, 1 }, false },
	{ "revnet 3D",			REVNET(2, 3, 1, 3), { 3, 4, 2, 1 }, false },
	{ "revnet 3D, two maps, series", REVNET(2, 3, 2, 3), { 3, 2, 4, 2 }, true },
	{ "revnet 3D, large, series", REVNET(1, 2, 1, 3), { 6, 7, 6, 1 }, true },
};


static long volume(const long dims[NN_DIMS])
{
	return dims[0] * dims[1] * dims[2];
}


// --- a network and its data: images with gaps between rows, slices, maps and batches


struct data_s {

	const struct nn_device_s* device;

	struct nn_tensor_s image;
	struct nn_prox_s* prox;

	// on the host

	long P;
	float* params;

	long N;		// floats of an image with its gaps
	long M;		// without
	float* in;
	float* dout;
	float* result;	// an image

	// on the device

	float* d_params;
	float* d_in;
	float* d_out;
	float* d_dout;
};

#define GAP 1234.f


static float* new_floats(long N)
{
	float* p = xmalloc((size_t)N * sizeof(float));

	for (long i = 0; i < N; i++)
		p[i] = GAP;

	return p;
}


static float* device_floats(const struct data_s* d, long N)
{
	float* gaps = new_floats(N);
	float* p = nn_transfer_floats(d->device, N, gaps);

	xfree(gaps);

	return p;
}


static struct nn_tensor_s gapped_image(const struct case_s* c)
{
	long strs[NN_DIMS] = { 1, c->dims[0] + 1 };
	long plane = strs[1] * c->dims[1] + 2;
	long maps_str = c->series ? plane : (plane * c->dims[2]);

	strs[2] = c->series ? (plane * c->conf.maps) : plane;
	strs[3] = plane * c->conf.maps * c->dims[2] + 3;

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


// what lies between the pixels must not be lost
static void check_image(const struct data_s* d, const struct case_s* c, const struct nn_backend_s* backend, const char* what,
		const float* image, const double* ref)
{
	nn_transfer_back(d->device, d->N, d->result, image);

	float val[d->M];
	long gaps = 0;

	for (long i = 0; i < d->M; i++)
		val[i] = d->result[image_offset(d, i)];

	for (long i = 0; i < d->N; i++)
		if (GAP == d->result[i])
			gaps++;

	double distance = nn_test_distance_double(d->M, val, ref);

	cr_assert(nn_test_tolerance(backend) > distance, "%s, %s: %s %g", c->name, backend->name, what, distance);
	cr_assert_eq(d->N - d->M, gaps, "%s, %s: touches what is not the image's", c->name, backend->name);
}


static bool same_bits(const struct data_s* d, long N, const float* a, const float* b)
{
	float* val[2] = { new_floats(N), new_floats(N) };

	nn_transfer_back(d->device, N, val[0], a);
	nn_transfer_back(d->device, N, val[1], b);

	bool same = (0 == memcmp(val[0], val[1], (size_t)N * sizeof(float)));

	xfree(val[0]);
	xfree(val[1]);

	return same;
}


static void params_to_double(const struct data_s* d, double params[d->P])
{
	for (long i = 0; i < d->P; i++)
		params[i] = d->params[i];
}


/* A precision of few digits chooses another side of a ReLU where its argument is
 * near zero, and the gradient jumps. The first parameters that keep away from there.
 */
static void init_params(const struct case_s* c, struct data_s* d)
{
	double in[d->M];
	double out[d->M];
	double params[d->P];

	image_to_double(d, in, d->in);

	for (unsigned int seed = 1; seed < 1000; seed++) {

		nn_prox_init(&c->conf, d->P, d->params, seed, 0);

		params_to_double(d, params);

		nn_net_oracle(&c->conf, c->dims, out, in, params);

		if (0.01 < nn_net_oracle_margin())
			return;
	}

	cr_assert_fail("%s: no parameters are far from kinks", c->name);
}


static struct data_s create(const struct case_s* c, const struct nn_backend_s* backend, int slots)
{
	struct data_s d = { .device = backend->device, .image = gapped_image(c) };

	d.prox = nn_prox_create(backend, &c->conf, &d.image, slots);
	nn_prox_alloc(d.prox);

	d.P = nn_prox_params(&c->conf);
	d.params = new_floats(d.P);

	d.N = nn_tensor_size(&d.image);
	d.M = c->dims[3] * d.image.channels * volume(c->dims);

	d.in = new_floats(d.N);
	d.dout = new_floats(d.N);
	d.result = new_floats(d.N);

	image_random(&d, d.in, 2);
	image_random(&d, d.dout, 3);
	init_params(c, &d);

	d.d_params = nn_transfer_floats(d.device, d.P, d.params);
	d.d_in = nn_transfer_floats(d.device, d.N, d.in);
	d.d_dout = nn_transfer_floats(d.device, d.N, d.dout);
	d.d_out = device_floats(&d, d.N);

	return d;
}


static void destroy(struct data_s* d)
{
	nn_prox_free(d->prox);

	void* host[] = { d->params, d->in, d->dout, d->result };
	void* device[] = { d->d_params, d->d_in, d->d_dout, d->d_out };

	for (unsigned int i = 0; i < ARRAY_SIZE(host); i++) {

		xfree(host[i]);
		d->device->free(device[i]);
	}
}


static void for_all(const char* test, void (*fun)(const struct case_s* c, const struct nn_backend_s* backend))
{
	for (int i = 0; NULL != nn_backends[i]; i++) {

		if (!nn_test_can_run(nn_backends[i], test))
			continue;

		for (unsigned int j = 0; j < ARRAY_SIZE(cases); j++)
			fun(&cases[j], nn_test_spoiled(nn_backends[i]));
	}

	nn_test_absent(test);
}


// --- forward


static void forward(const struct data_s* d, int slot, const float* in)
{
	nn_prox_load(d->prox, slot, d->d_params);
	nn_prox_forward(d->prox, slot, d->d_out, in);
}


static void check_forward(const struct case_s* c, const struct nn_backend_s* backend)
{
	struct data_s d = create(c, backend, 1);

	double in[d.M];
	double out[d.M];
	double params[d.P];

	image_to_double(&d, in, d.in);
	params_to_double(&d, params);

	nn_net_oracle(&c->conf, c->dims, out, in, params);
	forward(&d, 0, d.d_in);

	check_image(&d, c, backend, "forward", d.d_out, out);

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

	forward(&d, 1, d.d_in);
	nn_prox_load(e.prox, 0, d.d_params);
	nn_prox_forward(e.prox, 0, e.d_out, d.d_in);

	cr_assert(same_bits(&d, d.N, d.d_out, e.d_out), "%s, %s", c->name, backend->name);
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


// with respect to the image and to the parameters
static void numerical_gradients(const struct case_s* c, const struct data_s* d, double grad_in[d->M], double grad_params[d->P])
{
	double in[d->M];
	double params[d->P];

	image_to_double(d, in, d->in);
	params_to_double(d, params);

	central_differences(c, d, d->M, grad_in, in, in, params);
	central_differences(c, d, d->P, grad_params, params, in, params);
}


static void check_gradients(const struct case_s* c, const struct nn_backend_s* backend)
{
	struct data_s d = create(c, backend, 1);

	double grad_in[d.M];
	double grad_params[d.P];

	numerical_gradients(c, &d, grad_in, grad_params);

	float result[d.P];

	// the gradient is added
	for (long i = 0; i < d.P; i++) {

		result[i] = 0.5f;
		grad_params[i] += 0.5;
	}

	float* din = device_floats(&d, d.N);
	float* dparams = nn_transfer_floats(d.device, d.P, result);

	forward(&d, 0, d.d_in);
	nn_prox_backward(d.prox, 0, din, dparams, d.d_dout, d.d_in);

	check_image(&d, c, backend, "gradient", din, grad_in);

	nn_transfer_back(d.device, d.P, result, dparams);

	double distance = nn_test_distance_double(d.P, result, grad_params);

	cr_assert(nn_test_tolerance(backend) > distance, "%s, %s: parameters %g", c->name, backend->name, distance);

	d.device->free(din);
	d.device->free(dparams);
	destroy(&d);
}


Test(prox_net, gradients)
{
	for_all("prox_net gradients", check_gradients);
}


static void backward(const struct data_s* d, int slot, float* din, float* dparams)
{
	d->device->clear(dparams, sizeof(float[d->P]));

	nn_prox_backward(d->prox, slot, din, dparams, d->d_dout, d->d_in);
}


// two slots do not know of each other; din may be left out, or be dout
static void check_slots(const struct case_s* c, const struct nn_backend_s* backend)
{
	struct data_s d = create(c, backend, 2);

	float* din[2] = { device_floats(&d, d.N), device_floats(&d, d.N) };
	float* dparams[2] = { device_floats(&d, d.P), device_floats(&d, d.P) };

	image_random(&d, d.result, 4);

	float* other = nn_transfer_floats(d.device, d.N, d.result);

	forward(&d, 0, d.d_in);
	backward(&d, 0, din[0], dparams[0]);

	forward(&d, 1, d.d_in);
	forward(&d, 0, other);
	backward(&d, 1, din[1], dparams[1]);

	cr_assert(same_bits(&d, d.N, din[0], din[1]), "%s, %s: image", c->name, backend->name);
	cr_assert(same_bits(&d, d.P, dparams[0], dparams[1]), "%s, %s: parameters", c->name, backend->name);

	forward(&d, 0, d.d_in);
	backward(&d, 0, NULL, dparams[1]);

	cr_assert(same_bits(&d, d.P, dparams[0], dparams[1]), "%s, %s: without din", c->name, backend->name);

	forward(&d, 0, d.d_in);
	backward(&d, 0, d.d_dout, dparams[1]);

	cr_assert(same_bits(&d, d.N, din[0], d.d_dout), "%s, %s: din in place of dout", c->name, backend->name);

	d.device->free(other);

	for (int i = 0; i < 2; i++) {

		d.device->free(din[i]);
		d.device->free(dparams[i]);
	}

	destroy(&d);
}


Test(prox_net, slots)
{
	for_all("prox_net slots", check_slots);
}


// --- parameters
