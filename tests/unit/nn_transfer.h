/*
 * Tensors of the tests live on the host as floats, in the layout and size that
 * they have on the device, and are carried there and back.
 */
#ifndef _NN_TRANSFER_H
#define _NN_TRANSFER_H

#include <stdbool.h>

#include "nn/device.h"
#include "nn/tensor.h"

// what a backend's memory holds, the rim filled with NaN
extern void* nn_transfer_new(const struct nn_device_s* device, const struct nn_tensor_s* tensor, const float* src);
// a gradient, whose rim is zero
extern void* nn_transfer_gradient(const struct nn_device_s* device, const struct nn_tensor_s* tensor, const float* src);
extern void nn_transfer_to(const struct nn_device_s* device, const struct nn_tensor_s* tensor, void* dst, const float* src);

// a new array, the rim filled with zeros
extern float* nn_transfer_from(const struct nn_device_s* device, const struct nn_tensor_s* tensor, const void* src);

// is what surrounds a gradient zero?
extern bool nn_transfer_rim_is_zero(const struct nn_device_s* device, const struct nn_tensor_s* tensor, const void* src);

// plain arrays, as parameters and whole images are
extern float* nn_transfer_floats(const struct nn_device_s* device, long N, const float src[N]);
extern void nn_transfer_back(const struct nn_device_s* device, long N, float dst[N], const float* src);

#endif		// _NN_TRANSFER_H
