
#include <complex.h>
#include <errno.h>
#include <float.h>
#include <limits.h>
#include <math.h>
#include <stdint.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "num/mpi_ops.h"
#include "num/flpmath.h"
#include "num/multind.h"

#include "misc/debug.h"
#include "misc/io.h"
#include "misc/misc.h"
#include "misc/mmio.h"
#include "misc/mri.h"

#include "gleam/input.h"


static const char* list_text(char text[DIMS_TEXT], const long vals[DIMS], const long dims[DIMS])
{
	int last = DIMS - 1;

	while ((0 < last) && (1 == dims[last]))
		last--;

	size_t len = 0;

	for (int i = 0; i <= last; i++)
		len += (size_t)snprintf(text + len, DIMS_TEXT - len, "%s%ld", (0 == i) ? "[" : " ", vals[i]);

	snprintf(text + len, DIMS_TEXT - len, "]");

	return text;
}


const char* dims_text(char text[DIMS_TEXT], const long dims[DIMS])
{
	return list_text(text, dims, dims);
}


static bool ends_with(const char* name, const char* suffix)
{
	size_t n = strlen(name);
	size_t s = strlen(suffix);

	return (n > s) && (0 == strcmp(name + n - s, suffix));
}


static void check_readable(const char* path, const char* name, const char* role)
{
	struct stat st;

	// a fifo would be waited for
	if ((0 == stat(path, &st)) && !S_ISREG(st.st_mode))
		error("%s: found no plain file, expected the %s here. Check the name; a stream is named '-'.\n", path, role);

	if (0 == access(path, R_OK))
		return;

	int err = errno;

	const char* hint = (ends_with(name, ".cfl") || ends_with(name, ".hdr"))
				? "Give the name without its suffix"
				: ((EACCES == err) ? "Give yourself the right to read it (chmod)" : "Check the name");

	error("%s: %s. Expected the %s here. %s.\n", path, strerror(err), role, hint);
}


static void read_header(const char* path, long dims[DIMS])
{
	char text[IO_MAX_HDR_SIZE + 1] = { };
	FILE* fp = fopen(path, "rb");
	size_t len = (NULL == fp) ? 0 : fread(text, 1, IO_MAX_HDR_SIZE, fp);

	if (NULL != fp)
		fclose(fp);

	char* file = NULL;

	if (0 != parse_cfl_header((long)len, text, &file, NULL, NULL, DIMS, dims))
		error("%s: found no list of %d dimensions in it, expected the header of a BART file. "
			"It is damaged or of another kind: write the file again.\n", path, DIMS);

	xfree(file);
}


static void check_size(const char* cfl, const char* hdr, const char* role, const long dims[DIMS])
{
	char text[DIMS_TEXT];

	for (int i = 0; i < DIMS; i++)
		if (1 > dims[i])
			error("%s: found dimensions %s: there is nothing in this %s. Expected at least one along dimension %d. "
				"Write the file again.\n", hdr, dims_text(text, dims), role, i);

	long bytes = io_calc_size(DIMS, dims, sizeof(complex float));
	struct stat st;

	if ((-1 == bytes) || (0 != stat(cfl, &st)))
		error("%s: found dimensions %s, which no file can have. Write the file again.\n", hdr, dims_text(text, dims));

	if (bytes != st.st_size)
		error("%s: found %lld bytes, expected %ld for the dimensions %s of its header: "
			"truncated, or not of this header. Copy or write both files again.\n",
			cfl, (long long)st.st_size, bytes, dims_text(text, dims));
}


static bool read_numbers(FILE* fp, size_t n, uint64_t x[n])
{
	return n == fread(x, sizeof(uint64_t), n, fp);
}

/* https://github.com/davidssmith/ra: six numbers, dimensions, data, and what one likes behind.
 * What no .ra file of BART has is said to have no dimensions.
 */
static bool read_ra_header(FILE* fp, uint64_t* size, long dims[DIMS])
{
	enum { MAGIC, FLAGS, TYPE, BYTES, SIZE, NDIMS, HEADER };
	enum { BIG_ENDIAN_FLAG = 1, COMPLEX = 4, NDIMS_MAX = 100 };

	uint64_t header[HEADER];
	uint64_t all[NDIMS_MAX];

	if (!read_numbers(fp, HEADER, header) || (0x7961727261776172ULL != header[MAGIC]) || (0 != (header[FLAGS] & BIG_ENDIAN_FLAG))
	    || (COMPLEX != header[TYPE]) || (CFL_SIZE != header[BYTES]) || (NDIMS_MAX < header[NDIMS])
	    || !read_numbers(fp, header[NDIMS], all))
		return false;

	md_singleton_dims(DIMS, dims);

	for (int i = 0; i < (int)header[NDIMS]; i++) {

		if (i < DIMS)
			dims[i] = (long)all[i];
		else if (1 != all[i])
			return false;
	}

	*size = header[SIZE];

	return true;
}

static void check_ra(const char* name, const char* role)
{
	char text[DIMS_TEXT];
	long dims[DIMS];
	uint64_t size = 0;
	struct stat st = { };

	check_readable(name, name, role);

	FILE* fp = fopen(name, "rb");
	bool known = (NULL != fp) && (0 == fstat(fileno(fp), &st)) && read_ra_header(fp, &size, dims);
	long header = known ? ftell(fp) : 0;

	if (NULL != fp)
		fclose(fp);

	if (!known)
		error("%s: found no header of an .ra file of complex floats in %lld bytes, expected the %s. It is damaged or of another kind: "
			"write the file again.\n", name, (long long)st.st_size, role);

	long bytes = io_calc_size(DIMS, dims, CFL_SIZE);

	if (-1 == bytes)
		error("%s: found dimensions %s, which no file can have. Write the file again.\n", name, dims_text(text, dims));

	if (0 == bytes)
		error("%s: found dimensions %s: there is nothing in this %s. Write it again.\n", name, dims_text(text, dims), role);

	if ((uint64_t)bytes != size)
		error("%s: found dimensions %s for data of %llu bytes, expected %ld. Write the file again.\n",
			name, dims_text(text, dims), (unsigned long long)size, bytes);

	if (bytes > st.st_size - header)
		error("%s: found %lld bytes, expected %ld for the dimensions %s of its header: truncated. Copy or write the file again.\n",
			name, (long long)st.st_size, header + bytes, dims_text(text, dims));
}


/* What load_cfl would find as well, but say less about. Streams cannot be looked
 * at beforehand; on other ranks the file need not be there.
 */
static void check_file(const char* name, const char* role)
{
	if (!mpi_is_main_proc())
		return;

	switch (file_type(name)) {

	case FILE_TYPE_RA:

		check_ra(name, role);
		break;

	case FILE_TYPE_COO:

		check_readable(name, name, role);
		break;

	case FILE_TYPE_CFL:
		;
		char* hdr = ptr_printf("%s.hdr", name);
		char* cfl = ptr_printf("%s.cfl", name);
		long dims[DIMS];

		check_readable(hdr, name, role);
		check_readable(cfl, name, role);

		read_header(hdr, dims);
		check_size(cfl, hdr, role, dims);

		xfree(hdr);
		xfree(cfl);
		break;

	default:
		break;
	}
}


enum { SAMPLES = 64, SAMPLE = 4096 };	// of the data, bytes of each

// of what is read from a few places of this file, all over it; 0 if it cannot be read
static uint64_t hash_file(uint64_t h, const char* path)
{
	unsigned char block[SAMPLE];
	FILE* fp = fopen(path, "rb");
	struct stat st;

	if ((NULL == fp) || (0 != fstat(fileno(fp), &st))) {

		if (NULL != fp)
			fclose(fp);

		return 0;
	}

	h = input_hash(h, sizeof(st.st_size), &st.st_size);

	for (long i = 0; i < SAMPLES; i++)
		if (0 == fseek(fp, (st.st_size - 1) / SAMPLES * i, SEEK_SET))
			h = input_hash(h, fread(block, 1, SAMPLE, fp), block);

	fclose(fp);

	return h;
}


/* Do all ranks see this file? Then each of them reads what it needs of it, when it does;
 * else the first one sends the others all of it, and they hold it in memory. One of the same
 * name that is another file is not this one.
 */
static bool all_see(const char* name)
{
	char* hdr = ptr_printf("%s.hdr", name);
	char* cfl = ptr_printf("%s.cfl", name);

	uint64_t mine = hash_file(INPUT_HASH_START, hdr);

	mine = (0 == mine) ? 0 : hash_file(mine, cfl);

	uint64_t first = mine;

	mpi_sync_val(&first, (long)sizeof(first));

	bool seen[1] = { (0 != mine) && (first == mine) };

	mpi_reduce_land(1, seen);

	xfree(hdr);
	xfree(cfl);

	return seen[0];
}


// ranks that work on the same data; in a loop (bart -l) each has its own
static void load_alike(struct input_s* in)
{
	bool before = mpi_shared_files;
	bool file = (FILE_TYPE_CFL == file_type(in->name));
	bool several = (1 < mpi_get_num_procs());

	// the others would find less to say than the first one has said
	mpi_sync();

	if (several && (FILE_TYPE_PIPE == file_type(in->name)))
		error("%s: a stream cannot be read by several ranks. Write it to a file first.\n", in->name);

	if (file && several && !before)
		mpi_shared_files = all_see(in->name);

	if (file && several && !mpi_shared_files && mpi_is_main_proc())
		debug_printf(DP_WARN, "%s: not every rank sees this file (or one of them another one of this name), so that each holds all of it in memory. "
				"Put it where all of them do.\n", in->name);

	in->data = load_cfl(in->name, DIMS, in->dims);
	in->mapped = file && (mpi_is_main_proc() || mpi_shared_files);
	in->file = in->mapped || ((FILE_TYPE_RA == file_type(in->name)) && mpi_is_main_proc());

	mpi_shared_files = before;
}


struct input_s input_open(const char* name, const char* role)
{
	struct input_s in = { .name = name, .role = role };

	check_file(name, role);

	// of several ranks load_cfl looks at them before the first one has said what they are
	md_singleton_dims(DIMS, in.dims);

	if (cfl_loop_desc_active())
		in.data = load_cfl(name, DIMS, in.dims);
	else
		load_alike(&in);

	char text[DIMS_TEXT];

	if (1 > md_calc_size(DIMS, in.dims))
		error("%s: found dimensions %s: there is nothing in this %s. Write it again.\n", name, dims_text(text, in.dims), role);

	input_watch_begin(&in);

	return in;
}


void input_close(const struct input_s* in)
{
	input_watch_end(in);
	unmap_cfl(DIMS, in->dims, in->data);
}


void input_release(const struct input_s* in)
{
	// only clean pages of a private mapping of the file come back as they were
	if (!in->mapped || (0 != (uintptr_t)in->data % (uintptr_t)sysconf(_SC_PAGESIZE)))
		return;

	madvise((void*)in->data, (size_t)md_calc_size(DIMS, in->dims) * CFL_SIZE, MADV_DONTNEED);
}


void input_ahead(const struct input_s* in, const long sample_dims[DIMS], long sample)
{
	if (!in->mapped)
		return;

	long dims[DIMS];

	md_select_dims(DIMS, ~(unsigned long)SAMPLE_FLAGS, dims, in->dims);

	// samples are the last dimensions, so that each is in one piece
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	uintptr_t begin = (uintptr_t)input_sample(in, sample_dims, sample);
	uintptr_t end = begin + (uintptr_t)md_calc_size(DIMS, dims) * CFL_SIZE;

	begin -= begin % page;
	madvise((void*)begin, end - begin, MADV_WILLNEED);
}


long input_samples(const long dims[DIMS])
{
	long samples[DIMS];

	md_select_dims(DIMS, SAMPLE_FLAGS, samples, dims);

	return md_calc_size(DIMS, samples);
}


const complex float* input_sample(const struct input_s* in, const long sample_dims[DIMS], long sample)
{
	long pos[DIMS] = { };
	long strs[DIMS];

	md_unravel_index(DIMS, pos, SAMPLE_FLAGS, sample_dims, sample);
	md_calc_strides(DIMS, strs, in->dims, CFL_SIZE);

	return (const void*)in->data + md_calc_offset(DIMS, strs, pos);
}


// without branches, so that it runs as fast as memory allows
static bool all_finite(long N, const float src[N])
{
	int bad = 0;

#pragma omp simd reduction(|:bad)
	for (long i = 0; i < N; i++)
		bad |= !(fabsf(src[i]) <= FLT_MAX);

	return 0 == bad;
}


// the first complex number that is not finite, or N
static long find_bad(long N, const complex float src[N])
{
	const long chunk = 1L << 16;
	long first = LONG_MAX;

#pragma omp parallel for reduction(min:first) schedule(static)
	for (long i = 0; i < N; i += chunk)
		if (!all_finite(2 * MIN(chunk, N - i), (const float*)(src + i)))
			first = MIN(first, i);

	if (LONG_MAX == first)
		return N;

	while (all_finite(2, (const float*)(src + first)))
		first++;

	return first;
}


void input_check_finite(const struct input_s* in)
{
	const long slab = 1L << 19;
	long N = md_calc_size(DIMS, in->dims);
	long bad = N;

	for (long i = 0; (N == bad) && (i < N); i += slab) {

		long n = MIN(slab, N - i);
		long pos = find_bad(n, in->data + i);

		if (pos < n)
			bad = i + pos;

		input_release(in);
	}

	if (N == bad)
		return;

	long pos[DIMS] = { };

	md_unravel_index(DIMS, pos, ~0UL, in->dims, bad);

	char text[DIMS_TEXT];
	char dims[DIMS_TEXT];

	error("%s: found %f%+fi at %s (positions from 0; sample %ld) of the %s %s, expected finite numbers. "
		"Replace it, or leave this sample out.\n",
		in->name, (double)crealf(in->data[bad]), (double)cimagf(in->data[bad]), list_text(text, pos, in->dims),
		md_ravel_index(DIMS, pos, SAMPLE_FLAGS, in->dims), in->role, dims_text(dims, in->dims));
}
