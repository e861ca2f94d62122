#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "misc/misc.h"

#include "gleam/warn.h"
#include "gleam/weights.h"

#include "gleam/lock.h"

struct gleam_lock_s {

	int fd;
	char* path;
};

/* error() ends the process, or goes back to a program that has BART as a library, whose next
 * training may well be of the same weights.
 */
static struct gleam_lock_s* held = NULL;

void gleam_lock_close_unfinished(void)
{
	if (NULL != held)
		gleam_lock_free(held);
}

// the file may have been removed by who held it, between opening it here and holding it
static bool is_there(int fd, const char* path)
{
	struct stat open;
	struct stat now;

	return    (0 == fstat(fd, &open)) && (0 == lstat(path, &now))
	       && (open.st_dev == now.st_dev) && (open.st_ino == now.st_ino);
}

// held, or -1; errno is EWOULDBLOCK where somebody else does
static int take(const char* path)
{
	for (int i = 0; i < 100; i++) {

		int fd = open(path, O_RDWR|O_CREAT|O_NOFOLLOW|O_NONBLOCK|O_CLOEXEC, S_IRUSR|S_IWUSR|S_IRGRP|S_IWGRP|S_IROTH|S_IWOTH);

		if (-1 == fd)
			return -1;

		int err = (0 == flock(fd, LOCK_EX|LOCK_NB)) ? 0 : errno;

		if ((0 == err) && is_there(fd, path))
			return fd;

		close(fd);
		errno = err;

		if (0 != err)
			return -1;
	}

	return -1;
}

struct gleam_lock_s* gleam_lock_create(const char* weights)
{
	static bool registered = false;

	gleam_lock_close_unfinished();

	char* base = gleam_weights_base(weights);
	char* path = ptr_printf("%s.lock", base);
	int fd = take(path);

	xfree(base);

	if (-1 == fd) {

		if (EWOULDBLOCK == errno)
			error("%s: another process holds it: it trains these weights. Give another name, or wait until it has ended.\n", path);

		if ((ENOSPC == errno) || (EDQUOT == errno) || (EIO == errno))
			error("%s: cannot be written: %s. Make space, or give a name on another disk.\n", path, strerror(errno));

		if (ENOLCK == errno)
			gleam_warn("%s: %s: a second training of these weights will not be refused\n", path, strerror(errno));

		xfree(path);
		return NULL;
	}

	PTR_ALLOC(struct gleam_lock_s, lock);

	*lock = (struct gleam_lock_s){ .fd = fd, .path = path };
	held = lock;

	if (!registered)
		atexit(gleam_lock_close_unfinished);

	registered = true;

	return PTR_PASS(lock);
}

void gleam_lock_free(struct gleam_lock_s* lock)
{
	struct stat st;

	held = NULL;

	// one that somebody else has put something into is not ours to remove
	if ((0 == fstat(lock->fd, &st)) && (0 == st.st_size) && is_there(lock->fd, lock->path))
		unlink(lock->path);

	close(lock->fd);
	xfree(lock->path);
	xfree(lock);
}
