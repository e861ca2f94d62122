#include <complex.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "num/flpmath.h"
#include "num/multind.h"

#include "misc/io.h"
#include "misc/misc.h"
#include "misc/mmio.h"
#include "misc/mri.h"

#include "gleam/input.h"

#include "gleam/input_watch.h"

enum { PLACES = 1024, PLACE = 512 };	// bytes of each

static size_t bytes_of(const struct input_s* in)
{
	return (size_t)md_calc_size(DIMS, in->dims) * CFL_SIZE;
}

// FNV-1a (Fowler, Noll, Vo)
uint64_t input_hash(uint64_t h, size_t n, const void* data)
{
	const unsigned char* p = data;

	for (size_t i = 0; i < n; i++)
		h = (h ^ p[i]) * 0x100000001B3ULL;

	return h;
}

uint64_t input_fingerprint(const struct input_s* in)
{
	size_t bytes = bytes_of(in);
	size_t step = bytes / PLACES;

	uint64_t h = input_hash(INPUT_HASH_START, sizeof(in->dims), in->dims);

	if (bytes <= PLACES * PLACE)
		return input_hash(h, bytes, in->data);

	for (size_t i = 0; i < PLACES; i++)
		h = input_hash(h, PLACE, (const char*)in->data + i * step);

	// the end, too
	h = input_hash(h, PLACE, (const char*)in->data + bytes - PLACE);

	input_release(in);

	return h;
}


// --- files that are cut short

static struct {

	const char* name;
	const char* begin;
	size_t bytes;

} watched[16];

static struct sigaction before;

static int count(void)
{
	int n = 0;

	for (int i = 0; i < (int)ARRAY_SIZE(watched); i++)
		n += (NULL != watched[i].begin) ? 1 : 0;

	return n;
}

static bool say(const char* text)
{
	return 0 <= write(STDERR_FILENO, text, strlen(text));
}

// only what is allowed in a handler
static void cut_short(int number, siginfo_t* info, void*)
{
	for (int i = 0; i < (int)ARRAY_SIZE(watched); i++) {

		const char* at = info->si_addr;

		if ((NULL == watched[i].begin) || (at < watched[i].begin) || (at >= watched[i].begin + watched[i].bytes))
			continue;

		say("\nERROR: ");
		say(watched[i].name);
		say(": was cut short, or its disk failed, while it was read. Put it back; after training was interrupted, --resume goes on from what was saved.\n");
		_exit(1);
	}

	signal(number, SIG_DFL);
	raise(number);
}

static bool is_watched(const struct input_s* in)
{
	return in->file && !error_jumper.initialized && !cfl_loop_desc_active();
}

void input_watch_begin(const struct input_s* in)
{
	if (!is_watched(in))
		return;

	struct sigaction action = { .sa_sigaction = cut_short, .sa_flags = SA_SIGINFO };

	if (0 == count())
		sigaction(SIGBUS, &action, &before);

	for (int i = 0; i < (int)ARRAY_SIZE(watched); i++) {

		if (NULL != watched[i].begin)
			continue;

		watched[i].name = in->name;
		watched[i].bytes = bytes_of(in);
		watched[i].begin = (const char*)in->data;
		break;
	}
}

void input_watch_end(const struct input_s* in)
{
	bool found = false;

	for (int i = 0; i < (int)ARRAY_SIZE(watched); i++) {

		if ((NULL == watched[i].begin) || ((const char*)in->data != watched[i].begin))
			continue;

		watched[i].begin = NULL;
		found = true;
	}

	if (found && (0 == count()))
		sigaction(SIGBUS, &before, NULL);
}


// --- files that become others

static struct input_mark_s mark(const char* path)
{
	struct stat st;

	if (0 != stat(path, &st))
		return (struct input_mark_s){ .known = false };

	return (struct input_mark_s){ true, { (long long)st.st_dev, (long long)st.st_ino, st.st_size, st.st_mtim.tv_sec, st.st_mtim.tv_nsec } };
}

// of the data, and of its header if that is a file of its own
void input_marks(const struct input_s* in, struct input_mark_s marks[2])
{
	marks[0] = (struct input_mark_s){ .known = false };
	marks[1] = (struct input_mark_s){ .known = false };

	enum file_types_e type = file_type(in->name);

	if (FILE_TYPE_RA == type)
		marks[0] = mark(in->name);

	if (FILE_TYPE_CFL != type)
		return;

	char* cfl = ptr_printf("%s.cfl", in->name);
	char* hdr = ptr_printf("%s.hdr", in->name);

	marks[0] = mark(cfl);
	marks[1] = mark(hdr);

	xfree(cfl);
	xfree(hdr);
}

static bool is_other(const struct input_mark_s* a, const struct input_mark_s* b)
{
	return (a->id[0] != b->id[0]) || (a->id[1] != b->id[1]) || (a->id[2] != b->id[2]);
}

static bool is_touched(const struct input_mark_s* a, const struct input_mark_s* b)
{
	return (a->id[3] != b->id[3]) || (a->id[4] != b->id[4]);
}

const char* input_changed(struct input_s* in)
{
	struct input_mark_s now[2];
	bool touched = false;

	input_marks(in, now);

	for (int i = 0; i < 2; i++) {

		if (!in->marks[i].known)
			continue;

		if (!now[i].known)
			return "is no longer there";

		if (is_other(&now[i], &in->marks[i]))
			return "is another file now, or of another size";

		touched = touched || is_touched(&now[i], &in->marks[i]);
	}

	if (touched && (in->fingerprint != input_fingerprint(in)))
		return "has other contents now";

	memcpy(in->marks, now, sizeof(now));

	return NULL;
}
