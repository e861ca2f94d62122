/*
 * Files of data: the headers of .cfl, .ra and .coo, and what their numbers are
 * asked for.
 *
 *	<type><role>[=]
 *	<file; of a .cfl: header, %%data, numbers>
 *
 * Types: c (.cfl), r (.ra), o (.coo). The file is taken as k-space, maps, reference,
 * pattern or trajectory (k, m, r, p, t), or all of them at once (a); the others are valid
 * ones. '=' gives the numbers of a .cfl the size that its header tells, if that is a small one.
 */
#include <complex.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "num/flpmath.h"
#include "num/multind.h"

#include "misc/io.h"
#include "misc/misc.h"
#include "misc/mri.h"
#include "misc/types.h"

#include "gleam/data.h"
#include "gleam/input.h"
#include "gleam/trajectory.h"
#include "gleam/values.h"

#include "data.h"
#include "fuzz.h"

static const long MOST = 1L << 16;	// bytes of data that are made up

struct trial_s {

	const char* name;
	char role;
	bool opened;
};

static void open_file(void* arg)
{
	const struct trial_s* t = arg;

	struct input_s in = input_open(t->name, "k-space");
	char text[DIMS_TEXT];

	fuzz_expect((0 < md_calc_size(DIMS, in.dims)) && (0 < input_samples(in.dims)), "dimensions that are positive");
	fuzz_expect(']' == text[strlen(dims_text(text, in.dims)) - 1], "all dimensions as a text");

	if ('p' == t->role)
		values_check_pattern(&in, true);
	else if ('m' == t->role)
		values_check_maps(&in);
	else
		input_check_finite(&in);

	input_close(&in);
}

static struct gleam_files_s files_of(const struct trial_s* t)
{
	bool all = ('a' == t->role);
	bool radial = ('t' == t->role);

	return (struct gleam_files_s){

		.kspace = (all || ('k' == t->role)) ? t->name : (radial ? "nksp" : "ksp"),
		.maps = (all || ('m' == t->role)) ? t->name : "map",
		.reference = (all || ('r' == t->role)) ? t->name : "ref",
		.pattern = (all || ('p' == t->role)) ? t->name : NULL,
		.trajectory = radial ? t->name : NULL,
	};
}

static complex float* room(const long dims[DIMS])
{
	return xmalloc((size_t)md_calc_size(DIMS, dims) * CFL_SIZE);
}

static void read_sample(const struct gleam_data_s* data, long sample)
{
	long dims[5][DIMS];
	complex float* x[5];

	gleam_data_ksp_dims(data, dims[0]);
	gleam_data_map_dims(data, dims[1]);
	gleam_data_pat_dims(data, dims[2]);
	gleam_data_ref_dims(data, dims[3]);
	gleam_data_trj_dims(data, dims[4]);

	for (int i = 0; i < 5; i++)
		x[i] = room(dims[i]);

	gleam_data_pattern(data, sample, x[2]);
	gleam_data_kspace(data, sample, x[2], x[0]);
	gleam_data_maps(data, sample, x[1]);
	gleam_data_reference(data, sample, x[3], NULL);

	if (!gleam_data_cartesian(data))
		gleam_data_trajectory(data, sample, x[4]);

	for (int i = 0; i < 5; i++)
		xfree(x[i]);
}

static void open_data(void* arg)
{
	const struct trial_s* t = arg;
	struct gleam_files_s files = files_of(t);

	auto data = gleam_data_open(&files);

	for (long i = 0; i < gleam_data_samples(data); i++) {

		long pos[DIMS];

		gleam_data_position(data, i, pos);
		read_sample(data, i);
	}

	gleam_data_close(data);
}

struct size_s {

	struct fuzz_text_s header;
	long bytes;
};

static void find_size(void* arg)
{
	struct size_s* s = arg;
	long dims[DIMS];
	char* file = NULL;
	char text[IO_MAX_HDR_SIZE + 1] = { };
	size_t size = MIN(s->header.size, (size_t)IO_MAX_HDR_SIZE);

	memcpy(text, s->header.data, size);

	if (0 == parse_cfl_header((long)size, text, &file, NULL, NULL, DIMS, dims))
		s->bytes = io_calc_size(DIMS, dims, CFL_SIZE);

	xfree(file);
}

// what lacks is filled by the numbers that are there, over and over
static void write_data(struct fuzz_text_s header, struct fuzz_text_s data)
{
	struct size_s s = { header, -1 };

	fuzz_call(find_size, &s);

	if ((0 >= s.bytes) || (MOST < s.bytes)) {

		fuzz_write("x.cfl", data);
		return;
	}

	char* x = calloc(1, (size_t)s.bytes);

	for (size_t i = 0; (0 < data.size) && (i < (size_t)s.bytes); i++)
		x[i] = data.data[i % data.size];

	fuzz_write("x.cfl", (struct fuzz_text_s){ x, (size_t)s.bytes });
	free(x);
}

static const char* write_file(char type, bool sized, struct fuzz_text_s all)
{
	struct fuzz_text_s header;

	switch (type) {

	case 'r':
		fuzz_write("x.ra", all);
		return "x.ra";

	case 'o':
		fuzz_write("x.coo", all);
		return "x.coo";

	default:
		fuzz_take(&all, "%%data\n", &header);
		fuzz_write("x.hdr", header);

		if (sized)
			write_data(header, all);
		else
			fuzz_write("x.cfl", all);

		return "x";
	}
}

int LLVMFuzzerInitialize(int* /*argc*/, char*** /*argv*/)
{
	fuzz_enter();
	data_make();
	fuzz_keep();

	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size)
{
	struct fuzz_text_s all = { (const char*)data, size };
	struct fuzz_text_s first;

	if (!fuzz_take(&all, "\n", &first) || (2 > first.size))
		return 0;

	fuzz_clean();

	struct trial_s t = { .role = first.data[1] };

	t.name = write_file(first.data[0], (2 < first.size) && ('=' == first.data[2]), all);

	fuzz_call(open_file, &t);
	fuzz_call(open_data, &t);

	return 0;
}
