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
		if (3000 > oracle_outputs(s) * oracle_weights(s) / s->out)
			check_oracle(s);
}


// --- forward


static void prepare_forward(const struct shape_s* s, struct case_data_s* d)
{
	oracle_forward(s, d->y, d->x_d, d->weights_d, NULL);
}


static void check_forward(const struct shape_s* s, const struct case_data_s* d, const struct nn_backend_s* backend)
{
	struct case_conv_s c = nn_case_conv_create(s, backend, true);

	float* x = nn_case_tensor(&c.conf.in, d->NI, d->x);
	float* before = nn_case_random(d->NO, 5);
	double* ref = xmalloc((size_t)d->NO * sizeof(double));

	for (int mode = 0; mode < 4; mode++) {

		bool add = (0 != (mode & 1));
		bool bias = (0 != (mode & 2));

		float* y = nn_case_tensor(&c.conf.out, d->NO, before);

		for (long i = 0; i < d->NO; i++)
			ref[i] = d->y[i] + (add ? before[i] : 0.f) + (bias ? d->bias_d[i / oracle_pixels(s) % s->out] : 0.);

		backend->conv_forward(c.plan, y, add, x, d->weights, bias ? d->bias : NULL, c.ws);

		nn_case_check(&c, add ? "add" : "set", &c.conf.out, y, d->NO, ref);

		xfree(y);
	}

	xfree(x);
	xfree(before);
	xfree(ref);
	nn_case_conv_free(&c);
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
	struct case_conv_s c = nn_case_conv_create(s, backend, false);

	float* x = nn_case_tensor(&c.conf.in, d->NI, d->x);
	float* dy = nn_case_tensor(&c.conf.out, d->NO, d->dy);
	float* before = nn_case_random(d->NI, 5);
	float* dx = nn_case_tensor(&c.conf.in, d->NI, before);

	double* ref = xmalloc((size_t)d->NI * sizeof(double));

	const float* given = s->relu ? x : NULL;

	backend->conv_backward_data(c.plan, dx, false, dy, given, d->weights, c.ws);
	nn_case_check(&c, "set", &c.conf.in, dx, d->NI, d->dx);

	backend->conv_backward_data(c.plan, dx, true, dy, given, d->weights, c.ws);

	for (long i = 0; i < d->NI; i++)
		ref[i] = 2. * d->dx[i];

	nn_case_check(&c, "add", &c.conf.in, dx, d->NI, ref);

	backend->conv_backward_data(c.plan, x, false, dy, x, d->weights, c.ws);
	nn_case_check(&c, "in place", &c.conf.in, x, d->NI, d->dx);

	xfree(x);
	xfree(dy);
	xfree(dx);
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


static void check_backward_weights(const struct shape_s* s, const struct case_data_s* d, const struct nn_backend_s* backend)
{
	struct case_conv_s c = nn_case_conv_create(s, backend, false);

	float* x = nn_case_tensor(&c.conf.in, d->NI, d->x);
	float* dy = nn_case_tensor(&c.conf.out, d->NO, d->dy);

	for (int bias = 0; bias < 2; bias++) {

		float* dweights = nn_case_dweights(s);
		float* dbias = nn_case_dbias(s);

		backend->conv_backward_weights(c.plan, dweights, (1 == bias) ? dbias : NULL, x, dy, c.ws);

		double e_weights = nn_test_distance_double(d->NW, dweights, d->dweights);
		double e_bias = (1 == bias) ? nn_test_distance_double(s->out, dbias, d->dbias) : 0.;

		cr_assert(NN_CASE_TOLERANCE > e_weights, "%s, %s: weights %g", s->name, backend->name, e_weights);
		cr_assert(NN_CASE_TOLERANCE > e_bias, "%s, %s: bias %g", s->name, backend->name, e_bias);

		xfree(dweights);
		xfree(dbias);
	}

	xfree(x);
	xfree(dy);
	nn_case_conv_free(&c);
}


Test(backend, backward_weights)
{
	nn_case_all("backend weight gradient", prepare_backward_weights, check_backward_weights);
}


// --- adjointness: <dy, A x> = <A^T dy, x> for every padding, <dy, A x> = <dW, W>


static double tensor_product(const struct nn_tensor_s* ta, const float* a, long N, const float* b)
{
	double sum = 0.;

	for (long i = 0; i < N; i++)
		sum += (double)a[nn_case_offset(ta, i)] * b[i];

	return sum;
}


static double square(long N, const float* a)
{
	double sum = 0.;

	for (long i = 0; i < N; i++)
		sum += pow(a[i], 2.);

	return sum;
}


static void check_adjoint(const struct shape_s* shape, const struct case_data_s* d, const struct nn_backend_s* backend)
{
	struct shape_s s = *shape;
	s.relu = false;

	struct case_conv_s c = nn_case_conv_create(&s, backend, false);

	float* x = nn_case_tensor(&c.conf.in, d->NI, d->x);
	float* dy = nn_case_tensor(&c.conf.out, d->NO, d->dy);
	float* y = nn_case_tensor(&c.conf.out, d->NO, d->dy);
	float* dx = nn_case_tensor(&c.conf.in, d->NI, d->x);
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
		norm_y += pow(y[nn_case_offset(&c.conf.out, i)], 2.);

	double scale = NN_CASE_TOLERANCE * sqrt(norm_y * square(d->NO, d->dy));

	cr_assert(scale > fabs(forward - data), "%s, %s: data %g %g", s.name, backend->name, forward, data);
	cr_assert(scale > fabs(forward - weights), "%s, %s: weights %g %g", s.name, backend->name, forward, weights);

	xfree(x);
	xfree(dy);
	xfree(y);
	xfree(dx);
	free(dweights);
	nn_case_conv_free(&c);
}


Test(backend, adjoint)
{
	nn_case_all("backend adjoint", NULL, check_adjoint);
}
