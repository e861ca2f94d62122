
#include <complex.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "misc/io.h"
#include "misc/misc.h"
#include "misc/mmio.h"

#include "gleam/atomic.h"
#include "gleam/weights.h"

#include "weights_case.h"

TestSuite(weights, .init = scratch_enter, .fini = scratch_leave);


Test(weights, crc_of_the_standard)
{
	// the check value of CRC-32/ISO-HDLC
	cr_expect(0xCBF43926u == atomic_crc32(0, 9, "123456789"));
	cr_expect(0xCBF43926u == atomic_crc32(atomic_crc32(0, 4, "1234"), 5, "56789"));
	cr_expect(0 == atomic_crc32(0, 0, NULL));
}


Test(weights, new_weights_hold_the_step_size)
{
	struct gleam_net_s net = small_net(3, 3);
	struct gleam_weights_s* weights = gleam_weights_create(&net);

	cr_expect(gleam_net_params(&net) == weights->P);
	cr_expect((0.f == weights->params[0]) && (0.f == weights->params[3 * weights->P - 2]));

	for (long n = 0; n < 3; n++)
		cr_expect(1.f / 3.f == weights->params[n * weights->P + weights->P - 1]);

	cr_expect(0. > weights->valid_nrmse);

	gleam_weights_free(weights);
}


static void round_trip(long iterations, long modules)
{
	struct gleam_weights_s* a = random_weights(iterations, modules, 1);

	gleam_weights_write("w", a);

	struct gleam_weights_s* b = gleam_weights_read("w");

	cr_expect(same(a, b), "N = %ld, M = %ld", iterations, modules);
	cr_expect(2 == scratch_count());

	gleam_weights_free(a);
	gleam_weights_free(b);
}


Test(weights, round_trip_is_exact)
{
	round_trip(1, 1);
	round_trip(8, 8);
	round_trip(8, 1);
	round_trip(24, 3);
	round_trip(48, 48);
	round_trip(96, 48);
	round_trip(200, 200);
}


Test(weights, suffix_is_taken_kindly)
{
	write_random("w.hdr", 1);

	cr_expect(scratch_exists("w.hdr") && scratch_exists("w.cfl") && (2 == scratch_count()));

	read_void("w");
	read_void("w.hdr");
	read_void("w.cfl");
}


// what `bart multicfl -s` does; one array per module, padded with zero
static void multicfl(long modules)
{
	struct gleam_weights_s* weights = random_weights(2 * modules, modules, 5);

	weights->net.prox.features = 3;
	gleam_weights_write("w", weights);

	int D[256];
	long dims[256][16];
	complex float* args[256];

	io_reserve_input("w");

	int N = load_multi_cfl("w", (int)modules, 16, D, dims, args);

	cr_assert(modules == N);

	long floats = 2 * weights->P;
	const long* dimsp[256];

	for (int m = 0; m < N; m++) {

		cr_assert((1 == D[m]) && (floats / 2 == dims[m][0]));
		cr_expect(0 == memcmp(args[m], weights->params + m * floats, (size_t)floats * sizeof(float)));
		dimsp[m] = dims[m];
	}

	unmap_multi_cfl(N, D, dimsp, args);
	gleam_weights_free(weights);
}

Test(weights, bart_reads_8_modules) { multicfl(8); }
Test(weights, bart_reads_48_modules) { multicfl(48); }
Test(weights, bart_reads_200_modules) { multicfl(200); }


Test(weights, odd_number_is_padded_with_zero)
{
	struct gleam_weights_s* weights = random_weights(2, 2, 5);

	// an odd number of parameters in one iteration
	cr_assert(1 == weights->P % 2, "%ld", weights->P);

	gleam_weights_write("w", weights);

	char* data;
	size_t size = scratch_read("w.cfl", &data);

	cr_assert((size_t)(2 * (weights->P + 1)) * sizeof(float) == size);
	cr_expect(0.f == ((float*)data)[weights->P]);
	cr_expect(weights->params[weights->P] == ((float*)data)[weights->P + 1]);

	free(data);
	gleam_weights_free(weights);
}


Test(weights, a_long_command_does_not_spoil_the_header)
{
	char* line = malloc(8000);

	memset(line, 'k', 7999);
	line[7999] = '\0';
	command_line = line;

	round_trip(48, 48);

	line[300] = '\0';
	line[100] = '\n';
	line[101] = '#';
	round_trip(48, 48);

	char* text;

	cr_expect(IO_MAX_HDR_SIZE >= scratch_read("w.hdr", &text));
	cr_expect(NULL != strstr(text, "# Command\nkkk"));

	free(text);
	command_line = NULL;
	free(line);
}


static void too_many_modules(const void*)
{
	struct gleam_weights_s* weights = random_weights(1024, 1024, 1);

	gleam_weights_write("w", weights);
}


Test(weights, header_that_bart_could_not_read)
{
	assert_error(too_many_modules, NULL, "w.hdr", "1024 modules", "--modules");
	cr_expect(0 == scratch_count());
}


Test(weights, comments_are_allowed)
{
	write_random("w", 1);

	char* text;
	char longer[8192];

	scratch_read("w.hdr", &text);

	char* p = strstr(text, "format 1\n");
	int len = snprintf(longer, sizeof(longer), "%.*s; a remark\n\n%s", (int)(p - text), text, p);

	scratch_write("w.hdr", (size_t)len, longer);
	free(text);

	read_void("w");
}


Test(weights, missing)
{
	assert_error(read_void, "nothere", "nothere.hdr: No such file", "bart gleam", "Check the name");

	write_random("w", 1);
	remove("w.cfl");
	assert_error(read_void, "w", "w.cfl: No such file", "pair");
}


Test(weights, names_that_cannot_be)
{
	assert_error(read_void, "-", "-: weights are a pair");
	assert_error(read_void, "w.ra", "w.ra: weights are a pair");
	assert_error(write_void, "w.ra", "w.ra: weights are a pair");
	cr_expect(0 == scratch_count());
}


Test(weights, truncated)
{
	write_random("w", 1);

	char* data;
	size_t size = scratch_read("w.cfl", &data);

	scratch_write("w.cfl", size - 4, data);
	assert_error(read_void, "w", "w.cfl: found", "truncated");

	scratch_write("w.cfl", 0, data);
	assert_error(read_void, "w", "w.cfl: found 0 bytes");

	free(data);
}


// at any length that cuts something needed
Test(weights, truncated_header)
{
	write_random("w", 1);

	char* text;

	scratch_read("w.hdr", &text);

	size_t needed = (size_t)(strstr(text, "\n# Creator") - text);

	for (size_t len = 0; len < needed; len++) {

		scratch_write("w.hdr", len, text);

		struct caught_s c = caught(read_void, "w");

		cr_expect((1 == c.status) && (NULL != strstr(c.text, "w.hdr")), "%zu: %d %s", len, c.status, c.text);
	}

	scratch_write("w.hdr", needed, text);
	read_void("w");

	free(text);
}


Test(weights, of_another_kind)
{
	static const char plain[] = "# Dimensions\n4 1 1 \n# Creator\nBART v1.0.00\n";

	scratch_write("w.hdr", strlen(plain), plain);
	scratch_write("w.cfl", 32, (float[8]){ });

	assert_error(read_void, "w", "w.hdr: found no '# Gleam' section", "Train with 'bart gleam'");
}


Test(weights, of_another_version)
{
	write_random("w", 1);

	patch("w.hdr", "format 1", "format 2");
	assert_error(read_void, "w", "w.hdr: found format 2, expected 1", "newer version");

	patch("w.hdr", "format 2", "format 0");
	assert_error(read_void, "w", "w.hdr: found format 0, expected 1", "Train again");

	patch("w.hdr", "format 0", "formaa 1");
	assert_error(read_void, "w", "w.hdr: found format -1");

	patch("w.hdr", "formaa 1", "format 1");
	patch("w.hdr", "network pgd", "network abc");
	assert_error(read_void, "w", "w.hdr", "network: found 'abc'");
}


Test(weights, sizes_are_not_trusted)
{
	write_random("w", 1);

	patch("w.hdr", "features 3", "features 4");
	assert_error(read_void, "w", "w.hdr: its dimensions are not those");

	patch("w.hdr", "features 4", "features 3");
	patch("w.hdr", "# SizesDimensions\n1 1", "# SizesDimensions\n2 1");
	assert_error(read_void, "w", "w.hdr: its dimensions are not those");
}


// a network far larger than any memory: refused by the file's size, not tried
Test(weights, a_giant_is_not_allocated)
{
	struct gleam_net_s net = gleam_net_defaults;

	net.iterations = 1024;
	net.modules = 1;
	net.prox.features = 4096;
	net.prox.blocks = 64;
	net.prox.spatial = 3;
	gleam_net_complete(&net);

	long total = (1024 * gleam_net_params(&net) + 1) / 2;

	cr_assert(0 < total);

	FILE* fp = fopen("w.hdr", "w");

	fprintf(fp, "# Dimensions\n%ld \n# SizesDimensions\n1 \n# MultiDimensions\n%ld \n# Gleam\nformat 1\n", total, total);
	fprintf(fp, "iteration 1\nvalid-nrmse -1\ncrc32 00000000\n");
	gleam_net_print(&net, fp);
	fclose(fp);

	scratch_write("w.cfl", 32, (float[8]){ });

	assert_error(read_void, "w", "w.cfl: found 32 bytes");
}


Test(weights, damaged_data)
{
	write_random("w", 1);

	char* data;
	size_t size = scratch_read("w.cfl", &data);

	data[size / 2] = (char)(data[size / 2] ^ 1);
	scratch_write("w.cfl", size, data);
	free(data);

	assert_error(read_void, "w", "w.cfl: found checksum", "expected", "Copy both files again");
}


Test(weights, not_finite)
{
	struct gleam_weights_s* weights = random_weights(2, 2, 1);

	weights->params[3] = NAN;
	gleam_weights_write("w", weights);
	gleam_weights_free(weights);

	assert_error(read_void, "w", "w.cfl: found NaN or Inf at parameter 3", "diverged");
}
