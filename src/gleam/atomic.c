#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdnoreturn.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "misc/misc.h"

#include "gleam/newfile.h"

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


// a folder in the place of a file would be noticed after the first rename only
static int check_target(const char* path)
{
	struct stat st;

	return ((0 == stat(path, &st)) && S_ISDIR(st.st_mode)) ? EISDIR : 0;
}

static int begin(struct newfile_s* file, const char* path)
{
	int err = check_target(path);

	return (0 != err) ? err : newfile_create(file, path);
}


struct atomic_s {

	char* path;
	struct newfile_s file;
};

static noreturn void fail_file(struct atomic_s* a, int err)
{
	newfile_drop(&a->file);
	fail(a->path, err);
}

struct atomic_s* atomic_begin(const char* path)
{
	PTR_ALLOC(struct atomic_s, a);

	*a = (struct atomic_s){ .path = ptr_printf("%s", path), .file = { .fd = -1 } };

	int err = begin(&a->file, path);

	if (0 != err)
		fail_file(a, err);

	return PTR_PASS(a);
}

void atomic_append(struct atomic_s* a, size_t size, const void* data)
{
	int err = newfile_write(&a->file, size, data);

	if (0 != err)
		fail_file(a, err);
}

void atomic_commit(struct atomic_s* a)
{
	int err = newfile_close(&a->file);

	if (0 == err)
		err = newfile_rename(&a->file, a->path);

	if (0 != err)
		fail_file(a, err);

	xfree(a->path);
	xfree(a);
}


static int write_new(struct newfile_s* file, const char* path, int N, const struct atomic_part_s parts[N])
{
	int err = begin(file, path);

	if (0 != err)
		return err;

	for (int i = 0; (0 == err) && (i < N); i++)
		err = newfile_write(file, parts[i].size, parts[i].data);

	return (0 == err) ? newfile_close(file) : err;
}

// both new files, then the data in its place; bad is the one that failed
static int write_both(struct newfile_s file[2], char* path[2], const int N[2], const struct atomic_part_s* part[2], int* bad)
{
	for (int i = 0; i < 2; i++) {

		*bad = i;
		int err = write_new(&file[i], path[i], N[i], part[i]);

		if (0 != err)
			return err;
	}

	*bad = 0;

	return newfile_rename(&file[0], path[0]);
}

void atomic_write_cfl(const char* name, struct atomic_part_s header, int N, const struct atomic_part_s data[N])
{
	char* path[2] = { ptr_printf("%s.cfl", name), ptr_printf("%s.hdr", name) };
	struct newfile_s file[2] = { { .fd = -1, .held = -1 }, { .fd = -1, .held = -1 } };

	int bad = 0;
	int err = write_both(file, path, (const int[2]){ N, 1 }, (const struct atomic_part_s*[2]){ data, &header }, &bad);

	if (0 != err) {

		newfile_drop(&file[0]);
		newfile_drop(&file[1]);
		fail(path[bad], err);
	}

	// from here on the new header must not be removed: it is the one that fits
	err = newfile_rename(&file[1], path[1]);

	if (0 != err)
		error("%s: cannot be replaced: %s. The header of the new %s is %s: rename it by hand.\n",
			path[1], strerror(err), path[0], file[1].name);

	for (int i = 0; i < 2; i++)
		xfree(path[i]);
}


void atomic_check_writable(const char* path)
{
	struct newfile_s file;
	int err = begin(&file, path);

	if (0 != err)
		fail(path, err);

	err = newfile_write(&file, 1, "\n");

	if (0 == err)
		err = newfile_close(&file);

	newfile_drop(&file);

	if (0 != err)
		fail(path, err);
}


// asked for a file that is there, too: that it may not be written to is meant to protect it
void atomic_check_replaceable(const char* path)
{
	atomic_check_writable(path);

	if ((0 == access(path, F_OK)) && (0 != access(path, W_OK)))
		fail(path, errno);
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
