/*
 * The image of a series' k-space averaged over its frames, by which it is scaled:
 * where every frame is far from complete, their average is nearly so. The coil
 * images are those of one frame, in the buffers of the forward model.
 */

#include <complex.h>
#include <float.h>
#include <stdbool.h>
#include <string.h>

#include "num/multind.h"
#include "num/flpmath.h"

#include "misc/misc.h"
#include "misc/mri.h"

#include "dc_fft.h"
#include "dc_frame.h"
#include "dc_rows.h"
#include "dc_sense.h"

// k-space averaged over frames, (sum conj(P) y) / (sum |P|^2), with M
static void row_average(const struct dc_sense_s* op, long sample, long coil, long y, const complex float* ksp)
{
	long X = op->layout.dims[0];
	long pos[DIMS] = { };
	float total[X];

	complex float* w = coil_row(op, coil, y);

	memset(w, 0, (size_t)X * CFL_SIZE);
	memset(total, 0, (size_t)X * FL_SIZE);

	do {
		struct frame_s f = frame_at(op, sample, pos);

		row_fmac(X, w, -1., f.pm + y * X, ksp + f.ksp + coil * op->pixels + y * X);
		row_add(X, total, f.weights + y * op->layout.pitch);

	} while (frame_next(op, pos));

	// nothing was sampled where there is no weight
	for (long x = 0; x < X; x++)
		w[x] = (FLT_MIN <= total[x]) ? (w[x] / total[x]) : 0.f;
}


// sum over the coils of a group with the mean of the maps over frames, added to that of earlier groups
static void row_combine_mean(const struct dc_sense_s* op, long sample, long first, long end, long y, complex float* dst)
{
	long X = op->layout.dims[0];
	long frames = op->map_dims[TIME_DIM];

	for (long i = 0; i < op->maps * frames; i++) {

		long e = i / frames;
		long t = i % frames;

		struct frame_s f = frame_at(op, sample, (long[DIMS]){ [TIME_DIM] = t });
		complex float* sum = dst + e * op->pixels + y * X;

		for (long c = first; c < end; c++)
			((0 == c + t) ? row_mul : row_fmac)(X, sum, -1., map_row(op, &f, c, e, y), coil_row(op, c, y));

		if ((end == op->coils) && (t == frames - 1))
			row_scale(X, sum, 1.f / (float)frames);
	}
}


void dc_sense_average(struct dc_sense_s* op, long sample, complex float* img, const complex float* ksp)
{
	for (long first = 0; first < op->coils; first += op->group) {

		long end = MIN(first + op->group, op->coils);

#pragma 	omp parallel if (op->parallel)
		{
#pragma 		omp for schedule(dynamic, 1)
			for (long c = first; c < end; c++) {

				for (long y = 0; y < op->layout.rows; y++)
					row_average(op, sample, c, y, ksp);

				dc_fft_backward(op->fft, coil_row(op, c, 0));
			}

#pragma 		omp for schedule(static)
			for (long y = 0; y < op->layout.rows; y++)
				row_combine_mean(op, sample, first, end, y, img);
		}
	}
}
