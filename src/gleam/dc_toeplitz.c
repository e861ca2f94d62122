
#include <complex.h>
#include <math.h>
#include <string.h>

#include "num/multind.h"
#include "num/flpmath.h"

#include "misc/misc.h"
#include "misc/mri.h"

#include "dc_fft.h"
#include "dc_frame.h"
#include "dc_sense.h"

#include "dc_toeplitz.h"

enum { POWER_ITERATIONS = 15 };

struct dc_layout_s dc_toeplitz_layout(const long dims[3])
{
	long twice[3];

	for (int i = 0; i < 3; i++)
		twice[i] = (1 < dims[i]) ? (2 * dims[i]) : 1;

	return dc_layout(twice);
}


void dc_sense_toeplitz_set(struct dc_sense_s* op, const complex float* maps, const float* weights)
{
	md_copy(DIMS, op->map_dims, op->smap, maps, CFL_SIZE);

	op->weights = weights;
}


// the difference 0 is in the middle, and comes first
static long wrapped(long i, long n)
{
	return (i + n / 2) % n;
}


void dc_toeplitz_weights(const struct dc_sense_s* op, long buffer, float* weights, const complex float* psf)
{
	const struct dc_layout_s* l = &op->layout;
	complex float* w = coil_row(op, buffer, 0);
	long half = l->dims[0] / 2;

	memset(w, 0, (size_t)l->size * CFL_SIZE);

	for (long y = 0; y < l->rows; y++) {

		long pos = wrapped(y % l->dims[1], l->dims[1]) + wrapped(y / l->dims[1], l->dims[2]) * l->dims[1];

		memcpy(w + pos * l->pitch, psf + y * l->dims[0] + half, (size_t)(l->dims[0] - half) * CFL_SIZE);
		memcpy(w + pos * l->pitch + l->dims[0] - half, psf + y * l->dims[0], (size_t)half * CFL_SIZE);
	}

	dc_fft_forward(op->fft, w);

	float scale = 1.f / (float)(l->dims[0] * l->rows);

	/* An imaginary part comes from the differences of -N, which have no counterpart and
	 * do not matter, and from rounding.
	 */
	for (long i = 0; i < l->size; i++)
		weights[i] = scale * crealf(w[i]);
}


// what is not in the corner becomes zero, the corner of norm one; returns what its norm was
static double normalise(const struct dc_sense_s* op, long buffer)
{
	const struct dc_layout_s* l = &op->layout;
	double sum = 0.;

	for (long y = 0; y < op->rows; y++)
		for (long x = 0; x < op->dims[0]; x++)
			sum += pow(cabs(coil_row(op, buffer, y)[x]), 2.);

	float scale = (0. < sum) ? (float)(1. / sqrt(sum)) : 0.f;

	for (long y = 0; y < l->rows; y++) {

		complex float* row = coil_row(op, buffer, 0) + y * l->pitch;
		bool inside = (y % l->dims[1] < op->dims[1]) && (y / l->dims[1] < op->dims[2]);

		for (long x = 0; x < l->dims[0]; x++)
			row[x] = (inside && (x < op->dims[0])) ? (scale * row[x]) : 0.f;
	}

	return sqrt(sum);
}


// the wave that a weight belongs to
static void fill_wave(const struct dc_sense_s* op, long buffer, long index)
{
	const struct dc_layout_s* l = &op->layout;

	double kx = (double)(index % l->pitch) / (double)l->dims[0];
	double ky = (double)((index / l->pitch) % l->dims[1]) / (double)l->dims[1];
	double kz = (double)((index / l->pitch) / l->dims[1]) / (double)l->dims[2];

	for (long y = 0; y < op->rows; y++) {

		double phase = ky * (double)(y % op->dims[1]) + kz * (double)(y / op->dims[1]);

		for (long x = 0; x < op->dims[0]; x++)
			coil_row(op, buffer, y)[x] = (complex float)cexp(2.i * M_PI * (phase + kx * (double)x));
	}
}


double dc_toeplitz_eigenvalue(const struct dc_sense_s* op, long buffer, const float* weights)
{
	long largest = 0;

	for (long i = 1; i < op->layout.size; i++)
		largest = (weights[i] > weights[largest]) ? i : largest;

	fill_wave(op, buffer, largest);
	normalise(op, buffer);

	double value = 0.;

	for (int i = 0; i < POWER_ITERATIONS; i++) {

		dc_fft_filter(op->fft, coil_row(op, buffer, 0), weights, corner_rows(op));
		value = normalise(op, buffer);
	}

	return value;
}
