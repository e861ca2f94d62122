/*
 * The image by which a series is scaled: that of its k-space averaged over time.
 */
#include <complex.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include <criterion/criterion.h>

#include "num/multind.h"
#include "num/flpmath.h"

#include "misc/misc.h"
#include "misc/mri.h"

#include "nn/backend.h"

#include "gleam/batch.h"
#include "gleam/conf.h"
#include "gleam/data.h"
#include "gleam/unroll.h"

#include "data_files.h"
#include "dc_average_expected.h"
#include "dc_dense.h"
#include "dc_help.h"


Test(dc, average)
{
	for (int i = 0; i < DC_SERIES; i++) {

		struct dc_problem_s p = dc_problem_create(&dc_series[i], 31);
		struct gleam_dc_s* dc = dc_problem_dc(&p);

		long N = p.N / p.img_dims[TIME_DIM];
		complex float* ksp = dc_random(p.K * p.samples, 3);
		complex float* x = dc_random(p.N * p.samples, 4);
		complex float* before = dc_random(p.N * p.samples, 4);
		complex float* expected = dc_expected_average(&p, ksp);

		gleam_dc_average(dc, x, ksp);

		for (long s = 0; s < p.samples; s++) {

			double err = md_znrmse(1, MD_DIMS(N), expected + s * N, x + s * p.N);

			cr_expect(err < 8. * EPS, "%s: %e", p.name, err);
			cr_expect(dc_same_bits(p.N - N, x + s * p.N + N, before + s * p.N + N), "%s: other frames", p.name);
		}

		md_free(ksp);
		md_free(x);
		md_free(before);
		md_free(expected);
		gleam_dc_free(dc);
		dc_problem_free(&p);
	}
}


// a series that does not change, completely sampled: its average is every frame
Test(dc, average_of_a_still_series)
{
	struct dc_problem_s p = dc_problem_create(&dc_series[0], 33);

	md_zfill(DIMS, p.pat_dims, p.pattern, 1.);

	struct gleam_dc_s* dc = dc_problem_dc(&p);

	long frames = p.img_dims[TIME_DIM];
	long K = p.K / frames;
	complex float* ksp = dc_random(p.K * p.samples, 5);
	complex float* x = dc_zeros(p.N * p.samples);
	complex float* x0 = dc_zeros(p.N * p.samples);

	for (long i = 0; i < p.K * p.samples; i++)
		ksp[i] = ksp[i - (i % p.K) + (i % K)];

	gleam_dc_average(dc, x, ksp);
	gleam_dc_adjoint(dc, x0, ksp);

	for (long s = 0; s < p.samples; s++)
		for (long t = 0; t < frames; t++)
			cr_expect(md_znrmse(1, MD_DIMS(p.N / frames), x0 + s * p.N + t * p.N / frames, x + s * p.N) < 4. * EPS);

	md_free(ksp);
	md_free(x);
	md_free(x0);
	gleam_dc_free(dc);
	dc_problem_free(&p);
}


static int compare(const void* a, const void* b)
{
	float x = cabsf(*(const complex float*)a);
	float y = cabsf(*(const complex float*)b);

	return (x > y) - (x < y);
}


// numpy.percentile(abs(x), 95); sorts x
static double percentile(long N, complex float x[N])
{
	qsort(x, (size_t)N, sizeof(complex float), compare);

	double rank = 0.95 * (double)(N - 1);
	long below = (long)rank;

	double a = cabsf(x[below]);
	double b = cabsf(x[MIN(below + 1, N - 1)]);

	return a + (rank - (double)below) * (b - a);
}


enum { FRAMES = 5, SERIES = 3 };

// as files, of SLICE_DIM
static struct dc_problem_s write_series(void)
{
	const struct dc_case_s c = { "series", { X, Y, 1 }, C, 2, FRAMES, SERIES, TIME_FLAG, READ_FLAG, false };

	struct dc_problem_s p = dc_problem_create(&c, 35);

	RANDOM_CFL("r", X, Y, [4] = 2, [10] = FRAMES, [15] = SERIES);
	write_cfl("s", p.map_dims, p.maps);
	write_cfl("p", p.pat_dims, p.pattern);

	return p;
}


// x0 and x are those of all frames, divided by the scale
static void check_images(struct gleam_batch_s* batch, long i, long N, const complex float* x0)
{
	complex float* x = dc_zeros(N);

	md_zsmul(1, MD_DIMS(N), x, gleam_batch_x0(batch, 0) + i * N, gleam_batch_scale(batch, i));

	cr_expect(md_znrmse(1, MD_DIMS(N), x0, x) < 4. * EPS);
	cr_expect(dc_same_bits(N, gleam_batch_x(batch, 0) + i * N, gleam_batch_x0(batch, 0) + i * N));

	md_free(x);
}


// k-space as a file, before it is multiplied with the pattern
static complex float* write_ksp(const struct dc_problem_s* p)
{
	complex float* ksp = dc_random(p->K * p->samples, 6);

	write_cfl("k", p->ksp_dims, ksp);

	md_zmul2(DIMS, p->ksp_dims, MD_STRIDES(DIMS, p->ksp_dims, CFL_SIZE), ksp, MD_STRIDES(DIMS, p->ksp_dims, CFL_SIZE), ksp,
			MD_STRIDES(DIMS, p->pat_dims, CFL_SIZE), p->pattern);

	return ksp;
}


static struct gleam_unroll_s* unroll_create(enum gleam_scaling scaling, const struct gleam_dims_s* dims)
{
	struct gleam_net_s net = gleam_net_defaults;

	net.iterations = 1;
	net.prox.features = 2;
	net.prox.maps = 2;
	net.prox.spatial = 3;
	net.scaling = scaling;

	gleam_net_complete(&net);

	return gleam_unroll_create(&net, &nn_backend_ref, dims, 1);
}


// samples 2 and 0: image, by which a sample is scaled, has N elements in each, x0 has P; sorts image
static void check_batch(enum gleam_scaling scaling, long micro_batch, long N, complex float* image, long P, const complex float* x0)
{
	struct gleam_data_s* data = gleam_data_open(&all);
	struct gleam_dims_s dims = gleam_batch_dims(data, micro_batch);
	struct gleam_unroll_s* unroll = unroll_create(scaling, &dims);
	struct gleam_batch_s* batch = gleam_batch_create(data, unroll, 2, micro_batch);

	const long samples[2] = { 2, 0 };

	gleam_batch_load(batch, samples);

	for (int i = 0; i < 2; i++)
		check_images(batch, i, P, x0 + samples[i] * P);

	for (int i = 0; i < 2; i++) {

		double expected = percentile(N, image + samples[i] * N);

		cr_expect(fabs(gleam_batch_scale(batch, i) / expected - 1.) < 16. * EPS, "sample %ld: %.9g, expected %.9g",
				samples[i], (double)gleam_batch_scale(batch, i), expected);
	}

	gleam_batch_free(batch);
	gleam_unroll_free(unroll);
	gleam_data_close(data);
}


static void check_scales(enum gleam_scaling scaling, long micro_batch)
{
	struct dc_problem_s p = write_series();
	struct gleam_dc_s* dc = dc_problem_dc(&p);

	complex float* ksp = write_ksp(&p);
	complex float* x0 = dc_zeros(p.N * p.samples);

	gleam_dc_adjoint(dc, x0, ksp);

	bool average = (GLEAM_SCALING_AVERAGE == scaling);
	complex float* image = average ? dc_expected_average(&p, ksp) : x0;

	check_batch(scaling, micro_batch, average ? (p.N / FRAMES) : p.N, image, p.N, x0);

	if (average)
		md_free(image);

	md_free(x0);
	md_free(ksp);
	gleam_dc_free(dc);
	dc_problem_free(&p);
}


Test(dc, scale_of_a_series, .init = scratch_enter, .fini = scratch_leave)
{
	check_scales(GLEAM_SCALING_AVERAGE, 1);
	check_scales(GLEAM_SCALING_AVERAGE, 2);
}


// weights that were written before there was a rule for series
Test(dc, scale_of_a_series_by_x0, .init = scratch_enter, .fini = scratch_leave)
{
	check_scales(GLEAM_SCALING_IMAGE, 1);
	check_scales(GLEAM_SCALING_IMAGE, 2);
}
