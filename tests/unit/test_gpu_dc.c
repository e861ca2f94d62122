/*
 * The forward model and the step of PGD on the GPU against those on the CPU,
 * whose tests compare them with dense algebra.
 */
#include <stdio.h>

#include <criterion/criterion.h>

#ifndef GLEAM_GPU

Test(gpu_dc, all)
{
	fprintf(stderr, "SKIP gpu_dc: this binary has no code for the GPU (make CUDA=1 CUDNN=1, or EMULATE=1)\n");
}

#else

#include <complex.h>
#include <math.h>

#include "num/multind.h"
#include "num/flpmath.h"

#include "misc/misc.h"
#include "misc/mri.h"

#include "gpu/gpu.h"

#include "gleam/dc.h"
#include "gleam/gpu_dc.h"

#include "dc_average_expected.h"
#include "dc_dense.h"
#include "dc_help.h"
#include "gpu_dc_help.h"

// both round: an FFT's error is some EPS, those of sums over coils are less
#define TOLERANCE (8. * EPS)

// an input on the CPU and on the device, and what becomes of it on both
struct pair_s {

	complex float* in;
	complex float* ref;
	complex float* gin;
	complex float* out;
};

static struct pair_s pair_create(long in, long out, unsigned int seed)
{
	struct pair_s p = { .in = dc_random(in, seed), .ref = dc_zeros(out), .out = gpu_poison(out) };

	p.gin = gpu_put(in, p.in);

	return p;
}


static void pair_free(struct pair_s* p)
{
	md_free(p->in);
	md_free(p->ref);
	gpu_free(p->gin);
	gpu_free(p->out);
}


static void check_forward(struct gpu_dc_problem_s* g)
{
	struct pair_s x = pair_create(g->N, g->K, 1);

	gleam_dc_forward(g->cpu, x.ref, x.in);
	gpu_dc_forward(g->gpu, x.out, x.gin, g->pattern);

	double err = gpu_dc_error(g->p.samples, g->p.K, x.ref, x.out);

	cr_expect(err < TOLERANCE, "%s: forward %e", g->p.name, err);

	pair_free(&x);
}


static void check_adjoint(struct gpu_dc_problem_s* g)
{
	struct pair_s y = pair_create(g->K, g->N, 2);

	gleam_dc_adjoint(g->cpu, y.ref, y.in);
	gpu_dc_adjoint(g->gpu, y.out, y.gin, g->pattern);

	double err = gpu_dc_error(g->p.samples, g->p.N, y.ref, y.out);

	cr_expect(err < TOLERANCE, "%s: adjoint %e", g->p.name, err);

	pair_free(&y);
}


static void check_normal(struct gpu_dc_problem_s* g)
{
	struct pair_s x = pair_create(g->N, g->N, 1);

	gleam_dc_normal(g->cpu, x.ref, x.in);
	gpu_dc_normal(g->gpu, x.out, x.gin);

	double normal = gpu_dc_error(g->p.samples, g->p.N, x.ref, x.out);

	gpu_dc_normal(g->gpu, x.gin, x.gin);

	double in_place = gpu_dc_error(g->p.samples, g->p.N, x.ref, x.gin);

	cr_expect(normal < TOLERANCE, "%s: normal %e", g->p.name, normal);
	cr_expect(in_place == normal, "%s: in place %e", g->p.name, in_place);

	pair_free(&x);
}


Test(gpu_dc, operators)
{
	GPU_OR_SKIP("gpu_dc::operators");

	for (int i = 0; i < GPU_DC_CASES; i++) {

		struct gpu_dc_problem_s g = gpu_dc_problem_create(gpu_dc_case(i), 1);

		check_forward(&g);
		check_adjoint(&g);
		check_normal(&g);

		gpu_dc_problem_free(&g);
	}
}


// <A x, y> = <x, A^H y>, both on the GPU
Test(gpu_dc, adjointness)
{
	GPU_OR_SKIP("gpu_dc::adjointness");

	for (int i = 0; i < GPU_DC_CASES; i++) {

		struct gpu_dc_problem_s g = gpu_dc_problem_create(gpu_dc_case(i), 2);

		complex float* x = dc_random(g.N, 3);
		complex float* y = dc_random(g.K, 4);
		complex float* dx = gpu_put(g.N, x);
		complex float* dy = gpu_put(g.K, y);
		complex float* dAx = gpu_poison(g.K);
		complex float* dAHy = gpu_poison(g.N);

		gpu_dc_forward(g.gpu, dAx, dx, g.pattern);
		gpu_dc_adjoint(g.gpu, dAHy, dy, g.pattern);

		complex float* Ax = gpu_get(g.K, dAx);
		complex float* AHy = gpu_get(g.N, dAHy);

		double left = dc_dot(g.K, Ax, y);
		double right = dc_dot(g.N, x, AHy);
		double size = sqrt(dc_dot(g.K, Ax, Ax) * dc_dot(g.K, y, y));

		cr_expect(fabs(left - right) < TOLERANCE * size, "%s: %e, %e", g.p.name, left, right);

		md_free(x);
		md_free(y);
		md_free(Ax);
		md_free(AHy);
		gpu_free(dx);
		gpu_free(dy);
		gpu_free(dAx);
		gpu_free(dAHy);
		gpu_dc_problem_free(&g);
	}
}


static void check_step(struct gpu_dc_problem_s* g, double tolerance)
{
	const float t = 0.7;

	struct pair_s x = pair_create(g->N, g->N, 1);
	struct pair_s x0 = pair_create(g->N, g->N, 2);
	float* gt = gpu_put_floats(1, &t);

	gleam_dc_step(g->cpu, t, x.ref, x.in, x0.in);
	gpu_dc_step(g->gpu, gt, x.out, x.gin, x0.gin);

	double err = gpu_dc_error(g->p.samples, g->p.N, x.ref, x.out);

	cr_expect(err < tolerance, "%s: %e", g->p.name, err);

	gpu_free(gt);
	pair_free(&x);
	pair_free(&x0);
}


// with respect to the step size, added to what is there
static void check_step_gradient(struct gpu_dc_problem_s* g, double tolerance)
{
	const float before = 3.;

	struct pair_s x = pair_create(g->N, g->N, 1);
	struct pair_s x0 = pair_create(g->N, g->N, 2);
	struct pair_s dv = pair_create(g->N, g->N, 3);
	float* gdt = gpu_put_floats(1, &before);

	float gradient = gleam_dc_step_gradient(g->cpu, dv.in, x.in, x0.in);
	gpu_dc_step_gradient(g->gpu, gdt, dv.gin, x.gin, x0.gin);

	double diff = fabs((double)gpu_get_float(gdt) - (double)before - (double)gradient);
	double size = 2. * sqrt(dc_dot(g->N, dv.in, dv.in) * (dc_dot(g->N, x.in, x.in) + dc_dot(g->N, x0.in, x0.in)));

	cr_expect(diff < tolerance * size, "%s: gradient differs by %e of %e", g->p.name, diff, size);

	gpu_free(gdt);
	pair_free(&x);
	pair_free(&x0);
	pair_free(&dv);
}


static void check_step_adjoint(struct gpu_dc_problem_s* g, double tolerance)
{
	const float t = 0.7;

	struct pair_s dv = pair_create(g->N, g->N, 3);
	float* gt = gpu_put_floats(1, &t);

	gleam_dc_step_adjoint(g->cpu, t, dv.ref, dv.in);
	gpu_dc_step_adjoint(g->gpu, gt, dv.out, dv.gin);

	double adjoint = gpu_dc_error(g->p.samples, g->p.N, dv.ref, dv.out);

	gpu_dc_step_adjoint(g->gpu, gt, dv.gin, dv.gin);

	double in_place = gpu_dc_error(g->p.samples, g->p.N, dv.ref, dv.gin);

	cr_expect(adjoint < tolerance, "%s: adjoint %e", g->p.name, adjoint);
	cr_expect(in_place == adjoint, "%s: in place %e", g->p.name, in_place);

	gpu_free(gt);
	pair_free(&dv);
}


static void check_invert(struct gpu_dc_problem_s* g, double tolerance)
{
	const float mu = 0.3;

	struct pair_s u = pair_create(g->N, g->N, 1);
	struct pair_s x0 = pair_create(g->N, g->N, 2);
	float* gmu = gpu_put_floats(1, &mu);

	gleam_dc_invert(g->cpu, mu, u.ref, u.in, x0.in);
	gpu_dc_invert(g->gpu, gmu, u.out, u.gin, x0.gin);

	double err = gpu_dc_error(g->p.samples, g->p.N, u.ref, u.out);

	gpu_dc_invert(g->gpu, gmu, u.gin, u.gin, x0.gin);

	cr_expect(err < tolerance, "%s: inversion %e", g->p.name, err);
	cr_expect(gpu_dc_error(g->p.samples, g->p.N, u.ref, u.gin) == err, "%s: in place", g->p.name);

	gpu_free(gmu);
	pair_free(&u);
	pair_free(&x0);
}


static void check_steps(struct gpu_dc_problem_s* g, double tolerance)
{
	check_step(g, tolerance);
	check_step_gradient(g, tolerance);
	check_step_adjoint(g, tolerance);
	check_invert(g, tolerance);
}


Test(gpu_dc, step)
{
	GPU_OR_SKIP("gpu_dc::step");

	for (int i = 0; i < GPU_DC_CASES; i++) {

		struct gpu_dc_problem_s g = gpu_dc_problem_create(gpu_dc_case(i), 11);

		check_steps(&g, TOLERANCE);

		gpu_dc_problem_free(&g);
	}
}


/* More pixels than threads: each works on several. A large prime factor costs cuFFT
 * three transforms of twice the size instead of one (Bluestein), which round more.
 */
Test(gpu_dc, many_pixels)
{
	GPU_OR_SKIP("gpu_dc::many_pixels");

	const struct dc_case_s large[] = {

		{ "large, even", { 1100, 500, 1 }, 1, 1, 1, 1, 0, PHS1_FLAG, false },
		{ "large, odd", { 675, 495, 1 }, 1, 1, 1, 1, 0, PHS1_FLAG, false },
		{ "large, prime", { 601, 501, 1 }, 1, 1, 1, 1, 0, PHS1_FLAG, false },
	};

	const double tolerance[] = { TOLERANCE, TOLERANCE, 2. * TOLERANCE };

	for (int i = 0; i < (int)ARRAY_SIZE(large); i++) {

		struct gpu_dc_problem_s g = gpu_dc_problem_create(&large[i], 5);

		check_steps(&g, tolerance[i]);

		gpu_dc_problem_free(&g);
	}
}


// other maps and weights are selected without a trace of those before
Test(gpu_dc, select)
{
	GPU_OR_SKIP("gpu_dc::select");

	struct gpu_dc_problem_s a = gpu_dc_problem_create(gpu_dc_case(0), 10);
	struct gpu_dc_problem_s b = gpu_dc_problem_create(gpu_dc_case(0), 20);

	complex float* x = dc_random(a.N, 6);
	complex float* ref = dc_zeros(a.N);
	complex float* gx = gpu_put(a.N, x);
	complex float* out = gpu_poison(a.N);

	gpu_dc_normal(a.gpu, out, gx);
	gpu_dc_select(a.gpu, b.maps, b.weights);
	gpu_dc_normal(a.gpu, out, gx);

	gleam_dc_normal(b.cpu, ref, x);

	cr_expect(gpu_dc_error(a.p.samples, a.p.N, ref, out) < TOLERANCE);

	gpu_dc_select(a.gpu, a.maps, a.weights);
	gpu_dc_normal(a.gpu, out, gx);

	gleam_dc_normal(a.cpu, ref, x);

	cr_expect(gpu_dc_error(a.p.samples, a.p.N, ref, out) < TOLERANCE);

	md_free(x);
	md_free(ref);
	gpu_free(gx);
	gpu_free(out);
	gpu_dc_problem_free(&a);
	gpu_dc_problem_free(&b);
}


Test(gpu_dc, bytes_are_as_predicted)
{
	GPU_OR_SKIP("gpu_dc::bytes_are_as_predicted");

	for (int i = 0; i < GPU_DC_CASES; i++) {

		struct dc_problem_s p = dc_problem_create(gpu_dc_case(i), 1);

		size_t before = gpu_memory().taken;
		size_t bytes = gpu_dc_bytes(p.ksp_dims, p.map_dims, p.pat_dims);

		cr_expect(before == gpu_memory().taken);

		struct gpu_dc_s* dc = gpu_dc_create(p.ksp_dims, p.map_dims, p.pat_dims);

		cr_expect(bytes == gpu_memory().taken - before, "%s: %zu, predicted %zu", p.name, gpu_memory().taken - before, bytes);

		gpu_dc_free(dc);

		cr_expect(before == gpu_memory().taken);

		dc_problem_free(&p);
	}
}


Test(gpu_dc, average)
{
	GPU_OR_SKIP("gpu_dc::average");

	for (int i = 0; i < DC_SERIES; i++) {

		struct gpu_dc_problem_s g = gpu_dc_problem_create(&dc_series[i], 71);

		long frame = g.p.N / g.p.img_dims[TIME_DIM];
		complex float* ksp = dc_random(g.K, 3);
		complex float* expected = dc_expected_average(&g.p, ksp);
		complex float* gksp = gpu_put(g.K, ksp);
		complex float* gx = gpu_poison(g.N);

		gpu_dc_average(g.gpu, gx, gksp, g.pattern);

		complex float* after = gpu_get(g.K, gksp);

		for (long s = 0; s < g.p.samples; s++) {

			double err = gpu_dc_error(1, frame, expected + s * frame, gx + s * g.p.N);

			cr_expect(err < 16. * EPS, "%s: %e", g.p.name, err);
		}

		cr_expect(dc_same_bits(g.K, ksp, after), "%s: k-space has changed", g.p.name);

		md_free(ksp);
		md_free(expected);
		md_free(after);
		gpu_free(gksp);
		gpu_free(gx);
		gpu_dc_problem_free(&g);
	}
}

#endif		// GLEAM_GPU
