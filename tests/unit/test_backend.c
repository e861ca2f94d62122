/*
 * One list of convolutions for every backend: forward, data gradient and weight
 * gradient against their definition in double.
 */

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


// --- the oracle itself: the gradients are the derivatives of what is computed forward


static double objective(const struct shape_s* s, const struct case_data_s* d)
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
static double difference(const struct shape_s* s, const struct case_data_s* d, double* var)
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
	struct case_data_s d = nn_case_data_create(s);

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

	nn_case_data_free(&d);
}


Test(backend, oracle)
{
	for (const struct shape_s* s = nn_case_shapes; NULL != s->name; s++)
		if ((3000 > oracle_outputs(s) * oracle_weights(s) / s->out) && !s->relu_in_done)	// no kinks
			check_oracle(s);
}


// --- forward


static void prepare_forward(const struct shape_s* s, struct case_data_s* d)
{
	oracle_forward(s, d->y, d->x_d, d->weights_d, NULL);
}


enum res { NONE, IN_PLACE, ELSEWHERE };

static const char* const res_names[] = { "set", "add", "add another" };


static void check_forward_mode(const struct shape_s* s, const struct case_data_s* d, const struct nn_backend_s* backend,
		bool bias, enum res mode)
{
	const struct nn_device_s* device = backend->device;
	struct case_conv_s c = nn_case_conv_create(s, d, backend, (struct case_mode_s){ true, bias, NONE != mode });

	float* before = nn_case_random(d->NO, 5);
	double* ref = xmalloc((size_t)d->NO * sizeof(double));

	void* y = nn_case_tensor(device, &c.conf.out, d->NO, before);
	void* other = nn_case_tensor(device, &c.conf.out, d->NO, before);
	const void* res[] = { NULL, y, other };

	for (long i = 0; i < d->NO; i++)
		ref[i] = d->y[i] + ((NONE != mode) ? before[i] : 0.f) + (bias ? d->bias_d[i / oracle_pixels(s) % s->out] : 0.);

	backend->conv_forward(c.plan, y, res[mode], c.x, c.weights, c.bias, c.ws);

	nn_case_check(&c, res_names[mode], &c.conf.out, y, d->NO, ref);

	device->free(y);
	device->free(other);
	xfree(before);
	xfree(ref);
	nn_case_conv_free(&c);
}


static void check_forward(const struct shape_s* s, const struct case_data_s* d, const struct nn_backend_s* backend)
{
	for (int mode = 0; mode < 6; mode++) {

		enum res res = (enum res)(mode % 3);

		if (((ELSEWHERE == res) && !backend->res_elsewhere) || ((NONE != res) && s->relu_out))
			continue;

		check_forward_mode(s, d, backend, 3 <= mode, res);
	}
}


Test(backend, forward)
{
	nn_case_all("backend forward", prepare_forward, check_forward);
}


// --- data gradient


static void prepare_backward_data(const struct shape_s* s, struct case_data_s* d)
{
	oracle_backward_data(s, d->dx, d->dy_d, d->x_d, d->weights_d);
}


static void check_backward_data(const struct shape_s* s, const struct case_data_s* d, const struct nn_backend_s* backend)
{
	const struct nn_device_s* device = backend->device;
	struct case_conv_s c = nn_case_conv_create(s, d, backend, (struct case_mode_s){ .bias = false });

	float* before = nn_case_random(d->NI, 5);
	void* dx = nn_case_tensor(device, &c.conf.in, d->NI, before);

	double* ref = xmalloc((size_t)d->NI * sizeof(double));

	const void* given = s->relu ? c.x : NULL;

	backend->conv_backward_data(c.plan, dx, false, c.dy, given, c.weights, c.ws);
	nn_case_check(&c, "set", &c.conf.in, dx, d->NI, d->dx);

	backend->conv_backward_data(c.plan, dx, true, c.dy, given, c.weights, c.ws);

	for (long i = 0; i < d->NI; i++)
		ref[i] = 2. * d->dx[i];

	nn_case_check(&c, "add", &c.conf.in, dx, d->NI, ref);

	backend->conv_backward_data(c.plan, c.x, false, c.dy, c.x, c.weights, c.ws);
	nn_case_check(&c, "in place", &c.conf.in, c.x, d->NI, d->dx);

	device->free(dx);
	xfree(before);
	xfree(ref);
	nn_case_conv_free(&c);
}


Test(backend, backward_data)
{
	nn_case_all("backend data gradient", prepare_backward_data, check_backward_data);
}


// --- weight gradient


static void prepare_backward_weights(const struct shape_s* s, struct case_data_s* d)
{
	oracle_backward_weights(s, d->dweights, d->dbias, d->x_d, d->dy_d);
}


static void check_weights_mode(const struct shape_s* s, const struct case_data_s* d, const struct nn_backend_s* backend, bool bias)
{
	const struct nn_device_s* device = backend->device;
	struct case_conv_s c = nn_case_conv_create(s, d, backend, (struct case_mode_s){ .bias = bias });

	float* weights = nn_case_dweights(s);
	float* offset = nn_case_dbias(s);

	float* dweights = nn_transfer_floats(device, d->NW, weights);
	float* dbias = nn_transfer_floats(device, s->out, offset);
	void* y = nn_case_tensor(device, &c.conf.out, d->NO, d->dy);

	backend->conv_forward(c.plan, y, NULL, c.x, c.weights, c.bias, c.ws);
	backend->conv_backward_weights(c.plan, dweights, bias ? dbias : NULL, c.x, c.dy, c.ws);

	nn_transfer_back(device, d->NW, weights, dweights);
	nn_transfer_back(device, s->out, offset, dbias);

	double e_weights = nn_test_distance_double(d->NW, weights, d->dweights);
	double e_bias = bias ? nn_test_distance_double(s->out, offset, d->dbias) : 0.;

	cr_assert(nn_test_tolerance(backend) > e_weights, "%s, %s: weights %g", s->name, backend->name, e_weights);
	cr_assert(nn_test_tolerance(backend) > e_bias, "%s, %s: bias %g", s->name, backend->name, e_bias);

	device->free(y);
	device->free(dweights);
	device->free(dbias);
	xfree(weights);
	xfree(offset);
	nn_case_conv_free(&c);
}


static void check_backward_weights(const struct shape_s* s, const struct case_data_s* d, const struct nn_backend_s* backend)
{
	check_weights_mode(s, d, backend, false);
	check_weights_mode(s, d, backend, true);
}


Test(backend, backward_weights)
{
	nn_case_all("backend weight gradient", prepare_backward_weights, check_backward_weights);
}


// --- channels of padding, for backends that have none by themselves


static bool is_small(const struct shape_s* s)
{
	return 1000000 > oracle_weights(s) * oracle_pixels(s);
}


static void check_padded(const struct shape_s* s, const struct case_data_s* d, const struct nn_backend_s* backend)
{
	if (!is_small(s) || (1 != backend->channel_multiple))
		return;

	static struct nn_backend_s padded;

	// backend is the spoiled one around it
	padded = *nn_backend_find(backend->name, backend->precision);
	padded.channel_multiple = 6;

	const struct nn_backend_s* spoiled = nn_test_spoiled(&padded);

	check_forward(s, d, spoiled);
	check_backward_data(s, d, spoiled);
	check_backward_weights(s, d, spoiled);
}


static void prepare_all(const struct shape_s* s, struct case_data_s* d)
{
	if (!is_small(s))
		return;

	prepare_forward(s, d);
	prepare_backward_data(s, d);
	prepare_backward_weights(s, d);
}


Test(backend, channels_of_padding)
{
	nn_case_all("backend channels of padding", prepare_all, check_padded);
}


// --- adjointness: <dy, A x> = <A^T dy, x> for every padding, <dy, A x> = <dW, W>


static double tensor_product(const struct nn_device_s* device, const struct nn_tensor_s* tensor, const void* a, long N, const float* b)
{
	float* val = nn_transfer_from(device, tensor, a);
	double sum = 0.;

	for (long i = 0; i < N; i++)
		sum += (double)val[nn_case_offset(tensor, i)] * ((NULL == b) ? val[nn_case_offset(tensor, i)] : b[i]);

	xfree(val);

	return sum;
}


static double product(long N, const float* a, const float* b)
{
	double sum = 0.;

	for (long i = 0; i < N; i++)
		sum += (double)a[i] * b[i];

	return sum;
}


static double weights_product(const struct case_conv_s* c, const struct case_data_s* d)
{
	const struct nn_device_s* device = c->backend->device;

	float* val = calloc((size_t)d->NW, sizeof(float));
	float* dweights = nn_transfer_floats(device, d->NW, val);

	c->backend->conv_backward_weights(c->plan, dweights, NULL, c->x, c->dy, c->ws);
	nn_transfer_back(device, d->NW, val, dweights);

	double sum = product(d->NW, val, d->weights);

	device->free(dweights);
	free(val);

	return sum;
}


static void check_adjoint(const struct shape_s* shape, const struct case_data_s* d, const struct nn_backend_s* backend)
{
	const struct nn_device_s* device = backend->device;

	struct shape_s s = *shape;
	s.relu = false;
	s.relu_out = false;
	s.relu_in_done = false;

	struct case_conv_s c = nn_case_conv_create(&s, d, backend, (struct case_mode_s){ .bias = false });

	void* y = nn_case_tensor(device, &c.conf.out, d->NO, d->dy);
	void* dx = nn_case_tensor(device, &c.conf.in, d->NI, d->x);

	backend->conv_forward(c.plan, y, NULL, c.x, c.weights, NULL, c.ws);
	backend->conv_backward_data(c.plan, dx, false, c.dy, NULL, c.weights, c.ws);

	double forward = tensor_product(device, &c.conf.out, y, d->NO, d->dy);
	double data = tensor_product(device, &c.conf.in, dx, d->NI, d->x);
	double weights = weights_product(&c, d);
	double norm_y = tensor_product(device, &c.conf.out, y, d->NO, NULL);

	double scale = nn_test_tolerance(backend) * sqrt(norm_y * product(d->NO, d->dy, d->dy));

	cr_assert(scale > fabs(forward - data), "%s, %s: data %g %g", s.name, backend->name, forward, data);
	cr_assert(scale > fabs(forward - weights), "%s, %s: weights %g %g", s.name, backend->name, forward, weights);

	device->free(y);
	device->free(dx);
	nn_case_conv_free(&c);
}


Test(backend, adjoint)
{
	nn_case_all("backend adjoint", NULL, check_adjoint);
}
