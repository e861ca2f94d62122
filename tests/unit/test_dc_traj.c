/*
 * The forward model on trajectories against matrices in double precision.
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


// an image and k-space of a sample, and both for the matrix
struct sample_s {

	complex float* x;
	complex float* y;
	complex double* xd;
	complex double* yd;
};

static struct sample_s sample_create(const struct dc_problem_s* d)
{
	struct sample_s v = { .x = dc_random(d->N, 5), .y = dc_random(d->K, 6) };

	v.xd = dc_double(d->N, v.x);
	v.yd = dc_double(d->K, v.y);

	return v;
}


static void sample_free(struct sample_s* v)
{
	md_free(v->x);
	md_free(v->y);
	xfree(v->xd);
	xfree(v->yd);
}


static void check_forward(struct traj_problem_s* p, struct gleam_dc_s* dc)
{
	const struct dc_problem_s* d = &p->dense;

	for (long s = 0; s < d->samples; s++) {

		struct sample_s v = sample_create(d);

		dc_dense_forward(d, s, v.yd, v.xd);
		gleam_dc_forward_traj(dc, s, v.y, v.x, traj_of(p, s), traj_pattern_of(p, s));

		traj_expect_close(p, "forward", d->K, v.y, v.yd);

		sample_free(&v);
	}
}

Test(dc_traj, forward_is_the_sum_over_pixels)
{
	traj_for_all(check_forward);
}


static void check_adjoint(struct traj_problem_s* p, struct gleam_dc_s* dc)
{
	const struct dc_problem_s* d = &p->dense;

	for (long s = 0; s < d->samples; s++) {

		struct sample_s v = sample_create(d);

		dc_dense_adjoint(d, s, v.xd, v.yd);
		gleam_dc_adjoint_traj(dc, s, 1., v.x, v.y, traj_of(p, s), traj_pattern_of(p, s));

		traj_expect_close(p, "adjoint", d->N, v.x, v.xd);

		sample_free(&v);
	}
}

Test(dc_traj, adjoint_is_the_sum_over_samples)
{
	traj_for_all(check_adjoint);
}


// x of N and y of K elements, and room for A x and A^H y
struct pair_s {

	long N;
	long K;
	complex float* x;
	complex float* y;
	complex float* ax;
	complex float* ay;
};

static struct pair_s pair_create(long N, long K)
{
	return (struct pair_s){ N, K, dc_random(N, 5), dc_random(K, 6), dc_zeros(K), dc_zeros(N) };
}


static void pair_free(struct pair_s* v)
{
	md_free(v->x);
	md_free(v->y);
	md_free(v->ax);
	md_free(v->ay);
}


// <A x, y> = <x, A^H y>
static void expect_adjoint(const char* name, const struct pair_s* v)
{
	double diff = fabs(dc_dot(v->K, v->ax, v->y) - dc_dot(v->N, v->x, v->ay));
	double size = sqrt(dc_dot(v->K, v->ax, v->ax) * dc_dot(v->K, v->y, v->y));

	cr_expect(diff < 32. * EPS * size, "%s: %e of %e", name, diff, size);
}


// the two come from the same kernel: far closer than either to the sums
static void check_adjoint_pair(struct traj_problem_s* p, struct gleam_dc_s* dc)
{
	struct pair_s v = pair_create(p->dense.N, p->dense.K);

	gleam_dc_forward_traj(dc, 0, v.ax, v.x, traj_of(p, 0), traj_pattern_of(p, 0));
	gleam_dc_adjoint_traj(dc, 0, 1., v.ay, v.y, traj_of(p, 0), traj_pattern_of(p, 0));

	expect_adjoint(p->dense.name, &v);

	pair_free(&v);
}

Test(dc_traj, adjoint_belongs_to_forward)
{
	traj_for_all(check_adjoint_pair);
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

		traj_expect_close(p, "normal", d->N, y + s * d->N, xd);
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
	traj_for_all(check_normal);
}


// its own adjoint, and not less than 0: what conjugate gradients need
static void check_hermitian(struct traj_problem_s* p, struct gleam_dc_s* dc)
{
	long N = p->dense.N * p->dense.samples;
	struct pair_s v = pair_create(N, N);

	gleam_dc_normal(dc, v.ax, v.x);
	gleam_dc_normal(dc, v.ay, v.y);

	expect_adjoint(p->dense.name, &v);
	cr_expect(0. < dc_dot(N, v.x, v.ax));

	pair_free(&v);
}

Test(dc_traj, normal_is_hermitian)
{
	traj_for_all(check_hermitian);
}


// positions and weights of a case, with one coil of ones; only this sample's matrix is good
static struct traj_problem_s uniform_coil_create(const struct traj_case_s* _c, long sample)
{
	struct traj_case_s c = *_c;

	c.coils = 1;
	c.maps = 1;

	struct traj_problem_s p = traj_problem_create(&c, 31);
	struct traj_problem_s q = traj_problem_create(_c, 31);
	struct dc_problem_s* d = &p.dense;

	SWAP(p.traj, q.traj);
	SWAP(d->pattern, q.dense.pattern);
	md_zfill(DIMS, d->map_dims, d->maps, 1.);

	xfree(d->matrix[sample]);
	d->matrix[sample] = traj_matrix(&p, sample);

	traj_problem_free(&q);

	return p;
}


// x = x / || x ||; returns the norm
static double normalise(long N, complex double x[N])
{
	double sum = 0.;

	for (long i = 0; i < N; i++)
		sum += pow(cabs(x[i]), 2.);

	for (long i = 0; i < N; i++)
		x[i] /= sqrt(sum);

	return sqrt(sum);
}


// of F^H P^H P F, in double precision, by power iterations
static double largest_eigenvalue(const struct traj_case_s* c, long sample)
{
	struct traj_problem_s p = uniform_coil_create(c, sample);
	long N = p.dense.N;

	complex double* x = xmalloc((size_t)N * sizeof(complex double));
	double value = 0.;

	for (long i = 0; i < N; i++)
		x[i] = 1. + 0.1 * (double)(i % 7);

	for (int n = 0; n < 3000; n++) {

		value = normalise(N, x);

		dc_dense_normal(&p.dense, sample, x, x);
	}

	xfree(x);
	traj_problem_free(&p);

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


// maps and pattern of a cartesian problem; positions are whole numbers in the order of its grid
static struct traj_problem_s grid_create(const struct dc_problem_s* c, const struct traj_case_s* grid)
{
	struct traj_problem_s p = traj_problem_create(grid, 31);

	long X = grid->space[0];
	long Y = grid->space[1];

	md_copy(DIMS, c->map_dims, p.dense.maps, c->maps, CFL_SIZE);
	md_copy(1, MD_DIMS(X * Y), p.dense.pattern, c->pattern, CFL_SIZE);

	for (long i = 0; i < X * Y; i++) {

		p.traj[3 * i + 0] = (float)(i % X - X / 2);
		p.traj[3 * i + 1] = (float)(i / X - Y / 2);
		p.traj[3 * i + 2] = 0.;
	}

	return p;
}


static void expect_near(long N, const complex float a[N], const complex float b[N], double tolerance)
{
	double err = (double)md_znrmse(1, MD_DIMS(N), a, b);

	cr_expect(err < tolerance, "%e", err);
}


Test(dc_traj, cartesian_positions_are_cartesian_data)
{
	const struct dc_case_s cart = { "cartesian", { 12, 10, 1 }, 3, 1, 1, 1, 0, 0, false };
	const struct traj_case_s grid = { "grid", { 12, 10, 1 }, 12, 10, 3, 1, 1, 1, 0, 0, false };

	struct dc_problem_s c = dc_problem_create(&cart, 31);
	struct traj_problem_s p = grid_create(&c, &grid);

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
	expect_near(c.N, x0, x1, NUFFT_ACCURACY);

	gleam_dc_solve(a, 0.2, 100, u0, x0, x0);
	gleam_dc_solve(b, 0.2, 100, u1, x0, x0);
	expect_near(c.N, u0, u1, NUFFT_ACCURACY / 0.2);

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
// x = T A^H y; returns the point-spread function
static float* compute_with_threads(struct traj_problem_s* p, int threads, complex float* x, const complex float* y)
{
	omp_set_num_threads(threads);

	struct gleam_dc_s* dc = traj_problem_dc(p);

	float* psf = md_alloc(1, MD_DIMS(p->psf_size), FL_SIZE);

	md_copy(1, MD_DIMS(p->psf_size), psf, p->psf, FL_SIZE);

	gleam_dc_adjoint_traj(dc, 0, p->scale[0], x, y, p->traj, p->dense.pattern);
	gleam_dc_normal(dc, x, x);
	gleam_dc_free(dc);

	return psf;
}


// large enough for several threads, several frames
Test(dc_traj, same_bits_with_any_number_of_threads)
{
	const struct traj_case_s large = { "large", { 20, 20, 1 }, 20, 6, 4, 1, 4, 1, 0, 0, true };

	struct traj_problem_s p = traj_problem_create(&large, 31);

	long N = p.dense.N;
	int before = omp_get_max_threads();

	complex float* y = dc_random(p.dense.K, 1);
	complex float* x[2];
	float* psf[2];

	for (int i = 0; i < 2; i++) {

		x[i] = dc_zeros(N);
		psf[i] = compute_with_threads(&p, 1 + 3 * i, x[i], y);
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
