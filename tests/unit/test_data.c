#include <complex.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "num/fft.h"
#include "num/multind.h"

#include "misc/io.h"
#include "misc/mri.h"

#include "gleam/data.h"

#include "data_files.h"

TestSuite(data, .init = scratch_enter, .fini = scratch_leave);


Test(data, good)
{
	write_good();

	struct gleam_data_s* data = gleam_data_open(&all);
	long dims[DIMS];

	cr_expect(2 == gleam_data_samples(data));
	cr_expect(2 == gleam_data_spatial(data));

	gleam_data_ksp_dims(data, dims);
	cr_expect(0 == memcmp(dims, DIMS_OF(X, Y, [3] = C), sizeof(dims)));

	gleam_data_map_dims(data, dims);
	cr_expect(0 == memcmp(dims, DIMS_OF(X, Y, [3] = C), sizeof(dims)));

	gleam_data_img_dims(data, dims);
	cr_expect(0 == memcmp(dims, DIMS_OF(X, Y), sizeof(dims)));

	gleam_data_pat_dims(data, dims);
	cr_expect(0 == memcmp(dims, DIMS_OF(X, Y), sizeof(dims)));

	gleam_data_close(data);
}


// the copy of the k-space of sample (slice, average, batch) is that block of the file
Test(data, samples_in_order)
{
	RANDOM_CFL("k", X, Y, [3] = C, [13] = 2, [14] = 3, [15] = 2);
	RANDOM_CFL("s", X, Y, [3] = C, [14] = 3);
	RANDOM_CFL("r", X, Y, [13] = 2, [14] = 3, [15] = 2);

	struct gleam_files_s files = all;
	files.pattern = NULL;

	struct gleam_data_s* data = gleam_data_open(&files);

	cr_assert(12 == gleam_data_samples(data));

	complex float pat[X * Y];
	complex float ksp[X * Y * C];
	complex float map[X * Y * C];
	complex float ref[X * Y];

	for (long s = 0; s < 12; s++) {

		long average = (s / 2) % 3;

		gleam_data_pattern(data, s, pat);
		gleam_data_kspace(data, s, pat, ksp);
		gleam_data_maps(data, s, map);
		gleam_data_reference(data, s, ref, NULL);

		for (long i = 0; i < X * Y * C; i++) {

			cr_assert(value('k', s * X * Y * C + i) == ksp[i], "%ld %ld", s, i);
			cr_assert(value('s', average * X * Y * C + i) == map[i], "%ld %ld", s, i);
		}

		for (long i = 0; i < X * Y; i++)
			cr_assert(value('r', s * X * Y + i) == ref[i]);
	}

	gleam_data_close(data);
}


static void check_reference_dims(bool combined, const long expected[DIMS])
{
	struct gleam_data_s* data = gleam_data_open(&all);
	long dims[DIMS];

	gleam_data_ref_dims(data, dims);

	cr_expect(0 == memcmp(dims, expected, sizeof(dims)));
	cr_expect(combined == gleam_data_combined(data));

	complex float ref[2 * 2 * X * Y];
	long N = md_calc_size(DIMS, dims);

	gleam_data_reference(data, 1, ref, NULL);

	for (long i = 0; i < N; i++)
		cr_assert(value('r', N + i) == ref[i]);

	gleam_data_close(data);
}


// one for each map, or one for all
Test(data, references_of_two_maps)
{
	RANDOM_CFL("k", X, Y, [3] = C, [10] = 2, [13] = 2);
	RANDOM_CFL("s", X, Y, [3] = C, [4] = 2);
	ONES_CFL("p", X, Y);

	RANDOM_CFL("r", X, Y, [4] = 2, [10] = 2, [13] = 2);
	check_reference_dims(false, DIMS_OF(X, Y, [4] = 2, [10] = 2));

	RANDOM_CFL("r", X, Y, [10] = 2, [13] = 2);
	check_reference_dims(true, DIMS_OF(X, Y, [10] = 2));

	RANDOM_CFL("s", X, Y, [3] = C);
	check_reference_dims(false, DIMS_OF(X, Y, [10] = 2));
}


// kspace is multiplied with a weighted pattern, of size one along X
Test(data, pattern_is_applied_and_filled_up)
{
	write_good();
	RANDOM_CFL("k", X, Y, [3] = C, [10] = 2, [13] = 2);
	RANDOM_CFL("r", X, Y, [10] = 2, [13] = 2);

	complex float pat[2 * Y] = { };

	for (int i = 0; i < 2 * Y; i++)
		pat[i] = (float)(i % 4) / 2.f;

	write_cfl("p", DIMS_OF(1, Y, [13] = 2), pat);

	struct gleam_data_s* data = gleam_data_open(&all);
	long dims[DIMS];

	gleam_data_pat_dims(data, dims);
	cr_assert(0 == memcmp(dims, DIMS_OF(X, Y), sizeof(dims)));

	complex float full[X * Y];
	complex float ksp[X * Y * C * 2];

	for (long s = 0; s < 2; s++) {

		gleam_data_pattern(data, s, full);
		gleam_data_kspace(data, s, full, ksp);

		for (long i = 0; i < X * Y; i++)
			cr_assert(pat[s * Y + i / X] == full[i]);

		for (long i = 0; i < X * Y * C * 2; i++)
			cr_assert(value('k', s * X * Y * C * 2 + i) * full[i % (X * Y)] == ksp[i]);
	}

	gleam_data_close(data);
}


// every frame has its own pattern
Test(data, pattern_of_frames)
{
	write_good();
	RANDOM_CFL("k", X, Y, [3] = C, [10] = 2);
	RANDOM_CFL("s", X, Y, [3] = C);
	RANDOM_CFL("r", X, Y, [10] = 2);

	complex float pat[2 * X * Y];

	for (int i = 0; i < 2 * X * Y; i++)
		pat[i] = (float)((i * i) % 3) / 2.f;

	write_cfl("p", DIMS_OF(X, Y, [10] = 2), pat);

	struct gleam_data_s* data = gleam_data_open(&all);

	complex float ksp[X * Y * C * 2];

	gleam_data_kspace(data, 0, pat, ksp);

	for (long i = 0; i < X * Y * C * 2; i++)
		cr_assert(value('k', i) * pat[i / (X * Y * C) * X * Y + i % (X * Y)] == ksp[i], "%ld", i);

	gleam_data_close(data);
}


// zeros of k-space, for each frame; a number whose square underflows counts
Test(data, pattern_is_estimated)
{
	complex float ksp[2][C][X * Y] = { };

	ksp[0][0][5] = 1.e-30f;
	ksp[0][2][7] = 1.if;
	ksp[1][1][5] = -1.f;
	ksp[1][1][0] = -1.f;

	write_good();
	write_cfl("k", DIMS_OF(X, Y, [3] = C, [10] = 2), &ksp[0][0][0]);
	RANDOM_CFL("s", X, Y, [3] = C);
	RANDOM_CFL("r", X, Y, [10] = 2);

	struct gleam_files_s files = all;
	files.pattern = NULL;

	struct gleam_data_s* data = gleam_data_open(&files);
	complex float pat[2][X * Y];

	cr_expect(3 == gleam_data_spatial(data));
	gleam_data_pattern(data, 0, &pat[0][0]);

	for (int i = 0; i < X * Y; i++) {

		cr_expect(((5 == i) || (7 == i)) == (1.f == pat[0][i]), "%d", i);
		cr_expect(((5 == i) || (0 == i)) == (1.f == pat[1][i]), "%d", i);
	}

	gleam_data_close(data);
}


Test(data, empty_samples)
{
	complex float ksp[3][C * X * Y] = { };

	ksp[1][20] = 1.e-38f;
	ksp[2][5] = 1.f;	// where nothing is sampled

	complex float pat[X * Y];

	for (int i = 0; i < X * Y; i++)
		pat[i] = (5 == i) ? 0.f : 1.f;

	write_cfl("k", DIMS_OF(X, Y, [3] = C, [15] = 3), &ksp[0][0]);
	write_cfl("p", DIMS_OF(X, Y), pat);
	RANDOM_CFL("s", X, Y, [3] = C);
	RANDOM_CFL("r", X, Y, [15] = 3);

	struct gleam_files_s files = all;
	struct gleam_data_s* data = gleam_data_open(&files);

	cr_expect(gleam_data_empty(data, 0) && !gleam_data_empty(data, 1) && gleam_data_empty(data, 2));
	gleam_data_close(data);

	files.pattern = NULL;
	data = gleam_data_open(&files);

	cr_expect(gleam_data_empty(data, 0) && !gleam_data_empty(data, 1) && !gleam_data_empty(data, 2));
	gleam_data_close(data);
}


// S^H F^H y by sums in double over a centered, unitary DFT
Test(data, reference_from_kspace)
{
	enum { E = 2, T = 2 };

	RANDOM_CFL("k", X, Y, [3] = C, [10] = T, [13] = 2);
	RANDOM_CFL("r", X, Y, [3] = C, [10] = T, [13] = 2);
	RANDOM_CFL("s", X, Y, [3] = C, [4] = E);
	ONES_CFL("p", X, Y);

	struct gleam_files_s files = all;
	files.ref_kspace = true;

	struct gleam_data_s* data = gleam_data_open(&files);
	complex float img[T][E][Y][X];
	complex float coils[T * C * Y * X];

	for (long s = 0; s < 2; s++) {

		gleam_data_reference(data, s, &img[0][0][0][0], coils);

		for (long t = 0; t < T; t++) for (long e = 0; e < E; e++) for (long y = 0; y < Y; y++) for (long x = 0; x < X; x++) {

			complex double sum = 0.;

			for (long c = 0; c < C; c++) for (long v = 0; v < Y; v++) for (long u = 0; u < X; u++) {

				complex double map = value('s', ((e * C + c) * Y + y) * X + x);
				complex double ksp = value('r', (((s * T + t) * C + c) * Y + v) * X + u);

				double phase = 2. * M_PI * ((double)((u - X / 2) * (x - X / 2)) / X + (double)((v - Y / 2) * (y - Y / 2)) / Y);

				sum += conj(map) * ksp * cexp(1.i * phase) / sqrt(X * Y);
			}

			// 2^-24 for each of about 20 additions of numbers of size one
			cr_assert(cabs(sum - img[t][e][y][x]) < 2.e-6 * C, "%g", cabs(sum - img[t][e][y][x]));
		}
	}

	gleam_data_close(data);
}


Test(data, other_file_types)
{
	write_good();

	struct { uint64_t head[6]; uint64_t dims[3]; complex float data[X * Y * 2]; } ra = {

		.head = { 0x7961727261776172ULL, 0, 4, 8, X * Y * 2 * 8, 3 },
		.dims = { X, Y, 1 },
	};

	RANDOM_CFL("k", X, Y, [3] = C);
	RANDOM_CFL("s", X, Y, [3] = C);

	ra.head[4] = X * Y * 8;

	for (int i = 0; i < X * Y; i++)
		ra.data[i] = value('r', i);

	scratch_write("r.ra", sizeof(ra.head) + sizeof(ra.dims) + X * Y * 8, &ra);
	io_reserve_input("r.ra");

	struct gleam_files_s files = all;

	files.reference = "r.ra";

	struct gleam_data_s* data = gleam_data_open(&files);
	complex float ref[X * Y];

	gleam_data_reference(data, 0, ref, NULL);
	cr_expect(0 == memcmp(ref, ra.data, sizeof(ref)));

	gleam_data_close(data);
}


static int compare(const void* a, const void* b)
{
	float x = *(const float*)a;
	float y = *(const float*)b;

	return (x > y) - (x < y);
}


// numpy.percentile(abs(x0), 95) by sorting
static double percentile(long N, const complex float x0[N])
{
	float* abs = malloc((size_t)N * sizeof(float));

	for (long i = 0; i < N; i++)
		abs[i] = cabsf(x0[i]);

	qsort(abs, (size_t)N, sizeof(float), compare);

	double rank = 0.95 * (double)(N - 1);
	long below = (long)rank;
	double a = abs[below];
	double b = abs[(below + 1 < N) ? below + 1 : below];

	free(abs);

	return a + (rank - (double)below) * (b - a);
}


Test(data, scaling)
{
	enum { N = 3000 };
	complex float x0[N];
	float abs[N];

	for (long n = 1; n < N; n += (n < 100) ? 1 : 371) {

		for (long i = 0; i < n; i++)
			x0[i] = (0 == i % 3) ? 0.f : value((unsigned int)n, i);

		double expected = percentile(n, x0);

		double scale = gleam_data_scaling(n, x0, abs);

		cr_expect(fabs(expected - scale) <= 0x1p-24 * expected, "%ld: %.9g %.9g", n, expected, scale);
	}

	// numpy.percentile(range(1, 12), 95) is 10.5, of two numbers 1.95, of one itself
	for (int i = 0; i < 11; i++)
		x0[i] = (float)(11 - i) * 1.if;

	cr_expect(10.5f == gleam_data_scaling(11, x0, abs));
	cr_expect(1.95f == gleam_data_scaling(2, x0 + 9, abs));
	cr_expect(1.f == gleam_data_scaling(1, x0 + 10, abs));
	cr_expect(0.f == gleam_data_scaling(0, NULL, NULL));

	memset(x0, 0, sizeof(x0));
	cr_expect(0.f == gleam_data_scaling(N, x0, abs));
}
