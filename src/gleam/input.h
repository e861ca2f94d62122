/*
 * One input file (.cfl, .ra, stream, ...) and what can be wrong with it alone.
 * All functions call error() with file, found, expected and a way out.
 */
#ifndef _INPUT_H
#define _INPUT_H

#include <complex.h>
#include <stdbool.h>

#include "misc/mri.h"

#include "gleam/input_watch.h"

// dimensions that enumerate samples, the first one fastest; they come last, so
// that a sample is one block of memory
#define SAMPLE_FLAGS (SLICE_FLAG|AVG_FLAG|BATCH_FLAG)

#define DIMS_TEXT 384

struct input_s {

	const char* name;
	const char* role;	// "k-space", "sensitivities", ...

	long dims[DIMS];
	const complex float* data;
	bool mapped;		// straight from the file, page by page
	bool file;		// read from a file when it is used, which may be cut short then

	struct input_mark_s marks[2];	// of the data's file and of the header's
	uint64_t fingerprint;		// 0 where nobody has asked for it
};

// opens the file once; BART's own messages are replaced where they say little
extern struct input_s input_open(const char* name, const char* role);
extern void input_close(const struct input_s* in);

// as "[320 256 1 8]"; dimensions of size one at the end are left out
extern const char* dims_text(char text[DIMS_TEXT], const long dims[DIMS]);

// number of samples, and where one of them starts; a dimension of size one is
// shared by the samples that sample_dims enumerates
extern long input_samples(const long dims[DIMS]);
extern const complex float* input_sample(const struct input_s* in, const long sample_dims[DIMS], long sample);

/* Pages of the file that have been read are given back: a data set does not add
 * to the resident memory, however large. They stay in the system's cache.
 */
extern void input_release(const struct input_s* in);

// the system begins to read this sample of a file into its cache, for which nobody waits
extern void input_ahead(const struct input_s* in, const long sample_dims[DIMS], long sample);

// FNV-1a of what comes after that with this hash
#define INPUT_HASH_START 0xCBF29CE484222325ULL
extern uint64_t input_hash(uint64_t hash, size_t bytes, const void* data);

// reads everything once: neither NaN nor Inf
extern void input_check_finite(const struct input_s* in);

#endif		// _INPUT_H
