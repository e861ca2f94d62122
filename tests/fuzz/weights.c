/*
 * Weights: <name>.hdr, <name>.cfl, and a header that a stopped writer left.
 *
 *	<header> [%%pending <header>] [%%data <numbers>]
 *
 * Each input is read twice, the second time with the checksum of its data, which
 * no mutation finds. What is read must survive being written.
 */
#define _GNU_SOURCE

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "misc/misc.h"
#include "misc/types.h"

#include "gleam/atomic.h"
#include "gleam/weights.h"

#include "fuzz.h"

// of more modules than this, the header that is written may be too large
enum { HEADER = 8192, MODULES = 64 };

static void check(const struct gleam_weights_s* w)
{
	fuzz_expect(gleam_net_params(&w->net) == w->P, "as many parameters as the network has");

	for (long i = 0; i < w->net.iterations * w->P; i++)
		fuzz_expect(isfinite(w->params[i]), "finite parameters");
}

static void write_again(const struct gleam_weights_s* w)
{
	gleam_weights_write("w2", w);

	auto again = gleam_weights_read("w2");
	bool nrmse = (again->valid_nrmse == w->valid_nrmse) || !(0. <= w->valid_nrmse);

	fuzz_expect((again->P == w->P) && (again->iteration == w->iteration) && nrmse, "what was written");
	fuzz_expect(0 == memcmp(&again->net, &w->net, sizeof(w->net)), "the network that was written");
	fuzz_expect(0 == memcmp(again->params, w->params, (size_t)(w->net.iterations * w->P) * sizeof(float)), "the parameters that were written");

	gleam_weights_free(again);
}

static void read_weights(void* arg)
{
	bool* read = arg;
	auto w = gleam_weights_read("w.hdr");

	*read = true;

	check(w);

	if (MODULES >= w->net.modules)
		write_again(w);

	gleam_weights_free(w);
}

// the digits behind the last "crc32 "
static void write_checked(struct fuzz_text_s header, struct fuzz_text_s data)
{
	static const char key[] = "\ncrc32 ";
	char text[HEADER];
	char digits[16];

	if (sizeof(text) < header.size)
		return;

	memcpy(text, header.data, header.size);
	snprintf(digits, sizeof(digits), "%08x", atomic_crc32(0, data.size, data.data));

	char* found = memmem(text, header.size, key, strlen(key));

	if ((NULL != found) && (found + strlen(key) + 8 <= text + header.size))
		memcpy(found + strlen(key), digits, 8);

	fuzz_write("w.hdr", (struct fuzz_text_s){ text, header.size });
}

static bool try_read(void)
{
	bool read = false;
	enum fuzz_end end = fuzz_call(read_weights, &read);

	// a proper file ends in its use; what is read can be written
	fuzz_expect(!read || (FUZZ_RETURNED == end), "weights that were read to be written");

	return read;
}

int LLVMFuzzerInitialize(int* /*argc*/, char*** /*argv*/)
{
	fuzz_enter();

	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size)
{
	struct fuzz_text_s all = { (const char*)data, size };
	struct fuzz_text_s header;
	struct fuzz_text_s pending;
	struct fuzz_text_s front;

	bool with_data = fuzz_take(&all, "%%data\n", &front);
	bool with_pending = fuzz_take(&front, "%%pending\n", &header);

	pending = front;

	fuzz_clean();
	fuzz_write("w.hdr", header);

	if (with_pending)
		fuzz_write("w.hdr.0bcde0.new", pending);

	if (with_data)
		fuzz_write("w.cfl", all);

	if (try_read() || !with_data)
		return 0;

	write_checked(header, all);
	try_read();

	return 0;
}
