/*
 * The trainers' gradients: what they keep in memory makes no difference to what they
 * compute. Against finite differences, against one another, and the inversion
 * against what it inverts.
 */
#include <math.h>
#include <complex.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "misc/misc.h"
#include "misc/types.h"

#include "nn/backend.h"

#include "gleam/conf.h"
#include "gleam/keep.h"
#include "gleam/module.h"
#include "gleam/unroll.h"

#include "module_case.h"

static const struct gleam_keep_s all = { .what = GLEAM_KEEP_ALL };
static const struct gleam_keep_s images = { .what = GLEAM_KEEP_IMAGES };

static struct gleam_keep_s few(long checkpoints, int fixed_point)
{
	return (struct gleam_keep_s){ .what = GLEAM_KEEP_FEW, .checkpoints = checkpoints, .fixed_point = fixed_point };
}


// what stays of eight iterations: one digit for each of x^(1) to x^(7)
static void check_kept(long checkpoints, const char* kept, long restarts)
{
	struct gleam_keep_s keep = few(checkpoints, 5);
	long count = 0;

	for (long i = 1; i < 8; i++) {

		cr_expect(('1' == kept[i - 1]) == gleam_keep_image(&keep, 8, i), "%ld checkpoints: x^(%ld)", checkpoints, i);

		count += ('1' == kept[i - 1]) ? 1 : 0;
	}

	cr_expect(checkpoints - 1 == count);
	cr_expect(restarts == gleam_keep_restarts(&keep, 8), "%ld checkpoints", checkpoints);
	cr_expect(count + ((0 < restarts) ? 2 : 0) == gleam_keep_images(&keep, 8));
}

Test(trainers, what_stays)
{
	check_kept(1, "0000000", 1);
	check_kept(2, "0001000", 2);
	check_kept(4, "0101010", 4);
	check_kept(7, "0111111", 1);
	check_kept(8, "1111111", 0);

	cr_expect(8 == gleam_keep_slots(&all, 8));
	cr_expect(1 == gleam_keep_slots(&images, 8));
	cr_expect(7 == gleam_keep_images(&images, 8));
	cr_expect(0 == gleam_keep_restarts(&images, 8));
	cr_expect(0 == gleam_keep_images(&images, 1));
}


static complex float* random_images(long N)
{
	unsigned int seed = 3;
	complex float* x = xmalloc((size_t)N * sizeof(complex float));

	for (long i = 0; i < N; i++)
		x[i] = case_complex(&seed);

	return x;
}

// distance of two gradients, relative to the first
static double distance(long n, const float a[n], const float b[n])
{
	double diff = 0.;
	double norm = 0.;

	for (long i = 0; i < n; i++) {

		diff += pow((double)a[i] - (double)b[i], 2.);
		norm += pow((double)a[i], 2.);
	}

	return sqrt(diff / norm);
}

// the largest relative error that was reported
static double reported(const struct problem_s* p)
{
	double max = 0.;

	for (long i = 0; i < gleam_keep_restarts(&p->keep, p->net.iterations); i++)
		max = fmax(max, sqrt(p->errors[2 * i] / p->errors[2 * i + 1]));

	// fmax passes over what is not a number
	for (long i = 0; i < gleam_keep_restarts(&p->keep, p->net.iterations); i++)
		cr_expect(0. < p->errors[2 * i + 1], "restart %ld", i);

	return max;
}

// gradient of the case with another trainer; its reported error
static float* gradient_with(struct case_s c, struct gleam_keep_s keep, double* error)
{
	c.keep = keep;

	struct problem_s p = problem_create(&c);
	float* grad = problem_gradient(&p);

	*error = reported(&p);

	problem_free(&p);

	return grad;
}

static void check_same_bits(struct case_s c, struct gleam_keep_s keep, const char* name)
{
	double error;
	float* expected = gradient_with(c, all, &error);
	float* grad = gradient_with(c, keep, &error);

	struct problem_s p = problem_create(&c);
	size_t bytes = (size_t)(c.length * p.P) * sizeof(float);

	cr_expect(0 == memcmp(expected, grad, bytes), "%s, type %d: %e", name, (int)c.type, distance(c.length * p.P, expected, grad));
	cr_expect(0. == error);

	problem_free(&p);
	xfree(expected);
	xfree(grad);
}

static const struct nn_backend_s* const backends[] = { &nn_backend_ref, &nn_backend_winograd };

// with few CG iterations, which the gradient is not exact for
static void check_same_bits_everywhere(enum gleam_type type, struct gleam_keep_s keep, const char* name)
{
	for (int i = 0; i < (int)ARRAY_SIZE(backends); i++) {

		if (NULL != backends[i]->missing())
			continue;

		struct case_s c = { .type = type, .length = 3, .maps = 1, .frames = 1, .learn_dc = true, .cg_iter = 3, .backend = backends[i] };

		check_same_bits(c, keep, name);

		c.frames = 3;
		c.maps = 2;
		check_same_bits(c, keep, name);

		c.length = 1;
		check_same_bits(c, keep, name);
	}
}

Test(trainers, checkpointing_has_the_same_bits)
{
	check_same_bits_everywhere(GLEAM_PGD, images, "checkpoint");
	check_same_bits_everywhere(GLEAM_MODL, images, "checkpoint");
}

Test(trainers, nothing_inverted_has_the_same_bits)
{
	check_same_bits((struct case_s){ .type = GLEAM_MODL, .length = 3, .maps = 1, .frames = 1, .learn_dc = true, .cg_iter = 3 }, few(3, 1), "mel");
	check_same_bits((struct case_s){ .type = GLEAM_MODL, .length = 1, .maps = 1, .frames = 1 }, few(1, 1), "mel");
}


// as far as it is inverted exactly, MEL's gradient is exact
static const struct case_s modl = { .type = GLEAM_MODL, .length = 4, .maps = 1, .frames = 1, .learn_dc = true };

static struct case_s with(struct case_s c, struct gleam_keep_s keep)
{
	c.keep = keep;

	return c;
}

Test(trainers, gradient_checkpoint_pgd)
{
	struct case_s pgd = { .type = GLEAM_PGD, .length = 3, .maps = 1, .frames = 1, .learn_dc = true, .keep = images };

	case_check_gradient(&pgd, false);
	case_check_gradient(&pgd, true);
}

Test(trainers, gradient_checkpoint_modl)
{
	struct case_s c = with(modl, images);

	case_check_gradient(&c, false);
	case_check_gradient(&c, true);
}

Test(trainers, gradient_mel)
{
	for (long checkpoints = 1; checkpoints <= 3; checkpoints++) {

		struct case_s c = with(modl, few(checkpoints, 10));

		case_check_gradient(&c, false);
		case_check_gradient(&c, true);
	}
}

Test(trainers, gradient_mel_series)
{
	struct case_s c = with(modl, few(1, 10));

	c.frames = 3;
	c.maps = 2;

	case_check_gradient(&c, false);
}


/* The distance to the exact gradient is below the error that is reported, over the orders
 * of magnitude that more iterations of either kind bring. It may be larger where images
 * are off by so much that inputs of ReLUs pass zero, where their derivatives jump.
 */
static double check_within(struct case_s c, struct gleam_keep_s keep)
{
	double error;
	float* exact = gradient_with(c, all, &error);
	float* grad = gradient_with(c, keep, &error);

	struct problem_s p = problem_create(&c);
	double dist = distance(c.length * p.P, exact, grad);

	double most = (1.e-4 < error) ? 20. : 1.;

	cr_expect(dist < most * error, "N_cp %ld, T %d, CG %ld: distance %e, error %e", keep.checkpoints, keep.fixed_point, c.cg_iter, dist, error);

	problem_free(&p);
	xfree(exact);
	xfree(grad);

	return error;
}

Test(trainers, mel_is_as_good_as_it_says)
{
	struct case_s c = modl;

	c.backend = &nn_backend_winograd;

	double before = 1.;

	for (long checkpoints = 1; checkpoints <= 3; checkpoints++) {

		double one = check_within(c, few(checkpoints, 1));
		double two = check_within(c, few(checkpoints, 2));
		double five = check_within(c, few(checkpoints, 5));

		cr_expect((1.e-4 < one) && (1.e-3 > one), "%e", one);

		// at a restart the error does not go on
		cr_expect(one < 0.7 * before, "N_cp %ld: %e, before %e", checkpoints, one, before);
		before = (1 == checkpoints) ? one : 1.;
		cr_expect((two < 0.1 * one) && (five < 0.2 * two), "%e %e %e", one, two, five);
		cr_expect(1.e-6 > five, "%e", five);
	}

	before = 1.;

	for (c.cg_iter = 1; c.cg_iter <= 5; c.cg_iter++) {

		double error = check_within(c, few(1, 10));

		cr_expect(error < 0.2 * before, "CG %ld: %e", c.cg_iter, error);

		before = error;
	}

	cr_expect(1.e-5 > before);
}


// what is inverted is what was put in
Test(trainers, inversion)
{
	struct case_s c = modl;

	c.length = 1;
	c.keep = images;

	struct problem_s p = problem_create(&c);
	long N = gleam_unroll_pixels(p.unroll);
	complex float* in = random_images(N);
	complex float* room = random_images(N);

	gleam_unroll_load(p.unroll, 0, p.params);
	gleam_unroll_forward(p.unroll, 0, p.out, p.x, p.x0);
	gleam_unroll_invert(p.unroll, 0, 20, in, p.out, p.x0, room);

	for (long i = 0; i < N; i++)
		cr_assert(cabsf(in[i] - p.x[i]) < 1.e-5f, "%ld", i);

	// a network without weights is inverted at once
	memset(p.params, 0, (size_t)(p.P - 1) * sizeof(float));

	gleam_unroll_load(p.unroll, 0, p.params);
	gleam_unroll_forward(p.unroll, 0, p.out, p.x, p.x0);
	gleam_unroll_invert(p.unroll, 0, 1, in, p.out, p.x0, room);

	for (long i = 0; i < N; i++)
		cr_assert(cabsf(in[i] - p.x[i]) < 1.e-5f, "%ld", i);

	xfree(in);
	xfree(room);
	problem_free(&p);
}
