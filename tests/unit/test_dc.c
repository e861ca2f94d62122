/*
 * Data consistency: against BART's operators and tests of operators, against
 * dense algebra in double precision, and gradients against finite differences.
 *
 * Tolerances are multiples of the precision of float, EPS: a transform of n
 * points has a relative error of about EPS times the square root of log2(n), the
 * solution of a system one of EPS times its condition.
 */
#include <complex.h>
#include <float.h>
#include <malloc.h>
#include <math.h>
#include <omp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "num/multind.h"
#include "num/flpmath.h"
#include "num/fft.h"
#include "num/ops_p.h"
#include "num/ops.h"
#include "num/rand.h"

#include "iter/iter.h"
#include "iter/iter2.h"

#include "linops/linop.h"
#include "linops/lintest.h"

#include "sense/model.h"
#include "sense/recon.h"

#include "misc/misc.h"
#include "misc/mri.h"
#include "misc/types.h"

#include "gleam/dc.h"

#include "dc_dense.h"

#define EPS ((double)FLT_EPSILON / 2.)

static struct gleam_dc_s* create(const struct dc_problem_s* p)
{
	struct gleam_dc_s* dc = gleam_dc_create(p->ksp_dims, p->map_dims, p->pat_dims);

	gleam_dc_set(dc, p->maps, p->pattern);

	return dc;
}


static double dot(long N, const complex float a[N], const complex float b[N])
{
	double s = 0.;

	for (long i = 0; i < N; i++)
		s += creal(conj((complex double)a[i]) * (complex double)b[i]);

	return s;
}


// dst = x + a y
static complex float* plus(long N, const complex float x[N], float a, const complex float y[N])
{
	complex float* dst = md_alloc(1, MD_DIMS(N), CFL_SIZE);

	for (long i = 0; i < N; i++)
		dst[i] = x[i] + a * y[i];

	return dst;
}


static bool same_bits(long N, const complex float a[N], const complex float b[N])
{
	return 0 == memcmp(a, b, (size_t)N * CFL_SIZE);
}


static complex float* zeros(long N)
{
	return md_calloc(1, MD_DIMS(N), CFL_SIZE);
}


/* * * operators * * */

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
		struct gleam_dc_s* dc = create(&p);

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
		struct gleam_dc_s* dc = create(&p);

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
		struct gleam_dc_s* dc = create(&p);
		long N = p.N * p.samples;

		complex float* x = dc_random(N, 4);
		complex float* y = zeros(N);

		gleam_dc_normal(dc, y, x);
		gleam_dc_normal(dc, x, x);

		cr_expect(same_bits(N, x, y), "%s", p.name);

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
		complex float* y = zeros(N);
		complex float* ref = zeros(N);

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

	struct gleam_dc_s* once = create(&b);
	struct gleam_dc_s* twice = create(&a);

	complex float* x = dc_random(N, 6);
	complex float* y = zeros(N);
	complex float* z = zeros(N);

	gleam_dc_normal(twice, y, x);
	gleam_dc_set(twice, b.maps, b.pattern);

	gleam_dc_normal(twice, y, x);
	gleam_dc_normal(once, z, x);

	cr_expect(same_bits(N, y, z));

	md_free(x);
	md_free(y);
	md_free(z);
	gleam_dc_free(once);
	gleam_dc_free(twice);
	dc_problem_free(&a);
	dc_problem_free(&b);
}


/* * * PGD * * */

Test(dc, step)
{
	for (int i = 0; i < DC_CASES; i++) {

		struct dc_problem_s p = dc_problem_create(&dc_cases[i], 11);
		struct gleam_dc_s* dc = create(&p);
		long N = p.N * p.samples;

		complex float* x = dc_random(N, 1);
		complex float* x0 = dc_random(N, 2);
		complex float* dv = dc_random(N, 3);
		complex float* v = zeros(N);
		complex float* dx = zeros(N);

		float t = 0.7;

		gleam_dc_step(dc, t, v, x, x0);
		gleam_dc_step_adjoint(dc, t, dx, dv);

		double grad = 0.;
		double size = 0.;

		for (long s = 0; s < p.samples; s++) {

			complex double* xd = dc_double(p.N, x + s * p.N);
			complex double* dvd = dc_double(p.N, dv + s * p.N);
			complex double Hx[p.N];
			complex double Hdv[p.N];

			dc_dense_normal(&p, s, Hx, xd);
			dc_dense_normal(&p, s, Hdv, dvd);

			for (long j = 0; j < p.N; j++) {

				Hx[j] -= x0[s * p.N + j];
				Hdv[j] = dvd[j] - 2. * t * Hdv[j];

				grad -= 2. * creal(conj(dvd[j]) * Hx[j]);
				size += 2. * cabs(dvd[j]) * cabs(Hx[j]);

				Hx[j] = xd[j] - 2. * t * Hx[j];
			}

			cr_expect(dc_distance(p.N, v + s * p.N, Hx) < 8. * EPS, "%s", p.name);
			cr_expect(dc_distance(p.N, dx + s * p.N, Hdv) < 8. * EPS, "%s: adjoint", p.name);

			xfree(xd);
			xfree(dvd);
		}

		// errors of all elements of the sum have any sign, and are bounded by those of all with the same
		cr_expect(fabs(gleam_dc_step_gradient(dc, dv, x, x0) - grad) < 4. * EPS * size, "%s: gradient", p.name);

		// v is linear in t
		complex float* v2 = zeros(N);

		gleam_dc_step(dc, t + 1., v2, x, x0);

		double diff = dot(N, dv, v2) - dot(N, dv, v);

		cr_expect(fabs(diff - grad) < 8. * EPS * (size + 2. * fabs(dot(N, dv, dv))), "%s: difference", p.name);

		md_free(x);
		md_free(x0);
		md_free(dv);
		md_free(v);
		md_free(v2);
		md_free(dx);
		gleam_dc_free(dc);
		dc_problem_free(&p);
	}
}


/* * * MoDL * * */

// what the steps of MoDL work on; everything is linear in it
struct modl_s {

	long N;
	complex float* x0;
	complex float* z;
	complex float* u;	// initial value, then the result
	complex float* du;
	complex float* dz;
};

static struct modl_s modl_create(const struct dc_problem_s* p)
{
	long N = p->N * p->samples;

	struct modl_s m = {

		.N = N,
		.x0 = dc_random(N, 1),
		.z = dc_random(N, 2),
		.u = dc_random(N, 3),
		.du = dc_random(N, 4),
		.dz = dc_random(N, 5),
	};

	// the second sample is much larger: a common step size would be wrong for both
	if (1 < p->samples) {

		for (long i = p->N; i < 2 * p->N; i++) {

			m.x0[i] *= 1000.;
			m.z[i] *= 1000.;
		}
	}

	return m;
}

static void modl_free(struct modl_s* m)
{
	md_free(m->x0);
	md_free(m->z);
	md_free(m->u);
	md_free(m->du);
	md_free(m->dz);
}


// exact solution in double of one sample
static void exact_solve(const struct dc_problem_s* p, long s, double mu, complex double* u, const complex float* z, const complex float* x0)
{
	complex double b[p->N];

	for (long j = 0; j < p->N; j++)
		b[j] = (complex double)x0[s * p->N + j] + mu * (complex double)z[s * p->N + j];

	dc_dense_solve(p, s, mu, u, b);
}


Test(dc, solve_is_the_inverse)
{
	const float mu[] = { 4., 0.5, 0.05 };

	for (int i = 0; i < DC_CASES * (int)ARRAY_SIZE(mu); i++) {

		struct dc_problem_s p = dc_problem_create(&dc_cases[i % DC_CASES], 21);
		struct gleam_dc_s* dc = create(&p);
		struct modl_s m = modl_create(&p);
		float l = mu[i / DC_CASES];

		gleam_dc_solve(dc, l, 200, m.u, m.z, m.x0);
		gleam_dc_solve_adjoint(dc, l, 200, m.dz, m.du);

		for (long s = 0; s < p.samples; s++) {

			complex double u[p.N];
			complex double q[p.N];
			complex double* du = dc_double(p.N, m.du + s * p.N);

			exact_solve(&p, s, l, u, m.z, m.x0);
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

		modl_free(&m);
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


// few iterations: the same iterates from the same initial value, sample by sample
Test(dc, solve_iterates)
{
	const float mu = 0.2;

	for (int i = 0; i < DC_CASES; i++) {

		for (int iter = 0; iter <= 4; iter++) {

			struct dc_problem_s p = dc_problem_create(&dc_cases[i], 31);
			struct gleam_dc_s* dc = create(&p);
			struct modl_s m = modl_create(&p);

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
			modl_free(&m);
			gleam_dc_free(dc);
			dc_problem_free(&p);
		}
	}
}


// loss Re <du, u> of converged solutions
static double solve_loss(struct gleam_dc_s* dc, const struct modl_s* m, float mu, const complex float* z)
{
	complex float* u = zeros(m->N);

	gleam_dc_solve(dc, mu, 200, u, z, m->x0);

	double loss = dot(m->N, m->du, u);

	md_free(u);

	return loss;
}


Test(dc, solve_gradients)
{
	const double mu = 0.5;

	for (int i = 0; i < DC_CASES; i++) {

		struct dc_problem_s p = dc_problem_create(&dc_cases[i], 41);
		struct gleam_dc_s* dc = create(&p);
		struct modl_s m = modl_create(&p);

		gleam_dc_solve(dc, mu, 200, m.u, m.z, m.x0);
		gleam_dc_solve_adjoint(dc, mu, 200, m.dz, m.du);

		double norm_u = sqrt(dot(m.N, m.u, m.u));
		double norm_du = sqrt(dot(m.N, m.du, m.du));
		double tol = 8. * EPS * (4. + mu) / mu * norm_u * norm_du;

		// u is affine in z: the difference has no error but rounding
		complex float* d = dc_random(m.N, 6);
		complex float* zp = plus(m.N, m.z, 100., d);
		complex float* zm = plus(m.N, m.z, -100., d);

		double diff = (solve_loss(dc, &m, mu, zp) - solve_loss(dc, &m, mu, zm)) / 200.;

		cr_expect(fabs(diff - dot(m.N, m.dz, d)) < tol, "%s: z %e, %e", p.name, diff, dot(m.N, m.dz, d));

		// in double precision, with a step at which both errors are small
		double h = 1.e-4 * mu;
		double diff_mu = 0.;

		for (long s = 0; s < p.samples; s++) {

			complex double up[p.N];
			complex double um[p.N];

			exact_solve(&p, s, mu + h, up, m.z, m.x0);
			exact_solve(&p, s, mu - h, um, m.z, m.x0);

			for (long j = 0; j < p.N; j++)
				diff_mu += creal(conj((complex double)m.du[s * p.N + j]) * (up[j] - um[j])) / (2. * h);
		}

		double grad_mu = gleam_dc_solve_gradient(dc, mu, m.dz, m.z, m.u);

		cr_expect(fabs(diff_mu - grad_mu) < tol / mu, "%s: mu %e, %e", p.name, diff_mu, grad_mu);

		md_free(d);
		md_free(zp);
		md_free(zm);
		modl_free(&m);
		gleam_dc_free(dc);
		dc_problem_free(&p);
	}
}


Test(dc, adjoint_solve_in_place)
{
	struct dc_problem_s p = dc_problem_create(&dc_cases[0], 51);
	struct gleam_dc_s* dc = create(&p);
	struct modl_s m = modl_create(&p);

	gleam_dc_solve_adjoint(dc, 0.3, 5, m.dz, m.du);
	gleam_dc_solve_adjoint(dc, 0.3, 5, m.du, m.du);

	cr_expect(same_bits(m.N, m.dz, m.du));

	gleam_dc_step_adjoint(dc, 0.3, m.u, m.du);
	gleam_dc_step_adjoint(dc, 0.3, m.du, m.du);

	cr_expect(same_bits(m.N, m.u, m.du));

	modl_free(&m);
	gleam_dc_free(dc);
	dc_problem_free(&p);
}


/* * * samples * * */

// each sample's result is what it is alone
Test(dc, samples_are_independent)
{
	const struct dc_case_s* c = &dc_cases[0];

	struct dc_problem_s p = dc_problem_create(c, 61);
	struct gleam_dc_s* dc = create(&p);
	struct modl_s m = modl_create(&p);

	complex float* u = dc_random(m.N, 3);

	gleam_dc_solve(dc, 0.1, 10, m.u, m.z, m.x0);

	struct dc_case_s one = *c;
	one.samples = 1;

	struct dc_problem_s q = dc_problem_create(&one, 61);
	struct gleam_dc_s* dc1 = gleam_dc_create(q.ksp_dims, q.map_dims, q.pat_dims);

	for (long s = 0; s < p.samples; s++) {

		gleam_dc_set(dc1, p.maps + s * md_calc_size(DIMS, q.map_dims), p.pattern + s * md_calc_size(DIMS, q.pat_dims));
		gleam_dc_solve(dc1, 0.1, 10, u + s * p.N, m.z + s * p.N, m.x0 + s * p.N);
	}

	cr_expect(same_bits(m.N, u, m.u));

	md_free(u);
	modl_free(&m);
	gleam_dc_free(dc);
	gleam_dc_free(dc1);
	dc_problem_free(&p);
	dc_problem_free(&q);
}


static bool all_zero(long N, const complex float x[N])
{
	for (long i = 0; i < N; i++)
		if (0. != x[i])
			return false;

	return true;
}


static bool all_finite(long N, const complex float x[N])
{
	for (long i = 0; i < N; i++)
		if (!isfinite(crealf(x[i])) || !isfinite(cimagf(x[i])))
			return false;

	return true;
}


Test(dc, zero_sample)
{
	struct dc_problem_s p = dc_problem_create(&dc_cases[0], 71);
	struct gleam_dc_s* dc = create(&p);
	struct modl_s m = modl_create(&p);

	// the first of two samples is zero
	md_clear(1, MD_DIMS(p.N), m.x0, CFL_SIZE);
	md_clear(1, MD_DIMS(p.N), m.z, CFL_SIZE);
	md_clear(1, MD_DIMS(p.N), m.du, CFL_SIZE);

	// ... from zero, and from something else
	for (int i = 0; i < 2; i++) {

		if (0 == i)
			md_clear(1, MD_DIMS(p.N), m.u, CFL_SIZE);

		double start = dot(p.N, m.u, m.u);

		gleam_dc_solve(dc, 0.1, 100, m.u, m.z, m.x0);

		cr_expect(all_finite(m.N, m.u));
		cr_expect((0 < i) || all_zero(p.N, m.u));
		cr_expect(!all_zero(p.N, m.u + p.N));
		cr_expect(dot(p.N, m.u, m.u) <= pow(4. * EPS * (4. + 0.1) / 0.1, 2.) * start);

		md_copy(1, MD_DIMS(p.N), m.u, m.z + p.N, CFL_SIZE);
	}

	gleam_dc_solve_adjoint(dc, 0.1, 100, m.dz, m.du);

	cr_expect(all_zero(p.N, m.dz));
	cr_expect(all_finite(m.N, m.dz));
	cr_expect(isfinite(gleam_dc_solve_gradient(dc, 0.1, m.dz, m.z, m.u)));

	modl_free(&m);
	gleam_dc_free(dc);
	dc_problem_free(&p);
}


// iterations far beyond convergence, of numbers of any size
Test(dc, beyond_convergence)
{
	const float scale[] = { 1.e-15, 1., 1.e15 };

	for (int i = 0; i < (int)ARRAY_SIZE(scale); i++) {

		struct dc_problem_s p = dc_problem_create(&dc_cases[3], 81);
		struct gleam_dc_s* dc = create(&p);
		struct modl_s m = modl_create(&p);

		md_zsmul(1, MD_DIMS(m.N), m.x0, m.x0, scale[i]);
		md_zsmul(1, MD_DIMS(m.N), m.z, m.z, scale[i]);
		md_zsmul(1, MD_DIMS(m.N), m.u, m.u, scale[i]);

		gleam_dc_solve(dc, 4., 1000, m.u, m.z, m.x0);

		complex double u[p.N];
		exact_solve(&p, 0, 4., u, m.z, m.x0);

		cr_expect(dc_distance(p.N, m.u, u) < 8. * EPS, "scale %g", scale[i]);

		modl_free(&m);
		gleam_dc_free(dc);
		dc_problem_free(&p);
	}
}


// something that is not a number is not hidden
Test(dc, nan_is_passed_on)
{
	struct dc_problem_s p = dc_problem_create(&dc_cases[0], 91);
	struct gleam_dc_s* dc = create(&p);
	struct modl_s m = modl_create(&p);

	m.z[3] = NAN;

	gleam_dc_solve(dc, 0.1, 3, m.u, m.z, m.x0);

	cr_expect(!all_finite(p.N, m.u));
	cr_expect(all_finite(p.N, m.u + p.N));

	// ... and leaves nothing behind in the buffers
	md_clear(1, MD_DIMS(m.N), m.z, CFL_SIZE);
	md_clear(1, MD_DIMS(m.N), m.u, CFL_SIZE);

	gleam_dc_solve(dc, 0.1, 3, m.u, m.z, m.x0);

	cr_expect(all_finite(m.N, m.u));

	modl_free(&m);
	gleam_dc_free(dc);
	dc_problem_free(&p);
}


/* * * threads, memory * * */

// everything that is computed, one after the other
static complex float* all_results(const struct dc_case_s* c, int threads, long* total)
{
	omp_set_num_threads(threads);

	struct dc_problem_s p = dc_problem_create(c, 101);
	struct gleam_dc_s* dc = create(&p);
	struct modl_s m = modl_create(&p);

	long K = p.K * p.samples;
	*total = K + 5 * m.N + 2;

	complex float* res = zeros(*total);

	gleam_dc_forward(dc, res, m.z);
	gleam_dc_adjoint(dc, res + K, res);
	gleam_dc_normal(dc, res + K + m.N, m.z);
	gleam_dc_step(dc, 0.6, res + K + 2 * m.N, m.z, m.x0);
	gleam_dc_solve(dc, 0.1, 5, res + K + 3 * m.N, m.z, m.x0);
	gleam_dc_solve_adjoint(dc, 0.1, 5, res + K + 4 * m.N, m.du);
	res[K + 5 * m.N] = gleam_dc_step_gradient(dc, m.du, m.z, m.x0);
	res[K + 5 * m.N + 1] = gleam_dc_solve_gradient(dc, 0.1, res + K + 4 * m.N, m.z, res + K + 3 * m.N);

	modl_free(&m);
	gleam_dc_free(dc);
	dc_problem_free(&p);

	return res;
}


Test(dc, bits_do_not_depend_on_threads)
{
	const struct dc_case_s cases[] = {

		{ "plane", { 150, 117, 1 }, 5, 2, 1, 2, 0, 0, false },
		{ "many coils", { 64, 30, 1 }, 21, 1, 1, 1, 0, 0, false },
		{ "cine", { 90, 83, 1 }, 3, 1, 3, 1, TIME_FLAG, 0, false },
	};

	for (int i = 0; i < (int)ARRAY_SIZE(cases); i++) {

		long N;
		complex float* one = all_results(&cases[i], 1, &N);

		for (int threads = 2; threads <= 5; threads++) {

			complex float* more = all_results(&cases[i], threads, &N);

			cr_expect(same_bits(N, one, more), "%s, %d threads", cases[i].name, threads);

			md_free(more);
		}

		md_free(one);
	}
}


static size_t heap(void)
{
	struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
}


Test(dc, bytes_are_as_predicted)
{
	const struct dc_case_s cases[] = {

		{ "plane", { 270, 256, 1 }, 8, 1, 1, 1, 0, 0, false },
		{ "two maps", { 230, 180, 1 }, 20, 2, 1, 3, 0, BATCH_FLAG, false },
		{ "cine", { 96, 80, 1 }, 6, 1, 10, 1, TIME_FLAG, 0, false },
		{ "volume", { 64, 48, 20 }, 4, 1, 1, 1, 0, READ_FLAG, false },
	};

	for (int i = 0; i < (int)ARRAY_SIZE(cases); i++) {

		struct dc_problem_s p = dc_problem_create(&cases[i], 111);

		// FFTW's and BART's own tables are made once
		gleam_dc_free(create(&p));

		size_t before = heap();
		struct gleam_dc_s* dc = create(&p);
		size_t used = heap() - before;

		size_t bytes = gleam_dc_bytes(p.ksp_dims, p.map_dims, p.pat_dims);

		// plans, operator, and the rounding of seven pieces to pages
		size_t extra = 64 * 1024 + 8 * 4096;

		cr_expect(used >= bytes, "%s: used %zu, predicted %zu", p.name, used, bytes);
		cr_expect(used < bytes + extra, "%s: used %zu, predicted %zu", p.name, used, bytes);

		gleam_dc_free(dc);
		dc_problem_free(&p);
	}
}


/* * * BART's reconstruction * * */

/* As pics -l2 -r mu -w 1 puts it together: with maps of any number, the solution
 * of (A^H A + mu) x = A^H y, so that mu is what it is in MoDL's equation with z = 0.
 */
static void pics_l2(const struct dc_problem_s* p, float mu, complex float* x, const complex float* ksp)
{
	long max_dims[DIMS];

	md_copy_dims(DIMS, max_dims, p->ksp_dims);
	max_dims[MAPS_DIM] = p->map_dims[MAPS_DIM];

	const struct linop_s* op = linop_chain_FF(sense_init(0, max_dims, FFT_FLAGS | SENS_FLAGS, p->maps),
			linop_sampling_create(p->ksp_dims, p->pat_dims, p->pattern));

	struct iter_conjgrad_conf cg = iter_conjgrad_defaults;
	cg.maxiter = 200;
	cg.l2lambda = mu;
	cg.tol = 0.;

	struct iter_call_s call = { { &TYPEID(iter_call_s), 1. }, iter_conjgrad, CAST_UP(&cg) };

	const struct operator_p_s* po = sense_recon_create(&sense_defaults, op, p->pat_dims,
			iter2_call_iter, CAST_UP(&call), NULL, 0, NULL, NULL, NULL, NULL);

	// pics leaves the outer modulation to the data
	complex float* data = md_alloc(DIMS, p->ksp_dims, CFL_SIZE);

	ifftmod(DIMS, p->ksp_dims, FFT_FLAGS, data, ksp);
	operator_p_apply(po, 1., DIMS, p->img_dims, x, DIMS, p->ksp_dims, data);

	operator_p_free(po);
	md_free(data);
}


Test(dc, solve_is_that_of_pics)
{
	const struct dc_case_s cases[] = {

		{ "one map", { 24, 20, 1 }, 6, 1, 1, 1, 0, 0, false },
		{ "two maps", { 15, 20, 1 }, 6, 2, 1, 1, 0, 0, false },
		{ "volume", { 8, 7, 6 }, 4, 1, 1, 1, 0, 0, false },
	};

	const float mu = 0.3;

	for (int i = 0; i < (int)ARRAY_SIZE(cases); i++) {

		struct dc_problem_s p = dc_problem_create(&cases[i], 121);
		struct gleam_dc_s* dc = create(&p);

		complex float* ksp = zeros(p.K);
		complex float* x = dc_random(p.N, 1);
		complex float* x0 = zeros(p.N);
		complex float* u = zeros(p.N);
		complex float* z = zeros(p.N);

		gleam_dc_forward(dc, ksp, x);
		gleam_dc_adjoint(dc, x0, ksp);
		gleam_dc_solve(dc, mu, 200, u, z, x0);

		pics_l2(&p, mu, x, ksp);

		double err = md_znrmse(DIMS, p.img_dims, x, u);

		cr_expect(err < 8. * EPS * (4. + mu) / mu, "%s: %e", p.name, err);

		md_free(ksp);
		md_free(x);
		md_free(x0);
		md_free(u);
		md_free(z);
		gleam_dc_free(dc);
		dc_problem_free(&p);
	}
}
