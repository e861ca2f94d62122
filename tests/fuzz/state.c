/*
 * State of a training run, <weights>.state: text, floats, checksum.
 *
 *	<text> [%%floats <floats>]
 *
 * Read as it is, without the mark; then with as many floats as its network has, if they
 * are few, and the checksum of all this, which no mutation finds. What is read must survive
 * being written.
 */
#define _GNU_SOURCE

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "misc/misc.h"
#include "misc/types.h"

#include "gleam/atomic.h"
#include "gleam/state.h"
#include "gleam/state_format.h"

#include "fuzz.h"

static const long MOST = 1L << 16;	// floats that are made up

static bool same(double a, double b)
{
	return (a == b) || (isnan(a) && isnan(b));
}

static void compare(const struct gleam_state_s* a, const struct gleam_state_s* b)
{
	fuzz_expect(0 == memcmp(&a->net, &b->net, sizeof(a->net)), "the network that was written");
	fuzz_expect((a->iteration == b->iteration) && (a->best_iteration == b->best_iteration), "the iterations that were written");
	fuzz_expect((a->validated == b->validated) && (a->misses == b->misses) && (a->skipped == b->skipped), "the counts that were written");
	fuzz_expect(same(a->loss, b->loss) && same(a->best, b->best), "the numbers that were written");
	fuzz_expect(same(a->metrics.nrmse, b->metrics.nrmse) && same(a->metrics.psnr, b->metrics.psnr), "the metrics that were written");
	fuzz_expect(0 == strcmp(a->conditions, b->conditions), "the conditions that were written");
}

static void write_again(const struct gleam_state_reader_s* r)
{
	const struct gleam_state_s* s = gleam_state_values(r);
	long N = state_part_size(s);
	float* x = xmalloc((size_t)N * sizeof(float));

	auto w = gleam_state_begin("w2.state", s);

	for (int part = 0; part < state_parts(s); part++) {

		gleam_state_read(r, (enum gleam_state_part)part, 0, N, x);

		for (long i = 0; i < N; i++)
			fuzz_expect(isfinite(x[i]), "finite parameters");

		gleam_state_append(w, N, x);
	}

	gleam_state_commit(w);
	xfree(x);
}

static void read_state(void* arg)
{
	bool* read = arg;
	auto r = gleam_state_open("w.state");

	fuzz_expect(NULL != r, "a file that is there");

	*read = true;
	write_again(r);

	auto again = gleam_state_open("w2.state");

	fuzz_expect(NULL != again, "the state that was written");
	compare(gleam_state_values(r), gleam_state_values(again));

	gleam_state_close(again);
	gleam_state_close(r);
}

static bool try_read(void)
{
	bool read = false;
	enum fuzz_end end = fuzz_call(read_state, &read);

	fuzz_expect(!read || (FUZZ_RETURNED == end), "a state that was read to be written");

	return read;
}

// as many as the text asks for; -1: it does not say, or too many
static long find_floats(struct fuzz_text_s text)
{
	struct gleam_state_s s = { .best = HUGE_VAL };
	struct fuzz_text_s network;

	if (!fuzz_take(&text, "# Network\n", &network) || !fuzz_take(&text, "\n# Conditions\n", &network))
		return -1;

	char* copy = strndup(network.data, network.size);
	const char* msg = gleam_net_parse(&s.net, copy);

	free(copy);

	return ((NULL == msg) && (MOST >= state_part_size(&s))) ? state_part_size(&s) : -1;
}

static void write_whole(struct fuzz_text_s text, struct fuzz_text_s floats, long N)
{
	size_t bytes = (size_t)N * sizeof(float);
	char* file = calloc(1, text.size + bytes + STATE_CHECKSUM_SIZE + 1);

	memcpy(file, text.data, text.size);

	for (size_t i = 0; (0 < floats.size) && (i < bytes); i++)
		file[text.size + i] = floats.data[i % floats.size];

	bytes += text.size;
	snprintf(file + bytes, STATE_CHECKSUM_SIZE + 1, STATE_CHECKSUM, atomic_crc32(0, bytes, file));

	fuzz_write("w.state", (struct fuzz_text_s){ file, bytes + STATE_CHECKSUM_SIZE });
	free(file);
}

int LLVMFuzzerInitialize(int* /*argc*/, char*** /*argv*/)
{
	fuzz_enter();

	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size)
{
	struct fuzz_text_s floats = { (const char*)data, size };
	struct fuzz_text_s text;

	fuzz_take(&floats, "%%floats\n", &text);
	fuzz_clean();

	char* all = malloc(text.size + floats.size + 1);

	memcpy(all, text.data, text.size);
	memcpy(all + text.size, floats.data, floats.size);
	fuzz_write("w.state", (struct fuzz_text_s){ all, text.size + floats.size });
	free(all);

	if (try_read())
		return 0;

	long N = find_floats(text);

	// with the best weights, and without
	for (int parts = GLEAM_STATE_BEST; (0 < N) && (parts <= GLEAM_STATE_PARTS); parts++) {

		write_whole(text, floats, parts * N);
		try_read();
	}

	return 0;
}
