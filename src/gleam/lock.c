#include <assert.h>
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

/* Of this thread's training. error() ends the process, or goes back to a program that has BART as
 * a library, whose next training may well be of the same weights.
 */
static _Thread_local struct held_s {

	int fd;
	char* path;	// NULL: none is held

} held[2];		// weights, and the last ones beside the best

// the file may have been removed by who held it, between opening it here and holding it
static bool is_there(int fd, const char* path)
{
	struct stat open;
	struct stat now;

	return    (0 == fstat(fd, &open)) && (0 == lstat(path, &now))
	       && (open.st_dev == now.st_dev) && (open.st_ino == now.st_ino);
}

int gleam_lock_open(const char* path, int flags)
{
	for (int i = 0; i < 100; i++) {

		int fd = open(path, flags|O_NOFOLLOW|O_NONBLOCK|O_CLOEXEC, S_IRUSR|S_IWUSR|S_IRGRP|S_IWGRP|S_IROTH|S_IWOTH);

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

// one that another user has left is held by reading it
static int take(const char* path)
{
	int fd = gleam_lock_open(path, O_RDWR|O_CREAT);

	if ((-1 == fd) && (EACCES == errno) && (0 == access(path, R_OK)))
		fd = gleam_lock_open(path, O_RDONLY);

	return fd;
}

// what keeps from writing is told by those who write, but where it comes and goes, or is about this file alone
static void refuse(const char* path, int err)
{
	if (EWOULDBLOCK == err)
		error("%s: another process holds it: it trains these weights. Give another name, or wait until it has ended.\n", path);

	if ((ELOOP == err) || (EISDIR == err) || ((EACCES == err) && (0 == access(path, F_OK))))
		error("%s: cannot be held: %s. Expected no file here, or an empty one that a killed training has left. Remove it.\n", path, strerror(err));

	if ((ENOSPC == err) || (EDQUOT == err) || (EIO == err))
		error("%s: cannot be written: %s. Make space, or give a name on another disk.\n", path, strerror(err));

	if (ENOLCK == err)
		gleam_warn("%s: %s: a second training of these weights will not be refused\n", path, strerror(err));
}

char* gleam_lock_name(const char* weights)
{
	return gleam_weights_beside(weights, ".lock");
}

void gleam_lock_take(const char* weights)
{
	static _Thread_local bool registered = false;

	struct held_s* slot = (NULL == held[0].path) ? &held[0] : &held[1];
	char* path = gleam_lock_name(weights);
	int fd = take(path);

	if (-1 == fd) {

		refuse(path, errno);
		xfree(path);
		return;
	}

	assert(NULL == slot->path);

	slot->fd = fd;
	slot->path = path;

	if (!registered)
		atexit(gleam_lock_release);

	registered = true;
}

static void release(struct held_s* h)
{
	struct stat st;

	if (NULL == h->path)
		return;

	// one that somebody else has put something into is not ours to remove
	if ((0 == fstat(h->fd, &st)) && (0 == st.st_size) && is_there(h->fd, h->path))
		unlink(h->path);

	close(h->fd);
	XFREE(h->path);
}

void gleam_lock_release(void)
{
	for (int i = 0; i < (int)ARRAY_SIZE(held); i++)
		release(&held[i]);
}
