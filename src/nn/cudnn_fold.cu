/*
 * The adjoint of padding, together with what else the gradient of a convolution's
 * input goes through: the slope of the ReLU, and the sum with another gradient.
 */

#include "gpu/bf16.h"
#include "gpu/gpu.h"
#include "gpu/launch.h"

#include "nn/backend.h"
#include "nn/padding.h"
#include "nn/tensor.h"

#include "nn/cudnn_grid.h"
#include "nn/cudnn_kernels.h"


/* The i-th of the three positions, in a dimension of n pixels with a rim, at which
 * pixel x may stand: its own, before the first, behind the last. False if it does not.
 */
static inline __device__ bool stands_at(nn_padding padding, int i, int x, int n, int* at)
{
	*at = (0 == i) ? x : ((1 == i) ? -1 : n);

	return (0 == i) || (x == nn_pad_index(padding, *at, n));
}


// no copy of what lies further inside is in the rim
static inline __device__ bool is_near_edge(int x, int n)
{
	return (x < 2) || (n - 3 < x);
}


struct sum_s { float v[8]; };


template <typename T>
static inline __device__ void add_unit(sum_s* sum, unit_s<T> u)
{
	for (int k = 0; k < (int)(16 / sizeof(T)); k++)
		sum->v[k] += to_float(u.v[k]);
}


// all positions at which the pixel stands
template <typename T>
static inline __device__ sum_s fold_unit(const grid_s& g, nn_padding padding, row_s r, int x, int u, const unit_s<T>* src)
{
	sum_s sum = { { 0.f } };

	add_unit<T>(&sum, src[row_start(g, r.y, r.z, r.b) + (long)(x + 1) * g.units + u]);

	bool edge = is_near_edge(x, g.n[0]) || is_near_edge(r.y, g.n[1]) || ((0 < g.rim_z) && is_near_edge(r.z, g.n[2]));

	if ((NN_PAD_ZERO == padding) || !edge)
		return sum;

	for (int i = 1; i < ((0 < g.rim_z) ? 27 : 9); i++) {

		int px;
		int py;
		int pz;

		if (   stands_at(padding, i % 3, x, g.n[0], &px)
		    && stands_at(padding, i / 3 % 3, r.y, g.n[1], &py)
		    && stands_at(padding, i / 9, r.z, g.n[2], &pz))
			add_unit<T>(&sum, src[row_start(g, py, pz, r.b) + (long)(px + 1) * g.units + u]);
	}

	return sum;
}


// --- arrays


static inline __device__ bool is_rim(const grid_s& g, row_s r, int x)
{
	return (x < 0) || (g.n[0] <= x) || (r.y < 0) || (g.n[1] <= r.y) || (r.z < 0) || (g.n[2] <= r.z);
}


template <typename T>
static __global__ void fold_kernel(grid_s g, int rows, nn_padding padding, unit_s<T>* dst, bool add, const unit_s<T>* src, const unit_s<T>* x)
{
	for (int i = (int)blockIdx.y; i < rows; i += (int)gridDim.y) {

		row_s r = row_any(g, i);

		for (int j = (int)(blockIdx.x * blockDim.x + threadIdx.x); j < (g.n[0] + 2) * g.units; j += (int)(gridDim.x * blockDim.x)) {

			long pos = row_start(g, r.y, r.z, r.b) + j;
			int px = j / g.units - 1;

			if (is_rim(g, r, px)) {

				if (dst != src)
					dst[pos] = zero_unit<T>();

				continue;
			}

			sum_s sum = fold_unit<T>(g, padding, r, px, j % g.units, src);
			unit_s<T> slope = (NULL == x) ? zero_unit<T>() : x[pos];
			unit_s<T> val = add ? dst[pos] : zero_unit<T>();

			for (int k = 0; k < (int)(16 / sizeof(T)); k++)
				val.v[k] = from_float<T>(to_float(val.v[k]) + (((NULL == x) || (0.f < to_float(slope.v[k]))) ? sum.v[k] : 0.f));

			dst[pos] = val;
		}
	}
}


template <typename T>
static void fold(const struct nn_array_s* array, enum nn_padding padding, void* dst, bool add, const void* g, const void* x)
{
	struct grid_s grid = grid_of(array);
	int rows = rows_any(&grid);

	GPU_LAUNCH(fold_kernel<T>, blocks_for((long)(grid.n[0] + 2) * grid.units, rows), THREADS, gpu_stream(),
			grid, rows, padding, (unit_s<T>*)dst, add, (const unit_s<T>*)g, (const unit_s<T>*)x);
}


void nn_array_fold(const struct nn_array_s* array, enum nn_padding padding, void* dst, bool add, const void* g, const void* x)
{
	FOR_TYPE(array->type, fold, array, padding, dst, add, g, x);
}


// --- images: a thread for each channel of a pixel


template <typename T>
static inline __device__ float fold_channel(const grid_s& g, nn_padding padding, row_s r, int x, int c, const T* src)
{
	const int LANES = 16 / sizeof(T);
	float sum = 0.f;

	for (int i = 0; i < ((0 < g.rim_z) ? 27 : 9); i++) {

		int px;
		int py;
		int pz;

		if (   stands_at(padding, i % 3, x, g.n[0], &px)
		    && stands_at(padding, i / 3 % 3, r.y, g.n[1], &py)
		    && stands_at(padding, i / 9, r.z, g.n[2], &pz))
			sum += to_float(src[(row_start(g, py, pz, r.b) + (long)(px + 1) * g.units) * LANES + c]);
	}

	return sum;
}


template <typename T>
static __global__ void fold_image_kernel(grid_s g, int rows, nn_padding padding, nn_tensor_s image,
		float* dst, bool add, const T* src, const float* x)
{
	int channels = (int)image.channels;

	for (int i = (int)blockIdx.y; i < rows; i += (int)gridDim.y) {

		row_s r = row_inside(g, i);

		for (int j = (int)(blockIdx.x * blockDim.x + threadIdx.x); j < g.n[0] * channels; j += (int)(gridDim.x * blockDim.x)) {

			int c = j % channels;
			long pos = image_row(image, r.y, r.z, r.b) + j / channels * image.strs[0] + image_channel(image, c);

			float sum = ((NULL == x) || (0.f < x[pos])) ? fold_channel<T>(g, padding, r, j / channels, c, src) : 0.f;

			dst[pos] = sum + (add ? dst[pos] : 0.f);
		}
	}
}


template <typename T>
static void fold_image(const struct nn_array_s* array, enum nn_padding padding, const struct nn_tensor_s* image,
		float* dst, bool add, const void* g, const float* x)
{
	struct grid_s grid = grid_of(array);
	int rows = rows_inside(&grid, array);

	GPU_LAUNCH(fold_image_kernel<T>, blocks_for(grid.n[0] * image->channels, rows), THREADS, gpu_stream(),
			grid, rows, padding, *image, dst, add, (const T*)g, x);
}


void nn_array_fold_image(const struct nn_array_s* array, enum nn_padding padding, const struct nn_tensor_s* image,
		float* dst, bool add, const void* g, const float* x)
{
	FOR_TYPE(array->type, fold_image, array, padding, image, dst, add, g, x);
}
