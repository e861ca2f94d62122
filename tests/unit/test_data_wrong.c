// Wrong data: each is told before any work starts, with what would mend it.
#include <complex.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

#include "num/multind.h"

#include "misc/io.h"
#include "misc/mri.h"

#include "gleam/data.h"

#include "data_files.h"

TestSuite(data_wrong, .init = scratch_enter, .fini = scratch_leave);


Test(data_wrong, missing)
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


Test(data_wrong, truncated)
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


Test(data_wrong, sizes_that_cannot_be)
{
	static const char huge[] = "# Dimensions\n4294967296 4294967296 4294967296\n";
	static const char negative[] = "# Dimensions\n8 -6 1 3\n";

	write_good();
	scratch_write("r.hdr", strlen(huge), huge);
	ASSERT_BAD("r.hdr: found dimensions [4294967296 4294967296 4294967296], which no file can have");

	scratch_write("r.hdr", strlen(negative), negative);
	ASSERT_BAD("r.hdr: found dimensions [8 -6 1 3]", "along dimension 1");
}


Test(data_wrong, no_samples)
{
	static const char none[] = "# Dimensions\n8 6 1 3 1 1 1 1 1 1 1 1 1 1 1 0\n";

	write_good();
	scratch_write("k.hdr", strlen(none), none);
	scratch_write("k.cfl", 0, none);
	ASSERT_BAD("k.hdr: found dimensions [8 6 1 3 1 1 1 1 1 1 1 1 1 1 1 0]", "nothing in this k-space", "dimension 15");
}


Test(data_wrong, coils_differ)
{
	write_good();
	RANDOM_CFL("s", X, Y, [3] = C + 1, [13] = 2);
	ASSERT_BAD("s: found sensitivities [8 6 1 4 ", "dimension 3 (coils) is 4, expected 3", "k-space 'k'", "bart ecalib");
}


Test(data_wrong, sizes_differ)
{
	write_good();
	RANDOM_CFL("s", X + 1, Y, [3] = C, [13] = 2);
	ASSERT_BAD("s: found sensitivities", "dimension 0 (readout) is 9, expected 8");
}


Test(data_wrong, samples_differ)
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


Test(data_wrong, reference_of_other_size)
{
	write_good();
	RANDOM_CFL("r", X, Y + 2, [13] = 2);
	ASSERT_BAD("r: found reference [8 8 ", "dimension 1 (phase 1) is 8, expected 6");

	RANDOM_CFL("r", Y, X, [13] = 2);
	ASSERT_BAD("'bart transpose 0 1 r <new>'");

	RANDOM_CFL("r", X, Y, [4] = 2, [13] = 2);
	ASSERT_BAD("dimension 4 (maps) is 2, expected 1");

	RANDOM_CFL("s", X, Y, [3] = C, [4] = 3, [13] = 2);
	ASSERT_BAD("dimension 4 (maps) is 2, expected 3 or 1", "for every map of the sensitivities or combined of all");
}


Test(data_wrong, reference_of_the_other_kind)
{
	write_good();
	RANDOM_CFL("r", X, Y, [3] = C, [13] = 2);
	ASSERT_BAD("r: found reference", "dimension 3 (coils) is 3, expected 1", "add --ref-kspace");

	write_good();

	struct gleam_files_s files = all;

	files.ref_kspace = true;
	assert_error(open_void, &files, "r: found reference k-space", "dimension 3 (coils) is 1, expected 3", "leave --ref-kspace out");
}


Test(data_wrong, pattern_of_other_size)
{
	write_good();
	ONES_CFL("p", X, Y + 1);
	ASSERT_BAD("p: found pattern [8 7]: dimension 1 (phase 1) is 7, expected 6 or 1", "bart pattern");

	ONES_CFL("p", X, Y, [3] = C);
	ASSERT_BAD("p: found pattern", "dimension 3 (coils) is 3, expected 1");
}


Test(data_wrong, pattern_all_zero)
{
	write_good();
	ZEROS_CFL("p", X, Y);
	ASSERT_BAD("p: found nothing but zeros in the pattern (sample 0)", "bart poisson");

	ONES_CFL("p", X, Y, [13] = 2);

	for (int i = 0; i < X * Y; i++)
		poke("p", X * Y + i, 0.);

	ASSERT_BAD("p: found nothing but zeros in the pattern (sample 1)");
}


Test(data_wrong, pattern_that_is_none)
{
	write_good();
	RANDOM_CFL("p", X, Y);
	ASSERT_BAD("p: found", "in the pattern, expected zero, one or positive weights");
}


Test(data_wrong, coils_in_dimension_two)
{
	write_good();
	RANDOM_CFL("k", X, Y, C, [13] = 2);
	ASSERT_BAD("'bart transpose 2 3 k <new>'");

	write_good();
	RANDOM_CFL("s", X, Y, C, [13] = 2);
	ASSERT_BAD("'bart transpose 2 3 s <new>'");
}


Test(data_wrong, coils_in_dimension_two_of_both)
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


Test(data_wrong, other_wrong_orders)
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


// volumes over time: one dimension too many
Test(data_wrong, four_dimensions)
{
	RANDOM_CFL("k", X, Y, 4, [3] = C, [10] = 3);
	RANDOM_CFL("s", X, Y, 4, [3] = C);
	RANDOM_CFL("r", X, Y, 4, [10] = 3);
	ONES_CFL("p", 1, Y, 4, [10] = 3);
	ASSERT_BAD("k: found k-space [8 6 4 3 1 1 1 1 1 1 3]", "4 of the dimensions 0, 1, 2 and 10", "expected two or three",
			"'bart transpose 2 13'", "'bart fft -u -i 1'");
}


Test(data_wrong, more_maps_than_coils)
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


Test(data_wrong, weights_for_other_data)
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


Test(data_wrong, not_finite)
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
Test(data_wrong, not_finite_in_a_large_file)
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


Test(data_wrong, maps_all_zero)
{
	write_good();

	for (int i = 0; i < X * Y * C; i++)
		poke("s", X * Y * C + i, 0.);

	ASSERT_BAD("s: found nothing but zeros in the sensitivities (sample 1)");
}
