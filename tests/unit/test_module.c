/*
 * Gradients of a whole module, data consistency included, against finite
 * differences of its loss; the loss and Adam against closed forms.
 */
#include <math.h>
#include <complex.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "num/multind.h"
#include "num/flpmath.h"

#include "misc/mri.h"
#include "misc/misc.h"

#include "nn/adam.h"
#include "nn/device.h"
#include "nn/backend.h"
#include "nn/prox_net.h"

#include "gleam/conf.h"
#include "gleam/dc.h"
#include "gleam/loss.h"
#include "gleam/module.h"
#include "gleam/unroll.h"

enum { X = 14, Y = 12, COILS = 3 };

struct problem_s {

	struct gleam_net_s net;
	long P;
	long pixels;		// of the reference

	struct gleam_unroll_s* unroll;
	struct gleam_module_s* module;

	float* params;
	complex float* x;
	complex float* x0;
	complex float* ref;
	complex float* out;
};


// in -1 .. 1
static float uniform(unsigned int* seed)
{
	return 2.f * (float)rand_r(seed) / (float)RAND_MAX - 1.f;
}

static complex float* random_image(long n, unsigned int* seed)
{
	complex float* x = md_alloc(1, (long[1]){ n }, CFL_SIZE);

	for (long i = 0; i < n; i++)
		x[i] = uniform(seed) + 1.i * uniform(seed);

	return x;
}

static void set_operators(struct problem_s* p, const struct gleam_dims_s* dims, unsigned int* seed)
{
	complex float* maps = random_image(md_calc_size(DIMS, dims->map), seed);
	complex float* pattern = random_image(md_calc_size(DIMS, dims->pat), seed);

	// normal operator's largest eigenvalue about one, as with normalised maps
	md_zsmul(DIMS, dims->map, maps, maps, 0.5);

	for (long i = 0; i < md_calc_size(DIMS, dims->pat); i++)
		pattern[i] = (0. < crealf(pattern[i])) ? 1. : 0.;

	gleam_dc_set(gleam_unroll_dc(p->unroll), maps, pattern);

	md_free(maps);
	md_free(pattern);
}

static struct gleam_net_s net_of(enum gleam_type type, long length, long maps, long frames, bool learn_dc)
{
	struct gleam_net_s net = gleam_net_defaults;

	net.type = type;
	net.iterations = length;
	net.modules = 1;
	net.prox.features = 4;
	net.prox.maps = maps;
	net.prox.spatial = (1 < frames) ? 3 : 2;
	net.mu = 2.;
	net.step_size = 0.4;
	net.cg_iter = 30;		// converged: the adjoint solve is then the gradient
	net.learn_dc = learn_dc;

	gleam_net_complete(&net);

	return net;
}

static struct gleam_dims_s dims_of(long maps, long frames)
{
	struct gleam_dims_s dims;

	md_singleton_dims(DIMS, dims.ksp);
	md_singleton_dims(DIMS, dims.map);
	md_singleton_dims(DIMS, dims.pat);
	md_singleton_dims(DIMS, dims.trj);

	dims.ksp[0] = dims.map[0] = dims.pat[0] = X;
	dims.ksp[1] = dims.map[1] = dims.pat[1] = Y;
	dims.ksp[COIL_DIM] = dims.map[COIL_DIM] = COILS;
	dims.map[MAPS_DIM] = maps;
	dims.ksp[TIME_DIM] = dims.pat[TIME_DIM] = frames;

	return dims;
}

static void set_params(struct problem_s* p)
{
	long length = p->net.iterations;

	p->params = xmalloc((size_t)(length * p->P) * sizeof(float));

	for (long n = 0; n < length; n++) {

		nn_prox_init(&p->net.prox, p->P - 1, p->params + n * p->P, 3, (int)n);
		p->params[n * p->P + p->P - 1] = (GLEAM_PGD == p->net.type) ? p->net.step_size : p->net.mu;
	}
}

static struct problem_s problem_create(enum gleam_type type, long length, long maps, long frames, bool learn_dc, bool combined)
{
	struct problem_s p = { .net = net_of(type, length, maps, frames, learn_dc) };
	struct gleam_dims_s dims = dims_of(maps, frames);
	unsigned int seed = 17;

	p.P = gleam_net_params(&p.net);
	p.unroll = gleam_unroll_create(&p.net, &nn_backend_ref, &dims, (int)length);
	p.module = gleam_module_create(p.unroll, length, p.P, combined);
	p.pixels = gleam_unroll_pixels(p.unroll) / (combined ? maps : 1);

	set_operators(&p, &dims, &seed);
	set_params(&p);

	long N = gleam_unroll_pixels(p.unroll);

	p.x = random_image(N, &seed);
	p.x0 = random_image(N, &seed);
	p.ref = random_image(p.pixels, &seed);
	p.out = random_image(N, &seed);

	return p;
}

static void problem_free(struct problem_s* p)
{
	gleam_module_free(p->module);
	gleam_unroll_free(p->unroll);

	xfree(p->params);
	md_free(p->x);
	md_free(p->x0);
	md_free(p->ref);
	md_free(p->out);
}

static double loss(struct problem_s* p, const float* params)
{
	double sum = 0.;

	gleam_module_load(p->module, params);
	gleam_module_train(p->module, (double)p->pixels, p->out, p->x, p->x0, p->ref, &sum);

	return sum / (double)p->pixels;
}

/* Along the gradient itself (there the change is far above rounding) and along a
 * random direction mixed with it, so that an error in any part of the gradient
 * shows. Returns the derivative that the gradient gives.
 */
static double set_direction(const struct problem_s* p, bool only_dc, long n, float dir[n], const float grad[n])
{
	unsigned int seed = 5;
	double norm = 0.;
	double derivative = 0.;

	for (long i = 0; i < n; i++)
		norm += pow((double)grad[i], 2.);

	for (long i = 0; i < n; i++) {

		bool is_dc = (p->P - 1 == i % p->P);

		dir[i] = grad[i] / (float)sqrt(norm) + uniform(&seed) / (float)sqrt((double)n);

		if (only_dc && !is_dc)
			dir[i] = 0.;

		if (!p->net.learn_dc && is_dc)
			dir[i] = 0.;

		derivative += (double)dir[i] * (double)grad[i];
	}

	return derivative;
}

static double central_difference(struct problem_s* p, long n, const float dir[n])
{
	float* shifted = xmalloc((size_t)n * sizeof(float));
	double h = 1.E-3;
	double side[2];

	for (int s = 0; s < 2; s++) {

		for (long i = 0; i < n; i++)
			shifted[i] = p->params[i] + (float)((0 == s) ? h : -h) * dir[i];

		side[s] = loss(p, shifted);
	}

	xfree(shifted);

	return (side[0] - side[1]) / (2. * h);
}

static void check_gradient_of(struct problem_s p, bool only_dc)
{
	long length = p.net.iterations;
	long n = length * p.P;

	gleam_module_clear(p.module);
	loss(&p, p.params);

	float* grad = xmalloc((size_t)n * sizeof(float));
	float* dir = xmalloc((size_t)n * sizeof(float));

	memcpy(grad, gleam_module_gradient(p.module), (size_t)n * sizeof(float));

	double expected = set_direction(&p, only_dc, n, dir, grad);
	double measured = central_difference(&p, n, dir);

	cr_expect_float_eq(measured, expected, 5.E-3 * fabs(expected),
			"type %d, %ld iterations, %ld maps: finite difference %.8f, gradient %.8f", (int)p.net.type, length, p.net.prox.maps, measured, expected);

	xfree(grad);
	xfree(dir);
	problem_free(&p);
}

static void check_gradient(enum gleam_type type, long length, long maps, bool learn_dc, bool only_dc)
{
	check_gradient_of(problem_create(type, length, maps, 1, learn_dc, false), only_dc);
}

static void check_gradient_series(enum gleam_type type, long length, long maps, bool combined)
{
	check_gradient_of(problem_create(type, length, maps, 3, true, combined), false);
}

Test(module, gradient_pgd_one_iteration) { check_gradient(GLEAM_PGD, 1, 1, false, false); }
Test(module, gradient_pgd_through_data_consistency) { check_gradient(GLEAM_PGD, 3, 1, false, false); }
Test(module, gradient_pgd_two_maps) { check_gradient(GLEAM_PGD, 2, 2, false, false); }
Test(module, gradient_pgd_step_size) { check_gradient(GLEAM_PGD, 2, 1, true, true); }
Test(module, gradient_modl_one_iteration) { check_gradient(GLEAM_MODL, 1, 1, false, false); }
Test(module, gradient_modl_through_data_consistency) { check_gradient(GLEAM_MODL, 2, 1, false, false); }
Test(module, gradient_modl_two_maps) { check_gradient(GLEAM_MODL, 2, 2, false, false); }
Test(module, gradient_modl_mu) { check_gradient(GLEAM_MODL, 2, 1, true, true); }

Test(module, gradient_pgd_series) { check_gradient_series(GLEAM_PGD, 2, 1, false); }
Test(module, gradient_modl_series) { check_gradient_series(GLEAM_MODL, 2, 1, false); }
Test(module, gradient_pgd_series_two_maps) { check_gradient_series(GLEAM_PGD, 2, 2, false); }
Test(module, gradient_pgd_combined) { check_gradient_of(problem_create(GLEAM_PGD, 2, 2, 1, false, true), false); }
Test(module, gradient_pgd_series_combined) { check_gradient_series(GLEAM_PGD, 2, 2, true); }
Test(module, gradient_modl_series_combined) { check_gradient_series(GLEAM_MODL, 1, 3, true); }


Test(module, micro_batches_add_up)
{
	struct problem_s p = problem_create(GLEAM_PGD, 2, 1, 1, true, false);
	long n = 2 * p.P;

	gleam_module_clear(p.module);
	loss(&p, p.params);

	float* once = xmalloc((size_t)n * sizeof(float));
	memcpy(once, gleam_module_gradient(p.module), (size_t)n * sizeof(float));

	loss(&p, p.params);

	for (long i = 0; i < n; i++)
		cr_assert_float_eq(gleam_module_gradient(p.module)[i], 2.f * once[i], 1.E-6f + 1.E-5f * fabsf(once[i]));

	xfree(once);
	problem_free(&p);
}


Test(loss, l1_and_its_gradient)
{
	complex float x[3] = { 3.f + 4.if, 1.f, -2.if };
	complex float ref[3] = { 0.f, 1.f, 0.f };
	complex float grad[3];

	double sum = gleam_loss_l1(3, 0.5, grad, x, ref);

	cr_assert_float_eq(sum, 7., 1.E-6);
	cr_assert_float_eq(crealf(grad[0]), 0.3, 1.E-6);
	cr_assert_float_eq(cimagf(grad[0]), 0.4, 1.E-6);
	cr_assert_eq(grad[1], 0.f);
	cr_assert_float_eq(cimagf(grad[2]), -0.5, 1.E-6);
}


enum { FRAMES = 3, MAPS = 2, PIXELS = 4 };

static double combined(complex float x[FRAMES][MAPS][PIXELS], const complex float ref[FRAMES][PIXELS])
{
	double sum = 0.;

	for (int t = 0; t < FRAMES; t++)
		for (int p = 0; p < PIXELS; p++)
			sum += fabs(hypot(cabs((complex double)x[t][0][p]), cabs((complex double)x[t][1][p])) - cabs((complex double)ref[t][p]));

	return sum;
}

Test(loss, combined_and_its_gradient)
{
	unsigned int seed = 3;
	complex float x[FRAMES][MAPS][PIXELS];
	complex float ref[FRAMES][PIXELS];
	complex float grad[FRAMES][MAPS][PIXELS];

	for (int i = 0; i < FRAMES * MAPS * PIXELS; i++)
		(&x[0][0][0])[i] = uniform(&seed) + 1.i * uniform(&seed);

	for (int i = 0; i < FRAMES * PIXELS; i++)
		(&ref[0][0])[i] = 2. * (uniform(&seed) + 1.i * uniform(&seed));

	double sum = gleam_loss_combined(FRAMES, MAPS, PIXELS, 0.5, grad, x, ref);

	cr_expect_float_eq(sum, combined(x, ref), 1.E-5);

	for (int i = 0; i < FRAMES * MAPS * PIXELS; i++) {

		complex float* at = &(&x[0][0][0])[i];
		complex float kept = *at;
		double part[2];

		for (int im = 0; im < 2; im++) {

			complex float h = (0 == im) ? 1.E-3f : 1.E-3if;

			*at = kept + h;
			part[im] = combined(x, ref);
			*at = kept - h;
			part[im] = (part[im] - combined(x, ref)) / 2.E-3;
			*at = kept;
		}

		complex float g = (&grad[0][0][0])[i];

		cr_expect_float_eq(0.5 * part[0], crealf(g), 1.E-4, "%d: %f %f", i, 0.5 * part[0], (double)crealf(g));
		cr_expect_float_eq(0.5 * part[1], cimagf(g), 1.E-4, "%d: %f %f", i, 0.5 * part[1], (double)cimagf(g));
	}
}

Test(loss, combined_where_there_is_no_gradient)
{
	// nothing in any map; as large as the reference
	complex float x[1][2][2] = { { { 0.f, 3.f }, { 0.f, 4.if } } };
	complex float ref[1][2] = { { 2.if, -5.f } };
	complex float grad[1][2][2];

	cr_expect(2. == gleam_loss_combined(1, 2, 2, 1., grad, x, ref));

	for (int i = 0; i < 4; i++)
		cr_expect(0.f == (&grad[0][0][0])[i]);

	x[0][1][0] = NAN;

	cr_expect(isnan(gleam_loss_combined(1, 2, 2, 1., grad, x, ref)));
	cr_expect(isnan(crealf(grad[0][1][0])));
}


// torch.optim.Adam(lr=0.1, weight_decay=0.01) on p = 1, gradients 0.5 and -0.25
// by the definition, in double
static double adam_expected(int steps)
{
	double p = 1.;
	double m = 0.;
	double v = 0.;
	double grads[2] = { 0.5, -0.25 };

	for (int t = 1; t <= steps; t++) {

		double g = grads[t - 1] + 0.01 * p;

		m = 0.9 * m + 0.1 * g;
		v = 0.999 * v + 0.001 * g * g;

		p -= 0.1 * (m / (1. - pow(0.9, t))) / (sqrt(v / (1. - pow(0.999, t))) + 1.E-8);
	}

	return p;
}

static void adam_step(const struct nn_adam_conf_s* conf, long step, float* p, float* m, float* v, const float* grad)
{
	float rates[2];

	nn_adam_rates(conf, step, rates);
	nn_device_cpu.adam(conf, NULL, rates, 1, 1, p, m, v, grad);
}

Test(adam, follows_its_definition)
{
	struct nn_adam_conf_s conf = NN_ADAM_DEFAULTS;

	conf.lr = 0.1;
	conf.weight_decay = 0.01;

	float p = 1.;
	float m = 0.;
	float v = 0.;
	float grads[2] = { 0.5, -0.25 };

	for (int t = 1; t <= 2; t++) {

		adam_step(&conf, t, &p, &m, &v, &grads[t - 1]);

		cr_assert_float_eq(p, adam_expected(t), 2.E-6, "step %d: %.8f, expected %.8f", t, p, adam_expected(t));
	}
}

// the first step of Adam has the length of the learning rate, whatever the gradient
Test(adam, first_step_is_the_learning_rate)
{
	struct nn_adam_conf_s conf = NN_ADAM_DEFAULTS;
	conf.weight_decay = 0.;

	for (float g = 1.E-3f; g < 1.E3f; g *= 10.f) {

		float p = 0.;
		float m = 0.;
		float v = 0.;

		adam_step(&conf, 1, &p, &m, &v, &g);

		cr_assert_float_eq(p, -conf.lr, 2.E-5 * conf.lr);
	}
}
