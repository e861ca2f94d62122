/*
 * Data consistency on trajectories against matrices in double precision.
 */
#include <complex.h>
#include <math.h>
#include <stdlib.h>

#include <criterion/criterion.h>

#ifdef _OPENMP
#include <omp.h>
#endif

#include "num/multind.h"
#include "num/flpmath.h"

#include "misc/misc.h"
#include "misc/mri.h"

#include "gleam/dc.h"

#include "dc_dense.h"
#include "dc_help.h"
#include "traj_case.h"


static void for_all(void (*fun)(struct traj_problem_s* p, struct gleam_dc_s* dc))
{
	for (int i = 0; i < TRAJ_CASES; i++) {

		struct traj_problem_s p = traj_problem_create(&traj_cases[i], 31);
		struct gleam_dc_s* dc = traj_problem_dc(&p);

		fun(&p, dc);

		gleam_dc_free(dc);
		traj_problem_free(&p);
	}
}


static void expect_close(const struct traj_problem_s* p, const char* what, long N, const complex float a[N], const complex double b[N])
{
	double err = dc_distance(N, a, b);

	cr_expect(err < NUFFT_ACCURACY, "%s, %s: %e", p->dense.name, what, err);
}


static void check_forward(struct traj_problem_s* p, struct gleam_dc_s* dc)
{
	const struct dc_problem_s* d = &p->dense;

	for (long s = 0; s < d->samples; s++) {

		complex float* x = dc_random(d->N, 5);
		complex float* y = dc_random(d->K, 6);
		complex double* xd = dc_double(d->N, x);
		complex double* yd = dc_double(d->K, y);

		dc_dense_forward(d, s, yd, xd);
		gleam_dc_forward_traj(dc, s, y, x, traj_of(p, s), traj_pattern_of(p, s));

		expect_close(p, "forward", d->K, y, yd);

		md_free(x);
		md_free(y);
		xfree(xd);
		xfree(yd);
	}
}

Test(dc_traj, forward_is_the_sum_over_pixels)
{
	for_all(check_forward);
}


static void check_adjoint(struct traj_problem_s* p, struct gleam_dc_s* dc)
{
	const struct dc_problem_s* d = &p->dense;

	for (long s = 0; s < d->samples; s++) {

		complex float* x = dc_random(d->N, 5);
		complex float* y = dc_random(d->K, 6);
		complex double* xd = dc_double(d->N, x);
		complex double* yd = dc_double(d->K, y);

		dc_dense_adjoint(d, s, xd, yd);
		gleam_dc_adjoint_traj(dc, s, 1., x, y, traj_of(p, s), traj_pattern_of(p, s));

		expect_close(p, "adjoint", d->N, x, xd);

		md_free(x);
		md_free(y);
		xfree(xd);
		xfree(yd);
	}
}

Test(dc_traj, adjoint_is_the_sum_over_samples)
{
	for_all(check_adjoint);
}


// the two come from the same kernel: far closer than either to the sums
static void check_adjoint_pair(struct traj_problem_s* p, struct gleam_dc_s* dc)
{
	const struct dc_problem_s* d = &p->dense;

	complex float* x = dc_random(d->N, 5);
	complex float* y = dc_random(d->K, 6);
	complex float* ax = dc_zeros(d->K);
	complex float* ay = dc_zeros(d->N);

	gleam_dc_forward_traj(dc, 0, ax, x, traj_of(p, 0), traj_pattern_of(p, 0));
	gleam_dc_adjoint_traj(dc, 0, 1., ay, y, traj_of(p, 0), traj_pattern_of(p, 0));

	double diff = fabs(dc_dot(d->K, ax, y) - dc_dot(d->N, x, ay));
	double size = sqrt(dc_dot(d->K, ax, ax) * dc_dot(d->K, y, y));

	cr_expect(diff < 32. * EPS * size, "%s: %e of %e", d->name, diff, size);

	md_free(x);
	md_free(y);
	md_free(ax);
	md_free(ay);
}

Test(dc_traj, adjoint_belongs_to_forward)
{
	for_all(check_adjoint_pair);
}


static void check_normal(struct traj_problem_s* p, struct gleam_dc_s* dc)
{
	const struct dc_problem_s* d = &p->dense;

	complex float* x = dc_random(d->N * d->samples, 5);
	complex float* y = dc_zeros(d->N * d->samples);

	gleam_dc_normal(dc, y, x);

	for (long s = 0; s < d->samples; s++) {

		complex double* xd = dc_double(d->N, x + s * d->N);

		dc_dense_normal(d, s, xd, xd);

		for (long i = 0; i < d->N; i++)
			xd[i] *= (double)p->scale[s];

		expect_close(p, "normal", d->N, y + s * d->N, xd);
		xfree(xd);
	}

	// in place
	gleam_dc_normal(dc, x, x);

	cr_expect(dc_same_bits(d->N * d->samples, x, y), "%s: in place", d->name);

	md_free(x);
	md_free(y);
}

Test(dc_traj, normal_is_a_toeplitz_matrix)
{
	for_all(check_normal);
}


// <x, T y> = <T x, y>, and not less than 0: what conjugate gradients need
static void check_hermitian(struct traj_problem_s* p, struct gleam_dc_s* dc)
{
	const struct dc_problem_s* d = &p->dense;
	long N = d->N * d->samples;

	complex float* x = dc_random(N, 5);
	complex float* y = dc_random(N, 6);
	complex float* tx = dc_zeros(N);
	complex float* ty = dc_zeros(N);

	gleam_dc_normal(dc, tx, x);
	gleam_dc_normal(dc, ty, y);

	double diff = fabs(dc_dot(N, x, ty) - dc_dot(N, tx, y));
	double size = sqrt(dc_dot(N, tx, tx) * dc_dot(N, y, y));

	cr_expect(diff < 32. * EPS * size, "%s: %e of %e", d->name, diff, size);
	cr_expect(0. < dc_dot(N, x, tx));

	md_free(x);
	md_free(y);
	md_free(tx);
	md_free(ty);
}

Test(dc_traj, normal_is_hermitian)
{
	for_all(check_hermitian);
}


// of F^H P^H P F, in double precision: the same problem with one coil of ones
static double largest_eigenvalue(const struct traj_case_s* _c, long sample)
{
	struct traj_case_s c = *_c;

	c.coils = 1;
	c.maps = 1;

	struct traj_problem_s p = traj_problem_create(&c, 31);
	struct traj_problem_s q = traj_problem_create(_c, 31);
	struct dc_problem_s* d = &p.dense;

	// positions and weights of the case itself
	SWAP(p.traj, q.traj);
	SWAP(d->pattern, q.dense.pattern);
	md_zfill(DIMS, d->map_dims, d->maps, 1.);

	complex double* x = xmalloc((size_t)d->N * sizeof(complex double));
	double value = 0.;

	xfree(d->matrix[sample]);
	d->matrix[sample] = traj_matrix(&p, sample);

	for (long i = 0; i < d->N; i++)
		x[i] = 1. + 0.1 * (double)(i % 7);

	for (int n = 0; n < 3000; n++) {

		double sum = 0.;

		for (long i = 0; i < d->N; i++)
			sum += pow(cabs(x[i]), 2.);

		for (long i = 0; i < d->N; i++)
			x[i] /= sqrt(sum);

		value = sqrt(sum);

		dc_dense_normal(d, sample, x, x);
	}

	xfree(x);
	traj_problem_free(&p);
	traj_problem_free(&q);

	return value;
}

Test(dc_traj, scale_is_the_largest_eigenvalue)
{
	for (int i = 0; i < TRAJ_CASES; i++) {

		struct traj_problem_s p = traj_problem_create(&traj_cases[i], 31);
		struct gleam_dc_s* dc = traj_problem_dc(&p);

		for (long s = 0; s < p.dense.samples; s++) {

			double ratio = (double)p.scale[s] * largest_eigenvalue(&traj_cases[i], s);

			cr_expect((0.999 < ratio) && (1.05 > ratio), "%s, sample %ld: %f", p.dense.name, s, ratio);
		}

		gleam_dc_free(dc);
		traj_problem_free(&p);
	}
}


static void check_solve(struct traj_problem_s* p, struct gleam_dc_s* dc)
{
	const struct dc_problem_s* d = &p->dense;
	const double mu = 0.1;
	long N = d->N;

	complex float* x0 = dc_random(N * d->samples, 1);
	complex float* z = dc_random(N * d->samples, 2);
	complex float* u = dc_zeros(N * d->samples);
	complex float* du = dc_random(N * d->samples, 4);

	gleam_dc_solve(dc, (float)mu, 200, u, z, x0);
	gleam_dc_solve_adjoint(dc, (float)mu, 200, du, du);

	complex float* du0 = dc_random(N * d->samples, 4);

	for (long s = 0; s < d->samples; s++) {

		// A^H A / L + mu = (A^H A + mu L) / L
		double L = 1. / (double)p->scale[s];
		complex double b[N];
		complex double x[N];

		for (long i = 0; i < N; i++)
			b[i] = L * ((complex double)x0[s * N + i] + mu * (complex double)z[s * N + i]);

		dc_dense_solve(d, s, mu * L, x, b);

		// errors of the operator are amplified by its condition
		double err = dc_distance(N, u + s * N, x);

		cr_expect(err < NUFFT_ACCURACY / mu, "%s: %e", d->name, err);

		for (long i = 0; i < N; i++)
			b[i] = L * mu * (complex double)du0[s * N + i];

		dc_dense_solve(d, s, mu * L, x, b);

		err = dc_distance(N, du + s * N, x);

		cr_expect(err < NUFFT_ACCURACY / mu, "%s, adjoint: %e", d->name, err);
	}

	md_free(x0);
	md_free(z);
	md_free(u);
	md_free(du);
	md_free(du0);
}

Test(dc_traj, solve_is_exact)
{
	for_all(check_solve);
}


static void check_step(struct traj_problem_s* p, struct gleam_dc_s* dc)
{
	const struct dc_problem_s* d = &p->dense;
	long N = d->N * d->samples;
	float t = 0.4;

	complex float* x0 = dc_random(N, 1);
	complex float* x = dc_random(N, 2);
	complex float* v = dc_zeros(N);

	gleam_dc_step(dc, t, v, x, x0);

	for (long s = 0; s < d->samples; s++) {

		complex double* xd = dc_double(d->N, x + s * d->N);

		dc_dense_normal(d, s, xd, xd);

		for (long i = 0; i < d->N; i++)
			xd[i] = x[s * d->N + i] - 2. * (double)t * ((double)p->scale[s] * xd[i] - x0[s * d->N + i]);

		expect_close(p, "step", d->N, v + s * d->N, xd);
		xfree(xd);
	}

	// the gradient of Re <dv, v> with respect to x and t, by differences
	const float h = 0.125;

	complex float* dv = dc_random(N, 3);
	complex float* dx = dc_zeros(N);
	complex float* e = dc_random(N, 4);
	complex float* xe = dc_plus(N, x, h, e);
	complex float* v2 = dc_zeros(N);

	gleam_dc_step_adjoint(dc, t, dx, dv);
	gleam_dc_step(dc, t, v2, xe, x0);

	double size = sqrt(dc_dot(N, dv, dv) * dc_dot(N, e, e));
	double diff = (dc_dot(N, dv, v2) - dc_dot(N, dv, v)) / (double)h;

	cr_expect(fabs(diff - dc_dot(N, dx, e)) < 1.e-5 * size, "%s: %e, %e", d->name, diff, dc_dot(N, dx, e));

	gleam_dc_step(dc, t + h, v2, x, x0);

	diff = (dc_dot(N, dv, v2) - dc_dot(N, dv, v)) / (double)h;

	double dt = (double)gleam_dc_step_gradient(dc, dv, x, x0);

	cr_expect(fabs(diff - dt) < 1.e-5 * size, "%s: %e, %e", d->name, diff, dt);

	md_free(x0);
	md_free(x);
	md_free(v);
	md_free(dv);
	md_free(dx);
	md_free(e);
	md_free(xe);
	md_free(v2);
}

Test(dc_traj, step_and_its_gradients)
{
	for_all(check_step);
}


// whole numbers in the order of a cartesian grid
Test(dc_traj, cartesian_positions_are_cartesian_data)
{
	const long X = 12;
	const long Y = 10;
	const struct dc_case_s cart = { "cartesian", { X, Y, 1 }, 3, 1, 1, 1, 0, 0, false };
	const struct traj_case_s grid = { "grid", { X, Y, 1 }, X, Y, 3, 1, 1, 1, 0, 0, false };

	struct dc_problem_s c = dc_problem_create(&cart, 31);
	struct traj_problem_s p = traj_problem_create(&grid, 31);

	md_copy(DIMS, c.map_dims, p.dense.maps, c.maps, CFL_SIZE);
	md_copy(1, MD_DIMS(X * Y), p.dense.pattern, c.pattern, CFL_SIZE);

	for (long i = 0; i < X * Y; i++) {

		p.traj[3 * i + 0] = (float)(i % X - X / 2);
		p.traj[3 * i + 1] = (float)(i / X - Y / 2);
		p.traj[3 * i + 2] = 0.;
	}

	struct gleam_dc_s* a = dc_problem_dc(&c);
	struct gleam_dc_s* b = traj_problem_dc(&p);

	complex float* ksp = dc_random(c.K, 1);
	complex float* x0 = dc_zeros(c.N);
	complex float* x1 = dc_zeros(c.N);
	complex float* u0 = dc_zeros(c.N);
	complex float* u1 = dc_zeros(c.N);

	// every position counts once: the eigenvalues are 0 and 1
	cr_expect(fabs((double)p.scale[0] - 1.) < NUFFT_ACCURACY, "%e", (double)p.scale[0]);

	gleam_dc_adjoint(a, x0, ksp);
	gleam_dc_adjoint_traj(b, 0, p.scale[0], x1, ksp, p.traj, p.dense.pattern);

	cr_expect(md_znrmse(1, MD_DIMS(c.N), x0, x1) < NUFFT_ACCURACY, "%e", (double)md_znrmse(1, MD_DIMS(c.N), x0, x1));

	gleam_dc_solve(a, 0.2, 100, u0, x0, x0);
	gleam_dc_solve(b, 0.2, 100, u1, x0, x0);

	cr_expect(md_znrmse(1, MD_DIMS(c.N), u0, u1) < NUFFT_ACCURACY / 0.2, "%e", (double)md_znrmse(1, MD_DIMS(c.N), u0, u1));

	md_free(ksp);
	md_free(x0);
	md_free(x1);
	md_free(u0);
	md_free(u1);
	gleam_dc_free(a);
	gleam_dc_free(b);
	dc_problem_free(&c);
	traj_problem_free(&p);
}


#ifdef _OPENMP
// large enough for several threads, several frames
Test(dc_traj, same_bits_with_any_number_of_threads)
{
	const struct traj_case_s large = { "large", { 20, 20, 1 }, 20, 6, 4, 1, 4, 1, 0, 0, true };

	struct traj_problem_s p = traj_problem_create(&large, 31);

	long N = p.dense.N;
	long K = p.dense.K;
	int before = omp_get_max_threads();

	complex float* y = dc_random(K, 1);
	complex float* x[2];
	float* psf[2];

	for (int i = 0; i < 2; i++) {

		omp_set_num_threads(1 + 3 * i);

		struct gleam_dc_s* dc = traj_problem_dc(&p);

		x[i] = dc_zeros(N);
		psf[i] = md_alloc(1, MD_DIMS(p.psf_size), FL_SIZE);

		md_copy(1, MD_DIMS(p.psf_size), psf[i], p.psf, FL_SIZE);

		gleam_dc_adjoint_traj(dc, 0, p.scale[0], x[i], y, p.traj, p.dense.pattern);
		gleam_dc_normal(dc, x[i], x[i]);
		gleam_dc_free(dc);
	}

	omp_set_num_threads(before);

	cr_expect(dc_same_bits(N, x[0], x[1]));
	cr_expect(dc_same_bits(p.psf_size / 2, (const complex float*)psf[0], (const complex float*)psf[1]));

	for (int i = 0; i < 2; i++) {

		md_free(x[i]);
		md_free(psf[i]);
	}

	md_free(y);
	traj_problem_free(&p);
}
#endif
