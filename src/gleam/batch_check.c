#include <complex.h>
#include <float.h>
#include <math.h>
#include <stdbool.h>

#include "num/flpmath.h"

#include "misc/misc.h"

#include "gleam/warn.h"

#include "gleam/batch_check.h"

static const double MAX_RMS = 100.;	// of a series that has been scaled


// denormal numbers lose their digits, and have no inverse
void batch_check_scale(const char* name, long sample, float scale)
{
	if (!isfinite(scale))
		error("%s: found numbers that are not finite in the image of sample %ld, where there were none at the start: "
			"either numbers of k-space, sensitivities or pattern are so large that their product is none ('bart scale' mends it), "
			"or the file was changed, or its disk fails. Put it back as it was.\n", name, sample);

	if ((0.f == scale) || (FLT_MIN <= scale))
		return;

	error("%s: found values so small that 95 %% of the image of sample %ld are below %g, expected more than %g. "
		"Multiply k-space and reference by the same number ('bart scale').\n",
		name, sample, (double)scale, (double)FLT_MIN);
}

/* An FFT that is not unitary makes them differ by the root of the number of pixels;
 * undersampling alone by much less than ten.
 */
void batch_check_units(const char* name, long sample, long ref_size, const complex float* ref, long img_size, const complex float* image, bool cartesian)
{
	double ratio = (double)md_zrms(1, (long[1]){ ref_size }, ref) / (double)md_zrms(1, (long[1]){ img_size }, image)
			* sqrt((double)ref_size / (double)img_size);

	if (!(0. < ratio) || ((0.1 < ratio) && (10. > ratio)))
		return;

	gleam_warn("%s: the reference of sample %ld is %.3g times the image of the k-space, expected about 1: "
			"is the k-space the %s of the reference's coil images ('bart %s')? 'bart scale' mends it.\n",
			name, sample, ratio, cartesian ? "unitary FFT" : "nuFFT", cartesian ? "fft -u" : "nufft");
}

/* Scaled by the average of its frames, a series is about one; far more where they
 * cancel, up to noise or rounding.
 */
void batch_check_average(const char* name, long sample, long img_size, const complex float* x0)
{
	double rms = (double)md_zrms(1, (long[1]){ img_size }, x0);

	if (!(MAX_RMS < rms))
		return;

	gleam_warn("%s: the frames of sample %ld cancel: they are %.3g times their average, by which they are scaled, expected about 1. "
			"Does a part of the series have another sign or phase than the rest?\n",
			name, sample, rms);
}
