/*
 * Quality of a reconstruction against a reference: magnitude images, one 2D
 * slice (first two non-singleton dimensions X, Y), then mean and deviation
 * over slices. Definitions as in scikit-image (see doc/method.md).
 */
#ifndef _GLEAM_METRICS_H
#define _GLEAM_METRICS_H

#include <complex.h>

struct gleam_metrics_s {

	double psnr;	// 20 log10(max|ref| / rms(|x| - |ref|)), dB
	double ssim;	// Wang et al., IEEE Trans Image Process 2004;13:600-612
	double nrmse;	// || |x| - |ref| || / || ref ||
};

// one slice of X x Y complex pixels
extern struct gleam_metrics_s gleam_metrics_slice(long X, long Y, const complex float x[Y][X], const complex float ref[Y][X]);

// running mean and standard deviation (population) over slices
struct gleam_metrics_stat_s {

	long n;
	struct gleam_metrics_s sum;
	struct gleam_metrics_s sum2;
};

extern void gleam_metrics_add(struct gleam_metrics_stat_s* stat, const struct gleam_metrics_s* m);
extern struct gleam_metrics_s gleam_metrics_mean(const struct gleam_metrics_stat_s* stat);
extern struct gleam_metrics_s gleam_metrics_std(const struct gleam_metrics_stat_s* stat);

#endif		// _GLEAM_METRICS_H
