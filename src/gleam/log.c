#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdnoreturn.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include "misc/misc.h"
#include "misc/types.h"

#include "gleam/atomic.h"
#include "gleam/newfile.h"
#include "gleam/warn.h"

#include "gleam/log.h"

struct gleam_log_s {

	const char* name;
	int fd;
	off_t last;	// where the last line begins; -1: it cannot be written again
	int failed;	// errno of the first line that could not be written: no more are, or 0
	char* resumed;	// that line, until there is another one; NULL: there is none
};

/* Where BART is a library error() goes back to the program, which has no way to close this.
 * The next training of this thread does.
 */
static _Thread_local struct gleam_log_s* unfinished = NULL;


static noreturn void fail(const char* name, const char* what)
{
	error("%s: cannot %s the log: %s\n", name, what, strerror(errno));
}

static void write_text(struct gleam_log_s* log, const char* text)
{
	if (0 == log->failed)
		log->failed = newfile_write(&(struct newfile_s){ .fd = log->fd }, strlen(text), text);
}

bool gleam_log_failed(const struct gleam_log_s* log)
{
	return (0 != log->failed);
}

void gleam_log_check(const struct gleam_log_s* log, const char* kept)
{
	if (0 != log->failed)
		error("%s: cannot write the log: %s. %s Make space, or give another --log.\n", log->name, strerror(log->failed), kept);
}

// anything but a file on a disk is written to as it is: a pipe, a terminal
static bool is_special(const char* name)
{
	struct stat st;

	return (0 == stat(name, &st)) && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode);
}

static bool has_title(FILE* fp, const char* title)
{
	char* line = NULL;
	size_t size = 0;

	bool same = (-1 != getline(&line, &size, fp)) && (0 == strcmp(line, title));

	free(line);

	return same;
}

bool gleam_log_has(const char* name, const char* title)
{
	FILE* fp = is_special(name) ? NULL : fopen(name, "r");

	if (NULL == fp)
		return false;

	bool same = has_title(fp, title);

	fclose(fp);

	return same;
}

static FILE* open_earlier(const char* name, const char* title)
{
	FILE* fp = fopen(name, "r");

	if (NULL == fp) {

		if (ENOENT != errno)
			fail(name, "read");

		gleam_warn("%s: found no log of what is resumed; a new one begins\n", name);
		return NULL;
	}

	if (!has_title(fp, title))
		error("%s: found no log with the columns of this training, expected the one of what is resumed. Give its name, or another one.\n", name);

	return fp;
}

// up to this iteration, without half a line; what was written after the state was saved comes once more
static ssize_t next_kept(FILE* fp, char** line, size_t* size, long iteration)
{
	ssize_t n = getline(line, size, fp);

	return ((0 < n) && ('\n' == (*line)[n - 1]) && (strtol(*line, NULL, 10) <= iteration)) ? n : -1;
}

// the last line of this iteration, or NULL
static char* find_line(FILE* fp, long iteration)
{
	char* line = NULL;
	char* last = NULL;
	size_t size = 0;

	while (-1 != next_kept(fp, &line, &size, iteration)) {

		if (strtol(line, NULL, 10) != iteration)
			continue;

		xfree(last);
		last = ptr_printf("%s", line);
	}

	free(line);

	return last;
}

// the line of the state's iteration, if there is one
static char* resumed_line(const char* name, FILE* fp, const struct gleam_log_resume_s* resume)
{
	char* found = find_line(fp, resume->iteration);

	if (NULL == found)
		return NULL;

	char* line = resume->line(resume->data, found);

	if (NULL == line)
		error("%s: found the log of another run: its line of iteration %ld is '%.40s...', which has not the loss of the state. Give the name of this run's, or a new one.\n",
			name, resume->iteration, found);

	xfree(found);

	return line;
}

static void keep_lines(struct atomic_s* file, FILE* fp, long iteration)
{
	char* line = NULL;
	size_t size = 0;

	rewind(fp);

	// the title is there already
	if (-1 != getline(&line, &size, fp))
		for (ssize_t n; -1 != (n = next_kept(fp, &line, &size, iteration)); )
			atomic_append(file, (size_t)n, line);

	free(line);
}

static char* begin_file(const char* name, const char* title, const struct gleam_log_resume_s* resume)
{
	FILE* earlier = (0 < resume->iteration) ? open_earlier(name, title) : NULL;
	char* last = (NULL != earlier) ? resumed_line(name, earlier, resume) : NULL;

	newfile_clean(name);

	auto file = atomic_begin(name);

	atomic_append(file, strlen(title), title);

	if (NULL != earlier) {

		keep_lines(file, earlier, resume->iteration - 1);
		fclose(earlier);
	}

	if (NULL != last)
		atomic_append(file, strlen(last), last);

	atomic_commit(file);

	return last;
}

void gleam_log_close_unfinished(void)
{
	if (NULL != unfinished)
		gleam_log_free(unfinished);
}

/* Of another training that still writes to it, the lines would be lost. What cannot be
 * locked (on some network file systems) is taken.
 */
static void hold(int fd, const char* name)
{
	if ((0 != flock(fd, LOCK_EX|LOCK_NB)) && (EWOULDBLOCK == errno))
		error("%s: another training writes this log. Give another name, or wait until it has ended.\n", name);
}

static void check_unheld(const char* name)
{
	int fd = open(name, O_RDONLY|O_NONBLOCK|O_CLOEXEC);

	if (-1 == fd)
		return;

	hold(fd, name);
	close(fd);
}

struct gleam_log_s* gleam_log_create(const char* name, const char* title, struct gleam_log_resume_s resume)
{
	PTR_ALLOC(struct gleam_log_s, log);

	bool special = is_special(name);

	if (!special)
		check_unheld(name);

	char* resumed = special ? NULL : begin_file(name, title, &resume);

	*log = (struct gleam_log_s){ .name = name, .last = -1, .resumed = resumed, .fd = open(name, O_WRONLY|O_CLOEXEC|(special ? 0 : O_NOFOLLOW)) };

	if (-1 == log->fd)
		fail(name, "create");

	unfinished = log;

	if (!special)
		hold(log->fd, name);

	off_t end = lseek(log->fd, 0, SEEK_END);

	if (special)
		write_text(log, title);
	else if (NULL != resumed)
		log->last = end - (off_t)strlen(resumed);

	return PTR_PASS(log);
}

void gleam_log_free(struct gleam_log_s* log)
{
	unfinished = NULL;

	close(log->fd);
	xfree(log->resumed);
	xfree(log);
}

const char* gleam_log_resumed(const struct gleam_log_s* log)
{
	return log->resumed;
}

void gleam_log_line(struct gleam_log_s* log, const char* line)
{
	XFREE(log->resumed);

	log->last = lseek(log->fd, 0, SEEK_CUR);

	write_text(log, line);
}

void gleam_log_again(struct gleam_log_s* log, const char* line)
{
	if (-1 != log->last)
		lseek(log->fd, log->last, SEEK_SET);

	write_text(log, line);
}

void gleam_log_sync(struct gleam_log_s* log)
{
	// of a pipe there is nothing to flush
	if ((0 == log->failed) && (0 != fdatasync(log->fd)) && (EINVAL != errno) && (EROFS != errno))
		fail(log->name, "write");
}
