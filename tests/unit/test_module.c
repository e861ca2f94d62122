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

#include "module_case.h"

static void check_gradient(enum gleam_type type, long length, long maps, bool learn_dc, bool only_dc)
{
	case_check_gradient(&(struct case_s){ .type = type, .length = length, .maps = maps, .frames = 1, .learn_dc = learn_dc }, only_dc);
}

static void check_gradient_series(enum gleam_type type, long length, long maps, bool combined)
{
	case_check_gradient(&(struct case_s){ .type = type, .length = length, .maps = maps, .frames = 3,
			.learn_dc = true, .combined = combined }, false);
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
Test(module, gradient_pgd_combined) { case_check_gradient(&(struct case_s){ .length = 2, .maps = 2, .frames = 1, .combined = true }, false); }
Test(module, gradient_pgd_series_combined) { check_gradient_series(GLEAM_PGD, 2, 2, true); }
Test(module, gradient_modl_series_combined) { check_gradient_series(GLEAM_MODL, 1, 3, true); }


Test(module, micro_batches_add_up)
{
	struct problem_s p = problem_create(&(struct case_s){ .length = 2, .maps = 1, .frames = 1, .learn_dc = true });
	float* once = problem_gradient(&p);

	problem_loss(&p, p.params);

	for (long i = 0; i < 2 * p.P; i++)
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
		(&x[0][0][0])[i] = case_complex(&seed);

	for (int i = 0; i < FRAMES * PIXELS; i++)
		(&ref[0][0])[i] = 2.f * case_complex(&seed);

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
	nn_device_cpu.adam(conf, NULL, rates, NULL, 1, 1, p, m, v, grad);
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
