/*
 * What the prox networks do between their convolutions: elementwise work on
 * feature buffers (N floats, padding included) and images.
 */
#ifndef _NN_PROX_OPS_H
#define _NN_PROX_OPS_H

#include <stdint.h>

#include "nn/backend.h"

extern void nn_feature_copy(long N, float dst[N], const float src[N]);

// touches nothing that lies between the pixels; nothing to do if dst is src
extern void nn_image_copy(const struct nn_tensor_s* image, float* dst, const float* src);

// words of a field with one bit for each of N numbers
extern long nn_sign_words(long N);

// h = max(h, 0) + shortcut; signs, a bit for each h > 0, and shortcut may be NULL
extern void nn_relu_add(long N, float h[N], uint32_t* signs, const float* shortcut);

// dst = src where h was larger than zero, 0 elsewhere; dst may be src
extern void nn_relu_gradient(long N, float dst[N], const float src[N], const uint32_t* signs);

#endif		// _NN_PROX_OPS_H
