
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdint.h>
#include <stdio.h>
#include <stdnoreturn.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "misc/debug.h"
#include "misc/misc.h"

#include "gleam/atomic.h"


static const char* way_out(int err)
{
	switch (err) {

	case ENOENT:
	case ENOTDIR:
		return "Make the folder first, or give another name.";

	case EACCES:
	case EPERM:
	case EROFS:
		return "Give a name in a folder that you may write to.";

	case ENOSPC:
	case EDQUOT:
	case EFBIG:
		return "Make space, or give a name on another disk.";

	default:
		return "Give another name, or look after this disk.";
	}
}


static noreturn void fail(const char* path, int err)
{
	error("%s: cannot be written: %s. %s An earlier file of this name is left as it was.\n",
		path, strerror(err), way_out(err));
}


static int write_all(int fd, struct atomic_part_s part)
{
	const char* p = part.data;
	size_t left = part.size;

	while (0 < left) {

		ssize_t n = write(fd, p, MIN(left, (size_t)1 << 30));

		if (0 > n) {

			if (EINTR == errno)
				continue;

			return errno;
		}

		p += n;
		left -= (size_t)n;
	}

	return 0;
}


// returns 0 or errno; nothing is left at path then
static int write_new(const char* path, int N, const struct atomic_part_s parts[N])
{
	int fd = open(path, O_WRONLY|O_CREAT|O_TRUNC|O_CLOEXEC, S_IRUSR|S_IWUSR|S_IRGRP|S_IWGRP|S_IROTH|S_IWOTH);

	if (-1 == fd)
		return errno;

	int err = 0;

	for (int i = 0; (0 == err) && (i < N); i++)
		err = write_all(fd, parts[i]);

	if ((0 == err) && (-1 == fsync(fd)))
		err = errno;

	if ((-1 == close(fd)) && (0 == err))
		err = errno;

	if (0 != err)
		unlink(path);

	return err;
}


/* The rename has happened already: when the folder cannot be flushed (some file
 * systems cannot) this is no reason to stop.
 */
static void flush_folder(const char* path)
{
	char* copy = ptr_printf("%s", path);
	int fd = open(dirname(copy), O_RDONLY|O_DIRECTORY|O_CLOEXEC);

	if ((-1 == fd) || ((-1 == fsync(fd)) && (EINVAL != errno)))
		debug_printf(DP_WARN, "%s: written, but its folder could not be flushed to disk: %s\n", path, strerror(errno));

	if (-1 != fd)
		close(fd);

	xfree(copy);
}


static int replace(const char* from, const char* to)
{
	if (-1 == rename(from, to))
		return errno;

	flush_folder(to);

	return 0;
}


void atomic_write_file(const char* path, int N, const struct atomic_part_s parts[N])
{
	char* tmp = ptr_printf("%s" ATOMIC_SUFFIX, path);

	int err = write_new(tmp, N, parts);

	if (0 == err) {

		err = replace(tmp, path);

		if (0 != err)
			unlink(tmp);
	}

	xfree(tmp);

	if (0 != err)
		fail(path, err);
}


// a directory in the place of a file would be noticed after the first rename only
static int check_target(const char* path)
{
	struct stat st;

	return ((0 == stat(path, &st)) && S_ISDIR(st.st_mode)) ? EISDIR : 0;
}


// both files below their temporary names, then the data below their own; bad is the one that failed
static int write_both(char* path[2], char* tmp[2], const int N[2], const struct atomic_part_s* part[2], int* bad)
{
	for (int i = 0; i < 2; i++) {

		*bad = i;
		int err = check_target(path[i]);

		if (0 == err)
			err = write_new(tmp[i], N[i], part[i]);

		if (0 != err)
			return err;
	}

	*bad = 0;

	return replace(tmp[0], path[0]);
}


void atomic_write_cfl(const char* name, struct atomic_part_s header, int N, const struct atomic_part_s data[N])
{
	char* path[2] = { ptr_printf("%s.cfl", name), ptr_printf("%s.hdr", name) };
	char* tmp[2] = { ptr_printf("%s" ATOMIC_SUFFIX, path[0]), ptr_printf("%s" ATOMIC_SUFFIX, path[1]) };

	int bad = 0;
	int err = write_both(path, tmp, (const int[2]){ N, 1 }, (const struct atomic_part_s*[2]){ data, &header }, &bad);

	if (0 != err) {

		unlink(tmp[0]);
		unlink(tmp[1]);
		fail(path[bad], err);
	}

	// from here on the new header must not be removed: it is the one that fits
	err = replace(tmp[1], path[1]);

	if (0 != err)
		error("%s: cannot be replaced: %s. The header of the new %s is %s: rename it by hand.\n",
			path[1], strerror(err), path[0], tmp[1]);

	for (int i = 0; i < 2; i++) {

		xfree(path[i]);
		xfree(tmp[i]);
	}
}


void atomic_check_writable(const char* path)
{
	// not the temporary name: after a crash the header there is the good one
	char* tmp = ptr_printf("%s.check-%ld", path, (long)getpid());

	int err = check_target(path);

	if (0 == err)
		err = write_new(tmp, 1, &(struct atomic_part_s){ 1, "\n" });

	if (0 == err)
		unlink(tmp);

	xfree(tmp);

	if (0 != err)
		fail(path, err);
}


// asked for a file that is there, too: that it may not be written to is meant to protect it
static void check_replaceable(const char* path)
{
	atomic_check_writable(path);

	if ((0 == access(path, F_OK)) && (0 != access(path, W_OK)))
		fail(path, errno);
}


void atomic_check_cfl(const char* name)
{
	const char* suffix[2] = { "cfl", "hdr" };

	for (int i = 0; i < 2; i++) {

		char* path = ptr_printf("%s.%s", name, suffix[i]);

		check_replaceable(path);
		xfree(path);
	}
}


unsigned int atomic_crc32(unsigned int crc, size_t size, const void* data)
{
	const unsigned char* p = data;
	uint32_t table[256];

	for (uint32_t i = 0; i < 256; i++) {

		table[i] = i;

		for (int bit = 0; bit < 8; bit++)
			table[i] = (table[i] >> 1) ^ ((0 != (table[i] & 1)) ? UINT32_C(0xEDB88320) : 0);
	}

	crc = ~crc;

	for (size_t i = 0; i < size; i++)
		crc = table[(crc ^ p[i]) & 0xFF] ^ (crc >> 8);

	return ~crc;
}
