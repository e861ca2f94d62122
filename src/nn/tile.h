/*
 * Tiles: parts of a tensor as dense arrays in the blocked layout
 * [channel / block][z][y][x][channel % block], with what stands beyond the
 * tensor's edges filled in. Channels of padding are zero.
 */
#ifndef _NN_TILE_H
#define _NN_TILE_H

#include <stdbool.h>

#include "nn/backend.h"

struct nn_tile_s {

	long block;
	long channels;		// a multiple of block
	long dims[NN_SPATIAL];
};

/* dst = (relu of) the part of batch b that begins at pos, which may lie outside
 * of the tensor. Farther away than one pixel from its edge there are zeros.
 */
extern void nn_tile_load(const struct nn_tile_s* tile, float* dst, const struct nn_tensor_s* tensor, const float* src,
		enum nn_padding padding, bool relu, const long pos[NN_SPATIAL], long b);

// dst += instead, without ReLU and with zeros beyond the edges
extern void nn_tile_load_add(const struct nn_tile_s* tile, float* dst, const struct nn_tensor_s* tensor, const float* src,
		const long pos[NN_SPATIAL], long b);

/* The pixels of the tile that lie inside the tensor go there: dst = src + bias,
 * or dst += ...; where mask (a tensor of the same layout, may be dst or NULL) is
 * not positive, src counts as 0. Channels of padding are set to 0.
 */
extern void nn_tile_store(const struct nn_tile_s* tile, const struct nn_tensor_s* tensor, float* dst, bool add,
		const float* src, const float* bias, const float* mask, const long pos[NN_SPATIAL], long b);

/* Adjoint of padding in x and y, of a tensor of n pixels, from whose position
 * (-1, first) on the tile is: what stands beyond an edge is added to where it came
 * from, which must be in the tile. A dimension is left alone if it has no
 * margin.
 */
extern void nn_tile_fold(const struct nn_tile_s* tile, float* data, enum nn_padding padding,
		const bool margin[2], const long n[2], long first);

#endif		// _NN_TILE_H
