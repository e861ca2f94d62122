#include <complex.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "num/flpmath.h"
#include "num/multind.h"
#include "num/mpi_ops.h"

#include "misc/io.h"
#include "misc/misc.h"
#include "misc/mmio.h"

#include "gleam/atomic.h"

#include "gleam/output.h"


struct output_s {

	const char* name;
	int D;
	long* dims;

	size_t bytes;
	complex float* data;

	char* path;		// <name>.cfl, or NULL when create_cfl has made it
	char* tmp;
};

// what the end of the program has to remove
static char* pending = NULL;


static void remove_pending(void)
{
	if (NULL != pending)
		unlink(pending);
}


static void remove_at_exit(char* path)
{
	static bool registered = false;

	if (!registered)
		atexit(remove_pending);

	registered = true;
	pending = path;
}


void output_check(const char* name)
{
	switch (file_type(name)) {

	case FILE_TYPE_RA:
	case FILE_TYPE_COO:

		atomic_check_overwritable(name);
		break;

	case FILE_TYPE_CFL:
		;
		const char* suffix[2] = { "cfl", "hdr" };

		for (int i = 0; i < 2; i++) {

			char* path = ptr_printf("%s.%s", name, suffix[i]);

			atomic_check_overwritable(path);
			xfree(path);
		}

		break;

	default:
		break;
	}
}


// 0 or errno; some file systems cannot take room, but can write
static int take_room(int fd, size_t bytes)
{
	int err = posix_fallocate(fd, 0, (off_t)bytes);

	if ((0 == err) || (ENOSPC == err) || (EDQUOT == err) || (EFBIG == err))
		return err;

	return (0 == ftruncate(fd, (off_t)bytes)) ? 0 : errno;
}


static void* map_new(const char* path, size_t bytes)
{
	int fd = open(path, O_RDWR|O_CREAT|O_TRUNC|O_CLOEXEC, S_IRUSR|S_IWUSR|S_IRGRP|S_IWGRP|S_IROTH|S_IWOTH);

	if (-1 == fd)
		error("%s: cannot be written: %m. Give a name in a folder that you may write to.\n", path);

	int err = take_room(fd, bytes);
	void* data = (0 == err) ? mmap(NULL, bytes, PROT_READ|PROT_WRITE, MAP_SHARED, fd, 0) : MAP_FAILED;

	if ((0 == err) && (MAP_FAILED == data))
		err = errno;

	close(fd);

	if (0 == err)
		return data;

	unlink(path);

	errno = err;
	error("%s: found no room for the %zu bytes expected: %m. Make space, or give a name on another disk.\n", path, bytes);
}


// of a link the file that it points to, so that the link stays
static char* data_path(const char* name)
{
	char* path = ptr_printf("%s.cfl", name);
	char* target = realpath(path, NULL);

	if (NULL == target)
		return path;

	xfree(path);

	return target;
}


struct output_s* output_create(const char* name, int D, const long dims[D])
{
	PTR_ALLOC(struct output_s, o);

	*o = (struct output_s){ .name = name, .D = D, .bytes = (size_t)md_calc_size(D, dims) * CFL_SIZE };

	o->dims = *TYPE_ALLOC(long[D]);
	md_copy_dims(D, o->dims, dims);

	if ((FILE_TYPE_CFL != file_type(name)) || cfl_loop_desc_active() || (1 < mpi_get_num_procs())) {

		o->data = create_cfl(name, D, dims);
		md_clear(D, dims, o->data, CFL_SIZE);

	} else {

		o->path = data_path(name);
		o->tmp = ptr_printf("%s" ATOMIC_SUFFIX, o->path);
		o->data = map_new(o->tmp, o->bytes);

		remove_at_exit(o->tmp);
	}

	return PTR_PASS(o);
}


complex float* output_data(const struct output_s* o)
{
	return o->data;
}


/* BART writes the header, and lets go of an earlier file that is in use as an
 * input; the data that it makes room for are those that are there.
 */
static void put_in_place(struct output_s* o)
{
	if (-1 == munmap(o->data, o->bytes))
		error("%s: %m\n", o->tmp);

	unmap_cfl(o->D, o->dims, create_cfl(o->name, o->D, o->dims));

	if (-1 == rename(o->tmp, o->path))
		error("%s: cannot be replaced: %m. Give another name.\n", o->path);

	remove_at_exit(NULL);
}


void output_finish(struct output_s* o)
{
	if (NULL != o->path)
		put_in_place(o);
	else
		unmap_cfl(o->D, o->dims, o->data);

	xfree(o->path);
	xfree(o->tmp);
	xfree(o->dims);
	xfree(o);
}
