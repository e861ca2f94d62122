#define _GNU_SOURCE

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "num/fft_plan.h"

#include "misc/io.h"
#include "misc/misc.h"
#include "misc/opts.h"
#include "misc/stream.h"

#include "gleam/lock.h"
#include "gleam/log.h"
#include "gleam/output.h"
#include "gleam/state.h"

#include "held.h"
#include "fuzz.h"

enum { NAMES = 64, FILES = 32 };

static char kept[NAMES][64];
static int kept_names = 0;

void fuzz_expect(bool ok, const char* what)
{
	if (ok)
		return;

	dprintf(STDERR_FILENO, "fuzz: expected %s\n", what);
	abort();
}

/* What bart.c does at the end of a command: its lists must not name memory that
 * is given back.
 */
static void forget(void)
{
	XFREE(command_line);
	XFREE(stdin_command_line);

	io_memory_cleanup();
	opt_free_strdup();
	stream_unmap_all();

	// what the next training would close
	gleam_log_close_unfinished();
	gleam_state_close_unfinished();
	gleam_lock_release();
	output_close_unfinished();
	fft_cache_free();
}

// all that the product opens has this number or a higher one
static int lowest_fd(void)
{
	int fd = dup(STDIN_FILENO);

	close(fd);

	return fd;
}

// those of code that returned are a leak, too
static void close_files(int first, bool returned)
{
	fuzz_expect(!returned || (first == lowest_fd()), "no open file");

	for (int fd = first; !returned && (fd < first + FILES); fd++)
		close(fd);
}

enum fuzz_end fuzz_call(void (*fun)(void* arg), void* arg)
{
	volatile bool returned = false;

	int first = lowest_fd();

	held_begin();

	error_jumper.initialized = true;

	if (0 == setjmp(error_jumper.buf)) {

		fun(arg);
		returned = true;
	}

	// streams are not read here: they cannot be given up in the middle
	if (0 == setjmp(error_jumper.buf))
		forget();
	else
		fuzz_expect(false, "streams that can be closed");

	error_jumper.initialized = false;

	bool exited = held_end(returned);

	close_files(first, returned);

	return returned ? FUZZ_RETURNED : (exited ? FUZZ_EXIT : FUZZ_ERROR);
}

void fuzz_enter(void)
{
	static bool entered = false;

	if (entered)
		return;

	const char* tmp = getenv("FUZZ_TMP");
	char path[256];

	snprintf(path, sizeof(path), "%s/gleam-fuzz-XXXXXX", (NULL != tmp) ? tmp : "/tmp");

	fuzz_expect((NULL != mkdtemp(path)) && (0 == chdir(path)), "a folder to write to");

	// a name of '-' reads nothing
	fuzz_expect(NULL != freopen("/dev/null", "r", stdin), "/dev/null");

	entered = true;
}

void fuzz_write(const char* name, struct fuzz_text_s text)
{
	int fd = open(name, O_WRONLY|O_CREAT|O_TRUNC, 0600);

	fuzz_expect((-1 != fd) && ((ssize_t)text.size == write(fd, text.data, text.size)), "room for a file");
	close(fd);
}

void fuzz_remove(const char* name)
{
	unlink(name);
}

static bool is_kept(const char* name)
{
	for (int i = 0; i < kept_names; i++)
		if (0 == strcmp(kept[i], name))
			return true;

	return false;
}

static void for_files(void (*fun)(const char* name))
{
	DIR* dir = opendir(".");
	struct dirent* entry;

	while ((NULL != dir) && (NULL != (entry = readdir(dir))))
		if ((0 != strcmp(".", entry->d_name)) && (0 != strcmp("..", entry->d_name)))
			fun(entry->d_name);

	if (NULL != dir)
		closedir(dir);
}

static void keep(const char* name)
{
	fuzz_expect(NAMES > kept_names, "fewer files to keep");
	snprintf(kept[kept_names++], sizeof(kept[0]), "%s", name);
}

static void clean(const char* name)
{
	if (!is_kept(name))
		unlink(name);
}

void fuzz_keep(void)
{
	kept_names = 0;
	for_files(keep);
}

void fuzz_clean(void)
{
	for_files(clean);
}

bool fuzz_take(struct fuzz_text_s* from, const char* mark, struct fuzz_text_s* part)
{
	size_t length = strlen(mark);
	const char* found = (0 < from->size) ? memmem(from->data, from->size, mark, length) : NULL;
	size_t size = (NULL != found) ? (size_t)(found - from->data) : from->size;
	size_t taken = size + ((NULL != found) ? length : 0);

	*part = (struct fuzz_text_s){ from->data, size };
	*from = (struct fuzz_text_s){ from->data + taken, from->size - taken };

	return NULL != found;
}
