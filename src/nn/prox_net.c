/*
 * Passing through the prox networks, forward and back.
 *
 * A feature buffer holds what a convolution has written: before any ReLU, which the
 * next convolution applies on reading, or behind it, where the backend likes
 * that better and nobody else reads the buffer. In the backward pass the gradient with
 * respect to a buffer takes that buffer's place once nothing else reads it, so
 * that beside the activations no memory is needed.
 */

#include <assert.h>
#include <stddef.h>

#include "misc/misc.h"

#include "nn/prox_plan.h"


// --- what the layers are made of


static void copy_layer(const struct nn_prox_s* prox, const struct nn_layer_s* layer, void* dst, const void* src)
{
	if (layer->to_image)
		prox->device->image_copy(&prox->image, dst, src);
	else
		prox->device->copy(dst, src, nn_tensor_bytes(&prox->feature));
}


// y = conv(x) + res; res may be NULL, y itself or elsewhere
static void conv(const struct nn_prox_s* prox, int slot, long l, void* y, const void* res, const void* x)
{
	const struct nn_layer_s* layer = &prox->layers[l];

	if ((NULL != res) && (y != res) && !prox->backend->res_elsewhere) {

		copy_layer(prox, layer, y, res);
		res = y;
	}

	prox->backend->conv_forward(prox->plans[l], y, res, x, nn_prox_weights(prox, slot, l), nn_prox_bias(prox, slot, l),
			nn_prox_workspace(prox));
}


static void conv_data(const struct nn_prox_s* prox, int slot, long l, void* dx, bool add, const void* dy, const void* x)
{
	const struct nn_layer_s* layer = &prox->layers[l];

	prox->backend->conv_backward_data(prox->plans[l], dx, add, dy, layer->relu ? x : NULL,
			nn_prox_weights(prox, slot, l), nn_prox_workspace(prox));
}


static void conv_weights(const struct nn_prox_s* prox, long l, float* dparams, const void* x, const void* dy)
{
	const struct nn_layer_s* layer = &prox->layers[l];

	prox->backend->conv_backward_weights(prox->plans[l], dparams + layer->weights,
			layer->has_bias ? (dparams + layer->bias) : NULL, x, dy, nn_prox_workspace(prox));
}


// --- resnet: in -> h0 -> h1 ... -> out, where block b writes A(h_b) to buffer 2 b and h_(b+1) to buffer 2 b + 1


/* Without a backward pass the sum is made in place, unless something else than y
 * must be added to: then two buffers take turns.
 */
static void* block_output(const struct nn_prox_s* prox, int slot, long b)
{
	if (0 < prox->slots)
		return nn_prox_buffer(prox, slot, 2 * b + 1);

	return ((1 == b % 2) && (0 < prox->spare)) ? nn_prox_spare(prox) : nn_prox_buffer(prox, 0, 1);
}


static void* block_inside(const struct nn_prox_s* prox, int slot, long b)
{
	return (0 < prox->slots) ? nn_prox_buffer(prox, slot, 2 * b) : nn_prox_buffer(prox, 0, 0);
}


/* The first block's shortcut, before the block's end is added to it. Where a sum
 * is better not made in place it may wait in what the second block will write.
 */
static void* shortcut_buffer(const struct nn_prox_s* prox, int slot)
{
	if (!prox->backend->res_elsewhere || (1 == prox->conf.blocks))
		return block_output(prox, slot, 0);

	return (0 < prox->slots) ? block_inside(prox, slot, 1) : block_output(prox, slot, 1);
}


// a ReLU ahead of each convolution
static void block_relu_first(const struct nn_prox_s* prox, int slot, long b, void* next, const void* h)
{
	void* a = block_inside(prox, slot, b);
	const void* res = h;

	conv(prox, slot, nn_layer_A(b), a, NULL, h);

	if (0 == b) {

		void* shortcut = shortcut_buffer(prox, slot);

		conv(prox, slot, NN_LAYER_SHORTCUT, shortcut, NULL, h);
		res = shortcut;
	}

	conv(prox, slot, nn_layer_B(b), next, res, a);
}


static void block_relu_last(const struct nn_prox_s* prox, int slot, long b, void* next, const void* h)
{
	void* a = block_inside(prox, slot, b);

	conv(prox, slot, nn_layer_A(b), a, NULL, h);
	conv(prox, slot, nn_layer_B(b), next, NULL, a);

	prox->device->relu_add(prox->feature.type, prox->size, next, nn_prox_signs(prox, slot, b), (0 == b) ? NULL : h);

	if (0 == b)
		conv(prox, slot, NN_LAYER_SHORTCUT, next, next, h);
}


static void resnet_forward(const struct nn_prox_s* prox, int slot, float* out, const float* in)
{
	const void* h = in;

	for (long b = 0; b < prox->conf.blocks; b++) {

		void* next = block_output(prox, slot, b);

		if (nn_relu_ends_block(&prox->conf))
			block_relu_last(prox, slot, b, next, h);
		else
			block_relu_first(prox, slot, b, next, h);

		h = next;
	}

	conv(prox, slot, prox->N - 1, out, in, h);
}


static void resnet_backward(const struct nn_prox_s* prox, int slot, float* din, float* dparams,
		const float* dout, const float* in)
{
	long B = prox->conf.blocks;

	// gradient with respect to h_b, all the way down, in the place of h_B
	void* dh = nn_prox_buffer(prox, slot, 2 * B - 1);

	conv_weights(prox, prox->N - 1, dparams, dh, dout);
	conv_data(prox, slot, prox->N - 1, dh, false, dout, NULL);

	for (long b = B - 1; 0 <= b; b--) {

		const void* h = (0 == b) ? in : nn_prox_buffer(prox, slot, 2 * b - 1);
		const void* dr = dh;
		void* a = nn_prox_buffer(prox, slot, 2 * b);

		if (nn_relu_ends_block(&prox->conf)) {

			prox->device->relu_gradient(prox->feature.type, prox->size, nn_prox_spare(prox), dh, nn_prox_signs(prox, slot, b));
			dr = nn_prox_spare(prox);
		}

		conv_weights(prox, nn_layer_B(b), dparams, a, dr);
		conv_data(prox, slot, nn_layer_B(b), a, false, dr, a);
		conv_weights(prox, nn_layer_A(b), dparams, h, a);

		if (0 < b)
			conv_data(prox, slot, nn_layer_A(b), dh, true, a, h);
	}

	conv_weights(prox, NN_LAYER_SHORTCUT, dparams, in, dh);

	if (NULL == din)
		return;

	prox->device->image_copy(&prox->image, din, dout);
	conv_data(prox, slot, nn_layer_A(0), din, true, nn_prox_buffer(prox, slot, 0), in);
	conv_data(prox, slot, NN_LAYER_SHORTCUT, din, true, dh, NULL);
}


// --- revnet: layer l writes to buffer l


static void revnet_forward(const struct nn_prox_s* prox, int slot, float* out, const float* in)
{
	const void* h = in;

	for (long l = 0; l < prox->N - 1; l++) {

		void* next = nn_prox_buffer(prox, slot, (0 < prox->slots) ? l : (l % 2));

		conv(prox, slot, l, next, NULL, h);

		h = next;
	}

	conv(prox, slot, prox->N - 1, out, in, h);
}


static void revnet_backward(const struct nn_prox_s* prox, int slot, float* din, float* dparams,
		const float* dout, const float* in)
{
	const void* dh = dout;

	for (long l = prox->N - 1; 0 < l; l--) {

		void* h = nn_prox_buffer(prox, slot, l - 1);

		conv_weights(prox, l, dparams, h, dh);
		conv_data(prox, slot, l, h, false, dh, h);

		dh = h;
	}

	conv_weights(prox, 0, dparams, in, dh);

	if (NULL == din)
		return;

	prox->device->image_copy(&prox->image, din, dout);
	conv_data(prox, slot, 0, din, true, dh, NULL);
}


void nn_prox_forward(struct nn_prox_s* prox, int slot, float* out, const float* in)
{
	assert(NULL != prox->memory);
	assert((0 <= slot) && (slot < MAX(1, prox->slots)));

	if (NN_PROX_RESNET == prox->conf.type)
		resnet_forward(prox, slot, out, in);
	else
		revnet_forward(prox, slot, out, in);
}


void nn_prox_backward(struct nn_prox_s* prox, int slot, float* din, float* dparams,
		const float* dout, const float* in)
{
	assert(NULL != prox->memory);
	assert((0 <= slot) && (slot < prox->slots));

	if (NN_PROX_RESNET == prox->conf.type)
		resnet_backward(prox, slot, din, dparams, dout, in);
	else
		revnet_backward(prox, slot, din, dparams, dout, in);
}
