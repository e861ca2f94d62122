/*
 * The forward model and the step of PGD: against BART's operators and tests of
 * operators, and against dense algebra in double precision.
 */
#include <complex.h>
#include <math.h>
#include <stdbool.h>

#include <criterion/criterion.h>

#include "num/multind.h"
#include "num/flpmath.h"
#include "num/fft.h"

#include "linops/linop.h"
#include "linops/lintest.h"

#include "misc/misc.h"
#include "misc/mri.h"

#include "gleam/dc.h"

#include "dc_dense.h"
#include "dc_help.h"

typedef void (*dense_t)(const struct dc_problem_s* p, long sample, complex double* dst, const complex double* src);
typedef void (*dc_fun_t)(struct gleam_dc_s* dc, complex float* dst, const complex float* src);

// largest distance of any sample
static double dense_distance(const struct dc_problem_s* p, struct gleam_dc_s* dc, long out_size, long in_size, dense_t dense, dc_fun_t fun)
{
	complex float* src = dc_random(in_size * p->samples, 7);
	complex float* dst = dc_random(out_size * p->samples, 8);

	fun(dc, dst, src);

	double dist = 0.;

	for (long i = 0; i < p->samples; i++) {

		complex double* in = dc_double(in_size, src + i * in_size);
		complex double out[out_size];

		dense(p, i, out, in);
		dist = fmax(dist, dc_distance(out_size, dst + i * out_size, out));

		xfree(in);
	}

	md_free(src);
	md_free(dst);

	return dist;
}


Test(dc, dense_operators)
{
	for (int i = 0; i < DC_CASES; i++) {

		struct dc_problem_s p = dc_problem_create(&dc_cases[i], 1);
		struct gleam_dc_s* dc = dc_problem_dc(&p);

		double forward = dense_distance(&p, dc, p.K, p.N, dc_dense_forward, gleam_dc_forward);
		double adjoint = dense_distance(&p, dc, p.N, p.K, dc_dense_adjoint, gleam_dc_adjoint);
		double normal = dense_distance(&p, dc, p.N, p.N, dc_dense_normal, gleam_dc_normal);

		cr_expect(forward < 8. * EPS, "%s: forward %e", p.name, forward);
		cr_expect(adjoint < 8. * EPS, "%s: adjoint %e", p.name, adjoint);
		cr_expect(normal < 8. * EPS, "%s: normal %e", p.name, normal);

		gleam_dc_free(dc);
		dc_problem_free(&p);
	}
}


Test(dc, bart_operator_tests)
{
	const struct dc_case_s large = { "large", { 48, 33, 1 }, 8, 2, 1, 2, 0, 0, false };

	for (int i = 0; i <= DC_CASES; i++) {

		struct dc_problem_s p = dc_problem_create((i < DC_CASES) ? &dc_cases[i] : &large, 2);
		struct gleam_dc_s* dc = dc_problem_dc(&p);

		float adjoint = linop_test_adjoint(gleam_dc_linop(dc));
		float normal = linop_test_normal(gleam_dc_linop(dc));

		cr_expect(adjoint < 32. * EPS, "%s: adjoint %e", p.name, adjoint);
		cr_expect(normal < 16. * EPS, "%s: normal %e", p.name, normal);

		gleam_dc_free(dc);
		dc_problem_free(&p);
	}
}


Test(dc, normal_in_place)
{
	for (int i = 0; i < DC_CASES; i++) {

		struct dc_problem_s p = dc_problem_create(&dc_cases[i], 3);
		struct gleam_dc_s* dc = dc_problem_dc(&p);
		long N = p.N * p.samples;

		complex float* x = dc_random(N, 4);
		complex float* y = dc_zeros(N);

		gleam_dc_normal(dc, y, x);
		gleam_dc_normal(dc, x, x);

		cr_expect(dc_same_bits(N, x, y), "%s", p.name);

		md_free(x);
		md_free(y);
		gleam_dc_free(dc);
		dc_problem_free(&p);
	}
}


// one coil that sees everything: A is BART's Fourier transform
Test(dc, fft_is_barts)
{
	const long sizes[][3] = { { 16, 12, 1 }, { 15, 12, 1 }, { 14, 9, 1 }, { 11, 13, 1 }, { 1, 6, 10 }, { 9, 8, 7 }, { 64, 1, 1 }, { 1, 1, 1 }, { 320, 18, 1 } };

	for (int i = 0; i < (int)ARRAY_SIZE(sizes); i++) {

		long dims[DIMS] = { [0 ... DIMS - 1] = 1 };
		md_copy_dims(3, dims, sizes[i]);

		long N = md_calc_size(DIMS, dims);

		struct gleam_dc_s* dc = gleam_dc_create(dims, dims, dims);

		complex float* ones = md_alloc(DIMS, dims, CFL_SIZE);
		md_zfill(DIMS, dims, ones, 1.);

		gleam_dc_set(dc, ones, ones);

		complex float* x = dc_random(N, 5);
		complex float* y = dc_zeros(N);
		complex float* ref = dc_zeros(N);

		gleam_dc_forward(dc, y, x);
		fftuc(DIMS, dims, FFT_FLAGS, ref, x);

		cr_expect(md_znrmse(DIMS, dims, ref, y) < 8. * EPS, "%ld x %ld x %ld", dims[0], dims[1], dims[2]);

		gleam_dc_adjoint(dc, y, x);
		ifftuc(DIMS, dims, FFT_FLAGS, ref, x);

		cr_expect(md_znrmse(DIMS, dims, ref, y) < 8. * EPS, "inverse, %ld x %ld x %ld", dims[0], dims[1], dims[2]);

		md_free(ones);
		md_free(x);
		md_free(y);
		md_free(ref);
		gleam_dc_free(dc);
	}
}


// what was set before leaves no trace
Test(dc, set_again)
{
	struct dc_problem_s a = dc_problem_create(&dc_cases[0], 10);
	struct dc_problem_s b = dc_problem_create(&dc_cases[0], 20);

	long N = a.N * a.samples;

	struct gleam_dc_s* once = dc_problem_dc(&b);
	struct gleam_dc_s* twice = dc_problem_dc(&a);

	complex float* x = dc_random(N, 6);
	complex float* y = dc_zeros(N);
	complex float* z = dc_zeros(N);

	gleam_dc_normal(twice, y, x);
	gleam_dc_set(twice, b.maps, b.pattern);

	gleam_dc_normal(twice, y, x);
	gleam_dc_normal(once, z, x);

	cr_expect(dc_same_bits(N, y, z));

	md_free(x);
	md_free(y);
	md_free(z);
	gleam_dc_free(once);
	gleam_dc_free(twice);
	dc_problem_free(&a);
	dc_problem_free(&b);
}


// Re <dv, v> and its derivative with respect to t; size: its sum without signs
struct step_s {

	long N;
	float t;

	complex float* x;
	complex float* x0;
	complex float* dv;
	complex float* v;
	complex float* dx;

	double grad;
	double size;
};

static struct step_s step_create(const struct dc_problem_s* p, struct gleam_dc_s* dc, float t)
{
	long N = p->N * p->samples;

	struct step_s st = { N, t, dc_random(N, 1), dc_random(N, 2), dc_random(N, 3), dc_zeros(N), dc_zeros(N), 0., 0. };

	gleam_dc_step(dc, t, st.v, st.x, st.x0);
	gleam_dc_step_adjoint(dc, t, st.dx, st.dv);

	return st;
}


static void step_free(struct step_s* st)
{
	md_free(st->x);
	md_free(st->x0);
	md_free(st->dv);
	md_free(st->v);
	md_free(st->dx);
}


// of one sample: step and adjoint; adds to the derivative
static void check_step_sample(const struct dc_problem_s* p, long s, struct step_s* st)
{
	complex double* xd = dc_double(p->N, st->x + s * p->N);
	complex double* dvd = dc_double(p->N, st->dv + s * p->N);
	complex double Hx[p->N];
	complex double Hdv[p->N];

	dc_dense_normal(p, s, Hx, xd);
	dc_dense_normal(p, s, Hdv, dvd);

	for (long j = 0; j < p->N; j++) {

		Hx[j] -= st->x0[s * p->N + j];
		Hdv[j] = dvd[j] - 2. * st->t * Hdv[j];

		st->grad -= 2. * creal(conj(dvd[j]) * Hx[j]);
		st->size += 2. * cabs(dvd[j]) * cabs(Hx[j]);

		Hx[j] = xd[j] - 2. * st->t * Hx[j];
	}

	cr_expect(dc_distance(p->N, st->v + s * p->N, Hx) < 8. * EPS, "%s", p->name);
	cr_expect(dc_distance(p->N, st->dx + s * p->N, Hdv) < 8. * EPS, "%s: adjoint", p->name);

	xfree(xd);
	xfree(dvd);
}


static void check_step_gradient(const struct dc_problem_s* p, struct gleam_dc_s* dc, const struct step_s* st)
{
	// errors of all elements of the sum have any sign, and are bounded by those of all with the same
	double err = fabs(gleam_dc_step_gradient(dc, st->dv, st->x, st->x0) - st->grad);

	cr_expect(err < 4. * EPS * st->size, "%s: gradient", p->name);

	// v is linear in t
	complex float* v2 = dc_zeros(st->N);

	gleam_dc_step(dc, st->t + 1., v2, st->x, st->x0);

	double diff = dc_dot(st->N, st->dv, v2) - dc_dot(st->N, st->dv, st->v);
	double tol = 8. * EPS * (st->size + 2. * fabs(dc_dot(st->N, st->dv, st->dv)));

	cr_expect(fabs(diff - st->grad) < tol, "%s: difference", p->name);

	md_free(v2);
}


Test(dc, step)
{
	for (int i = 0; i < DC_CASES; i++) {

		struct dc_problem_s p = dc_problem_create(&dc_cases[i], 11);
		struct gleam_dc_s* dc = dc_problem_dc(&p);
		struct step_s st = step_create(&p, dc, 0.7);

		for (long s = 0; s < p.samples; s++)
			check_step_sample(&p, s, &st);

		check_step_gradient(&p, dc, &st);

		step_free(&st);
		gleam_dc_free(dc);
		dc_problem_free(&p);
	}
}
