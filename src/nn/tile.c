#include <string.h>

#include "misc/misc.h"

#include "nn/backend.h"
#include "nn/padding.h"

#include "nn/tile.h"


// index of what stands at i, or -1 for a zero
static long source_index(enum nn_padding padding, long i, long n)
{
	return ((-1 <= i) && (i <= n)) ? nn_pad_index(padding, i, n) : -1;
}


static long row_offset(const struct nn_tile_s* tile, long block, long z, long y)
{
	return ((block * tile->dims[2] + z) * tile->dims[1] + y) * tile->dims[0] * tile->block;
}


/* The channels of one block: where they are in a pixel, how many of them there
 * are, and whether they lie side by side (then offset[0] says it all).
 */
struct block_s {

	long valid;
	bool dense;
	long offset[16];
};


static struct block_s block_of(const struct nn_tile_s* tile, const struct nn_tensor_s* tensor, long block)
{
	long c0 = block * tile->block;

	struct block_s b = {

		.valid = MIN(tile->block, MAX(0, tensor->channels - c0)),
		.dense = (tensor->group >= tensor->channels),
	};

	for (long c = 0; c < b.valid; c++)
		b.offset[c] = ((c0 + c) % tensor->group) + ((c0 + c) / tensor->group) * tensor->group_str;

	return b;
}


static void list_blocks(const struct nn_tile_s* tile, const struct nn_tensor_s* tensor, long N, struct block_s blocks[N])
{
	for (long c = 0; c < N; c++)
		blocks[c] = block_of(tile, tensor, c);
}


static void load_dense(long n, float dst[n], const float src[n], bool relu)
{
	if (relu) {

#pragma omp simd
		for (long c = 0; c < n; c++)
			dst[c] = (0.f > src[c]) ? 0.f : src[c];

	} else {

#pragma omp simd
		for (long c = 0; c < n; c++)
			dst[c] = src[c];
	}
}


static void load_pixel(const struct block_s* b, long n, float dst[n], const float* src, bool relu)
{
	// the compiler makes straight code of the numbers it knows

	if (b->dense && (8 == n) && (8 == b->valid)) {

		load_dense(8, dst, src + b->offset[0], relu);

	} else if (b->dense && (16 == n) && (16 == b->valid)) {

		load_dense(16, dst, src + b->offset[0], relu);

	} else {

		for (long c = 0; c < n; c++) {

			float val = (c < b->valid) ? src[b->offset[c]] : 0.f;

			dst[c] = (relu && (0.f > val)) ? 0.f : val;
		}
	}
}


/* A row, pixel by pixel for all blocks, so that the tensor is read in order; str
 * is from one block of the tile to the next.
 */
static void load_row(const struct nn_tile_s* tile, long N, const struct block_s blocks[N], long str, float* dst,
		const struct nn_tensor_s* tensor, const float* src, enum nn_padding padding, bool relu, long x0)
{
	for (long x = 0; x < tile->dims[0]; x++) {

		long i = source_index(padding, x0 + x, tensor->dims[0]);

		for (long c = 0; c < N; c++) {

			float* d = dst + c * str + x * tile->block;

			if (-1 == i)
				memset(d, 0, (size_t)tile->block * sizeof(float));
			else
				load_pixel(&blocks[c], tile->block, d, src + i * tensor->strs[0], relu);
		}
	}
}


static void zero_row(const struct nn_tile_s* tile, long N, long str, float* dst)
{
	for (long c = 0; c < N; c++)
		memset(dst + c * str, 0, (size_t)(tile->dims[0] * tile->block) * sizeof(float));
}


void nn_tile_load(const struct nn_tile_s* tile, float* dst, const struct nn_tensor_s* tensor, const float* src,
		enum nn_padding padding, bool relu, const long pos[NN_SPATIAL], long b)
{
	long N = tile->channels / tile->block;
	long str = row_offset(tile, 1, 0, 0);

	struct block_s blocks[N];
	list_blocks(tile, tensor, N, blocks);

	src += b * tensor->strs[3];

	for (long z = 0; z < tile->dims[2]; z++) {

		for (long y = 0; y < tile->dims[1]; y++) {

			long iz = source_index(padding, pos[2] + z, tensor->dims[2]);
			long iy = source_index(padding, pos[1] + y, tensor->dims[1]);

			float* row = dst + row_offset(tile, 0, z, y);

			if ((-1 == iz) || (-1 == iy))
				zero_row(tile, N, str, row);
			else
				load_row(tile, N, blocks, str, row, tensor, src + iy * tensor->strs[1] + iz * tensor->strs[2],
						padding, relu, pos[0]);
		}
	}
}


static void add_row(const struct nn_tile_s* tile, const struct block_s* b, float* dst, const struct nn_tensor_s* tensor, const float* src, long x0)
{
	long from = MAX(0, -x0);
	long to = MIN(tile->dims[0], tensor->dims[0] - x0);

	for (long x = from; x < to; x++)
		for (long c = 0; c < b->valid; c++)
			dst[x * tile->block + c] += src[(x0 + x) * tensor->strs[0] + b->offset[c]];
}


void nn_tile_load_add(const struct nn_tile_s* tile, float* dst, const struct nn_tensor_s* tensor, const float* src,
		const long pos[NN_SPATIAL], long b)
{
	src += b * tensor->strs[3];

	for (long c = 0; c < tile->channels / tile->block; c++) {

		struct block_s block = block_of(tile, tensor, c);

		for (long z = MAX(0, -pos[2]); z < MIN(tile->dims[2], tensor->dims[2] - pos[2]); z++)
			for (long y = MAX(0, -pos[1]); y < MIN(tile->dims[1], tensor->dims[1] - pos[1]); y++)
				add_row(tile, &block, dst + row_offset(tile, c, z, y), tensor,
					src + (pos[1] + y) * tensor->strs[1] + (pos[2] + z) * tensor->strs[2], pos[0]);
	}
}


static void store_dense(long n, float dst[n], bool add, const float src[n], const float mask[n])
{
	if (NULL != mask) {

#pragma omp simd
		for (long c = 0; c < n; c++)
			dst[c] = (add ? dst[c] : 0.f) + ((0.f < mask[c]) ? src[c] : 0.f);

	} else {

#pragma omp simd
		for (long c = 0; c < n; c++)
			dst[c] = (add ? dst[c] : 0.f) + src[c];
	}
}


// bias is that of the block; mask is aligned with dst
static void store_pixel(const struct block_s* b, long n, float* dst, bool add, const float src[n], const float* bias, const float* mask)
{
	// as load_pixel

	if (b->dense && (NULL == bias) && (8 == b->valid)) {

		store_dense(8, dst + b->offset[0], add, src, (NULL == mask) ? NULL : (mask + b->offset[0]));
		return;
	}

	if (b->dense && (NULL == bias) && (16 == b->valid)) {

		store_dense(16, dst + b->offset[0], add, src, (NULL == mask) ? NULL : (mask + b->offset[0]));
		return;
	}

	for (long c = 0; c < b->valid; c++) {

		long o = b->offset[c];
		float val = src[c];

		if ((NULL != mask) && !(0.f < mask[o]))
			val = 0.f;

		if (NULL != bias)
			val += bias[c];

		dst[o] = add ? (dst[o] + val) : val;
	}
}


// as load_row
static void store_row(const struct nn_tile_s* tile, long N, const struct block_s blocks[N], long str,
		const struct nn_tensor_s* tensor, float* dst, bool add,
		const float* src, const float* bias, const float* mask, long x0)
{
	long from = MAX(0, -x0);
	long to = MIN(tile->dims[0], tensor->dims[0] - x0);

	for (long x = from; x < to; x++) {

		float* d = dst + (x0 + x) * tensor->strs[0];
		const float* m = (NULL == mask) ? NULL : (mask + (x0 + x) * tensor->strs[0]);

		for (long c = 0; c < N; c++)
			store_pixel(&blocks[c], tile->block, d, add, src + c * str + x * tile->block,
				(NULL == bias) ? NULL : (bias + c * tile->block), m);
	}
}


static void store_padding(const struct nn_tensor_s* tensor, float* row)
{
	for (long x = 0; x < tensor->dims[0]; x++)
		for (long c = tensor->channels; c < tensor->group; c++)
			row[x * tensor->strs[0] + c] = 0.f;
}


void nn_tile_store(const struct nn_tile_s* tile, const struct nn_tensor_s* tensor, float* dst, bool add,
		const float* src, const float* bias, const float* mask, const long pos[NN_SPATIAL], long b)
{
	long N = tile->channels / tile->block;
	long str = row_offset(tile, 1, 0, 0);

	struct block_s blocks[N];
	list_blocks(tile, tensor, N, blocks);

	for (long z = MAX(0, -pos[2]); z < MIN(tile->dims[2], tensor->dims[2] - pos[2]); z++) {

		for (long y = MAX(0, -pos[1]); y < MIN(tile->dims[1], tensor->dims[1] - pos[1]); y++) {

			long o = (pos[1] + y) * tensor->strs[1] + (pos[2] + z) * tensor->strs[2] + b * tensor->strs[3];

			store_row(tile, N, blocks, str, tensor, dst + o, add, src + row_offset(tile, 0, z, y),
					bias, (NULL == mask) ? NULL : (mask + o), pos[0]);

			store_padding(tensor, dst + o);
		}
	}
}


static void add_floats(long n, float* dst, const float* src)
{
#pragma omp simd
	for (long i = 0; i < n; i++)
		dst[i] += src[i];
}


// position p of a row or column of n pixels, if it is one beyond the edge, goes to
static long fold_target(enum nn_padding padding, long p, long n)
{
	return ((-1 == p) || (n == p)) ? nn_pad_index(padding, p, n) : -1;
}


static void fold_columns(const struct nn_tile_s* tile, float* row, enum nn_padding padding, long n)
{
	for (int side = 0; side < 2; side++) {

		long from = (0 == side) ? -1 : n;
		long to = fold_target(padding, from, n);

		if (-1 != to)
			add_floats(tile->block, row + (to + 1) * tile->block, row + (from + 1) * tile->block);
	}
}


void nn_tile_fold(const struct nn_tile_s* tile, float* data, enum nn_padding padding,
		const bool margin[2], const long n[2], long first)
{
	for (long c = 0; c < tile->channels / tile->block; c++) {

		for (long y = 0; margin[1] && (y < tile->dims[1]); y++) {

			long to = fold_target(padding, first + y, n[1]);

			if (-1 != to)
				add_floats(tile->dims[0] * tile->block, data + row_offset(tile, c, 0, to - first), data + row_offset(tile, c, 0, y));
		}

		for (long y = 0; margin[0] && (y < tile->dims[1]); y++)
			fold_columns(tile, data + row_offset(tile, c, 0, y), padding, n[0]);
	}
}
