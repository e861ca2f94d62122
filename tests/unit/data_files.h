/*
 * Small data sets in the current folder, and what breaks them.
 */
#ifndef _DATA_FILES_H
#define _DATA_FILES_H

#include <complex.h>

#include "misc/mri.h"

#include "gleam/data.h"

#include "caught.h"
#include "scratch.h"

enum { X = 8, Y = 6, C = 3 };

// the names that write_good uses
extern const struct gleam_files_s all;

// a number for each seed and position
extern complex float value(unsigned int seed, long i);

// without BART's help, so that no thread is started before a fork
extern void write_cfl(const char* name, const long dims[DIMS], const complex float* data);

enum fill { RANDOM, ONES, ZEROS };

extern void write_filled(const char* name, const long dims[DIMS], enum fill fill, unsigned int seed);

// sizes that are not given are one
extern const long* dims_of(const long given[DIMS]);

#define DIMS_OF(...) dims_of((const long[DIMS]){ __VA_ARGS__ })
#define RANDOM_CFL(name, ...) write_filled(name, DIMS_OF(__VA_ARGS__), RANDOM, (unsigned char)name[0])
#define ONES_CFL(name, ...) write_filled(name, DIMS_OF(__VA_ARGS__), ONES, 0)
#define ZEROS_CFL(name, ...) write_filled(name, DIMS_OF(__VA_ARGS__), ZEROS, 0)

// two slices, one map, all files as they should be
extern void write_good(void);

// writes one complex number into the file
extern void poke(const char* name, long index, complex float val);

// opens the files and closes them again, for assert_error
extern void open_void(const void* files);

#define ASSERT_BAD(...) assert_error(open_void, &all, __VA_ARGS__)

#endif		// _DATA_FILES_H
