/*
 * Winograd convolution between feature tensors, forward and data gradient.
 *
 * Tiles are worked in blocks that stay in the second level cache: the block's
 * tiles are transformed to the 36 points, each point has its matrix product
 * (tiles x channels of src) * (channels of src x channels of dst), and the
 * results are transformed back and stored. No transformed tensor is ever whole.
 * A kernel of three planes adds up its products in the transformed domain.
 */

#include <stddef.h>
#include <stdbool.h>
#include <string.h>

#include "nn/backend.h"
#include "nn/winograd.h"


// bytes of transformed tiles that a thread keeps at a time
#define BLOCK_BYTES (160 << 10)
#define BLOCK_MAX 96


struct block_s {

	long tiles;	// in a full block
	long slot;	// floats from one point to the next
	long ld;	// ... from one tile to the next
	long slots;	// points held

	float* V;	// transformed input
	float* M;	// transformed output
	float* patch;	// pixels of a tile at the edge
};


long wino_tiles_in_plane(const struct wino_op_s* op)
{
	return op->tiling[0].tiles * op->tiling[1].tiles;
}


long wino_patch_floats(const struct wino_op_s* op)
{
	return WINO_POINTS * wino_max(wino_padded(&op->src), wino_padded(&op->dst));
}


static const struct wino_tile_s* tile_y(const struct wino_op_s* op, long t)
{
	return &op->tiling[1].tile[t / op->tiling[0].tiles];
}


static const struct wino_tile_s* tile_x(const struct wino_op_s* op, long t)
{
	return &op->tiling[0].tile[t % op->tiling[0].tiles];
}


/* Point p of the output takes the place of point p - 1 of the input, which has
 * been used up: one slot more serves both. Where several planes are added up
 * the input of all points is needed for each plane anew, so it has its own.
 */
static struct block_s block_layout(const struct wino_op_s* op)
{
	struct block_s block;

	bool shared = (1 == op->kernel[2]);

	block.ld = wino_max(wino_padded(&op->src), wino_columns(op, wino_padded(&op->dst)));
	block.slots = shared ? (WINO_POINTS + 1) : (2 * WINO_POINTS);

	long rows = op->kernels->rows;
	long tiles = BLOCK_BYTES / (long)sizeof(float) / (block.slots * block.ld) / rows * rows;

	tiles = wino_max(rows, wino_min(tiles, BLOCK_MAX));

	block.tiles = wino_min(tiles, wino_round_up(wino_tiles_in_plane(op), rows));

	// not a power of two, for the sake of the cache's sets
	block.slot = block.tiles * block.ld + 16;

	return block;
}


static struct block_s block_take(const struct wino_op_s* op, struct wino_arena_s* arena)
{
	struct block_s block = block_layout(op);

	block.M = wino_take(arena, block.slots * block.slot);
	block.V = block.M + (block.slots - WINO_POINTS) * block.slot;
	block.patch = wino_take(arena, wino_patch_floats(op));

	return block;
}


static long filter_floats(const struct wino_op_s* op)
{
	return WINO_POINTS * wino_padded(&op->src) * wino_columns(op, wino_padded(&op->dst));
}


size_t wino_tiles_workspace(const struct wino_op_s* op)
{
	struct wino_arena_s arena = { NULL, 0 };

	wino_take(&arena, op->kernel[2] * filter_floats(op));
	wino_take(&arena, wino_padded(&op->dst));

	for (int i = 0; i < op->threads; i++)
		block_take(op, &arena);

	return arena.used;
}



// pixels of a tile that lies across the edge, side by side; zero where there are none
static void gather_patch(const struct nn_tensor_s* tensor, float* patch, const float* plane,
		const struct wino_tile_s* ty, const struct wino_tile_s* tx)
{
	long channels = wino_padded(tensor);

	for (long i = 0; i < WINO_POINTS; i++) {

		long y = ty->src[i / WINO_IN];
		long x = tx->src[i % WINO_IN];
		size_t bytes = (size_t)channels * sizeof(float);

		if ((0 <= y) && (0 <= x))
			memcpy(patch + i * channels, plane + wino_offset(tensor, x, y, 0, 0), bytes);
		else
			memset(patch + i * channels, 0, bytes);
	}
}


void wino_tile_load(const struct wino_op_s* op, float* V, long slot, const float* plane, long t, float* patch)
{
	const struct wino_tile_s* ty = tile_y(op, t);
	const struct wino_tile_s* tx = tile_x(op, t);
	const struct nn_tensor_s* src = &op->src;
	long channels = wino_padded(src);
	bool relu = op->relu && !op->adjoint;

	if (ty->inner && tx->inner) {

		const float* corner = plane + wino_offset(src, tx->src[0], ty->src[0], 0, 0);

		op->kernels->tile_input(channels, V, slot, corner, src->strs[0], src->strs[1], relu);

	} else {

		gather_patch(src, patch, plane, ty, tx);
		op->kernels->tile_input(channels, V, slot, patch, channels, WINO_IN * channels, relu);
	}
}


static void add_pixel(long channels, float* to, const float* from)
{
	for (long c = 0; c < channels; c++)
		to[c] += from[c];
}


// folds the rim of a tile[4][4][channels] back onto the pixels that padding had copied
static void fold_patch(long channels, float* patch, const struct wino_tile_s* ty, const struct wino_tile_s* tx)
{
	long row = WINO_OUT * channels;

	if (0 <= ty->fold_from)
		add_pixel(row, patch + ty->fold_to * row, patch + ty->fold_from * row);

	if (0 <= tx->fold_from)
		for (long i = 0; i < WINO_OUT; i++)
			add_pixel(channels, patch + i * row + tx->fold_to * channels, patch + i * row + tx->fold_from * channels);
}


static struct wino_finish_s finish_at(const struct wino_finish_s* finish, long off)
{
	return (struct wino_finish_s){

		.add = finish->add,
		.bias = finish->bias,
		.mask = (NULL == finish->mask) ? NULL : (finish->mask + off),
	};
}


static void store_edge(const struct wino_op_s* op, float* dst, const struct wino_finish_s* finish, const float* M, long slot,
		const struct wino_tile_s* ty, const struct wino_tile_s* tx, float* patch)
{
	long channels = wino_padded(&op->dst);
	struct wino_finish_s plain = { false, NULL, NULL };

	op->kernels->tile_output(channels, patch, channels, WINO_OUT * channels, M, slot, &plain);

	fold_patch(channels, patch, ty, tx);

	for (long i = ty->first; i < ty->last; i++) {

		for (long j = tx->first; j < tx->last; j++) {

			long off = wino_offset(&op->dst, tx->origin + j, ty->origin + i, 0, 0);
			struct wino_finish_s at = finish_at(finish, off);

			op->kernels->pixel_finish(channels, dst + off, patch + (i * WINO_OUT + j) * channels, &at);
		}
	}
}


void wino_tile_store(const struct wino_op_s* op, float* dst, const struct wino_finish_s* finish,
		const float* M, long slot, long t, float* patch)
{
	const struct wino_tile_s* ty = tile_y(op, t);
	const struct wino_tile_s* tx = tile_x(op, t);

	if (!(ty->inner && tx->inner)) {

		store_edge(op, dst, finish, M, slot, ty, tx, patch);
		return;
	}

	long off = wino_offset(&op->dst, tx->origin, ty->origin, 0, 0);
	struct wino_finish_s at = finish_at(finish, off);

	op->kernels->tile_output(wino_padded(&op->dst), dst + off, op->dst.strs[0], op->dst.strs[1], M, slot, &at);
}


static void block_products(const struct wino_op_s* op, const struct block_s* block, long n, const float* U, bool add)
{
	long depth = wino_padded(&op->src);
	long columns = wino_columns(op, wino_padded(&op->dst));
	long rows = wino_round_up(n, op->kernels->rows);

	for (long p = 0; p < WINO_POINTS; p++) {

		op->kernels->product(rows, columns, depth, block->M + p * block->slot, block->ld, add,
				block->V + p * block->slot, block->ld, U + p * depth * columns);
	}
}


// tiles first .. first + n - 1 of plane (z, b) of dst
static void block_apply(const struct wino_op_s* op, const struct wino_args_s* args,
		const struct block_s* block, const float* U, const float* bias,
		long first, long n, long z, long b)
{
	bool add = false;

	for (long kz = 0; kz < op->kernel[2]; kz++) {

		long src[2];
		int count = wino_sources(op, 2, z, kz, src);

		for (int i = 0; i < count; i++) {

			const float* plane = args->src + wino_offset(&op->src, 0, 0, src[i], b);

			for (long t = 0; t < n; t++)
				wino_tile_load(op, block->V + t * block->ld, block->slot, plane, first + t, block->patch);

			block_products(op, block, n, U + kz * filter_floats(op), add);
			add = true;
		}
	}

	long off = wino_offset(&op->dst, 0, 0, z, b);
	struct wino_finish_s finish = { args->add, (NULL == args->mask) ? NULL : (args->mask + off), bias };

	for (long t = 0; t < n; t++)
		wino_tile_store(op, args->dst + off, &finish, block->M + t * block->ld, block->slot, first + t, block->patch);
}


const float* wino_copy_bias(const struct wino_op_s* op, float* out, const float* bias)
{
	if (NULL == bias)
		return NULL;

	for (long c = 0; c < wino_padded(&op->dst); c++)
		out[c] = (c < op->dst.channels) ? bias[c] : 0.f;

	return out;
}


void wino_tiles_apply(const struct wino_op_s* op, const struct wino_args_s* args)
{
	struct wino_arena_s arena = { args->ws, 0 };

	float* U = wino_take(&arena, op->kernel[2] * filter_floats(op));
	const float* bias = wino_copy_bias(op, wino_take(&arena, wino_padded(&op->dst)), args->bias);
	struct block_s block[op->threads];

	for (int i = 0; i < op->threads; i++)
		block[i] = block_take(op, &arena);

	for (long kz = 0; kz < op->kernel[2]; kz++)
		wino_filter_transform(op, U + kz * filter_floats(op), args->weights, kz);

	long tiles = wino_tiles_in_plane(op);
	long depth = op->dst.dims[2];

#pragma omp parallel for collapse(3) schedule(dynamic) num_threads(op->threads)
	for (long b = 0; b < op->dst.dims[3]; b++) {

		for (long z = 0; z < depth; z++) {

			for (long t = 0; t < tiles; t += block[0].tiles)
				block_apply(op, args, &block[wino_thread()], U, bias, t, wino_min(block[0].tiles, tiles - t), z, b);
		}
	}
}
