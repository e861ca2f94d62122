/*
 * A convolution by oneDNN, on tiles: small dense images of blocked layout
 * [channel / block][z][y][x][channel % block] that have their padding already
 * (a *valid* convolution). Each call runs on one thread, with buffers that the
 * caller provides. This is all that knows oneDNN's API, versions 2.6 to 3.
 */
#ifndef _NN_DNNL_CONV_H
#define _NN_DNNL_CONV_H

#include <stddef.h>

#include "nn/backend.h"

enum nn_dnnl_kind { NN_DNNL_FORWARD, NN_DNNL_WEIGHTS };

struct nn_dnnl_shape_s {

	long in;		// channels, multiples of the block
	long out;
	long kernel[NN_SPATIAL];
	long size[NN_SPATIAL];	// x, y, z of the output; the input is larger by kernel - 1
};

struct nn_dnnl_conv_s;

// NULL, or why oneDNN cannot be used
extern const char* nn_dnnl_missing(void);

// channels that lie side by side in a tile: a vector of this processor
extern long nn_dnnl_block(void);

// calls may run at the same time with different numbers 0 .. threads - 1
extern struct nn_dnnl_conv_s* nn_dnnl_conv_create(enum nn_dnnl_kind kind, const struct nn_dnnl_shape_s* shape, int threads);
extern void nn_dnnl_conv_free(struct nn_dnnl_conv_s* conv);

// bytes of the input tile, the output tile, the weights in oneDNN's own order, and
// of what a call needs besides
extern size_t nn_dnnl_conv_src_bytes(const struct nn_dnnl_conv_s* conv);
extern size_t nn_dnnl_conv_dst_bytes(const struct nn_dnnl_conv_s* conv);
extern size_t nn_dnnl_conv_weights_bytes(const struct nn_dnnl_conv_s* conv);
extern size_t nn_dnnl_conv_scratch_bytes(const struct nn_dnnl_conv_s* conv);

// forward: dst from src and weights; weights: weights (their gradient) from src and dst
extern void nn_dnnl_conv_run(struct nn_dnnl_conv_s* conv, int thread, float* src, float* weights, float* dst, void* scratch);

// between float[out][in][kz][ky][kx] and oneDNN's order; not at the same time as anything else
extern void nn_dnnl_conv_reorder(struct nn_dnnl_conv_s* conv, float* dst, float* src);

#endif		// _NN_DNNL_CONV_H
