/*
 * The CPU: memory is the process's own, and whatever is asked for is done when the
 * call returns. Only fp32.
 */

#include <assert.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "misc/misc.h"

#include "nn/adam.h"
#include "nn/tensor.h"

#include "nn/device.h"

#define ALIGNMENT 64


long nn_sign_words(long N)
{
	return (N + 31) / 32;
}


static void* cpu_alloc(size_t bytes)
{
	return aligned_alloc(ALIGNMENT, (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT);
}


static void cpu_clear(void* dst, size_t bytes)
{
	memset(dst, 0, bytes);
}


#define PIECE (1l << 16)	// bytes that a thread copies at once


static void cpu_copy(void* dst, const void* src, size_t bytes)
{
	long N = (long)bytes;

#pragma omp parallel for
	for (long i = 0; i < N; i += PIECE)
		memcpy((char*)dst + i, (const char*)src + i, (size_t)MIN(PIECE, N - i));
}


// what is on the device already needs no way there
static void cpu_transfer(void* dst, const void* src, size_t bytes)
{
	if (dst != src)
		memcpy(dst, src, bytes);
}


// all has been done
static void cpu_sync(void)
{
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


static void cpu_image_copy(const struct nn_tensor_s* image, float* dst, const float* src)
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


static void cpu_relu_add(enum nn_type type, long N, void* buffer, uint32_t* signs, const void* added)
{
	assert(NN_FLOAT == type);

	float* h = buffer;
	const float* shortcut = added;

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


static void cpu_relu_gradient(enum nn_type type, long N, void* dst, const void* src, const uint32_t* signs)
{
	assert(NN_FLOAT == type);

	float* to = dst;
	const float* from = src;

#pragma omp parallel for
	for (long i = 0; i < N; i++)
		to[i] = (0 == ((signs[i / 32] >> (i % 32)) & 1)) ? 0.f : from[i];
}


static void update(const struct nn_adam_conf_s* conf, const float rates[2], float factor, long N,
		float params[N], float m[N], float v[N], const float grad[N])
{
	float beta1 = conf->beta1;
	float beta2 = conf->beta2;
	float eps = conf->eps;
	float decay = conf->weight_decay;

	float rate = rates[0];
	float root = rates[1];

#pragma omp parallel for
	for (long i = 0; i < N; i++) {

		float g = factor * grad[i] + decay * params[i];

		m[i] = beta1 * m[i] + (1.f - beta1) * g;
		v[i] = beta2 * v[i] + (1.f - beta2) * g * g;

		params[i] -= rate * m[i] / (root * sqrtf(v[i]) + eps);
	}
}


static void update_tail(const struct nn_adam_conf_s* conf, const struct nn_adam_tail_s* tail, const float rates[2], float factor,
		float* param, float* m, float* v, const float* grad)
{
	if (!tail->trained)
		return;

	struct nn_adam_conf_s undecayed = *conf;
	undecayed.weight_decay = 0.;

	update(&undecayed, rates, factor, 1, param, m, v, grad);

	*param = MAX(*param, tail->min);
}


static void cpu_adam(const struct nn_adam_conf_s* conf, const struct nn_adam_tail_s* tail, const float* rates, const double* check,
		long networks, long P, float* params, float* m, float* v, const float* grad)
{
	long body = (NULL == tail) ? P : (P - 1);
	float factor = nn_adam_factor(conf, check);

	if (0.f == factor)
		return;

	for (long pos = 0; pos < networks * P; pos += P) {

		long last = pos + P - 1;

		update(conf, rates, factor, body, params + pos, m + pos, v + pos, grad + pos);

		if (NULL != tail)
			update_tail(conf, tail, rates, factor, params + last, m + last, v + last, grad + last);
	}
}


const struct nn_device_s nn_device_cpu = {

	.name = "CPU",
	.host = true,
	.alloc = cpu_alloc,
	.free = free,
	.clear = cpu_clear,
	.copy = cpu_copy,
	.upload = cpu_transfer,
	.download = cpu_transfer,
	.sync = cpu_sync,
	.host_alloc = cpu_alloc,
	.host_free = free,
	.fetch = cpu_transfer,
	.mark = cpu_sync,
	.reach = cpu_sync,
	.image_copy = cpu_image_copy,
	.relu_add = cpu_relu_add,
	.relu_gradient = cpu_relu_gradient,
	.adam = cpu_adam,
};
