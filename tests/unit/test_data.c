
#include <complex.h>
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "num/fft.h"
#include "num/multind.h"

#include "misc/io.h"
#include "misc/mri.h"

#include "gleam/data.h"

#include "caught.h"
#include "scratch.h"

TestSuite(data, .init = scratch_enter, .fini = scratch_leave);

enum { X = 8, Y = 6, C = 3 };

static const struct gleam_files_s all = { .kspace = "k", .maps = "s", .reference = "r", .pattern = "p" };


static complex float value(unsigned int seed, long i)
{
	uint32_t a = (uint32_t)(i + 1) * 2654435761u + seed * 40503u;

	a ^= a >> 15;
	a *= 2246822519u;
	a ^= a >> 13;

	return ((float)(a & 0xFFFF) + 1.f) / 65536.f - 0.7f + 1.if * ((float)(a >> 16) / 65536.f - 0.3f);
}


static long size(const long dims[DIMS])
{
	long N = 1;

	for (int i = 0; i < DIMS; i++)
		N *= dims[i];

	return N;
}


// without BART's help, so that no thread is started before a fork
static void write_cfl(const char* name, const long dims[DIMS], const complex float* data)
{
	char path[64];
	char text[256];
	int len = snprintf(text, sizeof(text), "# Dimensions\n");

	for (int i = 0; i < DIMS; i++)
		len += snprintf(text + len, sizeof(text) - (size_t)len, "%ld ", dims[i]);

	text[len++] = '\n';

	snprintf(path, sizeof(path), "%s.hdr", name);
	scratch_write(path, (size_t)len, text);

	snprintf(path, sizeof(path), "%s.cfl", name);
	scratch_write(path, (size_t)size(dims) * sizeof(complex float), data);

	io_reserve_input(name);
}


enum fill { RANDOM, ONES, ZEROS };

static void write_filled(const char* name, const long dims[DIMS], enum fill fill, unsigned int seed)
{
	long N = size(dims);
	complex float* data = malloc((size_t)N * sizeof(complex float));

	for (long i = 0; i < N; i++)
		data[i] = (RANDOM == fill) ? value(seed, i) : ((ONES == fill) ? 1.f : 0.f);

	write_cfl(name, dims, data);
	free(data);
}


// sizes that are not given are one
static const long* dims_of(const long given[DIMS])
{
	static long dims[DIMS];

	for (int i = 0; i < DIMS; i++)
		dims[i] = (0 == given[i]) ? 1 : given[i];

	return dims;
}

#define DIMS_OF(...) dims_of((const long[DIMS]){ __VA_ARGS__ })
#define RANDOM_CFL(name, ...) write_filled(name, DIMS_OF(__VA_ARGS__), RANDOM, (unsigned char)name[0])
#define ONES_CFL(name, ...) write_filled(name, DIMS_OF(__VA_ARGS__), ONES, 0)
#define ZEROS_CFL(name, ...) write_filled(name, DIMS_OF(__VA_ARGS__), ZEROS, 0)


// two slices, one map, all files as they should be
static void write_good(void)
{
	RANDOM_CFL("k", X, Y, [3] = C, [13] = 2);
	RANDOM_CFL("s", X, Y, [3] = C, [13] = 2);
	RANDOM_CFL("r", X, Y, [13] = 2);
	ONES_CFL("p", X, Y);
}


// writes one complex number into the file
static void poke(const char* name, long index, complex float val)
{
	char path[64];

	snprintf(path, sizeof(path), "%s.cfl", name);

	FILE* fp = fopen(path, "r+b");

	cr_assert(NULL != fp);
	fseek(fp, index * (long)sizeof(val), SEEK_SET);
	fwrite(&val, sizeof(val), 1, fp);
	fclose(fp);
}


static void open_void(const void* files)
{
	gleam_data_close(gleam_data_open(files));
}

#define ASSERT_BAD(...) assert_error(open_void, &all, __VA_ARGS__)


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


Test(data, missing)
{
	write_good();
	remove("k.hdr");
	ASSERT_BAD("k.hdr: No such file", "Expected the k-space", "Check the name");

	write_good();
	remove("s.cfl");
	ASSERT_BAD("s.cfl: No such file", "Expected the sensitivities");

	write_good();

	struct gleam_files_s files = all;

	files.reference = "r.cfl";
	assert_error(open_void, &files, "r.cfl.hdr: No such file", "without its suffix");

	files.reference = "none.ra";
	assert_error(open_void, &files, "none.ra: No such file");
}


Test(data, truncated)
{
	write_good();
	scratch_write("k.cfl", 100, (char[100]){ });
	ASSERT_BAD("k.cfl: found 100 bytes, expected 2304", "[8 6 1 3 1 1 1 1 1 1 1 1 1 2]", "truncated");

	write_good();
	scratch_write("r.hdr", 5, "# Dim");
	ASSERT_BAD("r.hdr: found no list of 16 dimensions");

	scratch_write("r.hdr", 0, "");
	ASSERT_BAD("r.hdr: found no list of 16 dimensions");
}


Test(data, sizes_that_cannot_be)
{
	static const char huge[] = "# Dimensions\n4294967296 4294967296 4294967296\n";
	static const char negative[] = "# Dimensions\n8 -6 1 3\n";

	write_good();
	scratch_write("r.hdr", strlen(huge), huge);
	ASSERT_BAD("r.hdr: found dimensions [4294967296 4294967296 4294967296], which no file can have");

	scratch_write("r.hdr", strlen(negative), negative);
	ASSERT_BAD("r.hdr: found dimensions [8 -6 1 3]", "along dimension 1");
}


Test(data, no_samples)
{
	static const char none[] = "# Dimensions\n8 6 1 3 1 1 1 1 1 1 1 1 1 1 1 0\n";

	write_good();
	scratch_write("k.hdr", strlen(none), none);
	scratch_write("k.cfl", 0, none);
	ASSERT_BAD("k.hdr: found dimensions [8 6 1 3 1 1 1 1 1 1 1 1 1 1 1 0]", "nothing in this k-space", "dimension 15");
}


Test(data, coils_differ)
{
	write_good();
	RANDOM_CFL("s", X, Y, [3] = C + 1, [13] = 2);
	ASSERT_BAD("s: found sensitivities [8 6 1 4 ", "dimension 3 (coils) is 4, expected 3", "k-space 'k'", "bart ecalib");
}


Test(data, sizes_differ)
{
	write_good();
	RANDOM_CFL("s", X + 1, Y, [3] = C, [13] = 2);
	ASSERT_BAD("s: found sensitivities", "dimension 0 (readout) is 9, expected 8");
}


Test(data, samples_differ)
{
	write_good();
	RANDOM_CFL("s", X, Y, [3] = C, [13] = 3);
	ASSERT_BAD("s: found", "dimension 13 (slices) is 3, expected 2 or 1");

	write_good();
	RANDOM_CFL("r", X, Y);
	ASSERT_BAD("r: found reference [8 6]", "dimension 13 (slices) is 1, expected 2", "Give one image for every sample");

	write_good();
	ONES_CFL("p", X, Y, [13] = 5);
	ASSERT_BAD("p: found pattern", "dimension 13 (slices) is 5, expected 2 or 1");
}


Test(data, reference_of_other_size)
{
	write_good();
	RANDOM_CFL("r", X, Y + 2, [13] = 2);
	ASSERT_BAD("r: found reference [8 8 ", "dimension 1 (phase 1) is 8, expected 6");

	RANDOM_CFL("r", Y, X, [13] = 2);
	ASSERT_BAD("'bart transpose 0 1 r <new>'");

	RANDOM_CFL("r", X, Y, [4] = 2, [13] = 2);
	ASSERT_BAD("dimension 4 (maps) is 2, expected 1");
}


Test(data, reference_of_the_other_kind)
{
	write_good();
	RANDOM_CFL("r", X, Y, [3] = C, [13] = 2);
	ASSERT_BAD("r: found reference", "dimension 3 (coils) is 3, expected 1", "add --ref-kspace");

	write_good();

	struct gleam_files_s files = all;

	files.ref_kspace = true;
	assert_error(open_void, &files, "r: found reference k-space", "dimension 3 (coils) is 1, expected 3", "leave --ref-kspace out");
}


Test(data, pattern_of_other_size)
{
	write_good();
	ONES_CFL("p", X, Y + 1);
	ASSERT_BAD("p: found pattern [8 7]: dimension 1 (phase 1) is 7, expected 6 or 1", "bart pattern");

	ONES_CFL("p", X, Y, [3] = C);
	ASSERT_BAD("p: found pattern", "dimension 3 (coils) is 3, expected 1");
}


Test(data, pattern_all_zero)
{
	write_good();
	ZEROS_CFL("p", X, Y);
	ASSERT_BAD("p: found nothing but zeros in the pattern (sample 0)", "bart poisson");

	ONES_CFL("p", X, Y, [13] = 2);

	for (int i = 0; i < X * Y; i++)
		poke("p", X * Y + i, 0.);

	ASSERT_BAD("p: found nothing but zeros in the pattern (sample 1)");
}


Test(data, pattern_that_is_none)
{
	write_good();
	RANDOM_CFL("p", X, Y);
	ASSERT_BAD("p: found", "in the pattern, expected zero, one or positive weights");
}


Test(data, coils_in_dimension_two)
{
	write_good();
	RANDOM_CFL("k", X, Y, C, [13] = 2);
	ASSERT_BAD("'bart transpose 2 3 k <new>'");

	write_good();
	RANDOM_CFL("s", X, Y, C, [13] = 2);
	ASSERT_BAD("'bart transpose 2 3 s <new>'");
}


Test(data, coils_in_dimension_two_of_both)
{
	RANDOM_CFL("k", X, Y, C, [13] = 2);
	RANDOM_CFL("s", X, Y, C, [13] = 2);
	RANDOM_CFL("r", X, Y, C, [13] = 2);
	ONES_CFL("p", X, Y);
	ASSERT_BAD("s: found sensitivities [8 6 3", "'bart transpose 2 3' for k-space and sensitivities", "bart normalize");

	// a single coil and a third dimension that is one
	ONES_CFL("s", X, Y, C, [13] = 2);
	open_void(&all);
}


Test(data, other_wrong_orders)
{
	write_good();
	RANDOM_CFL("s", X, Y, 1, 1, C, [13] = 2);
	ASSERT_BAD("'bart transpose 3 4 s <new>'");

	write_good();
	RANDOM_CFL("k", X, Y, [3] = C, [5] = 2);
	ASSERT_BAD("k: found k-space", "dimension 5 (echoes) is 2, expected 1", "13, 14 and 15");

	RANDOM_CFL("k", X, [3] = C);
	RANDOM_CFL("s", X, [3] = C);
	RANDOM_CFL("r", X);
	ONES_CFL("p", X);
	ASSERT_BAD("k: found k-space [8 1 1 3]", "expected two or three");
}


Test(data, more_maps_than_coils)
{
	write_good();
	RANDOM_CFL("s", X, Y, [3] = C, [4] = C + 1, [13] = 2);
	RANDOM_CFL("r", X, Y, [4] = C + 1, [13] = 2);
	ASSERT_BAD("s: found sensitivities", "more maps (dimension 4) than coils", "bart transpose 3 4");
}


static void expect_other(const void* maps)
{
	struct gleam_data_s* data = gleam_data_open(&all);

	gleam_data_expect(data, "w", *(const int*)maps, 1 + *(const int*)maps);
}


Test(data, weights_for_other_data)
{
	write_good();

	// maps = 2 given 1; maps = 1, but three dimensions is not tried with it
	assert_error(expect_other, &(int){ 2 }, "s: found sensitivities", "with 1 maps", "expected 2 as in the weights 'w'", "ecalib -m");

	struct caught_s c = caught(expect_other, &(int){ 1 });

	cr_expect(0 == c.status, "%s", c.text);

	RANDOM_CFL("s", X, Y, [3] = C, [4] = 2, [13] = 2);
	RANDOM_CFL("r", X, Y, [4] = 2, [13] = 2);
	assert_error(expect_other, &(int){ 2 }, "k: found k-space", "with 2 dimensions", "expected 3 as in the weights 'w'");
}


Test(data, not_finite)
{
	write_good();
	poke("k", ((1 * C + 2) * Y + 4) * X + 3, NAN);
	ASSERT_BAD("k: found nan", "at [3 4 0 2 0 0 0 0 0 0 0 0 0 1]", "sample 1", "expected finite numbers");

	write_good();
	poke("s", 0, 1.if * INFINITY);
	ASSERT_BAD("s: found", "infi at [0 0 0 0", "sample 0");

	write_good();
	poke("r", X * Y * 2 - 1, -INFINITY);
	ASSERT_BAD("r: found -inf", "at [7 5 0 0 0 0 0 0 0 0 0 0 0 1]", "of the reference");

	write_good();
	poke("p", 9, NAN);
	ASSERT_BAD("p: found nan", "at [1 1]");
}


// the largest float is finite; of several bad ones the first is told, behind many chunks
Test(data, not_finite_in_a_large_file)
{
	RANDOM_CFL("k", 512, 300, [3] = 4);
	RANDOM_CFL("s", 512, 300, [3] = 4);
	RANDOM_CFL("r", 512, 300);

	poke("k", 0, 3.40282347e+38f);
	poke("k", 512 * 300 * 3 + 512 * 100 + 7, NAN);
	poke("k", 512 * 300 * 4 - 1, NAN);

	struct gleam_files_s files = all;

	files.pattern = NULL;
	assert_error(open_void, &files, "k: found nan", "at [7 100 0 3]");
}


Test(data, maps_all_zero)
{
	write_good();

	for (int i = 0; i < X * Y * C; i++)
		poke("s", X * Y * C + i, 0.);

	ASSERT_BAD("s: found nothing but zeros in the sensitivities (sample 1)");
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
