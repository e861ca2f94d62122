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

static void check_operators(struct gpu_dc_problem_s* g)
{
	const struct dc_problem_s* p = &g->p;

	complex float* x = dc_random(g->N, 1);
	complex float* y = dc_random(g->K, 2);
	complex float* ref_x = dc_zeros(g->N);
	complex float* ref_y = dc_zeros(g->K);

	complex float* dx = gpu_put(g->N, x);
	complex float* dy = gpu_put(g->K, y);
	complex float* out_x = gpu_poison(g->N);
	complex float* out_y = gpu_poison(g->K);

	gleam_dc_forward(g->cpu, ref_y, x);
	gpu_dc_forward(g->gpu, out_y, dx, g->pattern);

	double forward = gpu_dc_error(p->samples, p->K, ref_y, out_y);

	gleam_dc_adjoint(g->cpu, ref_x, y);
	gpu_dc_adjoint(g->gpu, out_x, dy, g->pattern);

	double adjoint = gpu_dc_error(p->samples, p->N, ref_x, out_x);

	gleam_dc_normal(g->cpu, ref_x, x);
	gpu_dc_normal(g->gpu, out_x, dx);

	double normal = gpu_dc_error(p->samples, p->N, ref_x, out_x);

	gpu_dc_normal(g->gpu, dx, dx);

	double in_place = gpu_dc_error(p->samples, p->N, ref_x, dx);

	cr_expect(forward < TOLERANCE, "%s: forward %e", p->name, forward);
	cr_expect(adjoint < TOLERANCE, "%s: adjoint %e", p->name, adjoint);
	cr_expect(normal < TOLERANCE, "%s: normal %e", p->name, normal);
	cr_expect(in_place == normal, "%s: in place %e", p->name, in_place);

	md_free(x);
	md_free(y);
	md_free(ref_x);
	md_free(ref_y);
	gpu_free(dx);
	gpu_free(dy);
	gpu_free(out_x);
	gpu_free(out_y);
}


Test(gpu_dc, operators)
{
	GPU_OR_SKIP("gpu_dc::operators");

	for (int i = 0; i < GPU_DC_CASES; i++) {

		struct gpu_dc_problem_s g = gpu_dc_problem_create(gpu_dc_case(i), 1);

		check_operators(&g);

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


static void check_step(struct gpu_dc_problem_s* g)
{
	const struct dc_problem_s* p = &g->p;
	const float t = 0.7;
	const float before = 3.;

	complex float* x = dc_random(g->N, 1);
	complex float* x0 = dc_random(g->N, 2);
	complex float* dv = dc_random(g->N, 3);
	complex float* ref = dc_zeros(g->N);

	float* gt = gpu_put_floats(1, &t);
	float* gdt = gpu_put_floats(1, &before);
	complex float* gx = gpu_put(g->N, x);
	complex float* gx0 = gpu_put(g->N, x0);
	complex float* gdv = gpu_put(g->N, dv);
	complex float* out = gpu_poison(g->N);

	gleam_dc_step(g->cpu, t, ref, x, x0);
	gpu_dc_step(g->gpu, gt, out, gx, gx0);

	double step = gpu_dc_error(p->samples, p->N, ref, out);

	float gradient = gleam_dc_step_gradient(g->cpu, dv, x, x0);
	gpu_dc_step_gradient(g->gpu, gdt, gdv, gx, gx0);

	double diff = fabs((double)gpu_get_float(gdt) - (double)before - (double)gradient);
	double size = 2. * sqrt(dc_dot(g->N, dv, dv) * (dc_dot(g->N, x, x) + dc_dot(g->N, x0, x0)));

	gleam_dc_step_adjoint(g->cpu, t, ref, dv);
	gpu_dc_step_adjoint(g->gpu, gt, out, gdv);

	double adjoint = gpu_dc_error(p->samples, p->N, ref, out);

	gpu_dc_step_adjoint(g->gpu, gt, gdv, gdv);

	double in_place = gpu_dc_error(p->samples, p->N, ref, gdv);

	cr_expect(step < TOLERANCE, "%s: %e", p->name, step);
	cr_expect(adjoint < TOLERANCE, "%s: adjoint %e", p->name, adjoint);
	cr_expect(in_place == adjoint, "%s: in place %e", p->name, in_place);
	cr_expect(diff < TOLERANCE * size, "%s: gradient differs by %e of %e", p->name, diff, size);

	md_free(x);
	md_free(x0);
	md_free(dv);
	md_free(ref);
	gpu_free(gt);
	gpu_free(gdt);
	gpu_free(gx);
	gpu_free(gx0);
	gpu_free(gdv);
	gpu_free(out);
}


Test(gpu_dc, step)
{
	GPU_OR_SKIP("gpu_dc::step");

	for (int i = 0; i < GPU_DC_CASES; i++) {

		struct gpu_dc_problem_s g = gpu_dc_problem_create(gpu_dc_case(i), 11);

		check_step(&g);

		gpu_dc_problem_free(&g);
	}
}


// more pixels than threads: each works on several
Test(gpu_dc, many_pixels)
{
	GPU_OR_SKIP("gpu_dc::many_pixels");

	const struct dc_case_s large[] = {

		{ "large, even", { 1100, 500, 1 }, 1, 1, 1, 1, 0, PHS1_FLAG, false },
		{ "large, odd", { 601, 501, 1 }, 1, 1, 1, 1, 0, PHS1_FLAG, false },
	};

	for (int i = 0; i < (int)ARRAY_SIZE(large); i++) {

		struct gpu_dc_problem_s g = gpu_dc_problem_create(&large[i], 5);

		check_step(&g);

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
