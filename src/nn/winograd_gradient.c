/*
 * Winograd weight gradient between feature tensors: the transposed algorithm,
 * dW = G^T (sum over tiles of (B^T x B) . (A dy A^T)) G, where the sum is a
 * matrix product for each of the 36 points.
 *
 * All threads transform a number of tiles; then each adds up some of the points.
 * So a sum has the same order whatever the number of threads, and there is only
 * one accumulator.
 */

#include <stddef.h>
#include <stdbool.h>
#include <string.h>

#include "nn/backend.h"
#include "nn/winograd.h"


#define STEP_TILES 192
#define ROW_PARTS 2		// a point's product is split for the sake of many threads


struct step_s {

	long tiles;
	long rows;	// channels of x with padding
	long columns;	// channels of dy with padding
	long ldv;
	long ldd;

	float* V;	// V[point][tile][rows]
	float* D;	// D[point][tile][columns]
	float* dU;	// dU[point][rows][columns]
};


// rows a large power of two apart would share few sets of the cache
static long spread_rows(long n)
{
	return ((64 <= n) && (0 == n % 32)) ? (n + 16) : n;
}


static struct step_s step_take(const struct wino_op_s* op, struct wino_arena_s* arena)
{
	struct step_s step;

	step.rows = wino_padded(&op->src);
	step.columns = wino_columns(op, wino_padded(&op->dst));
	step.ldv = spread_rows(step.rows);
	step.ldd = spread_rows(step.columns);
	step.tiles = wino_min(STEP_TILES, wino_tiles_in_plane(op));

	step.V = wino_take(arena, WINO_POINTS * step.tiles * step.ldv);
	step.D = wino_take(arena, WINO_POINTS * step.tiles * step.ldd);
	step.dU = wino_take(arena, WINO_POINTS * step.rows * step.columns);

	return step;
}


size_t wino_tiles_weights_workspace(const struct wino_op_s* op)
{
	struct wino_arena_s arena = { NULL, 0 };

	step_take(op, &arena);
	wino_take(&arena, op->threads * wino_patch_floats(op));

	size_t bias = wino_bias_workspace(op);

	return (arena.used > bias) ? arena.used : bias;
}


static void copy_pixel(const struct nn_tensor_s* tensor, float* out, const float* plane, long x, long y, bool present)
{
	size_t bytes = (size_t)wino_padded(tensor) * sizeof(float);

	if (present)
		memcpy(out, plane + wino_offset(tensor, x, y, 0, 0), bytes);
	else
		memset(out, 0, bytes);
}


// what belongs to another tile counts there
static void load_gradient(const struct wino_op_s* op, float* D, long slot, const float* plane, long t, float* patch)
{
	const struct wino_tile_s* ty = &op->tiling[1].tile[t / op->tiling[0].tiles];
	const struct wino_tile_s* tx = &op->tiling[0].tile[t % op->tiling[0].tiles];
	const struct nn_tensor_s* dst = &op->dst;
	long channels = wino_padded(dst);

	if (ty->inner && tx->inner) {

		const float* corner = plane + wino_offset(dst, tx->origin, ty->origin, 0, 0);

		op->kernels->tile_gradient(channels, D, slot, corner, dst->strs[0], dst->strs[1]);
		return;
	}

	for (long i = 0; i < WINO_OUT; i++) {

		for (long j = 0; j < WINO_OUT; j++) {

			bool present = (ty->first <= i) && (i < ty->last) && (tx->first <= j) && (j < tx->last);

			copy_pixel(dst, patch + (i * WINO_OUT + j) * channels, plane, tx->origin + j, ty->origin + i, present);
		}
	}

	op->kernels->tile_gradient(channels, D, slot, patch, channels, WINO_OUT * channels);
}


// the n tiles from first on, into V and D; work is shared among the threads of the team
static void step_transform(const struct wino_op_s* op, const struct step_s* step, const float* x, const float* dy, long first, long n, float* patches)
{
	float* patch = patches + wino_thread() * wino_patch_floats(op);

#pragma omp for schedule(dynamic, 8)
	for (long t = 0; t < n; t++) {

		wino_tile_load(op, step->V + t * step->ldv, step->tiles * step->ldv, x, first + t, patch);
		load_gradient(op, step->D + t * step->ldd, step->tiles * step->ldd, dy, first + t, patch);
	}
}


static void step_products(const struct wino_op_s* op, const struct step_s* step, long n)
{
	long part = wino_round_up((step->rows + ROW_PARTS - 1) / ROW_PARTS, 8);

#pragma omp for schedule(dynamic)
	for (long i = 0; i < WINO_POINTS * ROW_PARTS; i++) {

		long p = i / ROW_PARTS;
		long row = (i % ROW_PARTS) * part;
		long rows = wino_min(part, step->rows - row);

		if (0 < rows)
			op->kernels->product_transposed(rows, step->columns, n,
					step->dU + (p * step->rows + row) * step->columns, step->columns,
					step->V + p * step->tiles * step->ldv + row, step->ldv,
					step->D + p * step->tiles * step->ldd, step->ldd);
	}
}


// all tiles of plane z of dy, with the plane of x that tap kz sees
static void plane_gradient(const struct wino_op_s* op, const struct step_s* step, const float* x, const float* dy,
		long z, long b, long kz, float* patches)
{
	long src[2];

	if (0 == wino_sources(op, 2, z, kz, src))
		return;

	const float* xplane = x + wino_offset(&op->src, 0, 0, src[0], b);
	const float* dyplane = dy + wino_offset(&op->dst, 0, 0, z, b);
	long tiles = wino_tiles_in_plane(op);

	for (long t = 0; t < tiles; t += step->tiles) {

		long n = wino_min(step->tiles, tiles - t);

		step_transform(op, step, xplane, dyplane, t, n, patches);
		step_products(op, step, n);
	}
}


static void slice_gradient(const struct wino_op_s* op, const struct step_s* step, float* dweights, const float* x, const float* dy, long kz, float* patches)
{
	long slot = step->rows * step->columns;

#pragma omp parallel num_threads(op->threads)
	{
#pragma omp for
		for (long p = 0; p < WINO_POINTS; p++)
			memset(step->dU + p * slot, 0, (size_t)slot * sizeof(float));

		for (long b = 0; b < op->dst.dims[3]; b++)
			for (long z = 0; z < op->dst.dims[2]; z++)
				plane_gradient(op, step, x, dy, z, b, kz, patches);

#pragma omp for
		for (long c = 0; c < op->src.channels; c++)
			wino_filter_gradient(op, dweights, c, step->dU, slot, step->columns, kz);
	}
}


void wino_tiles_weights(const struct wino_op_s* op, float* dweights, float* dbias, const float* x, const float* dy, void* ws)
{
	struct wino_arena_s arena = { ws, 0 };
	struct step_s step = step_take(op, &arena);
	float* patches = wino_take(&arena, op->threads * wino_patch_floats(op));

	for (long kz = 0; kz < op->kernel[2]; kz++)
		slice_gradient(op, &step, dweights, x, dy, kz, patches);

	if (NULL != dbias)
		wino_bias_gradient(op, dbias, dy, ws);
}
