/*
 * The networks that stand for a proximal operator in an unrolled
 * reconstruction: image -> image of the same size, two real channels per map.
 * They are written once, over the backend; nothing here knows about MRI.
 */
#ifndef _NN_PROX_NET_H
#define _NN_PROX_NET_H

#include <stddef.h>
#include <stdbool.h>

#include "nn/backend.h"

enum nn_prox_type { NN_PROX_RESNET, NN_PROX_REVNET };

/* The architecture; with the number of maps and whether there are two or three
 * spatial dimensions it fixes the number of parameters.
 */
struct nn_prox_conf_s {

	enum nn_prox_type type;
	long features;		// channels of the hidden layers
	long blocks;		// residual blocks of two convolutions (resnet)
	long layers;		// convolutions (revnet)
	long maps;
	int spatial;		// 2 or 3
};

struct nn_prox_s;

/* Number of parameters of one network. They are packed convolution by
 * convolution, each its weights[out][in][kz][ky][kx] followed by its bias[out]
 * if it has one, in this order:
 *
 * resnet, with h = in at first, h <- B(A(h)) + shortcut(h) for each block and
 * out = in + last(h): A, B, shortcut of the first block, A, B of each further
 * block, last. The shortcut of the first block is a 1x1 convolution with bias,
 * that of the others the identity; last has a bias and is padded with zeros. The
 * other convolutions have no bias, are padded by reflection in 2D and by
 * replication in 3D; A and B are (ReLU, conv) in 2D, (conv, ReLU) in 3D.
 *
 * revnet: conv, then (ReLU, conv) until the number of layers is reached; no bias.
 */
extern long nn_prox_params(const struct nn_prox_conf_s* conf);

// initial values: uniform in +-1/sqrt(fan in), a pure function of seed and
// network (the number of the unrolled iteration), in the order of the packed vector
extern void nn_prox_init(const struct nn_prox_conf_s* conf, long N, float params[N], unsigned long long seed, int network);

/* A plan for images of the given layout (from nn_tensor_image). slots is the
 * number of forward passes whose activations are kept at the same time for a
 * later backward pass; 0 is a plan for inference, which needs fewer buffers.
 * No memory for activations is held before nn_prox_alloc.
 */
extern struct nn_prox_s* nn_prox_create(const struct nn_backend_s* backend, const struct nn_prox_conf_s* conf,
		const struct nn_tensor_s* image, int slots);
extern void nn_prox_free(struct nn_prox_s* prox);

// bytes of activations and workspace that nn_prox_alloc will take, and those of activations alone
extern size_t nn_prox_bytes(const struct nn_prox_s* prox);
extern size_t nn_prox_activations(const struct nn_prox_s* prox);
extern void nn_prox_alloc(struct nn_prox_s* prox);

/* The parameters of this slot, as they are now, for all passes that follow: they must
 * stay, and if they change, be loaded again. Without slots slot is 0.
 */
extern void nn_prox_load(struct nn_prox_s* prox, int slot, const float* params);

// out = in + net(in); out is not in
extern void nn_prox_forward(struct nn_prox_s* prox, int slot, float* out, const float* in);

/* Backward pass of the last forward pass in that slot, whose input was in.
 * dparams is added to; din (gradient with respect to in, of the image layout)
 * may be NULL or dout, but not in. The slot's activations are used up.
 */
extern void nn_prox_backward(struct nn_prox_s* prox, int slot, float* din, float* dparams,
		const float* dout, const float* in);

#endif		// _NN_PROX_NET_H
