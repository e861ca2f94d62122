// Writing weights: the last good pair of files is there at any moment.
#include <complex.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <criterion/criterion.h>

#include "misc/misc.h"
#include "misc/types.h"
#include "misc/mmio.h"

#include "gleam/atomic.h"
#include "gleam/output.h"
#include "gleam/weights.h"

#include "weights_case.h"

TestSuite(weights_files, .init = scratch_enter, .fini = scratch_leave);


// the state of the folder between the two renames of a second write
static void tear(void)
{
	char* old;

	write_random("w", 1);

	size_t size = scratch_read("w.hdr", &old);

	write_random("w", 2);
	cr_assert(0 == rename("w.hdr", "w.hdr.1bc123.new"));
	scratch_write("w.hdr", size, old);
	free(old);
}


Test(weights_files, torn_pair_is_seen)
{
	tear();
	remove("w.hdr.1bc123.new");

	assert_error(read_void, "w", "w.cfl: found checksum", "not written together");
}


// a writer that comes after it puts the header that fits in its place
Test(weights_files, torn_pair_is_put_in_order)
{
	tear();
	gleam_weights_prepare("w");
	cr_expect(2 == scratch_count());

	struct gleam_weights_s* weights = gleam_weights_read("w");
	struct gleam_weights_s* expected = random_weights(4, 2, 2);

	cr_expect(same(weights, expected));

	gleam_weights_free(weights);
	gleam_weights_free(expected);
}


static void reserve_void(const void* name)
{
	output_create(name, 1, (const long[1]){ 1L << 57 });
}

Test(weights_files, no_room_is_told)
{
	scratch_write("o.cfl", 8, "12345678");

	assert_error(reserve_void, "o", "o: found no room for the 1152921504606846976 bytes", "Make space");
	cr_expect(1 == scratch_count());
}


static void killed_void(const void* name)
{
	struct output_s* output = output_create(name, 1, (const long[1]){ 1000 });

	output_data(output)[7] = 1.f;
	raise(SIGKILL);
}

// an output has no name before it is complete
Test(weights_files, killed_before_the_output_is_complete)
{
	scratch_write("o.cfl", 8, "12345678");

	struct caught_s c = caught(killed_void, "o");
	char* data;

	cr_expect(-SIGKILL == c.status, "%d", c.status);
	cr_expect(1 == scratch_count());
	cr_expect(8 == scratch_read("o.cfl", &data));
	cr_expect(0 == memcmp(data, "12345678", 8));

	free(data);
}


Test(weights_files, torn_pair_is_mended)
{
	tear();

	struct gleam_weights_s* expected = random_weights(4, 2, 2);
	struct gleam_weights_s* weights = gleam_weights_read("w");

	cr_expect(same(expected, weights));

	gleam_weights_free(expected);
	gleam_weights_free(weights);

	// reading changes nothing
	cr_expect(3 == scratch_count());
}


// stopped before the first rename: the old pair is what counts
Test(weights_files, leftovers_do_not_count)
{
	write_random("w", 1);
	write_random("v", 2);

	cr_assert(0 == rename("v.hdr", "w.hdr.1bc123.new"));
	cr_assert(0 == rename("v.cfl", "w.cfl.0zz000.new"));

	struct gleam_weights_s* expected = random_weights(4, 2, 1);
	struct gleam_weights_s* weights = gleam_weights_read("w");

	cr_expect(same(expected, weights));

	gleam_weights_free(expected);
	gleam_weights_free(weights);

	// the next training sweeps up
	gleam_weights_prepare("w");
	cr_expect(2 == scratch_count());
}


Test(weights_files, unwritable)
{
	assert_error(write_void, "nofolder/w", "nofolder/w.cfl: cannot be written: No such file or directory", "Make the folder");

	scratch_write("file", 1, "x");
	assert_error(write_void, "file/w", "file/w.cfl: cannot be written: Not a directory");

	cr_expect(1 == scratch_count());
}


Test(weights_files, folder_in_the_place_of_a_file)
{
	cr_assert(0 == mkdir("w.hdr", 0700));

	assert_error(write_void, "w", "w.hdr: cannot be written: Is a directory");
	cr_expect(1 == scratch_count());
}


// a disk that is full in the middle, by a limit on the size of files
static void write_limited(const void* name)
{
	struct rlimit lim = { .rlim_cur = 700, .rlim_max = RLIM_INFINITY };

	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &lim);

	write_void(name);
}


Test(weights_files, full_disk_harms_nothing)
{
	write_random("w", 1);
	assert_error(write_limited, "w", "w.cfl: cannot be written: File too large", "left as it was");

	cr_expect(2 == scratch_count());

	struct gleam_weights_s* expected = random_weights(4, 2, 1);
	struct gleam_weights_s* weights = gleam_weights_read("w");

	cr_expect(same(expected, weights));

	gleam_weights_free(expected);
	gleam_weights_free(weights);
}


static void check_void(const void* path)
{
	atomic_check_writable(path);
}


Test(weights_files, writable_is_asked_before)
{
	scratch_write("there", 3, "abc");

	atomic_check_writable("there");
	atomic_check_writable("other");

	cr_expect((1 == scratch_count()) && scratch_exists("there"));

	assert_error(check_void, "nofolder/w", "nofolder/w: cannot be written");
}


static void check_weights(const void* name)
{
	gleam_weights_prepare(name);
}


static void check_output(const void* name)
{
	output_check(name);
}


Test(weights_files, outputs_are_asked_before)
{
	write_random("w", 1);

	gleam_weights_prepare("w");
	gleam_weights_prepare("v.hdr");
	output_check("w");
	output_check("x.ra");
	output_check("-");

	cr_expect(2 == scratch_count());
	read_void("w");

	assert_error(check_weights, "nofolder/w", "nofolder/w.cfl: cannot be written");
	assert_error(check_weights, "w.ra", "w.ra: weights are a pair");
	assert_error(check_output, "nofolder/x", "nofolder/x.cfl: cannot be written");
	assert_error(check_output, "nofolder/x.ra", "nofolder/x.ra: cannot be written");
}


Test(weights_files, read_only_output)
{
	if (0 == geteuid()) {

		fprintf(stderr, "SKIP weights::read_only_output: root may write to any file\n");
		cr_skip_test("root may write to any file");
	}

	scratch_write("x.hdr", 1, "x");
	cr_assert(0 == chmod("x.hdr", 0400));

	assert_error(check_output, "x", "x.hdr: cannot be written: Permission denied");
}


Test(weights_files, one_file)
{
	auto file = atomic_begin("state");

	atomic_append(file, 3, "abc");
	atomic_append(file, 2, "de");
	cr_expect(!scratch_exists("state"));

	atomic_commit(file);

	char* text;

	cr_expect(5 == scratch_read("state", &text));
	cr_expect(0 == memcmp(text, "abcde", 5));
	cr_expect(1 == scratch_count());
	free(text);
}
