/*
 * What the prox networks are made of: convolutions, in the order of application.
 */
#ifndef _NN_PROX_LAYERS_H
#define _NN_PROX_LAYERS_H

#include <stdbool.h>

#include "nn/backend.h"
#include "nn/prox_net.h"

struct nn_layer_s {

	bool from_image;
	bool to_image;
	long kernel;		// in each spatial dimension
	enum nn_padding padding;
	bool relu;		// of the input
	bool relu_in_done;	// nothing reads the input but through a ReLU
	bool relu_out;		// ... the output
	bool has_bias;
	bool has_res;		// something is added to the output

	// what follows from this

	long in;		// channels
	long out;
	long taps;
	long weights;		// first in the packed vector
	long bias;
};

// ends with a message if there is no such network
extern void nn_prox_check(const struct nn_prox_conf_s* conf);

extern long nn_layers_count(const struct nn_prox_conf_s* conf);

// returns the number of parameters
extern long nn_layers_list(const struct nn_prox_conf_s* conf, long N, struct nn_layer_s layers[N]);

// do the layers differ in nothing but their parameters?
extern bool nn_layer_same(const struct nn_layer_s* a, const struct nn_layer_s* b);

/* The layers of a resnet: A0 B0 shortcut A1 B1 A2 B2 ... last. In block b
 * h <- B(A(h)) + h, the first time with a convolution of the pixel's channels in
 * the shortcut.
 */
enum { NN_LAYER_SHORTCUT = 2 };

extern long nn_layer_A(long block);
extern long nn_layer_B(long block);

/* In 2D a ReLU is ahead of each of a block's convolutions, in 3D behind it: the
 * last one then stands between a convolution and the sum.
 */
extern bool nn_relu_ends_block(const struct nn_prox_conf_s* conf);

#endif		// _NN_PROX_LAYERS_H
