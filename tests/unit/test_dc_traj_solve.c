/*
 * The solve of MoDL and the step of PGD on trajectories against matrices in double
 * precision.
 */
#include <complex.h>
#include <math.h>

#include <criterion/criterion.h>

#include "num/multind.h"
#include "num/flpmath.h"

#include "misc/misc.h"

#include "gleam/dc.h"

#include "dc_dense.h"
#include "dc_help.h"
#include "traj_case.h"


// A^H A / L + mu = (A^H A + mu L) / L, so that x is b L through the dense solve
static void expect_solution(const struct traj_problem_s* p, const char* what, long s, double mu, const complex float* x, complex double* b)
{
	const struct dc_problem_s* d = &p->dense;
	double L = 1. / (double)p->scale[s];
	complex double expected[d->N];

	for (long i = 0; i < d->N; i++)
		b[i] *= L;

	dc_dense_solve(d, s, mu * L, expected, b);

	// errors of the operator are amplified by its condition
	double err = dc_distance(d->N, x + s * d->N, expected);

	cr_expect(err < NUFFT_ACCURACY / mu, "%s%s: %e", d->name, what, err);
}


static void check_solve(struct traj_problem_s* p, struct gleam_dc_s* dc)
{
	const double mu = 0.1;
	long N = p->dense.N;

	struct dc_modl_s m = dc_modl_create(&p->dense);

	md_copy(1, MD_DIMS(m.N), m.dz, m.du, CFL_SIZE);

	gleam_dc_solve(dc, (float)mu, 200, m.u, m.z, m.x0);
	gleam_dc_solve_adjoint(dc, (float)mu, 200, m.dz, m.dz);

	for (long s = 0; s < p->dense.samples; s++) {

		complex double b[N];

		for (long i = 0; i < N; i++)
			b[i] = (complex double)m.x0[s * N + i] + mu * (complex double)m.z[s * N + i];

		expect_solution(p, "", s, mu, m.u, b);

		for (long i = 0; i < N; i++)
			b[i] = mu * (complex double)m.du[s * N + i];

		expect_solution(p, ", adjoint", s, mu, m.dz, b);
	}

	dc_modl_free(&m);
}

Test(dc_traj, solve_is_exact)
{
	traj_for_all(check_solve);
}


// v = step(x), and the gradient of Re <dv, v>; e is a direction for x
struct step_s {

	long N;
	complex float* x0;
	complex float* x;
	complex float* dv;
	complex float* e;
};

static struct step_s step_create(const struct dc_problem_s* d)
{
	long N = d->N * d->samples;

	return (struct step_s){ N, dc_random(N, 1), dc_random(N, 2), dc_random(N, 3), dc_random(N, 4) };
}


static void step_free(struct step_s* v)
{
	md_free(v->x0);
	md_free(v->x);
	md_free(v->dv);
	md_free(v->e);
}


static double step_loss(struct gleam_dc_s* dc, const struct step_s* v, float t, const complex float* x)
{
	complex float* y = dc_zeros(v->N);

	gleam_dc_step(dc, t, y, x, v->x0);

	double loss = dc_dot(v->N, v->dv, y);

	md_free(y);

	return loss;
}


static void check_step(struct traj_problem_s* p, struct gleam_dc_s* dc)
{
	const struct dc_problem_s* d = &p->dense;
	const float t = 0.4;

	struct step_s v = step_create(d);
	complex float* y = dc_zeros(v.N);

	gleam_dc_step(dc, t, y, v.x, v.x0);

	for (long s = 0; s < d->samples; s++) {

		complex double* xd = dc_double(d->N, v.x + s * d->N);

		dc_dense_normal(d, s, xd, xd);

		for (long i = 0; i < d->N; i++)
			xd[i] = v.x[s * d->N + i] - 2. * (double)t * ((double)p->scale[s] * xd[i] - v.x0[s * d->N + i]);

		traj_expect_close(p, "step", d->N, y + s * d->N, xd);
		xfree(xd);
	}

	md_free(y);
	step_free(&v);
}


// with respect to x and t, by differences
static void check_step_gradients(struct traj_problem_s* p, struct gleam_dc_s* dc)
{
	const char* name = p->dense.name;
	const float t = 0.4;
	const float h = 0.125;

	struct step_s v = step_create(&p->dense);
	complex float* dx = dc_zeros(v.N);
	complex float* xe = dc_plus(v.N, v.x, h, v.e);

	gleam_dc_step_adjoint(dc, t, dx, v.dv);

	double size = sqrt(dc_dot(v.N, v.dv, v.dv) * dc_dot(v.N, v.e, v.e));
	double here = step_loss(dc, &v, t, v.x);

	double diff = (step_loss(dc, &v, t, xe) - here) / (double)h;
	double de = dc_dot(v.N, dx, v.e);

	cr_expect(fabs(diff - de) < 1.e-5 * size, "%s: %e, %e", name, diff, de);

	diff = (step_loss(dc, &v, t + h, v.x) - here) / (double)h;

	double dt = (double)gleam_dc_step_gradient(dc, v.dv, v.x, v.x0);

	cr_expect(fabs(diff - dt) < 1.e-5 * size, "%s: %e, %e", name, diff, dt);

	md_free(dx);
	md_free(xe);
	step_free(&v);
}

Test(dc_traj, step_and_its_gradients)
{
	traj_for_all(check_step);
	traj_for_all(check_step_gradients);
}
