#include <float.h>
#include <math.h>
#include <stdint.h>

#include "gpu/bf16.h"
#include "gpu/gpu.h"
#include "gpu/launch.h"

#include "nn/adam.h"
#include "nn/tensor.h"

#include "nn/cudnn_grid.h"
#include "nn/device_kernels.h"


// --- images: a thread for each channel of a pixel


static __global__ void image_copy_kernel(int rows, nn_tensor_s image, float* dst, const float* src)
{
	int channels = (int)image.channels;
	int X = (int)image.dims[0];
	int Y = (int)image.dims[1];
	int Z = (int)image.dims[2];

	for (int i = (int)blockIdx.y; i < rows; i += (int)gridDim.y) {

		long start = image_row(image, i % Y, i / Y % Z, i / Y / Z);

		for (int j = (int)(blockIdx.x * blockDim.x + threadIdx.x); j < X * channels; j += (int)(gridDim.x * blockDim.x)) {

			long pos = start + j / channels * image.strs[0] + image_channel(image, j % channels);

			dst[pos] = src[pos];
		}
	}
}


void nn_gpu_image_copy(const struct nn_tensor_s* image, float* dst, const float* src)
{
	if (dst == src)
		return;

	long rows = image->dims[1] * image->dims[2] * image->dims[3];

	GPU_LAUNCH(image_copy_kernel, blocks_for(image->dims[0] * image->channels, rows), THREADS, gpu_stream(), (int)rows, *image, dst, src);
}


/* --- ReLU at the end of a block. A thread has four neighbours, eight threads the
 * 32 bits of a word.
 */

#define QUAD 4
#define BITS 32
#define BLOCK (THREADS * QUAD)		// elements


template <typename T>
static __global__ void relu_add_kernel(long N, T* h, uint32_t* signs, const T* shortcut)
{
	__shared__ uint32_t quads[THREADS];

	int t = (int)threadIdx.x;

	for (long start = (long)blockIdx.x * BLOCK; start < N; start += (long)gridDim.x * BLOCK) {

		uint32_t bits = 0;

		for (int k = 0; k < QUAD; k++) {

			long i = start + (long)t * QUAD + k;

			if (i >= N)
				break;

			float val = to_float(h[i]);

			bits |= ((0.f < val) ? 1u : 0u) << k;

			h[i] = from_float<T>(positive(val) + ((NULL == shortcut) ? 0.f : to_float(shortcut[i])));
		}

		quads[t] = bits;
		__syncthreads();

		long word = start / BITS + t;

		if ((NULL != signs) && (t < BLOCK / BITS) && (word * BITS < N)) {

			uint32_t all = 0;

			for (int k = 0; k < BITS / QUAD; k++)
				all |= quads[t * (BITS / QUAD) + k] << (k * QUAD);

			signs[word] = all;
		}

		__syncthreads();
	}
}


template <typename T>
static void relu_add(long N, void* h, uint32_t* signs, const void* shortcut)
{
	GPU_LAUNCH_SYNC(relu_add_kernel<T>, gpu_blocks(N, BLOCK), THREADS, gpu_stream(), N, (T*)h, signs, (const T*)shortcut);
}


void nn_gpu_relu_add(enum nn_type type, long N, void* h, uint32_t* signs, const void* shortcut)
{
	FOR_TYPE(type, relu_add, N, h, signs, shortcut);
}


template <typename T>
static __global__ void relu_gradient_kernel(long N, T* dst, const T* src, const uint32_t* signs)
{
	for (long i = (long)blockIdx.x * blockDim.x + threadIdx.x; i < N; i += (long)gridDim.x * blockDim.x)
		dst[i] = (0 == ((signs[i / BITS] >> (i % BITS)) & 1u)) ? (T)0 : src[i];
}


template <typename T>
static void relu_gradient(long N, void* dst, const void* src, const uint32_t* signs)
{
	GPU_LAUNCH(relu_gradient_kernel<T>, gpu_blocks(N, THREADS), THREADS, gpu_stream(), N, (T*)dst, (const T*)src, signs);
}


void nn_gpu_relu_gradient(enum nn_type type, long N, void* dst, const void* src, const uint32_t* signs)
{
	FOR_TYPE(type, relu_gradient, N, dst, src, signs);
}


// --- Adam

// nn_adam_factor, which is the host's
static __device__ inline float adam_factor(float clip, const double* check)
{
	if (NULL == check)
		return 1.f;

	if (!(fabs(check[0]) <= DBL_MAX) || !(check[1] <= (double)FLT_MAX))
		return 0.f;

	double c = (double)clip;

	return ((0. < c) && (check[1] > c * c)) ? (float)(c / sqrt(check[1])) : 1.f;
}


// the last of each network's parameters
struct tail_s { bool other; bool trained; float min; };


static __global__ void adam_kernel(nn_adam_conf_s conf, tail_s tail, const float* rates, const double* check, long N, long P,
		float* params, float* m, float* v, const float* grad)
{
	float rate = rates[0];
	float root = rates[1];
	float factor = adam_factor(conf.clip, check);

	if (0.f == factor)
		return;

	for (long i = (long)blockIdx.x * blockDim.x + threadIdx.x; i < N; i += (long)gridDim.x * blockDim.x) {

		bool is_tail = tail.other && (P - 1 == i % P);

		if (is_tail && !tail.trained)
			continue;

		float p = params[i];
		float g = factor * grad[i] + (is_tail ? 0.f : (conf.weight_decay * p));

		float m1 = conf.beta1 * m[i] + (1.f - conf.beta1) * g;
		float v1 = conf.beta2 * v[i] + (1.f - conf.beta2) * g * g;

		m[i] = m1;
		v[i] = v1;

		p -= rate * m1 / (root * sqrtf(v1) + conf.eps);

		params[i] = (is_tail && (p < tail.min)) ? tail.min : p;
	}
}


void nn_gpu_adam(const struct nn_adam_conf_s* conf, const struct nn_adam_tail_s* tail, const float* rates, const double* check,
		long networks, long P, float* params, float* m, float* v, const float* grad)
{
	long N = networks * P;
	struct tail_s last = { false, true, 0.f };

	if (NULL != tail)
		last = tail_s{ true, tail->trained, tail->min };

	GPU_LAUNCH(adam_kernel, gpu_blocks(N, THREADS), THREADS, gpu_stream(), *conf, last, rates, check, N, P, params, m, v, grad);
}
