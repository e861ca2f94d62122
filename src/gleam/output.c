#define _GNU_SOURCE		// O_TMPFILE

#include <complex.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "num/flpmath.h"
#include "num/multind.h"
#include "num/mpi_ops.h"

#include "misc/io.h"
#include "misc/misc.h"
#include "misc/mmio.h"
#include "misc/types.h"

#include "gleam/atomic.h"
#include "gleam/limit.h"
#include "gleam/newfile.h"

#include "gleam/output.h"

#define HEADER_ROOM (2 * (off_t)IO_MAX_HDR_SIZE)

#define READ_WRITE (S_IRUSR|S_IWUSR|S_IRGRP|S_IWGRP|S_IROTH|S_IWOTH)

/* What is to be a file in the end: one without a name, or one with another name where the system has
 * none of those.
 */
struct part_s {

	int nameless;		// or -1
	struct newfile_s named;
};

static const struct part_s no_part = { .nameless = -1, .named = { .fd = -1, .held = -1 } };

struct output_s {

	const char* name;
	int D;
	long* dims;

	size_t bytes;
	complex float* data;

	bool cfl;		// create_cfl has made it
	struct part_s file;	// or this is it
};

/* Where BART is a library error() goes back to the program, which has no way to close this.
 * The next output of this thread does.
 */
static _Thread_local struct output_s* unfinished = NULL;


// an earlier file is enough: BART writes over it
static void check_file(const char* path)
{
	struct stat st;

	newfile_clean(path);

	if ((0 != stat(path, &st)) || !S_ISREG(st.st_mode))
		atomic_check_writable(path);
	else if (0 != access(path, W_OK))
		error("%s: cannot be written: %m. Give another name. The file is left as it was.\n", path);
}


static char* path_of(const char* name, const char* suffix)
{
	return ptr_printf("%s.%s", name, suffix);
}


void output_check(const char* name)
{
	switch (file_type(name)) {

	case FILE_TYPE_RA:
	case FILE_TYPE_COO:

		check_file(name);
		break;

	case FILE_TYPE_CFL:
		;
		const char* suffix[2] = { "cfl", "hdr" };

		for (int i = 0; i < 2; i++) {

			char* path = path_of(name, suffix[i]);

			check_file(path);
			xfree(path);
		}

		break;

	default:
		break;
	}
}


// 0 or errno; some file systems cannot take room, but can write
static int take_room(int fd, off_t bytes)
{
	auto before = limit_begin();
	int err = posix_fallocate(fd, 0, bytes);

	limit_end(&before);

	return ((ENOSPC == err) || (EDQUOT == err) || (EFBIG == err)) ? err : 0;
}


static void no_room(const char* path, size_t bytes, int err)
{
	errno = err;
	error("%s: found no room for the %zu bytes expected: %m. Make space, or give a name on another disk.\n", path, bytes);
}


static bool is_link(const char* path)
{
	struct stat st;

	return (0 == lstat(path, &st)) && S_ISLNK(st.st_mode);
}


/* A file in the folder of path that has no name yet, with the permissions of an earlier one there; -1
 * where that is not possible, as on some network file systems, or where it cannot be given one.
 */
static int open_nameless(const char* path)
{
	if (0 != access("/proc/self/fd", X_OK))
		return -1;

	char* copy = ptr_printf("%s", path);
	int fd = open(dirname(copy), O_TMPFILE|O_RDWR|O_CLOEXEC, READ_WRITE);

	xfree(copy);

	struct stat st;

	if ((-1 != fd) && (0 == stat(path, &st)) && (0 != newfile_permit(fd, &st))) {

		close(fd);
		return -1;
	}

	return fd;
}


// false (errno) where the folder may not be written to
static bool part_open(struct part_s* part, const char* path)
{
	*part = no_part;
	part->nameless = open_nameless(path);

	if (-1 != part->nameless)
		return true;

	errno = newfile_create(&part->named, path);

	return (0 == errno);
}


static int part_fd(const struct part_s* part)
{
	return (-1 != part->nameless) ? part->nameless : part->named.fd;
}


static void part_drop(struct part_s* part)
{
	if (-1 != part->nameless)
		close(part->nameless);

	part->nameless = -1;
	newfile_drop(&part->named);
}


// false: BART writes through a link, or over a file in a folder that may not be written to
static bool open_data(struct output_s* o)
{
	char* path[2] = { path_of(o->name, "cfl"), path_of(o->name, "hdr") };
	bool link = is_link(path[0]) || is_link(path[1]);
	bool open = !link && part_open(&o->file, path[0]);

	if (!link && !open && (EACCES != errno) && (EPERM != errno))
		error("%s: cannot be written: %m. Make space, or give another name.\n", path[0]);

	xfree(path[0]);
	xfree(path[1]);

	return open;
}


static void unmap_part(struct output_s* o)
{
	part_drop(&o->file);

	if ((NULL != o->data) && (-1 == munmap(o->data, o->bytes)))
		error("%s: %m\n", o->name);
}


void output_close_unfinished(void)
{
	struct output_s* o = unfinished;

	if (NULL == o)
		return;

	unfinished = NULL;
	o->name = "an earlier output";

	unmap_part(o);

	xfree(o->dims);
	xfree(o);
}


static void map_part(struct output_s* o)
{
	int fd = part_fd(&o->file);

	// the header comes later
	int err = take_room(fd, (off_t)o->bytes + HEADER_ROOM);

	if ((0 == err) && (-1 == ftruncate(fd, (off_t)o->bytes)))
		err = errno;

	void* data = (0 == err) ? mmap(NULL, o->bytes, PROT_READ|PROT_WRITE, MAP_SHARED, fd, 0) : MAP_FAILED;

	if ((0 == err) && (MAP_FAILED == data))
		err = errno;

	if (0 != err)
		no_room(o->name, o->bytes, err);

	o->data = data;
}


// BART writes through a mapping, too
static void take_room_for(const char* name)
{
	enum file_types_e type = file_type(name);

	if ((FILE_TYPE_CFL != type) && (FILE_TYPE_RA != type))
		return;

	char* path = (FILE_TYPE_CFL == type) ? path_of(name, "cfl") : ptr_printf("%s", name);
	int fd = open(path, O_RDWR|O_CLOEXEC);
	struct stat st = { };

	int err = ((-1 != fd) && (0 == fstat(fd, &st))) ? take_room(fd, st.st_size) : 0;

	if (-1 != fd)
		close(fd);

	if (0 != err)
		no_room(path, (size_t)st.st_size, err);

	xfree(path);
}


// a file of another name would be left behind by error()
static void remember(struct output_s* o)
{
	static bool registered = false;

	unfinished = o;

	if (!registered)
		atexit(output_close_unfinished);

	registered = true;
}


static void create(struct output_s* o, bool writes)
{
	if (writes && open_data(o)) {

		remember(o);
		map_part(o);

	} else {

		o->cfl = true;
		o->data = create_cfl(o->name, o->D, o->dims);
		take_room_for(o->name);
		md_clear(o->D, o->dims, o->data, CFL_SIZE);
	}
}


struct output_s* output_create(const char* name, int D, const long dims[D])
{
	output_close_unfinished();

	PTR_ALLOC(struct output_s, o);

	*o = (struct output_s){ .name = name, .D = D, .bytes = (size_t)md_calc_size(D, dims) * CFL_SIZE, .file = no_part };

	o->dims = *TYPE_ALLOC(long[D]);
	md_copy_dims(D, o->dims, dims);

	bool alike = (FILE_TYPE_CFL == file_type(name)) && !cfl_loop_desc_active();

	// of several ranks, all of which have it, one writes it
	if (alike && !mpi_is_main_proc())
		o->data = md_calloc(D, dims, CFL_SIZE);
	else
		create(o, alike);

	return PTR_PASS(o);
}


complex float* output_data(const struct output_s* o)
{
	return o->data;
}


// a name is given to a new file only, so there is a second one for a moment
static int give_name(int fd, const char* path)
{
	char* tmp = newfile_name(path);
	char* file = ptr_printf("/proc/self/fd/%d", fd);

	// while it is held nobody takes it for a leftover
	flock(fd, LOCK_EX|LOCK_NB);

	int err = ((NULL != tmp) && (0 == linkat(AT_FDCWD, file, AT_FDCWD, tmp, AT_SYMLINK_FOLLOW))) ? 0 : errno;

	if ((0 == err) && (0 != rename(tmp, path))) {

		err = errno;
		unlink(tmp);
	}

	xfree(file);
	xfree(tmp);

	return err;
}


static void part_place(struct part_s* part, const char* path)
{
	int err;

	if (-1 != part->nameless) {

		err = give_name(part->nameless, path);

	} else {

		err = newfile_close(&part->named);

		if (0 == err)
			err = newfile_rename(&part->named, path);
	}

	part_drop(part);
	errno = err;

	if (0 != err)
		error("%s: cannot be written: %m. Give another name. An earlier file of this name is left as it was.\n", path);
}


static void put_in_place(struct output_s* o)
{
	char* path[2] = { path_of(o->name, "cfl"), path_of(o->name, "hdr") };
	struct part_s header;

	if (!part_open(&header, path[1]))
		error("%s: cannot be written: %m. Give another name.\n", path[1]);

	// as create_cfl does
	io_register_output(o->name);
	write_cfl_header(part_fd(&header), NULL, o->D, o->dims);

	part_place(&o->file, path[0]);
	part_place(&header, path[1]);

	unfinished = NULL;
	unmap_part(o);

	xfree(path[0]);
	xfree(path[1]);
}


void output_finish(struct output_s* o)
{
	if (o->cfl)
		unmap_cfl(o->D, o->dims, o->data);
	else if (o == unfinished)
		put_in_place(o);
	else
		md_free(o->data);

	xfree(o->dims);
	xfree(o);
}
