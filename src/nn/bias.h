/*
 * Gradient of a bias, the same for backends on the CPU.
 */
#ifndef _NN_BIAS_H
#define _NN_BIAS_H

#include "nn/backend.h"

// dbias += sum of dy over pixels and batch; the same bits for any number of threads
extern void nn_bias_gradient(const struct nn_tensor_s* tensor, float* dbias, const float* dy, int threads);

#endif		// _NN_BIAS_H
