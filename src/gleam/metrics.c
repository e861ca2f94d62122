
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


/* One line of n numbers, str apart. At the ends the window is cut and normalised
 * again, which only images shorter than the window get to see: of others the
 * border is not looked at.
 */
static void smooth_line(long n, long str, double* dst, const double* src)
{
	double window[RADIUS + 1];

	for (int i = 0; i <= RADIUS; i++)
		window[i] = exp(-0.5 * (i / SIGMA) * (i / SIGMA));

	for (long i = 0; i < n; i++) {

		double sum = 0.;
		double norm = 0.;

		for (long j = MAX(0L, i - RADIUS); j <= MIN(n - 1, i + RADIUS); j++) {

			double w = window[labs(i - j)];

			sum += w * src[j * str];
			norm += w;
		}

		dst[i * str] = sum / norm;
	}
}


// tmp is of the same size
static void smooth(long X, long Y, double img[Y][X], double tmp[Y][X])
{
	for (long y = 0; y < Y; y++)
		smooth_line(X, 1, tmp[y], img[y]);

	for (long x = 0; x < X; x++)
		smooth_line(Y, X, &img[0][x], &tmp[0][x]);
}


static long border(long n)
{
	return (2 * RADIUS + 1 <= n) ? RADIUS : 0;
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
	double* tmp = xmalloc((size_t)(X * Y) * sizeof(double));

	products(Y * X, f);

	for (int i = 0; i < FIELDS; i++)
		smooth(X, Y, (double (*)[X])f[i], (double (*)[X])tmp);

	xfree(tmp);

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
