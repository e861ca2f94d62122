/*
 * Samples of an opened data set, read from its files, which have been checked.
 */

#include <assert.h>
#include <complex.h>
#include <limits.h>
#include <math.h>
#include <stdbool.h>

#include "num/fft.h"
#include "num/flpmath.h"
#include "num/multind.h"

#include "misc/misc.h"
#include "misc/mri.h"

#include "gleam/input.h"
#include "gleam/data_struct.h"
#include "gleam/data.h"


/* 1 where any coil has a sample. Not by the root of the sum of squares, which is
 * zero for the small numbers of some scanners.
 */
static void estimate(const long dims[DIMS], complex float* pattern, const complex float* kspace)
{
	long N = md_calc_size(COIL_DIM, dims);
	long C = dims[COIL_DIM];
	long T = md_calc_size(DIMS, dims) / (N * C);

	for (long t = 0; t < T; t++) {

		for (long i = 0; i < N; i++)
			pattern[t * N + i] = 0.f;

		for (long c = 0; c < C; c++)
			for (long i = 0; i < N; i++)
				if (0.f != kspace[(t * C + c) * N + i])
					pattern[t * N + i] = 1.f;
	}
}


void gleam_data_pattern(const struct gleam_data_s* data, long sample, complex float* dst)
{
	if ((NULL == data->pattern.name) && !gleam_data_cartesian(data)) {

		md_zfill(DIMS, data->pat_dims, dst, 1.);
		return;
	}

	if (NULL == data->pattern.name) {

		estimate(data->ksp_dims, dst, input_sample(&data->kspace, data->kspace.dims, sample));
		input_release(&data->kspace);
		return;
	}

	long strs[DIMS];
	md_calc_strides(DIMS, strs, data->pattern.dims, CFL_SIZE);

	md_copy2(DIMS, data->pat_dims, MD_STRIDES(DIMS, data->pat_dims, CFL_SIZE), dst,
			strs, input_sample(&data->pattern, data->kspace.dims, sample), CFL_SIZE);

	input_release(&data->pattern);
}


// coil by coil: a product with strides would make a copy of the pattern each time
static void sample_coils(const struct gleam_data_s* data, complex float* dst, const complex float* src, const complex float* pattern)
{
	long N = md_calc_size(COIL_DIM, data->ksp_dims);
	long C = data->ksp_dims[COIL_DIM];
	long T = data->ksp_dims[TIME_DIM];

	for (long i = 0; i < C * T; i++) {

		long t = (1 < data->pat_dims[TIME_DIM]) ? (i / C) : 0;

		md_zmul(1, (long[1]){ N }, dst + i * N, src + i * N, pattern + t * N);
	}
}


void gleam_data_kspace(const struct gleam_data_s* data, long sample, const complex float* pattern, complex float* dst)
{
	const complex float* src = input_sample(&data->kspace, data->kspace.dims, sample);

	// one that was estimated from its zeros would change nothing
	if (NULL == data->pattern.name) {

		md_copy(DIMS, data->ksp_dims, dst, src, CFL_SIZE);

	} else {

		sample_coils(data, dst, src, pattern);
	}

	input_release(&data->kspace);
}


void gleam_data_trajectory(const struct gleam_data_s* data, long sample, complex float* dst)
{
	md_copy(DIMS, data->trj_dims, dst, input_sample(&data->trajectory, data->kspace.dims, sample), CFL_SIZE);
	input_release(&data->trajectory);
}


void gleam_data_maps(const struct gleam_data_s* data, long sample, complex float* dst)
{
	md_copy(DIMS, data->map_dims, dst, input_sample(&data->maps, data->kspace.dims, sample), CFL_SIZE);
	input_release(&data->maps);
}


void gleam_data_reference(const struct gleam_data_s* data, long sample, complex float* dst, complex float* coils)
{
	assert(NULL != data->reference.name);

	const complex float* src = input_sample(&data->reference, data->kspace.dims, sample);

	if (!data->ref_kspace) {

		md_copy(DIMS, data->ref_dims, dst, src, CFL_SIZE);
		input_release(&data->reference);
		return;
	}

	ifftuc(DIMS, data->ksp_dims, FFT_FLAGS, coils, src);

	md_ztenmulc(DIMS, data->img_dims, dst, data->ksp_dims, coils,
			data->map_dims, input_sample(&data->maps, data->kspace.dims, sample));

	input_release(&data->reference);
	input_release(&data->maps);
}


void gleam_data_ahead(const struct gleam_data_s* data, long N, const long samples[])
{
	const struct input_s* const inputs[] = { &data->kspace, &data->maps, &data->pattern, &data->trajectory, &data->reference };

	for (long s = 0; s < N; s++)
		for (int i = 0; i < (int)ARRAY_SIZE(inputs); i++)
			if (NULL != inputs[i]->name)
				input_ahead(inputs[i], data->kspace.dims, samples[s]);
}


float gleam_data_scaling(long N, const complex float x0[N], float abs[N])
{
	if (1 > N)
		return 0.f;

	assert(INT_MAX >= N);

	for (long i = 0; i < N; i++)
		abs[i] = cabsf(x0[i]);

	double rank = 0.95 * (double)(N - 1);
	long below = (long)floor(rank);

	// BART's selection counts from the largest, and leaves what is larger in front
	long k = N - 1 - below;
	float lower = quickselect(abs, (int)N, (int)k);
	float upper = lower;

	for (long i = 0; i < k; i++)
		upper = ((0 == i) || (abs[i] < upper)) ? abs[i] : upper;

	return (float)((double)lower + (rank - (double)below) * ((double)upper - (double)lower));
}
