/*
 * Winograd weight gradient between feature tensors: the transposed algorithm,
 * dW = G^T (sum over tiles of (B^T x B) . (A dy A^T)) G, where the sum is a
 * matrix product for each of the 36 points.
 *
 * The image is summed up in a fixed number of parts, which are added in their
 * order: so the result does not depend on the number of threads, and no more
 * accumulators are needed than threads.
 */

#include <stddef.h>
#include <stdbool.h>
#include <string.h>

#include "nn/backend.h"
#include "nn/bias.h"
#include "nn/winograd.h"


#define PARTS 12

/* Tiles of one product: few make many passes over the accumulator, many let
 * the transformed tiles outgrow the cache.
 */
#define STEP_TILES 48


struct sum_s {

	long tiles;	// of a step
	long columns;	// channels of dy with padding
	long ldv;
	long ldd;
	long slotv;	// floats from one point to the next
	long slotd;
	long slotu;

	float* V;	// V[point][tile][channels of x]
	float* D;	// D[point][tile][columns]
	float* dU;	// dU[point][channels of x][columns]
	float* patch;
};


// rows a large power of two apart would share few sets of the cache
static long spread_rows(long n)
{
	return ((64 <= n) && (0 == n % 32)) ? (n + 16) : n;
}


static long gradient_floats(const struct wino_op_s* op)
{
	return WINO_POINTS * wino_padded(&op->src) * wino_columns(op, wino_padded(&op->dst));
}


static struct sum_s sum_take(const struct wino_op_s* op, struct wino_arena_s* arena)
{
	struct sum_s sum;

	sum.tiles = wino_min(STEP_TILES, wino_tiles_in_plane(op));
	sum.columns = wino_columns(op, wino_padded(&op->dst));
	sum.ldv = spread_rows(wino_padded(&op->src));
	sum.ldd = spread_rows(sum.columns);
	sum.slotv = sum.tiles * sum.ldv + 16;
	sum.slotd = sum.tiles * sum.ldd + 16;
	sum.slotu = wino_padded(&op->src) * sum.columns;

	sum.V = wino_take(arena, WINO_POINTS * sum.slotv);
	sum.D = wino_take(arena, WINO_POINTS * sum.slotd);
	sum.dU = wino_take(arena, gradient_floats(op));
	sum.patch = wino_take(arena, wino_patch_floats(op));

	return sum;
}


static long steps_in_plane(const struct wino_op_s* op)
{
	long step = wino_min(STEP_TILES, wino_tiles_in_plane(op));

	return (wino_tiles_in_plane(op) + step - 1) / step;
}


static long step_count(const struct wino_op_s* op)
{
	return steps_in_plane(op) * op->dst.dims[2] * op->dst.dims[3];
}


static long part_count(const struct wino_op_s* op)
{
	return wino_min(PARTS, step_count(op));
}


static int thread_count(const struct wino_op_s* op)
{
	return (int)wino_min(op->threads, part_count(op));
}


size_t wino_tiles_weights_workspace(const struct wino_op_s* op)
{
	struct wino_arena_s arena = { NULL, 0 };

	wino_take(&arena, gradient_floats(op));

	for (int i = 0; i < thread_count(op); i++)
		sum_take(op, &arena);

	return arena.used;
}


// pixels of another tile count there
static void load_edge(const struct wino_op_s* op, float* patch, const float* plane,
		const struct wino_tile_s* ty, const struct wino_tile_s* tx)
{
	const struct nn_tensor_s* dst = &op->dst;
	long channels = wino_padded(dst);
	size_t bytes = (size_t)channels * sizeof(float);

	memset(patch, 0, WINO_OUT * WINO_OUT * bytes);

	for (long i = ty->first; i < ty->last; i++)
		for (long j = tx->first; j < tx->last; j++)
			memcpy(patch + (i * WINO_OUT + j) * channels,
					plane + wino_offset(dst, tx->origin + j, ty->origin + i, 0, 0), bytes);
}


void wino_tile_load_gradient(const struct wino_op_s* op, float* D, long slot, const float* plane, long t, float* patch)
{
	const struct wino_tile_s* ty = &op->tiling[1].tile[t / op->tiling[0].tiles];
	const struct wino_tile_s* tx = &op->tiling[0].tile[t % op->tiling[0].tiles];
	const struct nn_tensor_s* dst = &op->dst;
	long channels = wino_padded(dst);

	if (ty->inner && tx->inner) {

		const float* corner = plane + wino_offset(dst, tx->origin, ty->origin, 0, 0);

		op->kernels->tile_gradient(channels, D, slot, corner, dst->strs[0], dst->strs[1]);

	} else {

		load_edge(op, patch, plane, ty, tx);
		op->kernels->tile_gradient(channels, D, slot, patch, channels, WINO_OUT * channels);
	}
}


// adds what n tiles of a plane give
static void step_gradient(const struct wino_op_s* op, const struct sum_s* sum, const float* x, const float* dy, long first, long n)
{
	for (long t = 0; t < n; t++)
		wino_tile_load(op, sum->V + t * sum->ldv, sum->slotv, x, first + t, sum->patch);

	for (long t = 0; t < n; t++)
		wino_tile_load_gradient(op, sum->D + t * sum->ldd, sum->slotd, dy, first + t, sum->patch);

	for (long p = 0; p < WINO_POINTS; p++)
		op->kernels->product_transposed(wino_padded(&op->src), sum->columns, n, sum->dU + p * sum->slotu, sum->columns,
				sum->V + p * sum->slotv, sum->ldv, sum->D + p * sum->slotd, sum->ldd);
}


static void part_gradient(const struct wino_op_s* op, const struct sum_s* sum, const float* x, const float* dy, long part, long kz)
{
	long steps = step_count(op);
	long parts = part_count(op);

	memset(sum->dU, 0, (size_t)gradient_floats(op) * sizeof(float));

	for (long s = part * steps / parts; s < (part + 1) * steps / parts; s++) {

		long first = (s % steps_in_plane(op)) * sum->tiles;
		long plane = s / steps_in_plane(op);
		long z = plane % op->dst.dims[2];
		long b = plane / op->dst.dims[2];
		long src[2];

		if (0 == wino_sources(op, 2, z, kz, src))
			continue;

		step_gradient(op, sum, x + wino_offset(&op->src, 0, 0, src[0], b), dy + wino_offset(&op->dst, 0, 0, z, b),
				first, wino_min(sum->tiles, wino_tiles_in_plane(op) - first));
	}
}


static void add_part(const struct wino_op_s* op, float* total, const struct sum_s* sum, long part)
{
	struct wino_finish_s finish = { .add = (0 < part) };

	op->kernels->pixel_finish(gradient_floats(op), total, sum->dU, &finish);
}


static void slice_gradient(const struct wino_op_s* op, const struct sum_s* sum, float* total, const float* x,
		const float* dy, long kz)
{
#pragma omp parallel for ordered schedule(dynamic) num_threads(thread_count(op))
	for (long i = 0; i < part_count(op); i++) {

		part_gradient(op, &sum[wino_thread()], x, dy, i, kz);
#pragma omp 	ordered
		add_part(op, total, &sum[wino_thread()], i);
	}
}


void wino_tiles_weights(const struct wino_op_s* op, float* dweights, float* dbias, const float* x, const float* dy, void* ws)
{
	struct wino_arena_s arena = { ws, 0 };
	struct sum_s sum[thread_count(op)];

	float* total = wino_take(&arena, gradient_floats(op));

	for (int i = 0; i < thread_count(op); i++)
		sum[i] = sum_take(op, &arena);

	for (long kz = 0; kz < op->kernel[2]; kz++) {

		slice_gradient(op, sum, total, x, dy, kz);
		wino_filter_gradient(op, dweights, total, kz);
	}

	if (NULL != dbias)
		nn_bias_gradient(&op->dst, dbias, dy, op->threads);
}
