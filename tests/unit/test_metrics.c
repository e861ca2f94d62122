
#include <complex.h>
#include <math.h>
#include <string.h>

#include <criterion/criterion.h>

#include "gleam/metrics.h"

struct case_s {

	long X;
	long Y;
	long seed;
	struct gleam_metrics_s expected;
};

// by make_metrics_expected.py with scikit-image 0.19.3, scipy 1.10.1, numpy 1.24.2
static const struct case_s cases[] = {

	{ 32, 24, 1, { 37.1214829100828, 0.997994414341572, 0.0255079015747742 } },
	{ 11, 11, 2, { 26.3192105971224, 0.982134733175628, 0.0894995324552786 } },
	{ 13, 40, 3, { 25.0033461311577, 0.962483592246839, 0.107256573761099 } },
	{ 64, 48, 4, { 19.0911711922566, 0.873146860704474, 0.20329921149101 } },
	{ 11, 25, 5, { 12.7155906880305, 0.621191023440277, 0.432146488126756 } },
};


// as in make_metrics_expected.py
static void images(long X, long Y, long seed, complex float img[Y][X], complex float ref[Y][X])
{
	for (long y = 0; y < Y; y++) {

		for (long x = 0; x < X; x++) {

			double smooth = (double)((x * (X - x) * y * (Y - y)) % 4093) / 4096.;
			double texture = (double)((x * x * 7 + y * y * 13 + x * y * 5 + seed * 11) % 101) / 128.;
			double noise = (double)(((x * 31 + y * 17 + x * y * y * 3 + seed * 7) % 89 - 44) * (1L << seed)) / 2048.;

			double b = smooth + texture;
			double a = smooth + texture + noise;

			ref[y][x] = (float)(b * 0.6) + 1.if * (float)(b * 0.8);
			img[y][x] = (float)(a * -0.8) + 1.if * (float)(a * 0.6);
		}
	}
}


static double difference(double a, double b)
{
	return fabs(a - b) / fabs(b);
}


Test(metrics, as_scikit_image)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {

		long X = cases[i].X;
		long Y = cases[i].Y;

		complex float img[Y][X];
		complex float ref[Y][X];

		images(X, Y, cases[i].seed, img, ref);

		struct gleam_metrics_s m = gleam_metrics_slice(X, Y, img, ref);
		const struct gleam_metrics_s* e = &cases[i].expected;

		// the table has 15 digits; sums of N numbers in double in another order
		double tol = 1.e-14 + (double)(X * Y) * 0x1p-53;

		cr_expect(difference(m.psnr, e->psnr) < tol, "%.15g %.15g", m.psnr, e->psnr);
		cr_expect(difference(m.ssim, e->ssim) < tol, "%.15g %.15g", m.ssim, e->ssim);
		cr_expect(difference(m.nrmse, e->nrmse) < tol, "%.15g %.15g", m.nrmse, e->nrmse);
	}
}


// by hand: |x| = 1 and 3 where the reference is 2 and 4
Test(metrics, definitions)
{
	const complex float img[1][2] = { { 1.if, -3.f } };
	const complex float ref[1][2] = { { 2.f, 4.f } };

	struct gleam_metrics_s m = gleam_metrics_slice(2, 1, img, ref);

	cr_expect(difference(m.nrmse, sqrt(2. / 20.)) < 1.e-15);
	cr_expect(difference(m.psnr, 20. * log10(4.)) < 1.e-15);
	cr_expect((0. < m.ssim) && (m.ssim < 1.));
}


Test(metrics, identical)
{
	complex float img[20][30];
	complex float ref[20][30];

	images(30, 20, 1, img, ref);

	struct gleam_metrics_s m = gleam_metrics_slice(30, 20, ref, ref);

	cr_expect(0. == m.nrmse);
	cr_expect(isinf(m.psnr) && (0. < m.psnr));
	cr_expect(1. == m.ssim);
}


// shorter than the window in one or both dimensions
Test(metrics, small_images)
{
	const long sizes[][2] = { { 10, 10 }, { 10, 30 }, { 30, 10 }, { 1, 30 }, { 1, 1 }, { 3, 2 } };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {

		long X = sizes[i][0];
		long Y = sizes[i][1];

		complex float img[Y][X];
		complex float ref[Y][X];

		images(X, Y, 3, img, ref);

		struct gleam_metrics_s same = gleam_metrics_slice(X, Y, ref, ref);
		struct gleam_metrics_s other = gleam_metrics_slice(X, Y, img, ref);

		cr_expect(1. == same.ssim);
		cr_expect((other.ssim < 1.) && (-1. < other.ssim), "%ld %ld: %g", X, Y, other.ssim);
	}
}


Test(metrics, zero_reference_is_not_counted)
{
	const complex float img[1][2] = { { 1., 2. } };
	const complex float zero[1][2] = { };

	struct gleam_metrics_s m = gleam_metrics_slice(2, 1, img, zero);

	cr_expect(isnan(m.psnr) && isnan(m.ssim) && isnan(m.nrmse));

	struct gleam_metrics_stat_s stat = { };

	gleam_metrics_add(&stat, &m);

	cr_expect(0 == stat.n);
	cr_expect(isnan(gleam_metrics_mean(&stat).psnr));
}


// a reconstruction that is not a number must not leave the mean looking better
Test(metrics, non_finite_image_counts_as_the_worst)
{
	const complex float ref[1][2] = { { 1., 2. } };
	const float bad[3] = { NAN, INFINITY, -INFINITY };

	for (int i = 0; i < 3; i++) {

		struct gleam_metrics_stat_s stat = { };

		for (int k = 0; k < 2; k++) {

			const complex float img[1][2] = { { 1., (0 == k) ? 2.f : bad[i] } };

			struct gleam_metrics_s m = gleam_metrics_slice(2, 1, img, ref);

			gleam_metrics_add(&stat, &m);
		}

		cr_expect(2 == stat.n);
		cr_expect(HUGE_VAL == gleam_metrics_mean(&stat).nrmse);
	}
}


Test(metrics, mean_and_deviation)
{
	struct gleam_metrics_stat_s stat = { };

	for (int i = 0; i < 4; i++)
		gleam_metrics_add(&stat, &(struct gleam_metrics_s){ .psnr = 30. + 2. * (i % 2), .ssim = 0.9, .nrmse = i });

	struct gleam_metrics_s mean = gleam_metrics_mean(&stat);
	struct gleam_metrics_s dev = gleam_metrics_std(&stat);

	cr_expect((4 == stat.n) && (31. == mean.psnr) && (1.5 == mean.nrmse));
	cr_expect(difference(mean.ssim, 0.9) < 1.e-15);
	cr_expect(1. == dev.psnr);
	cr_expect(difference(dev.nrmse, sqrt(1.25)) < 1.e-15);

	// what rounding of 0.81 leaves
	cr_expect(dev.ssim < 1.e-7);
}
