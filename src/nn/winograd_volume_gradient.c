/*
 * Winograd weight gradient with 3x3x3 kernels between feature tensors, by the
 * transposed algorithm, as in winograd_gradient.c but with 216 points. Planes of
 * the input are held as in winograd_volume.c, those of the gradient serve one tile.
 *
 * Parts and their order do not depend on the number of threads.
 */

#include <stddef.h>
#include <stdbool.h>
#include <string.h>

#include "nn/backend.h"
#include "nn/bias.h"
#include "nn/winograd.h"


#define PARTS 12

// tiles of one product: few make many passes over the accumulator
#define STEP_TILES 48


struct sum_s {

	struct wino_planes_s planes;	// of x

	float* dy;	// four planes of the gradient, transformed in the plane
	float* V;	// one point of the plane, transformed along z
	float* D;
	float* dU;	// dU[point][channels of x][columns]
};


static long columns(const struct wino_op_s* op)
{
	return wino_columns(op, wino_padded(&op->dst));
}


static long gradient_floats(const struct wino_op_s* op)
{
	return WINO_VOLUME * wino_padded(&op->src) * columns(op);
}


static struct sum_s sum_take(const struct wino_op_s* op, struct wino_arena_s* arena)
{
	struct sum_s sum;

	sum.planes = wino_planes_take(op, STEP_TILES, wino_max(wino_padded(&op->src), columns(op)), arena);
	sum.dy = wino_take(arena, WINO_OUT * sum.planes.size);
	sum.V = wino_take(arena, WINO_IN * sum.planes.slot);
	sum.D = wino_take(arena, WINO_IN * sum.planes.slot);
	sum.dU = wino_take(arena, gradient_floats(op));

	return sum;
}


// steps are numbered along z, then in the plane, then over the batch
static long step_count(const struct wino_op_s* op)
{
	return op->tiling[2].tiles * ((wino_tiles_in_plane(op) + STEP_TILES - 1) / STEP_TILES) * op->dst.dims[3];
}


static long part_count(const struct wino_op_s* op)
{
	return wino_min(PARTS, step_count(op));
}


static int thread_count(const struct wino_op_s* op)
{
	return (int)wino_min(op->threads, part_count(op));
}


size_t wino_volume_weights_workspace(const struct wino_op_s* op)
{
	struct wino_arena_s arena = { NULL, 0 };

	wino_take(&arena, gradient_floats(op));

	for (int i = 0; i < thread_count(op); i++)
		sum_take(op, &arena);

	return arena.used;
}


static void load_gradient(const struct wino_op_s* op, const struct sum_s* sum, const struct wino_tile_s* tile,
		const float* dy, long first, long n)
{
	const struct wino_planes_s* planes = &sum->planes;

	for (long i = tile->first; i < tile->last; i++)
		for (long t = 0; t < n; t++)
			wino_tile_load_gradient(op, sum->dy + i * planes->size + t * planes->ld, planes->slot,
					dy + wino_offset(&op->dst, 0, 0, tile->origin + i, 0), first + t, planes->patch);
}


static void point_gradient(const struct wino_op_s* op, const struct sum_s* sum, const struct wino_tile_s* tile, long n, long p)
{
	const struct wino_planes_s* planes = &sum->planes;
	const float* x[WINO_IN];
	const float* dy[WINO_OUT];
	float* dU = sum->dU + p * gradient_floats(op) / WINO_POINTS;

	// planes of another tile count there
	for (long i = 0; i < WINO_OUT; i++)
		dy[i] = ((tile->first <= i) && (i < tile->last)) ? (sum->dy + i * planes->size + p * planes->slot) : planes->zeros;

	wino_planes_at(planes, tile, p, x);
	op->kernels->line_input(n * planes->ld, sum->V, planes->slot, x);
	op->kernels->line_gradient(n * planes->ld, sum->D, planes->slot, dy);

	for (long q = 0; q < WINO_IN; q++)
		op->kernels->product_transposed(wino_padded(&op->src), columns(op), n, dU + q * gradient_floats(op) / WINO_VOLUME, columns(op),
				sum->V + q * planes->slot, planes->ld, sum->D + q * planes->slot, planes->ld);
}


static void part_gradient(const struct wino_op_s* op, struct sum_s* sum, const float* x, const float* dy, long part)
{
	long steps = step_count(op);
	long parts = part_count(op);
	long depth = op->tiling[2].tiles;
	long blocks = steps / depth / op->dst.dims[3];
	long column = -1;

	memset(sum->dU, 0, (size_t)gradient_floats(op) * sizeof(float));

	for (long s = part * steps / parts; s < (part + 1) * steps / parts; s++) {

		const struct wino_tile_s* tile = &op->tiling[2].tile[s % depth];
		long first = s / depth % blocks * STEP_TILES;
		long n = wino_min(STEP_TILES, wino_tiles_in_plane(op) - first);
		long b = s / depth / blocks;

		if (column != s / depth)
			wino_planes_forget(&sum->planes);

		column = s / depth;

		wino_planes_load(op, &sum->planes, tile, x + wino_offset(&op->src, 0, 0, 0, b), first, n);
		load_gradient(op, sum, tile, dy + wino_offset(&op->dst, 0, 0, 0, b), first, n);

		for (long p = 0; p < WINO_POINTS; p++)
			point_gradient(op, sum, tile, n, p);
	}
}


static void add_part(const struct wino_op_s* op, float* total, const struct sum_s* sum, long part)
{
	struct wino_finish_s finish = { .add = (0 < part) };

	op->kernels->pixel_finish(gradient_floats(op), total, sum->dU, &finish);
}


void wino_volume_weights(const struct wino_op_s* op, float* dweights, float* dbias, const float* x, const float* dy, void* ws)
{
	struct wino_arena_s arena = { ws, 0 };
	struct sum_s sum[thread_count(op)];

	float* total = wino_take(&arena, gradient_floats(op));

	for (int i = 0; i < thread_count(op); i++)
		sum[i] = sum_take(op, &arena);

#pragma omp parallel for ordered schedule(dynamic) num_threads(thread_count(op))
	for (long i = 0; i < part_count(op); i++) {

		part_gradient(op, &sum[wino_thread()], x, dy, i);
#pragma omp 	ordered
		add_part(op, total, &sum[wino_thread()], i);
	}

	wino_volume_filter_gradient(op, dweights, total);

	if (NULL != dbias)
		nn_bias_gradient(&op->dst, dbias, dy, op->threads);
}
