/*
 * What the tests of src/nn share: random data, distances, and a backend around
 * another that spoils what an operation must not rely on.
 */
#ifndef _NN_TEST_H
#define _NN_TEST_H

#include <stddef.h>
#include <stdbool.h>

#include "nn/backend.h"

// uniform in (-1, 1), a function of the seed
extern void nn_test_random(long N, float dst[N], unsigned int seed);

// ||a - b|| / ||b||, in double
extern double nn_test_distance(long N, const float a[N], const float b[N]);
extern double nn_test_distance_double(long N, const float a[N], const double b[N]);

/* What a backend may be off, relative to the norm. fp32: a sum of n products of
 * random sign is off by about sqrt(n) / 2 roundings of 6e-8, for n = 900 by 1e-6;
 * Winograd's transforms cost a few times that. TF32 and bfloat16 round operands
 * by 5e-4 and 4e-3 at most; a result is off by about as much, and if it is stored as
 * bfloat16 it is rounded once more.
 */
extern double nn_test_tolerance(const struct nn_backend_s* backend);

// false, and a line that says why, if the backend cannot run here
extern bool nn_test_can_run(const struct nn_backend_s* backend, const char* test);

// a line that says which backends this binary does without
extern void nn_test_absent(const char* test);

/* The same backend, but what an operation overwrites and the whole workspace are
 * filled with NaN beforehand, rims, too, and afterwards the channels of padding must be zero
 * (or the test fails). One at a time.
 */
extern const struct nn_backend_s* nn_test_spoiled(const struct nn_backend_s* backend);

// call fun for each element of the tensor, of its padding or not
extern void nn_test_each(const struct nn_tensor_s* tensor, float* data, bool padding, void (*fun)(float* element));

// offset of a channel of a pixel
extern long nn_test_offset(const struct nn_tensor_s* tensor, long c, const long pos[NN_DIMS]);

#endif		// _NN_TEST_H
