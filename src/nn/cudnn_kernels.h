/*
 * What cuDNN lacks for our convolutions: rims, ReLUs on the way in, images, the
 * layout of weights, sums. All of it in gpu_stream(), in memory of the device.
 *
 * An *array* is what cuDNN computes with: float or bfloat16, channels last and
 * rounded up to 16 bytes, a rim of one pixel around X and Y, and around Z in 3D.
 */
#ifndef _NN_CUDNN_KERNELS_H
#define _NN_CUDNN_KERNELS_H

#include <stdbool.h>
#include <stddef.h>

#include "nn/backend.h"
#include "nn/tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

struct nn_array_s {

	enum nn_type type;
	int dims[NN_SPATIAL];	// without the rim
	int rim_z;		// 0 or 1
	int batch;
	int channels;		// with padding
};

// the rim as the padding wants it
extern void nn_array_rim(const struct nn_array_s* array, enum nn_padding padding, void* data);

// dst = max(src, 0), with rim
extern void nn_array_relu(const struct nn_array_s* array, enum nn_padding padding, void* dst, const void* src);

// an image as an array with rim, after a ReLU if wanted
extern void nn_array_gather(const struct nn_array_s* array, enum nn_padding padding, bool relu,
		void* dst, const struct nn_tensor_s* image, const float* src);

// image = array + bias + res; bias (fp32) and res (an image, also dst) may be NULL
extern void nn_array_scatter(const struct nn_array_s* array, const struct nn_tensor_s* image, float* dst,
		const void* src, const float* bias, const float* res);

// dst = src + res + bias, and max(., 0) with relu; dst may be src or res; bias (of the array's type) and res may be NULL
extern void nn_array_finish(const struct nn_array_s* array, void* dst, const void* src, const void* res, const void* bias, bool relu);

/* The gradient g of an array with rim becomes that of its inside: what stands in
 * the rim is added to where the padding had taken it from. Then, where x is
 * positive (everywhere if x is NULL), dst = ..., or dst += ... with add; 0 elsewhere. dst may
 * be x; without add it may be g. Unless it is g, zeros are written to its rim.
 */
extern void nn_array_fold(const struct nn_array_s* array, enum nn_padding padding, void* dst, bool add, const void* g, const void* x);
extern void nn_array_fold_image(const struct nn_array_s* array, enum nn_padding padding, const struct nn_tensor_s* image,
		float* dst, bool add, const void* g, const float* x);

// weights: [out][in][taps] in fp32; [rows][taps][columns] for cuDNN, rows and columns padded
struct nn_filter_s {

	enum nn_type type;
	int out;
	int in;
	int taps;
	int out_padded;
	int in_padded;
};

/* Rows are out and columns in, or the other way round and taps in reverse order with
 * turned. padded_bias (not wanted if NULL) becomes a padded vector in the filter's
 * type, zeros if bias is NULL.
 */
extern void nn_filter_pack(const struct nn_filter_s* filter, bool turned, void* dst, const float* src,
		void* padded_bias, const float* bias);

// dst += src, rows are out
extern void nn_filter_add(const struct nn_filter_s* filter, float* dst, const void* src);

// dst += the sum over all pixels, rim included, for the first channels; sums: nn_array_sums floats
extern size_t nn_array_sums(const struct nn_array_s* array);
extern void nn_array_sum(const struct nn_array_s* array, int channels, float* dst, const void* src, float* sums);

#ifdef __cplusplus
}
#endif

#endif		// _NN_CUDNN_KERNELS_H
