/*
 * Small weights, and what the tests do with them and their files.
 */
#ifndef _WEIGHTS_CASE_H
#define _WEIGHTS_CASE_H

#include <stdbool.h>

#include "gleam/weights.h"

#include "caught.h"
#include "scratch.h"

// features = 3 gives an odd number of parameters: the padding is used
extern struct gleam_net_s small_net(long iterations, long modules);
extern struct gleam_weights_s* random_weights(long iterations, long modules, unsigned int seed);

extern bool same(const struct gleam_weights_s* a, const struct gleam_weights_s* b);

// 4 iterations in 2 modules
extern void write_random(const char* name, unsigned int seed);

// for assert_error
extern void read_void(const void* name);
extern void write_void(const void* name);

// overwrites what is found in a file by a text of the same length
extern void patch(const char* file, const char* from, const char* to);

#endif		// _WEIGHTS_CASE_H
