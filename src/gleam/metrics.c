
#include <complex.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "misc/misc.h"

#include "gleam/metrics.h"

// Gaussian window of SSIM: sigma 1.5, cut at 3.5 sigma
#define RADIUS 5
#define SIGMA 1.5

#define K1 0.01
#define K2 0.03


#define WINDOW (2 * RADIUS + 1)

static void make_window(double window[WINDOW])
{
	for (int i = 0; i < WINDOW; i++)
		window[i] = exp(-0.5 * pow((i - RADIUS) / SIGMA, 2.));
}


/* The sum of the window around every position: at the ends it is cut and
 * normalised again, which only images shorter than the window get to see (of
 * others the border is not looked at).
 */
static void make_norm(long n, double norm[n], const double window[WINDOW])
{
	for (long i = 0; i < n; i++) {

		norm[i] = 0.;

		for (long k = MAX(-RADIUS, -i); k <= MIN(RADIUS, n - 1 - i); k++)
			norm[i] += window[RADIUS + k];
	}
}


static void add_scaled(long n, double dst[n], double scale, const double src[n])
{
#pragma omp simd
	for (long i = 0; i < n; i++)
		dst[i] += scale * src[i];
}


// neighbours along a row are added as shifted rows
static void smooth_rows(long X, long Y, double dst[Y][X], const double src[Y][X], const double window[WINDOW], const double norm[X])
{
	for (long y = 0; y < Y; y++) {

		memset(dst[y], 0, (size_t)X * sizeof(double));

		for (long k = MAX(-RADIUS, 1 - X); k <= MIN(RADIUS, X - 1); k++)
			add_scaled(X - labs(k), dst[y] + MAX(0, -k), window[RADIUS + k], src[y] + MAX(0, k));

		for (long x = 0; x < X; x++)
			dst[y][x] /= norm[x];
	}
}


static void smooth_columns(long X, long Y, double dst[Y][X], const double src[Y][X], const double window[WINDOW], const double norm[Y])
{
	for (long y = 0; y < Y; y++) {

		memset(dst[y], 0, (size_t)X * sizeof(double));

		for (long k = MAX(-RADIUS, -y); k <= MIN(RADIUS, Y - 1 - y); k++)
			add_scaled(X, dst[y], window[RADIUS + k] / norm[y], src[y + k]);
	}
}


static void smooth(long X, long Y, double img[Y][X])
{
	double (*tmp)[X] = xmalloc((size_t)(Y * X) * sizeof(double));
	double* norm = xmalloc((size_t)MAX(X, Y) * sizeof(double));
	double window[WINDOW];

	make_window(window);

	make_norm(X, norm, window);
	smooth_rows(X, Y, tmp, img, window, norm);

	make_norm(Y, norm, window);
	smooth_columns(X, Y, img, tmp, window, norm);

	xfree(norm);
	xfree(tmp);
}


static long border(long n)
{
	return (WINDOW <= n) ? RADIUS : 0;
}


enum { A, B, AA, BB, AB, FIELDS };

static void products(long N, double f[FIELDS][N])
{
	for (long i = 0; i < N; i++) {

		f[AA][i] = f[A][i] * f[A][i];
		f[BB][i] = f[B][i] * f[B][i];
		f[AB][i] = f[A][i] * f[B][i];
	}
}


/* Population covariance: the local moments as they are. f holds the magnitudes
 * in A and B and is used up.
 */
static double ssim(long X, long Y, double f[FIELDS][Y * X], double range)
{
	products(Y * X, f);

	for (int i = 0; i < FIELDS; i++)
		smooth(X, Y, (double (*)[X])f[i]);

	double c1 = pow(K1 * range, 2.);
	double c2 = pow(K2 * range, 2.);
	double sum = 0.;

	for (long y = border(Y); y < Y - border(Y); y++) {

		for (long x = border(X); x < X - border(X); x++) {

			long i = y * X + x;

			double a = f[A][i];
			double b = f[B][i];
			double var = f[AA][i] - a * a + f[BB][i] - b * b;
			double cov = f[AB][i] - a * b;

			sum += ((2. * a * b + c1) * (2. * cov + c2)) / ((a * a + b * b + c1) * (var + c2));
		}
	}

	return sum / (double)((X - 2 * border(X)) * (Y - 2 * border(Y)));
}


// the fields, one being smoothed, and its norm
size_t gleam_metrics_bytes(long X, long Y)
{
	return (size_t)(X * Y * (FIELDS + 1) + MAX(X, Y)) * sizeof(double);
}


struct gleam_metrics_s gleam_metrics_slice(long X, long Y, const complex float x[Y][X], const complex float ref[Y][X])
{
	long N = X * Y;
	double (*f)[N] = xmalloc((size_t)N * FIELDS * sizeof(double));

	double error2 = 0.;
	double norm2 = 0.;
	double range = 0.;

	for (long i = 0; i < N; i++) {

		f[A][i] = cabs((complex double)(&x[0][0])[i]);
		f[B][i] = cabs((complex double)(&ref[0][0])[i]);

		error2 += pow(f[A][i] - f[B][i], 2.);
		norm2 += pow(f[B][i], 2.);
		range = fmax(range, f[B][i]);
	}

	struct gleam_metrics_s m = { .psnr = NAN, .ssim = NAN, .nrmse = NAN };

	if (0. < range) {

		m.nrmse = sqrt(error2 / norm2);
		m.psnr = 20. * log10(range / sqrt(error2 / (double)N));
		m.ssim = ssim(X, Y, f, range);

		if (!isfinite(error2))
			m = (struct gleam_metrics_s){ .psnr = -HUGE_VAL, .ssim = -1., .nrmse = HUGE_VAL };
	}

	xfree(f);

	return m;
}


void gleam_metrics_add(struct gleam_metrics_stat_s* stat, const struct gleam_metrics_s* m)
{
	if (isnan(m->psnr) || isnan(m->ssim) || isnan(m->nrmse))
		return;

	stat->n++;

	stat->sum.psnr += m->psnr;
	stat->sum.ssim += m->ssim;
	stat->sum.nrmse += m->nrmse;

	stat->sum2.psnr += m->psnr * m->psnr;
	stat->sum2.ssim += m->ssim * m->ssim;
	stat->sum2.nrmse += m->nrmse * m->nrmse;
}


struct gleam_metrics_s gleam_metrics_mean(const struct gleam_metrics_stat_s* stat)
{
	double n = (double)stat->n;

	return (struct gleam_metrics_s){ .psnr = stat->sum.psnr / n, .ssim = stat->sum.ssim / n, .nrmse = stat->sum.nrmse / n };
}


// rounding may leave a variance slightly below zero
static double deviation(double n, double sum, double sum2)
{
	double var = sum2 / n - pow(sum / n, 2.);

	return sqrt((0. > var) ? 0. : var);
}


struct gleam_metrics_s gleam_metrics_std(const struct gleam_metrics_stat_s* stat)
{
	double n = (double)stat->n;

	return (struct gleam_metrics_s){

		.psnr = deviation(n, stat->sum.psnr, stat->sum2.psnr),
		.ssim = deviation(n, stat->sum.ssim, stat->sum2.ssim),
		.nrmse = deviation(n, stat->sum.nrmse, stat->sum2.nrmse),
	};
}
