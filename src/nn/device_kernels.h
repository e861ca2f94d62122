/*
 * The steps of a training iteration that are no convolutions, on the GPU: see
 * nn/device.h.
 */
#ifndef _NN_DEVICE_KERNELS_H
#define _NN_DEVICE_KERNELS_H

#include <stdbool.h>
#include <stdint.h>

#include "nn/adam.h"
#include "nn/tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

extern void nn_gpu_image_copy(const struct nn_tensor_s* image, float* dst, const float* src);
extern void nn_gpu_relu_add(enum nn_type type, long N, void* h, uint32_t* signs, const void* shortcut);
extern void nn_gpu_relu_gradient(enum nn_type type, long N, void* dst, const void* src, const uint32_t* signs);
extern void nn_gpu_adam(const struct nn_adam_conf_s* conf, const struct nn_adam_tail_s* tail, const float* rates, const double* check,
		long networks, long P, float* params, float* m, float* v, const float* grad);

#ifdef __cplusplus
}
#endif

#endif		// _NN_DEVICE_KERNELS_H
