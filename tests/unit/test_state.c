// The state of a training run: comes back as it was, and is refused when anything of it is not.
#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <criterion/criterion.h>

#include "misc/misc.h"
#include "misc/types.h"

#include "gleam/atomic.h"
#include "gleam/state.h"

#include "caught.h"
#include "scratch.h"
#include "weights_case.h"

TestSuite(state, .init = scratch_enter, .fini = scratch_leave);

enum { CHECKSUM = 15 };		// bytes of the last line

static struct gleam_state_s some_state(bool best)
{
	return (struct gleam_state_s){

		.net = small_net(4, 2),
		.iteration = 1234567,
		.loss = best ? 0.1 : NAN,	// of an iteration that was skipped
		.validated = true,
		.best = best ? 1. / 3. : HUGE_VAL,
		.best_iteration = best ? 1234000 : 0,
		.misses = 3,
		.metrics = { .nrmse = 0.1, .psnr = INFINITY, .ssim = NAN },
		.has_metrics = best,
		.skipped = 2,
		.conditions = "--lr: 0.001\n--seed: 3\n",
	};
}

static float number(long part, long i)
{
	return (float)(part + 1) * 0.25f - (float)i / 128.f;
}

static void write_state(const char* path, bool best)
{
	auto state = some_state(best);
	long N = state.net.iterations * gleam_net_params(&state.net);
	float* x = xmalloc((size_t)N * sizeof(float));
	auto w = gleam_state_begin(path, &state);

	for (long part = 0; part < (best ? GLEAM_STATE_PARTS : GLEAM_STATE_BEST); part++) {

		for (long i = 0; i < N; i++)
			x[i] = number(part, i);

		// in two pieces
		gleam_state_append(w, N / 3, x);
		gleam_state_append(w, N - N / 3, x + N / 3);
	}

	gleam_state_commit(w);
	xfree(x);
}

static bool same_number(double a, double b)
{
	return 0 == memcmp(&a, &b, sizeof(a)) || (isnan(a) && isnan(b));
}

static void check_values(const struct gleam_state_s* found, const struct gleam_state_s* s)
{
	cr_expect((found->iteration == s->iteration) && (found->validated == s->validated) && same_number(found->loss, s->loss));
	cr_expect(same_number(found->best, s->best) && (found->best_iteration == s->best_iteration) && (found->misses == s->misses));
	cr_expect(same_number(found->metrics.nrmse, s->metrics.nrmse) && same_number(found->metrics.psnr, s->metrics.psnr));
	cr_expect(same_number(found->metrics.ssim, s->metrics.ssim) && (found->has_metrics == s->has_metrics));
	cr_expect(found->skipped == s->skipped);
	cr_expect(0 == strcmp(found->conditions, s->conditions));
	cr_expect((found->net.iterations == s->net.iterations) && (found->net.step_size == s->net.step_size));
}

static void round_trip(bool best)
{
	write_state("s", best);

	auto state = some_state(best);
	auto r = gleam_state_open("s");

	check_values(gleam_state_values(r), &state);

	long N = state.net.iterations * gleam_net_params(&state.net);
	float x[10];

	for (long part = 0; part < (best ? GLEAM_STATE_PARTS : GLEAM_STATE_BEST); part++) {

		gleam_state_read(r, (enum gleam_state_part)part, N - 10, 10, x);

		for (long i = 0; i < 10; i++)
			cr_assert(number(part, N - 10 + i) == x[i]);
	}

	gleam_state_close(r);
	cr_expect(1 == scratch_count());
}

Test(state, round_trip)
{
	round_trip(true);
	round_trip(false);
}

Test(state, none)
{
	cr_expect(NULL == gleam_state_open("none"));
}

static void open_void(const void* name)
{
	auto r = gleam_state_open(name);

	if (NULL != r)
		gleam_state_close(r);
}


Test(state, any_damaged_byte_is_seen)
{
	char* data;

	write_state("s", true);

	size_t size = scratch_read("s", &data);

	for (size_t i = 0; i < size; i += (1500 > i) ? 7 : 1009) {

		data[i] ^= 0x10;
		scratch_write("t", size, data);
		data[i] ^= 0x10;

		assert_error(open_void, "t", "t: ", "without --resume");
	}

	free(data);
}

Test(state, any_missing_end_is_seen)
{
	char* data;

	write_state("s", false);

	size_t size = scratch_read("s", &data);

	for (size_t n = 0; n < size; n += (1500 > n) ? 61 : 4001) {

		scratch_write("t", n, data);
		assert_error(open_void, "t", "t: ", "without --resume");
	}

	scratch_write("t", size - 1, data);
	assert_error(open_void, "t", "t: found ", "bytes, expected", "truncated or damaged");

	free(data);
}

Test(state, no_state_at_all)
{
	scratch_write("t", 0, "");
	assert_error(open_void, "t", "t: found no training state");

	scratch_write("t", 9, "something");
	assert_error(open_void, "t", "t: found no training state");

	cr_assert(0 == mkdir("folder", 0700));
	assert_error(open_void, "folder", "folder: found no plain file");

	cr_assert(0 == mkfifo("fifo", 0600));
	assert_error(open_void, "fifo", "fifo: found no plain file");
}


// the text with one line changed, and the checksum that belongs to it
static void forge(const char* from, const char* to)
{
	char* data;
	static char out[1 << 20];

	write_state("s", false);

	size_t size = scratch_read("s", &data);
	char* at = strstr(data, from);

	cr_assert(NULL != at);

	size_t before = (size_t)(at - data);
	size_t after = size - CHECKSUM - before - strlen(from);

	cr_assert(sizeof(out) > size + strlen(to) + 16);

	memcpy(out, data, before);
	memcpy(out + before, to, strlen(to));
	memcpy(out + before + strlen(to), at + strlen(from), after);

	size_t n = before + strlen(to) + after;

	n += (size_t)sprintf(out + n, "crc32 %08x\n", atomic_crc32(0, n, out));

	scratch_write("t", n, out);
	free(data);
}

#define refused(from, to, ...) do { forge(from, to); assert_error(open_void, "t", "t: ", __VA_ARGS__); } while (0)

Test(state, hostile_text)
{
	forge("iteration 1234567", "iteration 1234568");
	open_void("t");

	refused("format 1", "format 2", "found format 2, expected 1", "another version");
	refused("format 1", "format x", "found format x, expected a number");
	refused("iteration 1234567", "iteration 0", "at least 1");
	refused("iteration 1234567", "iteration 99999999999999999999", "expected a number");
	refused("iteration 1234567", "iteration 1 2", "expected a number");
	refused("misses 3", "misses -1", "at least 0");
	refused("misses 3", "mises 3", "'misses' was expected");
	refused("best inf", "best nan", "cannot be");
	refused("best inf", "best -1", "cannot be");
	refused("best inf", "best 0.5", "bytes, expected");
	refused("best-iteration 0", "best-iteration 9999999", "cannot be");
	refused("iterations 4", "iterations 4000000000000000000", "description of the network");
	refused("iterations 4", "iterations -4", "description of the network");
	refused("features 3", "features 2147483647", "damaged");
	refused("features 3", "features 4", "bytes, expected");
	refused("# Conditions", "# Condition", "no description of the network");
	refused("\nend\n", "\nend", "no training state");
}

Test(state, hostile_numbers)
{
	char* data;

	write_state("s", false);

	size_t size = scratch_read("s", &data);
	float nan = NAN;

	memcpy(data + size - CHECKSUM - 4 * sizeof(float), &nan, sizeof(nan));

	char text[CHECKSUM + 1];

	sprintf(text, "crc32 %08x\n", atomic_crc32(0, size - CHECKSUM, data));
	memcpy(data + size - CHECKSUM, text, CHECKSUM);

	scratch_write("t", size, data);
	assert_error(open_void, "t", "t: found NaN or Inf");

	free(data);
}

Test(state, prepared)
{
	write_state("s", false);

	cr_assert(0 == rename("s", "s.1bc123.new"));
	write_state("s", false);
	cr_expect(2 == scratch_count());

	gleam_state_prepare("s");
	cr_expect(1 == scratch_count());
	open_void("s");
}
