/*
 * What the adjoint solve of MoDL differentiates, and how far it is from the
 * gradient of the conjugate gradient iteration as it is cut off.
 *
 * A simulated case: ellipses with a smooth phase, 8 coils, Poisson-disc sampling
 * R = 4 with a calibration region, noise. The network's output z is the true
 * image with an error of 10 %, the iteration starts at the zero-filled image,
 * the loss is the l1 norm. Three gradients with respect to z are compared:
 *
 *	solve		mu (A^H A + mu)^-1 du by the same number of iterations (what
 *			is used in training)
 *	iteration	of the cut off iteration: the derivative of everything that it
 *			computes, step sizes included, in reverse
 *	exact		mu (A^H A + mu)^-1 du, 300 iterations
 */
#include <complex.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "num/multind.h"
#include "num/flpmath.h"
#include "num/init.h"
#include "num/rand.h"

#include "misc/misc.h"
#include "misc/mri.h"
#include "misc/pd.h"

#include "gleam/dc.h"

enum { X = 256, Y = 220, C = 8, CALIB = 24, N = X * Y, ITER_MAX = 64 };

typedef complex float image_t[N];

struct sim_s {

	struct gleam_dc_s* dc;

	complex float* ref;
	complex float* x0;
	complex float* z;
};


static double dot(const image_t a, const image_t b)
{
	double s = 0.;

	for (long i = 0; i < N; i++)
		s += (double)crealf(a[i]) * (double)crealf(b[i]) + (double)cimagf(a[i]) * (double)cimagf(b[i]);

	return s;
}


// y += a x
static void axpy(image_t y, double a, const image_t x)
{
	for (long i = 0; i < N; i++)
		y[i] += (float)a * x[i];
}


static complex float* image(void)
{
	return md_calloc(1, MD_DIMS(N), CFL_SIZE);
}


// y = (A^H A + mu) x
static void apply(struct gleam_dc_s* dc, double mu, complex float* y, const complex float* x)
{
	gleam_dc_normal(dc, y, x);
	axpy(y, mu, x);
}


/* * * simulation * * */

static complex float phantom(float x, float y)
{
	// position, half axes, angle, intensity
	static const float e[][6] = {

		{ 0.f, 0.f, 0.8f, 0.9f, 0.f, 0.3f },
		{ 0.f, 0.f, 0.72f, 0.82f, 0.f, 0.4f },
		{ -0.25f, 0.1f, 0.15f, 0.35f, 0.3f, -0.4f },
		{ 0.25f, 0.1f, 0.12f, 0.3f, -0.3f, -0.35f },
		{ 0.f, -0.4f, 0.2f, 0.12f, 0.f, 0.25f },
		{ 0.05f, 0.5f, 0.05f, 0.05f, 0.f, 0.3f },
		{ -0.35f, -0.35f, 0.03f, 0.06f, 0.5f, 0.3f },
		{ 0.4f, -0.3f, 0.02f, 0.02f, 0.f, 0.3f },
	};

	float val = 0.f;

	for (int i = 0; i < (int)ARRAY_SIZE(e); i++) {

		float u = cosf(e[i][4]) * (x - e[i][0]) + sinf(e[i][4]) * (y - e[i][1]);
		float v = -sinf(e[i][4]) * (x - e[i][0]) + cosf(e[i][4]) * (y - e[i][1]);

		if (1.f > powf(u / e[i][2], 2.f) + powf(v / e[i][3], 2.f))
			val += e[i][5];
	}

	return val * cexpf(1.if * (0.5f * x + 0.8f * y * y));
}


static void coils(float x, float y, complex float* map)
{
	float rss = 0.f;

	for (int c = 0; c < C; c++) {

		float phi = 2.f * (float)M_PI * (float)c / (float)C;
		float dx = x - 1.2f * cosf(phi);
		float dy = y - 1.2f * sinf(phi);

		map[c * N] = expf(-(dx * dx + dy * dy)) * cexpf(1.if * (phi + dx));
		rss += powf(cabsf(map[c * N]), 2.f);
	}

	for (int c = 0; c < C; c++)
		map[c * N] /= sqrtf(rss);
}


// as bart poisson -Y X -Z Y -y 2 -z 2 -C CALIB
static long poisson(complex float* pattern)
{
	float size = (float)MAX((int)X, (int)Y);
	int M = (int)(1.2f * size * size / 4.f);

	float (*points)[2] = xmalloc(sizeof(float[2]) * (size_t)M);
	points[0][0] = 0.5f;
	points[0][1] = 0.5f;

	int P = poissondisc(2, M, 1, 0.f, 1.f / (1.275f * size), points);

	md_clear(1, MD_DIMS(N), pattern, CFL_SIZE);

	for (int i = 0; i < P; i++) {

		long x = (long)floorf(((points[i][0] - 0.5f) * 2.f * size / (float)X + 0.5f) * (float)X);
		long y = (long)floorf(((points[i][1] - 0.5f) * 2.f * size / (float)Y + 0.5f) * (float)Y);

		if ((0 <= x) && (x < X) && (0 <= y) && (y < Y))
			pattern[y * X + x] = 1.;
	}

	for (long y = (Y - CALIB) / 2; y < (Y + CALIB) / 2; y++)
		for (long x = (X - CALIB) / 2; x < (X + CALIB) / 2; x++)
			pattern[y * X + x] = 1.;

	xfree(points);

	return lround(dot(pattern, pattern));
}


static struct sim_s simulate(void)
{
	long ksp_dims[DIMS] = { X, Y, 1, C, [4 ... DIMS - 1] = 1 };
	long pat_dims[DIMS] = { X, Y, [2 ... DIMS - 1] = 1 };

	struct sim_s s = { .dc = gleam_dc_create(ksp_dims, ksp_dims, pat_dims), .ref = image(), .x0 = image(), .z = image() };

	complex float* maps = md_alloc(DIMS, ksp_dims, CFL_SIZE);
	complex float* ksp = md_alloc(DIMS, ksp_dims, CFL_SIZE);
	complex float* noise = md_alloc(DIMS, ksp_dims, CFL_SIZE);
	complex float* pattern = image();

	for (long i = 0; i < N; i++) {

		float x = 2.f * ((float)(i % X) + 0.5f) / (float)X - 1.f;
		float y = 2.f * ((float)(i / X) + 0.5f) / (float)Y - 1.f;

		s.ref[i] = phantom(x, y);
		coils(x, y, maps + i);
	}

	printf("%d x %d, %d coils, R = %.2f\n", X, Y, C, (double)N / (double)poisson(pattern));

	gleam_dc_set(s.dc, maps, pattern);
	gleam_dc_forward(s.dc, ksp, s.ref);

	md_gaussian_rand(DIMS, ksp_dims, noise);
	md_zaxpy(DIMS, ksp_dims, ksp, 0.01, noise);

	gleam_dc_adjoint(s.dc, s.x0, ksp);

	md_gaussian_rand(1, MD_DIMS(N), s.z);
	md_zsmul(1, MD_DIMS(N), s.z, s.z, 0.1 * sqrt(dot(s.ref, s.ref) / dot(s.z, s.z)));
	axpy(s.z, 1., s.ref);

	md_free(maps);
	md_free(ksp);
	md_free(noise);
	md_free(pattern);

	return s;
}


/* * * the iteration, forward and in reverse * * */

struct trace_s {

	int iter;
	complex float* p[ITER_MAX];
	complex float* q[ITER_MAX];
	complex float* r[ITER_MAX + 1];
	double alpha[ITER_MAX];
	double beta[ITER_MAX];
	double pq[ITER_MAX];
	double rr[ITER_MAX + 1];
};


static struct trace_s trace_create(struct gleam_dc_s* dc, double mu, int iter, image_t u, const image_t b)
{
	struct trace_s t = { .iter = iter };

	complex float* p = image();

	t.r[0] = image();
	apply(dc, -mu, t.r[0], u);
	axpy(t.r[0], 2. * mu, u);
	md_zsmul(1, MD_DIMS(N), t.r[0], t.r[0], -1.);
	axpy(t.r[0], 1., b);
	axpy(p, 1., t.r[0]);

	t.rr[0] = dot(t.r[0], t.r[0]);

	for (int i = 0; i < iter; i++) {

		t.p[i] = image();
		t.q[i] = image();
		t.r[i + 1] = image();

		axpy(t.p[i], 1., p);
		apply(dc, mu, t.q[i], p);

		t.pq[i] = dot(p, t.q[i]);
		t.alpha[i] = t.rr[i] / t.pq[i];

		axpy(u, t.alpha[i], p);
		axpy(t.r[i + 1], 1., t.r[i]);
		axpy(t.r[i + 1], -t.alpha[i], t.q[i]);

		t.rr[i + 1] = dot(t.r[i + 1], t.r[i + 1]);
		t.beta[i] = t.rr[i + 1] / t.rr[i];

		md_zsmul(1, MD_DIMS(N), p, p, t.beta[i]);
		axpy(p, 1., t.r[i + 1]);
	}

	md_free(p);

	return t;
}


static void trace_free(struct trace_s* t)
{
	for (int i = 0; i < t->iter; i++) {

		md_free(t->p[i]);
		md_free(t->q[i]);
	}

	for (int i = 0; i <= t->iter; i++)
		md_free(t->r[i]);
}


// gradient with respect to b from that with respect to the result; d is for derivative
static void trace_reverse(const struct trace_s* t, struct gleam_dc_s* dc, double mu, image_t dr, const image_t du)
{
	complex float* dp = image();
	complex float* dq = image();
	complex float* tmp = image();
	double drr = 0.;

	for (int i = t->iter - 1; i >= 0; i--) {

		// p' = r' + beta p, beta = rr' / rr, rr' = <r', r'>
		axpy(dr, 1., dp);

		double dbeta = dot(dp, t->p[i]);

		md_zsmul(1, MD_DIMS(N), dp, dp, t->beta[i]);

		drr += dbeta / t->rr[i];
		axpy(dr, 2. * drr, t->r[i + 1]);
		drr = -dbeta * t->beta[i] / t->rr[i];

		// r' = r - alpha q, u' = u + alpha p, alpha = rr / pq
		double dalpha = dot(du, t->p[i]) - dot(dr, t->q[i]);
		double dpq = -dalpha * t->alpha[i] / t->pq[i];

		drr += dalpha / t->pq[i];

		// pq = <p, q>, q = (A^H A + mu) p
		md_clear(1, MD_DIMS(N), dq, CFL_SIZE);
		axpy(dq, -t->alpha[i], dr);
		axpy(dq, dpq, t->p[i]);

		axpy(dp, t->alpha[i], du);
		axpy(dp, dpq, t->q[i]);

		apply(dc, mu, tmp, dq);
		axpy(dp, 1., tmp);
	}

	axpy(dr, 1., dp);
	axpy(dr, 2. * drr, t->r[0]);

	md_free(dp);
	md_free(dq);
	md_free(tmp);
}


static double distance(const image_t a, const image_t b)
{
	complex float* d = image();

	axpy(d, 1., a);
	axpy(d, -1., b);

	double dist = sqrt(dot(d, d) / dot(b, b));

	md_free(d);

	return dist;
}


// gradient of the l1 loss
static void loss_gradient(image_t du, const image_t u, const image_t ref)
{
	for (long i = 0; i < N; i++) {

		complex float d = u[i] - ref[i];

		du[i] = (0. == cabsf(d)) ? 0. : (d / cabsf(d));
	}
}


static double loss(const image_t u, const image_t ref)
{
	double sum = 0.;

	for (long i = 0; i < N; i++)
		sum += cabs((complex double)u[i] - (complex double)ref[i]);

	return sum;
}


/* The reverse pass against a difference of the iteration itself, along the
 * gradient: relative error.
 */
static double check_reverse(const struct sim_s* s, double mu, int iter, const image_t dz)
{
	double h = 1.E-3 * sqrt(dot(s->z, s->z) / dot(dz, dz));
	double l[2];

	for (int i = 0; i < 2; i++) {

		complex float* z = image();
		complex float* u = image();

		axpy(z, 1., s->z);
		axpy(z, (0 == i) ? h : -h, dz);
		axpy(u, 1., s->x0);

		gleam_dc_solve(s->dc, (float)mu, iter, u, z, s->x0);
		l[i] = loss(u, s->ref);

		md_free(z);
		md_free(u);
	}

	return (l[0] - l[1]) / (2. * h * dot(dz, dz)) - 1.;
}


static void compare(const struct sim_s* s, double mu, int iter)
{
	complex float* u = image();
	complex float* b = image();
	complex float* du = image();
	complex float* solve = image();
	complex float* exact = image();
	complex float* own = image();

	axpy(u, 1., s->x0);
	axpy(b, 1., s->x0);
	axpy(b, mu, s->z);

	struct trace_s t = trace_create(s->dc, mu, iter, u, b);

	loss_gradient(du, u, s->ref);

	gleam_dc_solve_adjoint(s->dc, (float)mu, iter, solve, du);
	gleam_dc_solve_adjoint(s->dc, (float)mu, 300, exact, du);

	trace_reverse(&t, s->dc, mu, own, du);
	md_zsmul(1, MD_DIMS(N), own, own, mu);

	double cosine = dot(solve, own) / sqrt(dot(solve, solve) * dot(own, own));

	printf("%6g %6d %12.1e %12.1e %12.1e %12.1e %10.5f %12.1e\n", mu, iter, sqrt(t.rr[iter] / dot(b, b)),
			distance(solve, own), distance(solve, exact), distance(own, exact), cosine, check_reverse(s, mu, iter, own));

	trace_free(&t);
	md_free(u);
	md_free(b);
	md_free(du);
	md_free(solve);
	md_free(exact);
	md_free(own);
}


int main(void)
{
	num_init();
	num_rand_init(1);

	struct sim_s s = simulate();

	static const double mu[] = { 4., 1., 0.05 };
	static const int iter[] = { 5, 10, 20 };

	printf("distances of gradients, relative to the second; check: reverse pass against finite differences\n");
	printf("%6s %6s %12s %12s %12s %12s %10s %12s\n", "mu", "CG", "residual", "solve-iter.", "solve-exact", "iter.-exact", "cosine", "check");

	for (int i = 0; i < (int)ARRAY_SIZE(mu); i++)
		for (int j = 0; j < (int)ARRAY_SIZE(iter); j++)
			compare(&s, mu[i], iter[j]);

	gleam_dc_free(s.dc);

	md_free(s.ref);
	md_free(s.x0);
	md_free(s.z);

	return 0;
}
