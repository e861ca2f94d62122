#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdnoreturn.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include "misc/misc.h"
#include "misc/types.h"

#include "gleam/atomic.h"
#include "gleam/lock.h"
#include "gleam/newfile.h"
#include "gleam/warn.h"

#include "gleam/log.h"

struct gleam_log_s {

	const char* name;
	int fd;		// or -1
	int earlier;	// the file that it replaces, until it has; or -1
	FILE* resumes;	// ... to be read; or NULL
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
	error("%s: cannot %s the log: %s. Give another --log.\n", name, what, strerror(errno));
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

/* Anything but a file on a disk is written to as it is: a pipe, a terminal; and /dev/stdout, whatever
 * it leads to.
 */
static bool is_special(const char* name)
{
	struct stat st;

	if ((0 == strncmp(name, "/dev/", 5)) && (0 != strncmp(name, "/dev/shm/", 9)))
		return true;

	return (0 == stat(name, &st)) && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode);
}

/* A stream that is open already is written to where it is, since others write to it, too: opened
 * again, a file that it leads to would be written to from its start.
 */
static int open_special(const char* name)
{
	int stream = -1;

	if (0 == strcmp(name, "/dev/stdout"))
		stream = STDOUT_FILENO;
	else if (0 == strcmp(name, "/dev/stderr"))
		stream = STDERR_FILENO;
	else if (1 != sscanf(name, "/dev/fd/%d", &stream))
		return open(name, O_WRONLY|O_CLOEXEC);

	return fcntl(stream, F_DUPFD_CLOEXEC, 0);
}

static bool has_title(FILE* fp, const char* title)
{
	char* line = NULL;
	size_t size = 0;

	bool same = (-1 != getline(&line, &size, fp)) && (0 == strcmp(line, title));

	free(line);

	return same;
}

// an earlier log with these columns, after its title; or NULL
static FILE* open_titled(const char* name, const char* title)
{
	FILE* fp = is_special(name) ? NULL : fopen(name, "r");

	if ((NULL == fp) || has_title(fp, title))
		return fp;

	fclose(fp);

	return NULL;
}

bool gleam_log_has(const char* name, const char* title)
{
	FILE* fp = open_titled(name, title);

	if (NULL != fp)
		fclose(fp);

	return NULL != fp;
}

long gleam_log_last(const char* name, const char* title)
{
	FILE* fp = open_titled(name, title);
	char* line = NULL;
	size_t size = 0;
	long last = 0;

	if (NULL == fp)
		return 0;

	while (-1 != getline(&line, &size, fp))
		last = MAX(last, strtol(line, NULL, 10));

	free(line);
	fclose(fp);

	return last;
}

static bool is_empty(FILE* fp)
{
	struct stat st;

	return (0 == fstat(fileno(fp), &st)) && (0 == st.st_size);
}

// the log of what is resumed, after its title; or none
static void open_earlier(struct gleam_log_s* log, const char* title)
{
	log->resumes = fopen(log->name, "r");

	if ((NULL == log->resumes) && (ENOENT != errno))
		fail(log->name, "read");

	if ((NULL != log->resumes) && is_empty(log->resumes)) {

		fclose(log->resumes);
		log->resumes = NULL;
	}

	if (NULL == log->resumes)
		gleam_warn("%s: found no log of what is resumed; a new one begins\n", log->name);
	else if (!has_title(log->resumes, title))
		error("%s: found no log with the columns of this training, expected the one of what is resumed. Give its name, or another one.\n", log->name);
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
static char* resumed_line(const struct gleam_log_s* log, const struct gleam_log_resume_s* resume)
{
	char* found = find_line(log->resumes, resume->iteration);

	if (NULL == found) {

		gleam_warn("%s: found no line of iteration %ld, after which training goes on: lines are missing, or another run has written it\n",
			log->name, resume->iteration);
		return NULL;
	}

	char* line = resume->line(resume->data, found);

	if (NULL == line)
		error("%s: found the log of another run: its line of iteration %ld is '%.40s...', which has not the loss of the state. Give the name of this run's, or a new one.\n",
			log->name, resume->iteration, found);

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

static void begin_file(struct gleam_log_s* log, const char* title, const struct gleam_log_resume_s* resume)
{
	if (0 < resume->iteration)
		open_earlier(log, title);

	if (NULL != log->resumes)
		log->resumed = resumed_line(log, resume);

	newfile_clean(log->name);

	auto file = atomic_begin(log->name);

	atomic_append(file, strlen(title), title);

	if (NULL != log->resumes)
		keep_lines(file, log->resumes, resume->iteration - 1);

	if (NULL != log->resumed)
		atomic_append(file, strlen(log->resumed), log->resumed);

	atomic_commit(file);
}

void gleam_log_close_unfinished(void)
{
	if (NULL != unfinished)
		gleam_log_free(unfinished);
}

// of another training that still writes to it the lines would be lost
static int hold(const char* name, int flags)
{
	int fd = gleam_lock_open(name, flags);

	if ((-1 == fd) && (EWOULDBLOCK == errno))
		error("%s: another training writes this log. Give another name, or wait until it has ended.\n", name);

	if ((-1 == fd) && ((ENOSPC == errno) || (EDQUOT == errno) || (EIO == errno) || (EROFS == errno)))
		fail(name, "create");

	return fd;
}

/* The earlier file is held until the new one is, so that of two trainings that start together one
 * is refused. What cannot be held (a link, which is replaced, or on some network file systems) is taken.
 */
static void replace(struct gleam_log_s* log, const char* title, const struct gleam_log_resume_s* resume)
{
	atomic_check_replaceable(log->name);

	log->earlier = hold(log->name, O_RDWR|O_CREAT);

	begin_file(log, title, resume);

	log->fd = hold(log->name, O_WRONLY);

	if (-1 == log->fd)
		log->fd = open(log->name, O_WRONLY|O_NOFOLLOW|O_CLOEXEC);
}

static void close_earlier(struct gleam_log_s* log)
{
	if (NULL != log->resumes)
		fclose(log->resumes);

	if (-1 != log->earlier)
		close(log->earlier);

	log->resumes = NULL;
	log->earlier = -1;
}

struct gleam_log_s* gleam_log_create(const char* name, const char* title, struct gleam_log_resume_s resume)
{
	struct gleam_log_s* log = xmalloc(sizeof(*log));

	*log = (struct gleam_log_s){ .name = name, .fd = -1, .earlier = -1, .last = -1 };

	unfinished = log;

	bool special = is_special(name);

	if (special)
		log->fd = open_special(name);
	else
		replace(log, title, &resume);

	if (-1 == log->fd)
		fail(name, "create");

	close_earlier(log);

	off_t end = lseek(log->fd, 0, SEEK_END);

	if (special)
		write_text(log, title);
	else if (NULL != log->resumed)
		log->last = end - (off_t)strlen(log->resumed);

	return log;
}

void gleam_log_free(struct gleam_log_s* log)
{
	unfinished = NULL;

	close_earlier(log);

	if (-1 != log->fd)
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
