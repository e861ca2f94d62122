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

// false, and a line that says why, if the backend cannot run here
extern bool nn_test_can_run(const struct nn_backend_s* backend, const char* test);

/* The same backend, but what an operation overwrites and the whole workspace are
 * filled with NaN beforehand, and afterwards the channels of padding must be zero
 * (or the test fails). One at a time.
 */
extern const struct nn_backend_s* nn_test_spoiled(const struct nn_backend_s* backend);

// call fun for each element of the tensor, of its padding or not
extern void nn_test_each(const struct nn_tensor_s* tensor, float* data, bool padding, void (*fun)(float* element));

// offset of a channel of a pixel
extern long nn_test_offset(const struct nn_tensor_s* tensor, long c, const long pos[NN_DIMS]);

#endif		// _NN_TEST_H
