/*
 * The solve of MoDL: against dense algebra in double precision, and gradients
 * against finite differences.
 */
#include <complex.h>
#include <math.h>

#include <criterion/criterion.h>

#include "num/multind.h"
#include "num/flpmath.h"

#include "misc/misc.h"
#include "misc/mri.h"

#include "gleam/dc.h"

#include "dc_dense.h"
#include "dc_help.h"

Test(dc, solve_is_the_inverse)
{
	const float mu[] = { 4., 0.5, 0.05 };

	for (int i = 0; i < DC_CASES * (int)ARRAY_SIZE(mu); i++) {

		struct dc_problem_s p = dc_problem_create(&dc_cases[i % DC_CASES], 21);
		struct gleam_dc_s* dc = dc_problem_dc(&p);
		struct dc_modl_s m = dc_modl_create(&p);
		float l = mu[i / DC_CASES];

		gleam_dc_solve(dc, l, 200, m.u, m.z, m.x0);
		gleam_dc_solve_adjoint(dc, l, 200, m.dz, m.du);

		for (long s = 0; s < p.samples; s++) {

			complex double u[p.N];
			complex double q[p.N];
			complex double* du = dc_double(p.N, m.du + s * p.N);

			dc_exact_solve(&p, s, l, u, m.z, m.x0);
			dc_dense_solve(&p, s, l, q, du);

			for (long j = 0; j < p.N; j++)
				q[j] *= l;

			// eigenvalues of these problems are below 4
			double tol = 4. * EPS * (4. + l) / l;

			double dist_u = dc_distance(p.N, m.u + s * p.N, u);
			double dist_q = dc_distance(p.N, m.dz + s * p.N, q);

			cr_expect(dist_u < tol, "%s, mu = %g: %e, tolerance %e", p.name, l, dist_u, tol);
			cr_expect(dist_q < tol, "%s, mu = %g: adjoint %e, tolerance %e", p.name, l, dist_q, tol);

			xfree(du);
		}

		dc_modl_free(&m);
		gleam_dc_free(dc);
		dc_problem_free(&p);
	}
}


/* What gives a solution back gives back what was solved for, with the error of the
 * solution over mu; and with none, z = u + (A^H A u - x0) / mu.
 */
Test(dc, inversion_gives_back)
{
	const float mu[] = { 4., 0.5 };

	for (int i = 0; i < DC_CASES * (int)ARRAY_SIZE(mu); i++) {

		struct dc_problem_s p = dc_problem_create(&dc_cases[i % DC_CASES], 22);
		struct gleam_dc_s* dc = dc_problem_dc(&p);
		struct dc_modl_s m = dc_modl_create(&p);
		float l = mu[i / DC_CASES];
		long N = p.samples * p.N;

		gleam_dc_solve(dc, l, 200, m.u, m.z, m.x0);
		gleam_dc_invert(dc, l, m.dz, m.u, m.x0);

		double err = md_zrmse(1, MD_DIMS(N), m.dz, m.z) / md_zrms(1, MD_DIMS(N), m.z);

		cr_expect(err < 16. * EPS * (4. + l) / l, "%s, mu = %g: %e", p.name, l, err);

		gleam_dc_normal(dc, m.dz, m.du);
		md_zsub(1, MD_DIMS(N), m.dz, m.dz, m.x0);
		md_zsmul(1, MD_DIMS(N), m.dz, m.dz, 1.f / l);
		md_zadd(1, MD_DIMS(N), m.dz, m.dz, m.du);
		gleam_dc_invert(dc, l, m.z, m.du, m.x0);

		double diff = md_zrmse(1, MD_DIMS(N), m.dz, m.z) / md_zrms(1, MD_DIMS(N), m.dz);

		cr_expect(diff < 4. * EPS, "%s, mu = %g: %e", p.name, l, diff);

		dc_modl_free(&m);
		gleam_dc_free(dc);
		dc_problem_free(&p);
	}
}


// conjugate gradients in double precision, with the dense matrix
static void exact_conjgrad(const struct dc_problem_s* p, long s, double mu, int iter, complex double* u, const complex double* b)
{
	long N = p->N;
	complex double r[N];
	complex double d[N];
	complex double q[N];
	double rr = 0.;

	dc_dense_normal(p, s, q, u);

	for (long j = 0; j < N; j++) {

		d[j] = r[j] = b[j] - q[j] - mu * u[j];
		rr += pow(cabs(r[j]), 2.);
	}

	for (int i = 0; i < iter; i++) {

		double dq = 0.;
		double rr_new = 0.;

		dc_dense_normal(p, s, q, d);

		for (long j = 0; j < N; j++) {

			q[j] += mu * d[j];
			dq += creal(conj(d[j]) * q[j]);
		}

		for (long j = 0; j < N; j++) {

			u[j] += rr / dq * d[j];
			r[j] -= rr / dq * q[j];
			rr_new += pow(cabs(r[j]), 2.);
		}

		for (long j = 0; j < N; j++)
			d[j] = r[j] + rr_new / rr * d[j];

		rr = rr_new;
	}
}


/* With eigenvalues of A^H A between 0 and 1 and mu = 4 (the paper's, at R = 4)
 * the condition is 1.25: ten iterations reduce the error by 2 / 17.9^10 (the
 * Chebyshev bound), below the precision of float. Then solution and gradient
 * are exact.
 */
Test(dc, ten_iterations_are_exact_at_mu_4)
{
	struct dc_problem_s p = dc_problem_create(&dc_cases[3], 35);

	// maps are at most one, the weights too
	md_zsmul(DIMS, p.map_dims, p.maps, p.maps, 0.7);
	md_zsmul(DIMS, p.pat_dims, p.pattern, p.pattern, 0.7);

	struct gleam_dc_s* dc = dc_problem_dc(&p);
	struct dc_modl_s m = dc_modl_create(&p);

	complex double* du = dc_double(p.N, m.du);
	complex double u[p.N];
	complex double q[p.N];

	dc_exact_solve(&p, 0, 4., u, m.z, m.x0);
	dc_dense_solve(&p, 0, 4., q, du);

	for (long j = 0; j < p.N; j++)
		q[j] *= 4.;

	gleam_dc_solve(dc, 4., 10, m.u, m.z, m.x0);
	gleam_dc_solve_adjoint(dc, 4., 10, m.dz, m.du);

	cr_expect(dc_distance(p.N, m.u, u) < 4. * EPS, "%e", dc_distance(p.N, m.u, u));
	cr_expect(dc_distance(p.N, m.dz, q) < 4. * EPS, "%e", dc_distance(p.N, m.dz, q));

	xfree(du);
	dc_modl_free(&m);
	gleam_dc_free(dc);
	dc_problem_free(&p);
}


// few iterations: the same iterates from the same initial value, sample by sample
Test(dc, solve_iterates)
{
	const float mu = 0.2;

	for (int i = 0; i < DC_CASES; i++) {

		for (int iter = 0; iter <= 4; iter++) {

			struct dc_problem_s p = dc_problem_create(&dc_cases[i], 31);
			struct gleam_dc_s* dc = dc_problem_dc(&p);
			struct dc_modl_s m = dc_modl_create(&p);

			complex double* u = dc_double(m.N, m.u);

			gleam_dc_solve(dc, mu, iter, m.u, m.z, m.x0);

			for (long s = 0; s < p.samples; s++) {

				complex double b[p.N];

				for (long j = 0; j < p.N; j++)
					b[j] = (complex double)m.x0[s * p.N + j] + (double)mu * (complex double)m.z[s * p.N + j];

				exact_conjgrad(&p, s, mu, iter, u + s * p.N, b);

				double dist = dc_distance(p.N, m.u + s * p.N, u + s * p.N);

				cr_expect(dist < 4. * EPS * (4. + mu) / mu, "%s, %d iterations: %e", p.name, iter, dist);
			}

			xfree(u);
			dc_modl_free(&m);
			gleam_dc_free(dc);
			dc_problem_free(&p);
		}
	}
}


// loss Re <du, u> of converged solutions
static double solve_loss(struct gleam_dc_s* dc, const struct dc_modl_s* m, float mu, const complex float* z)
{
	complex float* u = dc_zeros(m->N);

	gleam_dc_solve(dc, mu, 200, u, z, m->x0);

	double loss = dc_dot(m->N, m->du, u);

	md_free(u);

	return loss;
}


// u is affine in z: the difference has no error but rounding
static void check_gradient_z(const struct dc_problem_s* p, struct gleam_dc_s* dc, const struct dc_modl_s* m, double mu, double tol)
{
	complex float* d = dc_random(m->N, 6);
	complex float* zp = dc_plus(m->N, m->z, 100., d);
	complex float* zm = dc_plus(m->N, m->z, -100., d);

	double diff = (solve_loss(dc, m, mu, zp) - solve_loss(dc, m, mu, zm)) / 200.;
	double grad = dc_dot(m->N, m->dz, d);

	cr_expect(fabs(diff - grad) < tol, "%s: z %e, %e", p->name, diff, grad);

	md_free(d);
	md_free(zp);
	md_free(zm);
}


// in double precision, with a step at which both errors are small
static void check_gradient_mu(const struct dc_problem_s* p, struct gleam_dc_s* dc, const struct dc_modl_s* m, double mu, double tol)
{
	double h = 1.e-4 * mu;
	double diff = 0.;

	for (long s = 0; s < p->samples; s++) {

		complex double up[p->N];
		complex double um[p->N];

		dc_exact_solve(p, s, mu + h, up, m->z, m->x0);
		dc_exact_solve(p, s, mu - h, um, m->z, m->x0);

		for (long j = 0; j < p->N; j++)
			diff += creal(conj((complex double)m->du[s * p->N + j]) * (up[j] - um[j])) / (2. * h);
	}

	double grad = gleam_dc_solve_gradient(dc, mu, m->dz, m->z, m->u);

	cr_expect(fabs(diff - grad) < tol, "%s: mu %e, %e", p->name, diff, grad);
}


Test(dc, solve_gradients)
{
	const double mu = 0.5;

	for (int i = 0; i < DC_CASES; i++) {

		struct dc_problem_s p = dc_problem_create(&dc_cases[i], 41);
		struct gleam_dc_s* dc = dc_problem_dc(&p);
		struct dc_modl_s m = dc_modl_create(&p);

		gleam_dc_solve(dc, mu, 200, m.u, m.z, m.x0);
		gleam_dc_solve_adjoint(dc, mu, 200, m.dz, m.du);

		double norm_u = sqrt(dc_dot(m.N, m.u, m.u));
		double norm_du = sqrt(dc_dot(m.N, m.du, m.du));
		double tol = 8. * EPS * (4. + mu) / mu * norm_u * norm_du;

		check_gradient_z(&p, dc, &m, mu, tol);
		check_gradient_mu(&p, dc, &m, mu, tol / mu);

		dc_modl_free(&m);
		gleam_dc_free(dc);
		dc_problem_free(&p);
	}
}


Test(dc, adjoint_solve_in_place)
{
	struct dc_problem_s p = dc_problem_create(&dc_cases[0], 51);
	struct gleam_dc_s* dc = dc_problem_dc(&p);
	struct dc_modl_s m = dc_modl_create(&p);

	gleam_dc_solve_adjoint(dc, 0.3, 5, m.dz, m.du);
	gleam_dc_solve_adjoint(dc, 0.3, 5, m.du, m.du);

	cr_expect(dc_same_bits(m.N, m.dz, m.du));

	gleam_dc_step_adjoint(dc, 0.3, m.u, m.du);
	gleam_dc_step_adjoint(dc, 0.3, m.du, m.du);

	cr_expect(dc_same_bits(m.N, m.u, m.du));

	dc_modl_free(&m);
	gleam_dc_free(dc);
	dc_problem_free(&p);
}
