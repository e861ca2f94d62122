/*
 * What the kernels on arrays share: units of 16 bytes, as much as a thread reads or
 * writes at once, and positions. For .cu files.
 *
 * Blocks stand for rows of pixels (their second index), threads for units, or
 * channels, along a row: so a row's position is divided out once.
 */
#ifndef _NN_CUDNN_GRID_H
#define _NN_CUDNN_GRID_H

#include "gpu/bf16.h"
#include "gpu/launch.h"

#include "nn/backend.h"
#include "nn/cudnn_kernels.h"
#include "nn/padding.h"
#include "nn/tensor.h"

#define THREADS 256


template <typename T>
struct alignas(16) unit_s { T v[16 / sizeof(T)]; };

static inline __device__ float to_float(float x)
{
	return x;
}

static inline __device__ float to_float(bf16_t x)
{
	return bf16_to_float(x);
}

template <typename T> static inline __device__ T from_float(float x);

template <> inline __device__ float from_float<float>(float x)
{
	return x;
}

template <> inline __device__ bf16_t from_float<bf16_t>(float x)
{
	return bf16_from_float(x);
}

// a NaN passes
static inline __device__ float positive(float x)
{
	return (0.f > x) ? 0.f : x;
}

template <typename T>
static inline __device__ unit_s<T> zero_unit(void)
{
	unit_s<T> u;

	for (int i = 0; i < (int)(16 / sizeof(T)); i++)
		u.v[i] = 0;

	return u;
}


// --- positions

// an array in units
struct grid_s {

	int n[3];		// pixels inside
	int rim_z;
	int units;		// of a pixel
	int planes;		// rims included
	long row;		// units from one row to the next
	long plane;
};


static inline struct grid_s grid_of(const struct nn_array_s* a)
{
	struct grid_s g;

	for (int i = 0; i < 3; i++)
		g.n[i] = a->dims[i];

	g.rim_z = a->rim_z;
	g.units = a->channels * (int)((NN_BFLOAT16 == a->type) ? sizeof(bf16_t) : sizeof(float)) / 16;
	g.planes = a->batch * (a->dims[2] + 2 * a->rim_z);
	g.row = (long)g.units * (a->dims[0] + 2);
	g.plane = g.row * (a->dims[1] + 2);

	return g;
}


// of all volumes one after the other: the first unit of the row y (from -1) in plane z (from -rim_z) of volume b
static inline __device__ long row_start(const grid_s& g, int y, int z, int b)
{
	return ((long)b * (g.n[2] + 2 * g.rim_z) + z + g.rim_z) * g.plane + (y + 1) * g.row;
}


struct row_s { int y; int z; int b; };


// the rows inside, or all
static inline __device__ row_s row_inside(const grid_s& g, int i)
{
	int zb = i / g.n[1];

	return row_s{ i % g.n[1], zb % g.n[2], zb / g.n[2] };
}


static inline __device__ row_s row_any(const grid_s& g, int i)
{
	int depth = g.n[2] + 2 * g.rim_z;
	int zb = i / (g.n[1] + 2);

	return row_s{ i % (g.n[1] + 2) - 1, zb % depth - g.rim_z, zb / depth };
}


static inline int rows_inside(const struct grid_s* g, const struct nn_array_s* a)
{
	return a->batch * g->n[2] * g->n[1];
}


static inline int rows_any(const struct grid_s* g)
{
	return g->planes * (g->n[1] + 2);
}


// blocks for rows of some items each
static inline dim3 blocks_for(long items, long rows)
{
	return dim3(gpu_blocks(items, THREADS), (unsigned int)((rows < 65535) ? rows : 65535));
}


// where the row's pixels are copied from; -1 if they are zeros
static inline __device__ long row_source(const grid_s& g, nn_padding padding, row_s r)
{
	long y = nn_pad_index(padding, r.y, g.n[1]);
	long z = nn_pad_index(padding, r.z, g.n[2]);

	return ((-1 == y) || (-1 == z)) ? -1 : row_start(g, (int)y, (int)z, r.b);
}


// of an image: the first element of a row
static inline __device__ long image_row(const nn_tensor_s& t, long y, long z, long b)
{
	return t.offset + y * t.strs[1] + z * t.strs[2] + b * t.strs[3];
}


static inline __device__ long image_channel(const nn_tensor_s& t, int c)
{
	return (c % t.group) + (c / t.group) * t.group_str;
}


// calls a template for the array's type
#define FOR_TYPE(type, fun, ...)			\
	do {						\
		if (NN_BFLOAT16 == (type))		\
			fun<bf16_t>(__VA_ARGS__);	\
		else					\
			fun<float>(__VA_ARGS__);	\
	} while (0)


#endif		// _NN_CUDNN_GRID_H
