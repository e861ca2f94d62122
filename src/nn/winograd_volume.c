/*
 * Winograd convolution with 3x3x3 kernels between feature tensors, forward and
 * data gradient: F(4x4x4, 3x3x3), 216 products for 64 pixels where the sum over
 * three planes of F(4x4, 3x3) takes 432.
 *
 * The transform along z is the last one on the way in and the first on the way
 * out, and is made for one of the 36 points of the plane at a time: then only
 * six planes of a block of tiles are held, which move along z, two of them serve
 * the next tile in z as well, and the results take the place of the others.
 */

#include <stddef.h>
#include <stdbool.h>
#include <string.h>

#include "nn/backend.h"
#include "nn/winograd.h"


/* The transformed filters are read once for each block, from the third level of
 * cache: many tiles make that cheap, and too many do not leave room for a point's
 * matrices in the second.
 */
#define BLOCK_TILES 48


struct volume_s {

	struct wino_planes_s planes;

	float* V;	// one point of the plane, transformed along z
	float* M;	// ... its products
};


/* What a data gradient leaves in a rim is added to a pixel at the edge only if
 * padding had copied that one (see rims()).
 */
bool wino_is_volume(const struct wino_op_s* op)
{
	return (3 == op->kernel[2]) && (WINO_OUT <= op->src.dims[2])
		&& !(op->adjoint && (NN_PAD_REFLECT == op->padding));
}


struct wino_planes_s wino_planes_take(const struct wino_op_s* op, long tiles, long ld, struct wino_arena_s* arena)
{
	struct wino_planes_s planes;

	planes.tiles = wino_min(tiles, wino_round_up(wino_tiles_in_plane(op), op->kernels->rows));
	planes.ld = ld;
	planes.slot = planes.tiles * planes.ld + 16;	// not a power of two, for the sake of the cache's sets
	planes.size = WINO_POINTS * planes.slot;

	planes.V = wino_take(arena, WINO_IN * planes.size);
	planes.zeros = wino_take(arena, planes.slot);
	planes.patch = wino_take(arena, wino_patch_floats(op));

	if (NULL != arena->base)
		memset(planes.zeros, 0, (size_t)planes.slot * sizeof(float));

	return planes;
}


void wino_planes_forget(struct wino_planes_s* planes)
{
	for (int i = 0; i < WINO_IN; i++)
		planes->held[i] = -1;
}


static bool needs(const struct wino_tile_s* tile, long plane)
{
	for (int i = 0; (NULL != tile) && (0 <= plane) && (i < WINO_IN); i++)
		if (plane == tile->src[i])
			return true;

	return false;
}


static int find(const struct wino_planes_s* planes, long plane)
{
	for (int i = 0; i < WINO_IN; i++)
		if (plane == planes->held[i])
			return i;

	return -1;
}


static int find_free(const struct wino_planes_s* planes, const struct wino_tile_s* tile)
{
	int i = 0;

	while (needs(tile, planes->held[i]))
		i++;

	return i;
}


void wino_planes_load(const struct wino_op_s* op, struct wino_planes_s* planes, const struct wino_tile_s* tile,
		const float* src, long first, long n)
{
	for (int i = 0; i < WINO_IN; i++) {

		long z = tile->src[i];

		if ((0 > z) || (0 <= find(planes, z)))
			continue;

		int slot = find_free(planes, tile);

		planes->held[slot] = z;

		for (long t = 0; t < n; t++)
			wino_tile_load(op, planes->V + slot * planes->size + t * planes->ld, planes->slot,
					src + wino_offset(&op->src, 0, 0, z, 0), first + t, planes->patch);
	}
}


static float* plane_at(const struct wino_planes_s* planes, int slot, long p)
{
	return planes->V + slot * planes->size + p * planes->slot;
}


void wino_planes_at(const struct wino_planes_s* planes, const struct wino_tile_s* tile, long p, const float* x[WINO_IN])
{
	for (int i = 0; i < WINO_IN; i++)
		x[i] = (0 <= tile->src[i]) ? plane_at(planes, find(planes, tile->src[i]), p) : planes->zeros;
}


// where four planes of results go: first to those that the next tile does not need
static void find_results(const struct wino_planes_s* planes, const struct wino_tile_s* next, int slot[WINO_OUT])
{
	int count = 0;

	for (int pass = 0; pass < 2; pass++)
		for (int i = 0; (i < WINO_IN) && (count < WINO_OUT); i++)
			if ((1 == pass) == needs(next, planes->held[i]))
				slot[count++] = i;
}


static long filter_floats(const struct wino_op_s* op)
{
	return WINO_VOLUME * op->src.channels * wino_columns(op, wino_padded(&op->dst));
}


static struct volume_s volume_take(const struct wino_op_s* op, struct wino_arena_s* arena)
{
	struct volume_s volume;

	long ld = wino_max(wino_padded(&op->src), wino_columns(op, wino_padded(&op->dst)));

	volume.planes = wino_planes_take(op, BLOCK_TILES, ld, arena);
	volume.V = wino_take(arena, WINO_IN * volume.planes.slot);
	volume.M = wino_take(arena, WINO_IN * volume.planes.slot);

	return volume;
}


size_t wino_volume_workspace(const struct wino_op_s* op)
{
	struct wino_arena_s arena = { NULL, 0 };

	wino_take(&arena, filter_floats(op));
	wino_take(&arena, wino_padded(&op->dst));

	for (int i = 0; i < op->threads; i++)
		volume_take(op, &arena);

	return arena.used;
}


static void multiply(const struct wino_op_s* op, const struct volume_s* volume, long rows, long q, bool add, const float* A, const float* U)
{
	long ld = volume->planes.ld;

	op->kernels->product(rows, wino_columns(op, wino_padded(&op->dst)), op->src.channels,
			volume->M + q * volume->planes.slot, ld, add, A, ld, U);
}


/* The adjoint of padding that had copied the first and last plane: their gradient
 * takes what would be written beside them, the last slice of the kernel times the
 * first plane and the first slice times the last. The first and last points
 * along z are these slices, and only these results take from them.
 */
static void rims(const struct wino_op_s* op, const struct volume_s* volume, const struct wino_tile_s* tile, long rows,
		const float* x[WINO_IN], const float* U)
{
	long size = filter_floats(op) / WINO_VOLUME;

	if (!op->adjoint || (NN_PAD_REPLICATE != op->padding))
		return;

	if (0 == tile->origin)
		multiply(op, volume, rows, 0, true, x[1], U + (WINO_IN - 1) * size);

	if (op->src.dims[2] == tile->origin + WINO_OUT)
		multiply(op, volume, rows, WINO_IN - 1, true, x[WINO_OUT], U);
}


static void point_apply(const struct wino_op_s* op, const struct volume_s* volume, const struct wino_tile_s* tile,
		long rows, long p, const int results[WINO_OUT], const float* U)
{
	const struct wino_planes_s* planes = &volume->planes;
	const float* x[WINO_IN];
	float* y[WINO_OUT];

	for (int i = 0; i < WINO_OUT; i++)
		y[i] = plane_at(planes, results[i], p);

	wino_planes_at(planes, tile, p, x);
	op->kernels->line_input(rows * planes->ld, volume->V, planes->slot, x);

	for (long q = 0; q < WINO_IN; q++)
		multiply(op, volume, rows, q, false, volume->V + q * planes->slot, U + q * filter_floats(op) / WINO_VOLUME);

	rims(op, volume, tile, rows, x, U);
	op->kernels->line_output(rows * planes->ld, y, volume->M, planes->slot);
}


static void store_planes(const struct wino_op_s* op, const struct wino_args_s* args, struct wino_planes_s* planes,
		const struct wino_tile_s* tile, const int results[WINO_OUT], const float* bias, long first, long n, long b)
{
	for (long i = tile->first; i < tile->last; i++) {

		long off = wino_offset(&op->dst, 0, 0, tile->origin + i, b);
		struct wino_finish_s finish = { args->add, (NULL == args->mask) ? NULL : (args->mask + off), bias };

		for (long t = 0; t < n; t++)
			wino_tile_store(op, args->dst + off, &finish, plane_at(planes, results[i], 0) + t * planes->ld, planes->slot,
					first + t, planes->patch);
	}

	for (int i = 0; i < WINO_OUT; i++)
		planes->held[results[i]] = -1;
}


// n tiles of the plane from first on, with the tiles from .. to - 1 in z
static void column_apply(const struct wino_op_s* op, const struct wino_args_s* args, struct volume_s* volume,
		const float* U, const float* bias, long first, long n, long from, long to, long b)
{
	long rows = wino_round_up(n, op->kernels->rows);

	wino_planes_forget(&volume->planes);

	for (long z = from; z < to; z++) {

		const struct wino_tile_s* tile = &op->tiling[2].tile[z];
		int results[WINO_OUT];

		wino_planes_load(op, &volume->planes, tile, args->src + wino_offset(&op->src, 0, 0, 0, b), first, n);
		find_results(&volume->planes, (z + 1 < to) ? (tile + 1) : NULL, results);

		for (long p = 0; p < WINO_POINTS; p++)
			point_apply(op, volume, tile, rows, p, results, U + p * filter_floats(op) / WINO_POINTS);

		store_planes(op, args, &volume->planes, tile, results, bias, first, n, b);
	}
}


// tiles in z that one thread works through: all, if there is work enough for all threads then
static long column_length(const struct wino_op_s* op, long blocks)
{
	long tiles = op->tiling[2].tiles;
	long columns = blocks * op->dst.dims[3];

	return wino_max(1, wino_min(tiles, tiles * columns / (8L * op->threads)));
}


void wino_volume_apply(const struct wino_op_s* op, const struct wino_args_s* args)
{
	struct wino_arena_s arena = { args->ws, 0 };

	float* U = wino_take(&arena, filter_floats(op));
	const float* bias = wino_copy_bias(op, wino_take(&arena, wino_padded(&op->dst)), args->bias);
	struct volume_s volume[op->threads];

	for (int i = 0; i < op->threads; i++)
		volume[i] = volume_take(op, &arena);

	wino_volume_filter(op, U, args->weights);

	long tiles = wino_tiles_in_plane(op);
	long block = volume[0].planes.tiles;
	long depth = op->tiling[2].tiles;
	long length = column_length(op, (tiles + block - 1) / block);

#pragma omp parallel for collapse(3) schedule(dynamic) num_threads(op->threads)
	for (long b = 0; b < op->dst.dims[3]; b++)
		for (long t = 0; t < tiles; t += block)
			for (long z = 0; z < depth; z += length)
				column_apply(op, args, &volume[wino_thread()], U, bias, t, wino_min(block, tiles - t),
						z, wino_min(z + length, depth), b);
}
