/*
 * Kernels on arrays: what is done to all pixels, in one pass each.
 */

#include "gpu/bf16.h"
#include "gpu/gpu.h"
#include "gpu/launch.h"

#include "nn/backend.h"
#include "nn/padding.h"
#include "nn/tensor.h"

#include "nn/cudnn_grid.h"
#include "nn/cudnn_kernels.h"


// --- the rim


// a plane's rim: two rows, then two columns without their ends
static inline __device__ void rim_pixel(const grid_s& g, bool whole, int i, int* x, int* y)
{
	int width = g.n[0] + 2;

	if (whole || (i < 2 * width)) {

		*x = i % width - 1;
		*y = whole ? (i / width - 1) : ((i < width) ? -1 : g.n[1]);

	} else {

		*x = (0 == i % 2) ? -1 : g.n[0];
		*y = (i - 2 * width) / 2;
	}
}


static __global__ void rim_kernel(grid_s g, nn_padding padding, unit_s<float>* data)
{
	int depth = g.n[2] + 2 * g.rim_z;

	for (int plane = (int)blockIdx.y; plane < g.planes; plane += (int)gridDim.y) {

		int z = plane % depth - g.rim_z;
		int b = plane / depth;

		bool whole = (z < 0) || (z >= g.n[2]);
		int count = whole ? ((g.n[0] + 2) * (g.n[1] + 2)) : (2 * (g.n[0] + 2) + 2 * g.n[1]);

		for (int i = (int)(blockIdx.x * blockDim.x + threadIdx.x); i < count * g.units; i += (int)(gridDim.x * blockDim.x)) {

			int u = i % g.units;
			int x;
			int y;

			rim_pixel(g, whole, i / g.units, &x, &y);

			long from = row_source(g, padding, row_s{ y, z, b });
			long column = nn_pad_index(padding, x, g.n[0]);

			unit_s<float> val = zero_unit<float>();

			if ((-1 != from) && (-1 != column))
				val = data[from + (column + 1) * g.units + u];

			data[row_start(g, y, z, b) + (long)(x + 1) * g.units + u] = val;
		}
	}
}


void nn_array_rim(const struct nn_array_s* array, enum nn_padding padding, void* data)
{
	struct grid_s g = grid_of(array);
	long most = (0 == g.rim_z) ? (2 * (g.n[0] + 2) + 2 * g.n[1]) : ((long)(g.n[0] + 2) * (g.n[1] + 2));

	GPU_LAUNCH(rim_kernel, blocks_for(most * g.units, g.planes), THREADS, gpu_stream(), g, padding, (unit_s<float>*)data);
}


// --- a ReLU on the way in


template <typename T>
static __global__ void relu_kernel(grid_s g, nn_padding padding, unit_s<T>* dst, const unit_s<T>* src)
{
	int rows = g.planes * (g.n[1] + 2);

	for (int i = (int)blockIdx.y; i < rows; i += (int)gridDim.y) {

		row_s r = row_any(g, i);
		long from = row_source(g, padding, r);
		long to = row_start(g, r.y, r.z, r.b);

		for (int j = (int)(blockIdx.x * blockDim.x + threadIdx.x); j < g.row; j += (int)(gridDim.x * blockDim.x)) {

			long x = nn_pad_index(padding, j / g.units - 1, g.n[0]);
			unit_s<T> val = zero_unit<T>();

			if ((-1 != from) && (-1 != x)) {

				val = src[from + (x + 1) * g.units + j % g.units];

				for (int k = 0; k < (int)(16 / sizeof(T)); k++)
					val.v[k] = from_float<T>(positive(to_float(val.v[k])));
			}

			dst[to + j] = val;
		}
	}
}


template <typename T>
static void relu(const struct nn_array_s* array, enum nn_padding padding, void* dst, const void* src)
{
	struct grid_s g = grid_of(array);

	GPU_LAUNCH(relu_kernel<T>, blocks_for(g.row, rows_any(&g)), THREADS, gpu_stream(),
			g, padding, (unit_s<T>*)dst, (const unit_s<T>*)src);
}


void nn_array_relu(const struct nn_array_s* array, enum nn_padding padding, void* dst, const void* src)
{
	FOR_TYPE(array->type, relu, array, padding, dst, src);
}


// --- images


template <typename T>
static __global__ void gather_kernel(grid_s g, nn_padding padding, bool relu, unit_s<T>* dst, nn_tensor_s image, const float* src)
{
	const int LANES = 16 / sizeof(T);
	int rows = g.planes * (g.n[1] + 2);

	for (int i = (int)blockIdx.y; i < rows; i += (int)gridDim.y) {

		row_s r = row_any(g, i);
		long y = nn_pad_index(padding, r.y, g.n[1]);
		long z = nn_pad_index(padding, r.z, g.n[2]);
		long from = image_row(image, y, z, r.b);
		long to = row_start(g, r.y, r.z, r.b);

		for (int j = (int)(blockIdx.x * blockDim.x + threadIdx.x); j < g.row; j += (int)(gridDim.x * blockDim.x)) {

			long x = nn_pad_index(padding, j / g.units - 1, g.n[0]);
			unit_s<T> val = zero_unit<T>();

			for (int k = 0; k < LANES; k++) {

				int c = j % g.units * LANES + k;

				if ((c < image.channels) && (-1 != y) && (-1 != z) && (-1 != x)) {

					float f = src[from + x * image.strs[0] + image_channel(image, c)];

					val.v[k] = from_float<T>(relu ? positive(f) : f);
				}
			}

			dst[to + j] = val;
		}
	}
}


template <typename T>
static void gather(const struct nn_array_s* array, enum nn_padding padding, bool relu,
		void* dst, const struct nn_tensor_s* image, const float* src)
{
	struct grid_s g = grid_of(array);

	GPU_LAUNCH(gather_kernel<T>, blocks_for(g.row, rows_any(&g)), THREADS, gpu_stream(),
			g, padding, relu, (unit_s<T>*)dst, *image, src);
}


void nn_array_gather(const struct nn_array_s* array, enum nn_padding padding, bool relu,
		void* dst, const struct nn_tensor_s* image, const float* src)
{
	FOR_TYPE(array->type, gather, array, padding, relu, dst, image, src);
}


template <typename T>
static __global__ void scatter_kernel(grid_s g, int rows, nn_tensor_s image, float* dst, const T* src, const float* bias, const float* res)
{
	const int LANES = 16 / sizeof(T);
	int channels = (int)image.channels;

	for (int i = (int)blockIdx.y; i < rows; i += (int)gridDim.y) {

		row_s r = row_inside(g, i);
		long from = (row_start(g, r.y, r.z, r.b) + g.units) * LANES;
		long to = image_row(image, r.y, r.z, r.b);

		for (int j = (int)(blockIdx.x * blockDim.x + threadIdx.x); j < g.n[0] * channels; j += (int)(gridDim.x * blockDim.x)) {

			int x = j / channels;
			int c = j % channels;

			float sum = to_float(src[from + (long)x * g.units * LANES + c]);
			long pos = to + x * image.strs[0] + image_channel(image, c);

			if (NULL != bias)
				sum += bias[c];

			if (NULL != res)
				sum += res[pos];

			dst[pos] = sum;
		}
	}
}


template <typename T>
static void scatter(const struct nn_array_s* array, const struct nn_tensor_s* image, float* dst,
		const void* src, const float* bias, const float* res)
{
	struct grid_s g = grid_of(array);
	int rows = rows_inside(&g, array);

	GPU_LAUNCH(scatter_kernel<T>, blocks_for(g.n[0] * image->channels, rows), THREADS, gpu_stream(),
			g, rows, *image, dst, (const T*)src, bias, res);
}


void nn_array_scatter(const struct nn_array_s* array, const struct nn_tensor_s* image, float* dst,
		const void* src, const float* bias, const float* res)
{
	FOR_TYPE(array->type, scatter, array, image, dst, src, bias, res);
}


// --- sums that cuDNN has not made


template <typename T>
static __global__ void finish_kernel(long N, int units, unit_s<T>* dst, const unit_s<T>* src, const unit_s<T>* res, const unit_s<T>* bias, bool relu)
{
	for (long i = (long)blockIdx.x * blockDim.x + threadIdx.x; i < N; i += (long)gridDim.x * blockDim.x) {

		unit_s<T> zero = zero_unit<T>();
		unit_s<T> a = src[i];
		unit_s<T> b = (NULL == res) ? zero : res[i];
		unit_s<T> c = (NULL == bias) ? zero : bias[i % units];

		for (int k = 0; k < (int)(16 / sizeof(T)); k++) {

			float sum = to_float(a.v[k]) + to_float(b.v[k]) + to_float(c.v[k]);

			a.v[k] = from_float<T>(relu ? positive(sum) : sum);
		}

		dst[i] = a;
	}
}


template <typename T>
static void finish(const struct nn_array_s* array, void* dst, const void* src, const void* res, const void* bias, bool relu)
{
	struct grid_s g = grid_of(array);
	long N = g.planes * g.plane;

	GPU_LAUNCH(finish_kernel<T>, gpu_blocks(N, THREADS), THREADS, gpu_stream(),
			N, g.units, (unit_s<T>*)dst, (const unit_s<T>*)src, (const unit_s<T>*)res, (const unit_s<T>*)bias, relu);
}


void nn_array_finish(const struct nn_array_s* array, void* dst, const void* src, const void* res, const void* bias, bool relu)
{
	FOR_TYPE(array->type, finish, array, dst, src, res, bias, relu);
}
