/*
 * What there is at a position of k-space or of an image: modulation and pattern. For
 * .cu files.
 */
#ifndef _GLEAM_GPU_DC_POSITION_H
#define _GLEAM_GPU_DC_POSITION_H

#include "gleam/gpu_dc_kernels.h"

static __device__ inline float2 product(float2 a, float2 b)
{
	return make_float2(a.x * b.x - a.y * b.y, a.x * b.y + a.y * b.x);
}


struct position_s { unsigned int x; unsigned int y; unsigned int z; };

static __device__ inline struct position_s position(const struct gpu_dc_shape_s& d, long pixel)
{
	unsigned int p = (unsigned int)pixel;
	unsigned int X = (unsigned int)d.dims[0];
	unsigned int Y = (unsigned int)d.dims[1];

	return { p % X, (p / X) % Y, (p / X) / Y };
}


static __device__ inline float2 modulation(const struct gpu_dc_shape_s& d, struct position_s pos)
{
	return product(product(d.mod[0][pos.x], d.mod[1][pos.y]), d.mod[2][pos.z]);
}


static __device__ inline float2 pattern_at(const struct gpu_dc_shape_s& d, const float2* pattern, long frame, struct position_s pos)
{
	return pattern[frame * d.pat_pixels + pos.x * d.pat_strs[0] + pos.y * d.pat_strs[1] + pos.z * d.pat_strs[2]];
}

#endif		// _GLEAM_GPU_DC_POSITION_H
