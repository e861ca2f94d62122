/*
 * The solve of MoDL on the GPU against that on the CPU, in easy and in rough
 * conditions.
 */
#include <criterion/criterion.h>

#ifdef GLEAM_GPU

#include <complex.h>
#include <math.h>
#include <stdbool.h>

#include "num/multind.h"
#include "num/flpmath.h"

#include "misc/misc.h"
#include "misc/mri.h"

#include "gpu/gpu.h"

#include "gleam/dc.h"
#include "gleam/gpu_dc.h"

#include "dc_dense.h"
#include "dc_help.h"
#include "gpu_dc_help.h"
#include "gpu_dc_trial.h"

// on both, the adjoint also in place
static void check_solve(struct gpu_dc_trial_s* t, float mu, int iter, double tol)
{
	struct gpu_dc_problem_s* g = &t->g;
	struct dc_modl_s* m = &t->m;
	const struct dc_problem_s* p = &g->p;

	gleam_dc_solve(g->cpu, mu, iter, m->u, m->z, m->x0);
	gpu_dc_solve(g->gpu, t->mu, iter, t->u, t->z, t->x0);

	double solve = gpu_dc_error(p->samples, p->N, m->u, t->u);

	gleam_dc_solve_adjoint(g->cpu, mu, iter, m->dz, m->du);
	gpu_dc_solve_adjoint(g->gpu, t->mu, iter, t->dz, t->du);

	double adjoint = gpu_dc_error(p->samples, p->N, m->dz, t->dz);

	float grad = gleam_dc_solve_gradient(g->cpu, mu, m->dz, m->z, m->u);
	float before = gpu_get_float(t->dmu);

	gpu_dc_solve_gradient(g->gpu, t->mu, t->dmu, t->dz, t->z, t->u);

	double diff = fabs((double)gpu_get_float(t->dmu) - (double)before - (double)grad);
	double size = sqrt(dc_dot(m->N, m->dz, m->dz) * (dc_dot(m->N, m->z, m->z) + dc_dot(m->N, m->u, m->u))) / (double)mu;

	gpu_dc_solve_adjoint(g->gpu, t->mu, iter, t->du, t->du);

	double in_place = gpu_dc_error(p->samples, p->N, m->dz, t->du);

	cr_expect(solve < tol, "%s, mu = %g, %d iterations: %e, tolerance %e", p->name, mu, iter, solve, tol);
	cr_expect(adjoint < tol, "%s, mu = %g, %d iterations: adjoint %e, tolerance %e", p->name, mu, iter, adjoint, tol);
	cr_expect(in_place == adjoint, "%s: adjoint in place %e", p->name, in_place);
	cr_expect(diff < tol * size, "%s, mu = %g: gradient differs by %e of %e", p->name, mu, diff, size);
}


/* Iterates of the two drift apart by what rounding does to the search directions:
 * EPS times the condition of these problems, (4 + mu) / mu.
 */
static double tolerance(float mu)
{
	return 2. * EPS * (4. + (double)mu) / (double)mu;
}


Test(gpu_dc, solve)
{
	GPU_OR_SKIP("gpu_dc::solve");

	const struct { float mu; int iter; } trials[] = { { 4., 1 }, { 0.5, 3 }, { 0.05, 10 } };

	for (int i = 0; i < GPU_DC_CASES * (int)ARRAY_SIZE(trials); i++) {

		float mu = trials[i / GPU_DC_CASES].mu;
		struct gpu_dc_trial_s t = gpu_dc_trial_create(gpu_dc_case(i % GPU_DC_CASES), 21, mu);

		check_solve(&t, mu, trials[i / GPU_DC_CASES].iter, tolerance(mu));

		gpu_dc_trial_free(&t);
	}
}


// long after the residual is too small to change anything
Test(gpu_dc, solve_converged)
{
	GPU_OR_SKIP("gpu_dc::solve_converged");

	struct gpu_dc_trial_s t = gpu_dc_trial_create(gpu_dc_case(0), 22, 0.5);

	check_solve(&t, 0.5, 120, tolerance(0.5));

	gpu_dc_trial_free(&t);
}


Test(gpu_dc, no_iterations)
{
	GPU_OR_SKIP("gpu_dc::no_iterations");

	struct gpu_dc_trial_s t = gpu_dc_trial_create(gpu_dc_case(0), 23, 0.5);

	gpu_dc_solve(t.g.gpu, t.mu, 0, t.u, t.z, t.x0);
	gpu_dc_solve_adjoint(t.g.gpu, t.mu, 0, t.dz, t.du);

	complex float* u = gpu_get(t.g.N, t.u);
	complex float* dz = gpu_get(t.g.N, t.dz);

	cr_expect(dc_same_bits(t.g.N, u, t.m.u));
	cr_expect(0. == dc_dot(t.g.N, dz, dz));

	md_free(u);
	md_free(dz);
	gpu_dc_trial_free(&t);
}


/* Fully sampled, one coil that sees the second half of the pixels: A^H A is zero
 * for the others and one for these.
 */
static struct gpu_dc_trial_s trial_of_halves(float mu)
{
	const struct dc_case_s halves = { "halves", { 8, 6, 1 }, 1, 1, 1, 1, 0, 0, false };

	struct gpu_dc_trial_s t = gpu_dc_trial_create(&halves, 1, mu);
	struct dc_problem_s* p = &t.g.p;

	for (long i = 0; i < p->N; i++) {

		p->maps[i] = (i < p->N / 2) ? 0. : 1.;
		p->pattern[i] = 1.;
	}

	gleam_dc_set(t.g.cpu, p->maps, p->pattern);

	gpu_upload(t.g.maps, p->maps, (size_t)p->N * CFL_SIZE);
	gpu_upload(t.g.pattern, p->pattern, (size_t)p->N * CFL_SIZE);
	gpu_dc_prepare(t.g.gpu, t.g.maps, t.g.weights, t.g.maps, t.g.pattern);
	gpu_sync();

	return t;
}


/* With mu = 1, the first iteration solves the first half, the second one the other.
 * If that is smaller by less than the square root of 1e-20, there is a second one;
 * if by more, its first approximation remains, which is twice the solution.
 */
Test(gpu_dc, small_residual_ends_it)
{
	GPU_OR_SKIP("gpu_dc::small_residual_ends_it");

	const struct { float small; float expected; } trials[] = { { 1.e-9, 0.5e-9 }, { 1.e-11, 1.e-11 } };

	for (int i = 0; i < (int)ARRAY_SIZE(trials); i++) {

		struct gpu_dc_trial_s t = trial_of_halves(1.);
		long N = t.g.p.N;

		for (long j = 0; j < N; j++) {

			t.m.x0[j] = (j < N / 2) ? 1.f : trials[i].small;
			t.m.z[j] = 0.;
			t.m.u[j] = 0.;
		}

		gpu_dc_trial_upload(&t);

		gleam_dc_solve(t.g.cpu, 1., 6, t.m.u, t.m.z, t.m.x0);
		gpu_dc_solve(t.g.gpu, t.mu, 6, t.u, t.z, t.x0);

		complex float* u = gpu_get(N, t.u);

		for (long j = 0; j < N; j++) {

			float expected = (j < N / 2) ? 1.f : trials[i].expected;

			cr_expect(cabsf(t.m.u[j] - expected) < 1.e-5f * expected, "CPU: %e", (double)crealf(t.m.u[j]));
			cr_expect(cabsf(u[j] - expected) < 1.e-5f * expected, "GPU: %e", (double)crealf(u[j]));
		}

		md_free(u);
		gpu_dc_trial_free(&t);
	}
}


// value in the first of several samples, everywhere
static void fill_first(struct gpu_dc_trial_s* t, complex float value)
{
	long N = t->g.p.N;

	md_zfill(1, MD_DIMS(N), t->m.x0, value);
	md_zfill(1, MD_DIMS(N), t->m.z, value);
	md_zfill(1, MD_DIMS(N), t->m.u, value);
	md_zfill(1, MD_DIMS(N), t->m.du, value);

	gpu_dc_trial_upload(t);
}


/* Zeros give zeros; and with denormal numbers, whose products with anything are
 * zero, nothing is divided by zero. The other samples do not notice.
 */
Test(gpu_dc, zero_sample)
{
	GPU_OR_SKIP("gpu_dc::zero_sample");

	const float values[] = { 0., 1.e-45, 1.e-44, 1.e-38 };

	for (int i = 0; i < (int)ARRAY_SIZE(values); i++) {

		struct gpu_dc_trial_s t = gpu_dc_trial_create(gpu_dc_case((0 == i % 2) ? 0 : 8), 24, 0.1);
		const struct dc_problem_s* p = &t.g.p;

		fill_first(&t, values[i]);

		gleam_dc_solve(t.g.cpu, 0.1, 20, t.m.u, t.m.z, t.m.x0);
		gleam_dc_solve_adjoint(t.g.cpu, 0.1, 20, t.m.dz, t.m.du);
		gpu_dc_solve(t.g.gpu, t.mu, 20, t.u, t.z, t.x0);
		gpu_dc_solve_adjoint(t.g.gpu, t.mu, 20, t.dz, t.du);

		complex float* u = gpu_get(t.g.N, t.u);
		complex float* dz = gpu_get(t.g.N, t.dz);

		double size = 100. * (double)p->N * pow((double)values[i], 2.);

		cr_expect(dc_dot(p->N, u, u) <= size, "%g: %e", values[i], dc_dot(p->N, u, u));
		cr_expect(dc_dot(p->N, dz, dz) <= size, "%g: %e", values[i], dc_dot(p->N, dz, dz));

		double err_u = gpu_dc_error(p->samples - 1, p->N, t.m.u + p->N, t.u + p->N);
		double err_dz = gpu_dc_error(p->samples - 1, p->N, t.m.dz + p->N, t.dz + p->N);

		cr_expect((err_u < 1.e-5) && (err_dz < 1.e-5), "%g: %e, %e", values[i], err_u, err_dz);

		md_free(u);
		md_free(dz);
		gpu_dc_trial_free(&t);
	}
}


static bool all_nan(long N, const complex float x[N])
{
	for (long i = 0; i < N; i++)
		if (!isnan(crealf(x[i])) && !isnan(cimagf(x[i])))
			return false;

	return true;
}


Test(gpu_dc, not_a_number_is_seen)
{
	GPU_OR_SKIP("gpu_dc::not_a_number_is_seen");

	struct gpu_dc_trial_s t = gpu_dc_trial_create(gpu_dc_case(8), 25, 0.1);
	const struct dc_problem_s* p = &t.g.p;

	t.m.x0[3] = NAN;
	t.m.du[3] = NAN;

	gpu_dc_trial_upload(&t);

	gleam_dc_solve(t.g.cpu, 0.1, 3, t.m.u, t.m.z, t.m.x0);
	gpu_dc_solve(t.g.gpu, t.mu, 3, t.u, t.z, t.x0);
	gpu_dc_solve_adjoint(t.g.gpu, t.mu, 3, t.dz, t.du);

	complex float* u = gpu_get(p->N, t.u);
	complex float* dz = gpu_get(p->N, t.dz);

	cr_expect(all_nan(p->N, u));
	cr_expect(all_nan(p->N, dz));

	// ... and stays in its sample
	cr_expect(gpu_dc_error(p->samples - 1, p->N, t.m.u + p->N, t.u + p->N) < 1.e-5);

	md_free(u);
	md_free(dz);
	gpu_dc_trial_free(&t);
}

#endif		// GLEAM_GPU
