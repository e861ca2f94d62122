/*
 * The image of k-space averaged over frames, without the transform: what
 * dc_average.c does.
 */

#include <cfloat>

#include "gleam/gpu_dc_device.h"
#include "gleam/gpu_dc_position.h"


// sum of conj(P) M y over frames, at one position
static __device__ inline float2 weighted_sum(const struct gpu_dc_shape_s& d, long first, long coil, long pixel, float2 m,
		struct position_s pos, const float2* ksp, const float2* pattern)
{
	float2 sum = make_float2(0.f, 0.f);

	for (long t = first; t < first + d.frames; t++) {

		float2 p = product(pattern_at(d, pattern, d.pat_frame[t], pos), m);
		float2 y = product(make_float2(p.x, -p.y), ksp[(t * d.coils + coil) * d.pixels + pixel]);

		sum = make_float2(sum.x + y.x, sum.y + y.y);
	}

	return sum;
}


static __device__ inline float total_weight(const struct gpu_dc_shape_s& d, long first, struct position_s pos, const float2* pattern)
{
	float sum = 0.f;

	for (long t = first; t < first + d.frames; t++) {

		float2 p = pattern_at(d, pattern, d.pat_frame[t], pos);

		sum += p.x * p.x + p.y * p.y;
	}

	return sum;
}


static __global__ void average_kspace(struct gpu_dc_shape_s d, float2* coils, const float2* ksp, const float2* pattern)
{
	long first = sample_of_block(d) * d.frames;

	for (unsigned int i = first_item(d); i < d.pixels; i += next_item(d)) {

		struct position_s pos = position(d, i);
		float2 m = modulation(d, pos);
		float total = total_weight(d, first, pos, pattern);

		for (long c = 0; c < d.coils; c++) {

			float2 y = weighted_sum(d, first, c, i, m, pos, ksp, pattern);

			// nothing was sampled where there is no weight
			y = (FLT_MIN <= total) ? make_float2(y.x / total, y.y / total) : make_float2(0.f, 0.f);

			for (long t = first; t < first + d.frames; t++)
				coils[(t * d.coils + c) * d.pixels + i] = y;
		}
	}
}


void gpu_dc_average_kspace(const struct gpu_dc_shape_s* d, float2* coils, const float2* ksp, const float2* pattern)
{
	GPU_LAUNCH(average_kspace, blocks_of(d), SUM_THREADS, gpu_stream(), *d, coils, ksp, pattern);
}


// maps are together in an image
static __global__ void average_frames(struct gpu_dc_shape_s d, float2* x)
{
	long N = d.maps * d.pixels;
	float2* first = x + sample_of_block(d) * d.frames * N;
	float scale = 1.f / (float)d.frames;

	for (unsigned int i = first_item(d); i < N; i += next_item(d)) {

		float2 sum = make_float2(0.f, 0.f);

		for (long t = 0; t < d.frames; t++)
			sum = make_float2(sum.x + first[t * N + i].x, sum.y + first[t * N + i].y);

		first[i] = make_float2(scale * sum.x, scale * sum.y);
	}
}


void gpu_dc_average_frames(const struct gpu_dc_shape_s* d, float2* x)
{
	GPU_LAUNCH(average_frames, blocks_of(d), SUM_THREADS, gpu_stream(), *d, x);
}
