/*
 * Preloaded into a program: what it does to files that it writes (open, fchmod, write, fsync, rename)
 * is counted, and the call of a given number fails, or a signal comes before it. The count is
 * told at the end.
 *
 *	FAULT_AT=<number> FAULT_ERRNO=<errno>
 *	FAULT_AT=<number> FAULT_SIGNAL=<signal>
 *	FAULT_NAMELESS=1	there are no files without a name, as on network file systems
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static long calls = 0;

static bool fails(void)
{
	const char* at = getenv("FAULT_AT");
	const char* how = getenv("FAULT_ERRNO");
	const char* number = getenv("FAULT_SIGNAL");

	calls++;

	if ((NULL == at) || (calls != atol(at)))
		return false;

	if (NULL != number)
		raise(atoi(number));

	if (NULL == how)
		return false;

	errno = atoi(how);

	return true;
}

#define NEXT(name) static __typeof__(&name) next; if (NULL == next) next = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

// what is written to a terminal, a pipe or /dev/shm is no file that could be lost
static bool is_file(int fd)
{
	struct stat st;

	return (0 == fstat(fd, &st)) && (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)) && (O_RDONLY != (fcntl(fd, F_GETFL) & O_ACCMODE) || S_ISDIR(st.st_mode));
}

int open(const char* path, int flags, ...)
{
	NEXT(open);

	va_list ap;
	va_start(ap, flags);
	mode_t mode = (0 != (flags & (O_CREAT | __O_TMPFILE))) ? va_arg(ap, mode_t) : 0;
	va_end(ap);

	if ((O_TMPFILE == (flags & O_TMPFILE)) && (NULL != getenv("FAULT_NAMELESS"))) {

		errno = EOPNOTSUPP;
		return -1;
	}

	bool counts = (O_RDONLY != (flags & O_ACCMODE)) && (0 != strncmp(path, "/dev/", 5)) && (0 != strncmp(path, "/proc/", 6)) && (0 != strncmp(path, "/sys/", 5));

	return (counts && fails()) ? -1 : next(path, flags, mode);
}

ssize_t write(int fd, const void* data, size_t size)
{
	NEXT(write);

	// half of it, as on a disk that is full
	if (is_file(fd) && fails()) {

		int err = errno;

		if (1 < size)
			next(fd, data, size / 2);

		errno = err;

		return -1;
	}

	return next(fd, data, size);
}

int fchmod(int fd, mode_t mode)
{
	NEXT(fchmod);

	return (is_file(fd) && fails()) ? -1 : next(fd, mode);
}

int fsync(int fd)
{
	NEXT(fsync);

	return (is_file(fd) && fails()) ? -1 : next(fd);
}

int fdatasync(int fd)
{
	NEXT(fdatasync);

	return (is_file(fd) && fails()) ? -1 : next(fd);
}

int rename(const char* from, const char* to)
{
	NEXT(rename);

	return fails() ? -1 : next(from, to);
}

static void __attribute__((destructor)) tell(void)
{
	fprintf(stderr, "calls: %ld\n", calls);
}
