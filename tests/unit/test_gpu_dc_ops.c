/*
 * Loss and scaling on the GPU against the CPU.
 */
#include <criterion/criterion.h>

#ifdef GLEAM_GPU

#include <complex.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "num/multind.h"
#include "num/flpmath.h"

#include "misc/misc.h"
#include "misc/mri.h"

#include "gpu/gpu.h"

#include "gleam/data.h"
#include "gleam/image.h"
#include "gleam/loss.h"
#include "gleam/gpu_ops.h"

#include "dc_dense.h"
#include "dc_help.h"
#include "gpu_dc_help.h"

static double largest_difference(long N, const complex float a[N], const complex float b[N])
{
	double max = 0.;

	for (long i = 0; i < N; i++)
		max = fmax(max, cabs((complex double)a[i] - (complex double)b[i]));

	return max;
}


// added to what is in *sum
static double gpu_loss(long N, float scale, complex float* grad, const complex float* x, const complex float* ref, double before)
{
	double sum = before;
	double* gsum = gpu_malloc(sizeof(double));
	double* partial = gpu_malloc((size_t)gpu_loss_partials(N) * sizeof(double));

	gpu_upload(gsum, &sum, sizeof(sum));
	gpu_loss_l1(N, scale, grad, x, ref, gsum, partial);
	gpu_download(&sum, gsum, sizeof(sum));
	gpu_sync();

	gpu_free(gsum);
	gpu_free(partial);

	return sum - before;
}


static void check_loss(long N, float scale)
{
	complex float* x = dc_random(N, 1);
	complex float* ref = dc_random(N, 2);
	complex float* grad = dc_zeros(N);

	// differences that are zero, tiny, large
	for (long i = 0; i < N; i += 3)
		ref[i] = x[i] + ((0 == i % 2) ? 0. : 1.e-7);

	ref[N / 2] = 1.e6;

	complex float* gx = gpu_put(N, x);
	complex float* gref = gpu_put(N, ref);
	complex float* ggrad = gpu_poison(N);

	double cpu = gleam_loss_l1(N, scale, grad, x, ref);
	double gpu = gpu_loss(N, scale, ggrad, gx, gref, 1.);

	complex float* out = gpu_get(N, ggrad);

	cr_expect(fabs(cpu - gpu) < 4. * EPS * cpu, "%ld: %e, %e", N, cpu, gpu);
	cr_expect(largest_difference(N, grad, out) <= 4. * EPS * (double)scale, "%ld", N);

	// in place
	double again = gpu_loss(N, scale, gx, gx, gref, 1.);
	complex float* in_place = gpu_get(N, gx);

	cr_expect(again == gpu);
	cr_expect(dc_same_bits(N, out, in_place));

	md_free(x);
	md_free(ref);
	md_free(grad);
	md_free(out);
	md_free(in_place);
	gpu_free(gx);
	gpu_free(gref);
	gpu_free(ggrad);
}


Test(gpu_dc, loss)
{
	GPU_OR_SKIP("gpu_dc::loss");

	const long sizes[] = { 1, 2, 255, 256, 257, 5000, 262145 };

	for (int i = 0; i < (int)ARRAY_SIZE(sizes); i++)
		check_loss(sizes[i], (0 == i % 2) ? 1.f : 1.e-5f);
}


// the sum of |a - b|^2, added to what is in *sum
static double energy_of(long N, const complex float* a, const complex float* b)
{
	double sum = 1.;
	double* gsum = gpu_malloc(sizeof(double));
	double* partial = gpu_malloc((size_t)gpu_loss_partials(N) * sizeof(double));

	gpu_upload(gsum, &sum, sizeof(sum));
	gpu_energy(N, a, b, gsum, partial);
	gpu_download(&sum, gsum, sizeof(sum));
	gpu_sync();

	gpu_free(gsum);
	gpu_free(partial);

	return sum - 1.;
}


static void check_images(long N)
{
	complex float* x = dc_random(N, 1);
	complex float* a = dc_random(N, 2);
	complex float* b = dc_random(N, 3);

	complex float* gx = gpu_put(N, x);
	complex float* ga = gpu_put(N, a);
	complex float* gb = gpu_put(N, b);

	gleam_image_add_difference(N, x, a, b);
	gpu_add_difference(N, gx, ga, gb);

	complex float* out = gpu_get(N, gx);

	cr_expect(dc_same_bits(N, x, out), "%ld", N);

	double cpu = gleam_image_energy(N, a, b);
	double norm = gleam_image_energy(N, a, NULL);

	cr_expect(fabs(energy_of(N, ga, gb) - cpu) < 1.e-12 * (1. + cpu), "%ld", N);
	cr_expect(fabs(energy_of(N, ga, NULL) - norm) < 1.e-12 * (1. + norm), "%ld", N);

	md_free(x);
	md_free(a);
	md_free(b);
	md_free(out);
	gpu_free(gx);
	gpu_free(ga);
	gpu_free(gb);
}


Test(gpu_dc, images)
{
	GPU_OR_SKIP("gpu_dc::images");

	const long sizes[] = { 1, 255, 256, 5000, 262145 };

	for (int i = 0; i < (int)ARRAY_SIZE(sizes); i++)
		check_images(sizes[i]);
}


static double gpu_combined(long frames, long maps, long pixels, complex float* grad, const complex float* x, const complex float* ref)
{
	double sum = 1.;
	double* gsum = gpu_malloc(sizeof(double));
	double* partial = gpu_malloc((size_t)gpu_loss_partials(frames * maps * pixels) * sizeof(double));

	gpu_upload(gsum, &sum, sizeof(sum));
	gpu_loss_combined(frames, maps, pixels, 0.3, grad, x, ref, gsum, partial);
	gpu_download(&sum, gsum, sizeof(sum));
	gpu_sync();

	gpu_free(gsum);
	gpu_free(partial);

	return sum - 1.;
}


static void check_combined(long frames, long maps, long pixels)
{
	long N = frames * maps * pixels;
	complex float* x = dc_random(N, 1);
	complex float* ref = dc_random(frames * pixels, 2);
	complex float* grad = dc_zeros(N);

	// a pixel of zeros
	for (long e = 0; e < maps; e++)
		x[e * pixels] = 0.;

	complex float* gx = gpu_put(N, x);
	complex float* gref = gpu_put(frames * pixels, ref);

	double cpu = gleam_loss_combined(frames, maps, pixels, 0.3, (void*)grad, (const void*)x, (const void*)ref);
	double gpu = gpu_combined(frames, maps, pixels, gx, gx, gref);

	complex float* out = gpu_get(N, gx);

	cr_expect(fabs(cpu - gpu) < 8. * EPS * cpu, "%ld %ld %ld: %e, %e", frames, maps, pixels, cpu, gpu);
	cr_expect(largest_difference(N, grad, out) <= 0.3 * 8. * EPS, "%ld %ld %ld", frames, maps, pixels);

	md_free(x);
	md_free(ref);
	md_free(grad);
	md_free(out);
	gpu_free(gx);
	gpu_free(gref);
}


Test(gpu_dc, loss_combined)
{
	GPU_OR_SKIP("gpu_dc::loss_combined");

	check_combined(1, 2, 300);
	check_combined(5, 3, 257);
	check_combined(7, 2, 40000);
}


Test(gpu_dc, loss_of_not_a_number)
{
	GPU_OR_SKIP("gpu_dc::loss_of_not_a_number");

	complex float x[600] = { [400] = NAN };
	complex float ref[600] = { };

	complex float* gx = gpu_put(600, x);
	complex float* gref = gpu_put(600, ref);

	cr_expect(isnan(gpu_loss(600, 1., gx, gx, gref, 1.)));

	gpu_free(gx);
	gpu_free(gref);
}


typedef complex float (*fill_t)(long i, complex float random);

static complex float as_it_is(long, complex float random) { return random; }
static complex float zero(long, complex float) { return 0.; }
static complex float few_values(long i, complex float) { return (float)(i % 7); }
static complex float mostly_zero(long i, complex float random) { return (0 == i % 30) ? random : 0.; }
static complex float ten_percent(long i, complex float random) { return (0 == i % 10) ? random : 0.; }
static complex float all_the_same(long, complex float) { return 0.3 - 0.4i; }
static complex float any_exponent(long i, complex float random) { return ldexpf(1., (int)(i * 37 % 250) - 140) * random; }
static complex float huge(long, complex float random) { return 3.e38f * random; }
static complex float denormal(long, complex float random) { return 1.e-40f * random; }


static void check_scaling(const char* name, fill_t fill, long samples, long N)
{
	complex float* x = dc_random(samples * N, 9);
	float* abs = md_alloc(1, MD_DIMS(N), FL_SIZE);
	float expected[samples];
	float found[samples];

	for (long i = 0; i < samples * N; i++)
		x[i] = (i < N) ? fill(i, x[i]) : ((float)(i / N) * fill(i - N, x[i]));

	for (long i = 0; i < samples; i++)
		expected[i] = gleam_data_scaling(N, x + i * N, abs);

	complex float* gx = gpu_put(samples * N, x);
	float* scale = (float*)gpu_poison(samples);

	gpu_scaling(samples, N, N, gx, scale);
	gpu_download(found, scale, sizeof(found));
	gpu_sync();

	for (long i = 0; i < samples; i++)
		cr_expect(0 == memcmp(&expected[i], &found[i], sizeof(float)), "%s, %ld of %ld, %ld elements: %.9g, expected %.9g",
				name, i, samples, N, (double)found[i], (double)expected[i]);

	md_free(x);
	md_free(abs);
	gpu_free(gx);
	gpu_free(scale);
}


Test(gpu_dc, scaling_has_the_same_bits)
{
	GPU_OR_SKIP("gpu_dc::scaling_has_the_same_bits");

	const struct { const char* name; fill_t fill; } fills[] = {

		{ "random", as_it_is },
		{ "zero", zero },
		{ "few values", few_values },
		{ "mostly zero", mostly_zero },
		{ "one in ten", ten_percent },
		{ "all the same", all_the_same },
		{ "any exponent", any_exponent },
		{ "huge", huge },
		{ "denormal", denormal },
	};

	const long sizes[] = { 1, 2, 3, 20, 21, 22, 41, 999, 1024, 1025, 20000 };

	for (int i = 0; i < (int)ARRAY_SIZE(fills); i++)
		for (int j = 0; j < (int)ARRAY_SIZE(sizes); j++)
			check_scaling(fills[i].name, fills[i].fill, 1 + j % 3, sizes[j]);
}


// of the first elements of each sample only
Test(gpu_dc, scaling_of_a_part)
{
	GPU_OR_SKIP("gpu_dc::scaling_of_a_part");

	enum { N = 100, STRIDE = 151 };

	complex float* x = dc_random(3 * STRIDE, 10);
	complex float* gx = gpu_put(3 * STRIDE, x);
	float* scale = (float*)gpu_poison(3);
	float abs[N];

	gpu_scaling(3, N, STRIDE, gx, scale);

	for (int i = 0; i < 3; i++)
		cr_expect(gleam_data_scaling(N, x + i * STRIDE, abs) == gpu_get_float(scale + i));

	md_free(x);
	gpu_free(gx);
	gpu_free(scale);
}


Test(gpu_dc, scaling_of_nothing)
{
	GPU_OR_SKIP("gpu_dc::scaling_of_nothing");

	float* scale = gpu_put_floats(2, (float[2]){ 7., 8. });

	gpu_scaling(2, 0, 0, NULL, scale);

	cr_expect(0. == gpu_get_float(scale));
	cr_expect(0. == gpu_get_float(scale + 1));

	gpu_free(scale);
}


Test(gpu_dc, unscale)
{
	GPU_OR_SKIP("gpu_dc::unscale");

	enum { SAMPLES = 4, N = 333 };
	const float scale[SAMPLES] = { 0.37, 0., 1.e-30, 12345.6 };

	complex float* x = dc_random(SAMPLES * N, 3);
	complex float* src = gpu_put(SAMPLES * N, x);
	complex float* dst = gpu_poison(SAMPLES * N);
	float* gscale = gpu_put_floats(SAMPLES, scale);

	for (int i = 0; i < SAMPLES; i++)
		md_zsmul(1, MD_DIMS(N), x + i * N, x + i * N, (0. < scale[i]) ? (1.f / scale[i]) : 1.f);

	gpu_unscale(SAMPLES, N, dst, src, gscale);
	gpu_unscale(SAMPLES, N, src, src, gscale);

	complex float* elsewhere = gpu_get(SAMPLES * N, dst);
	complex float* in_place = gpu_get(SAMPLES * N, src);

	cr_expect(dc_same_bits(SAMPLES * N, x, elsewhere));
	cr_expect(dc_same_bits(SAMPLES * N, x, in_place));

	md_free(x);
	md_free(elsewhere);
	md_free(in_place);
	gpu_free(src);
	gpu_free(dst);
	gpu_free(gscale);
}

#endif		// GLEAM_GPU
