/*
 * Quality of a reconstruction against a reference: magnitude images, one 2D
 * slice (first two non-singleton dimensions X, Y), then mean and deviation
 * over slices. Definitions as in scikit-image (see doc/method.md).
 */
#ifndef _GLEAM_METRICS_H
#define _GLEAM_METRICS_H

#include <complex.h>
#include <stddef.h>

struct gleam_metrics_s {

	double psnr;	// 20 log10(max|ref| / rms(|x| - |ref|)), dB
	double ssim;	// Wang et al., IEEE Trans Image Process 2004;13:600-612
	double nrmse;	// || |x| - |ref| || / || ref ||
};

/* One slice of X x Y complex pixels. Of identical images psnr is infinite; where
 * the reference is zero everywhere nothing is defined and all are NaN. A pixel of
 * x that is not finite makes each the worst there is: -inf, -1, inf.
 *
 * SSIM: Gaussian window of 11 x 11 pixels; its mean leaves a border of 5 pixels
 * out. Along a dimension shorter than the window (where scikit-image refuses)
 * the window is cut to the image and no border is left out.
 */
extern struct gleam_metrics_s gleam_metrics_slice(long X, long Y, const complex float x[Y][X], const complex float ref[Y][X]);

// what gleam_metrics_slice takes for a moment
extern size_t gleam_metrics_bytes(long X, long Y);

// running mean and standard deviation (population) over slices; undefined ones
// are not counted, and of none both are NaN
struct gleam_metrics_stat_s {

	long n;
	struct gleam_metrics_s sum;
	struct gleam_metrics_s sum2;
};

extern void gleam_metrics_add(struct gleam_metrics_stat_s* stat, const struct gleam_metrics_s* m);
extern struct gleam_metrics_s gleam_metrics_mean(const struct gleam_metrics_stat_s* stat);
extern struct gleam_metrics_s gleam_metrics_std(const struct gleam_metrics_stat_s* stat);

#endif		// _GLEAM_METRICS_H
