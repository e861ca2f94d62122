#include <stdint.h>

#include "misc/misc.h"

#include "nn/backend.h"

#include "nn/prox_ops.h"


void nn_feature_copy(long N, float dst[N], const float src[N])
{
#pragma omp parallel for
	for (long i = 0; i < N; i++)
		dst[i] = src[i];
}


static void copy_row(const struct nn_tensor_s* image, float* dst, const float* src)
{
	long maps = image->channels / image->group;

	for (long x = 0; x < image->dims[0]; x++) {

		for (long m = 0; m < maps; m++) {

			long offset = x * image->strs[0] + m * image->group_str;

			for (long c = 0; c < image->group; c++)
				dst[offset + c] = src[offset + c];
		}
	}
}


void nn_image_copy(const struct nn_tensor_s* image, float* dst, const float* src)
{
	if (dst == src)
		return;

#pragma omp parallel for collapse(3)
	for (long b = 0; b < image->dims[3]; b++) {

		for (long z = 0; z < image->dims[2]; z++) {

			for (long y = 0; y < image->dims[1]; y++) {

				long offset = y * image->strs[1] + z * image->strs[2] + b * image->strs[3];

				copy_row(image, dst + offset, src + offset);
			}
		}
	}
}


long nn_sign_words(long N)
{
	return (N + 31) / 32;
}


void nn_relu_add(long N, float h[N], uint32_t* signs, const float* shortcut)
{
#pragma omp parallel for
	for (long w = 0; w < nn_sign_words(N); w++) {

		uint32_t bits = 0;
		long end = MIN(N, 32 * (w + 1));

		for (long i = 32 * w; i < end; i++) {

			bits |= ((0.f < h[i]) ? UINT32_C(1) : UINT32_C(0)) << (i % 32);

			h[i] = ((0.f > h[i]) ? 0.f : h[i]) + ((NULL == shortcut) ? 0.f : shortcut[i]);
		}

		if (NULL != signs)
			signs[w] = bits;
	}
}


void nn_relu_gradient(long N, float dst[N], const float src[N], const uint32_t* signs)
{
#pragma omp parallel for
	for (long i = 0; i < N; i++)
		dst[i] = (0 == ((signs[i / 32] >> (i % 32)) & 1)) ? 0.f : src[i];
}
