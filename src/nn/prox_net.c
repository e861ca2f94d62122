/*
 * Passing through the prox networks, forward and back, and the memory for it.
 *
 * A feature buffer holds what a convolution has written: before any ReLU, which the
 * next convolution applies on reading, or behind it, where the backend likes
 * that better and nobody else reads the buffer. In the backward pass the gradient with
 * respect to a buffer takes that buffer's place once nothing else reads it, so
 * that beside the activations no memory is needed.
 */

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "misc/misc.h"

#include "nn/backend.h"
#include "nn/device.h"
#include "nn/prox_layers.h"
#include "nn/tensor.h"

#include "nn/prox_net.h"

#define ALIGNMENT 256	// bytes: what every device is content with

struct nn_prox_s {

	const struct nn_backend_s* backend;
	const struct nn_device_s* device;
	struct nn_prox_conf_s conf;
	int slots;

	struct nn_tensor_s image;
	struct nn_tensor_s feature;
	long size;		// elements of a feature buffer

	long N;
	struct nn_layer_s* layers;
	struct nn_plan_s** plans;	// layers of the same kind share one

	long buffers;		// of each slot
	long signs;		// bit fields of each slot
	long spare;		// buffers that the slots share

	size_t* packed;		// offset of each layer's weights within those of a slot
	size_t packed_bytes;	// of a slot
	const float** params;	// of each slot

	size_t ws_bytes;
	char* memory;
};


static size_t align(size_t bytes)
{
	return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}


static long plan_owner(const struct nn_prox_s* prox, long l)
{
	for (long i = 0; i < l; i++)
		if (nn_layer_same(&prox->layers[i], &prox->layers[l]))
			return i;

	return l;
}


static struct nn_plan_s* create_plan(const struct nn_prox_s* prox, const struct nn_layer_s* layer)
{
	struct nn_conv_s conf = {

		.in = layer->from_image ? prox->image : prox->feature,
		.out = layer->to_image ? prox->image : prox->feature,
		.kernel = { layer->kernel, layer->kernel, (3 == prox->conf.spatial) ? layer->kernel : 1 },
		.padding = layer->padding,
		.relu = layer->relu,
		.bias = layer->has_bias,
		.res = layer->has_res,
		.relu_out = layer->relu_out,
		.relu_in_done = layer->relu_in_done,
	};

	return prox->backend->conv_create(&conf);
}


static void create_plans(struct nn_prox_s* prox)
{
	prox->ws_bytes = 0;

	for (long l = 0; l < prox->N; l++) {

		long owner = plan_owner(prox, l);

		prox->plans[l] = (owner == l) ? create_plan(prox, &prox->layers[l]) : prox->plans[owner];

		prox->ws_bytes = MAX(prox->ws_bytes, prox->backend->conv_workspace(prox->plans[l], 0 == prox->slots));
	}
}


static void count_packed(struct nn_prox_s* prox)
{
	prox->packed_bytes = 0;

	for (long l = 0; l < prox->N; l++) {

		prox->packed[l] = prox->packed_bytes;

		if (NULL != prox->backend->conv_pack)
			prox->packed_bytes += align(prox->backend->conv_packed(prox->plans[l], 0 == prox->slots));
	}
}


static void count_buffers(struct nn_prox_s* prox)
{
	const struct nn_prox_conf_s* conf = &prox->conf;
	bool resnet = (NN_PROX_RESNET == conf->type);

	prox->buffers = resnet ? (2 * conf->blocks) : (conf->layers - 1);
	prox->signs = nn_relu_ends_block(conf) ? conf->blocks : 0;
	prox->spare = nn_relu_ends_block(conf) ? 1 : 0;

	if (0 == prox->slots) {

		// where a sum may be made elsewhere, it is not made in place
		if (resnet && prox->backend->res_elsewhere && (1 < conf->blocks))
			prox->spare = 1;

		prox->buffers = MIN(2, prox->buffers);
		prox->signs = 0;
	}
}


static void check_image(const struct nn_prox_conf_s* conf, const struct nn_tensor_s* image)
{
	if (2 * conf->maps != image->channels)
		error("Prox network: an image of %ld channels, expected %ld (two for each map).\n", image->channels, 2 * conf->maps);

	for (int i = 0; i < NN_DIMS; i++)
		if (1 > image->dims[i])
			error("Prox network: dimension %d of the image is %ld.\n", i, image->dims[i]);

	// a reflection needs a pixel beside the edge
	if ((2 == conf->spatial) && ((2 > image->dims[0]) || (2 > image->dims[1])))
		error("Prox network: an image of %ldx%ld pixels; a two-dimensional network needs at least 2x2.\n",
				image->dims[0], image->dims[1]);
}


struct nn_prox_s* nn_prox_create(const struct nn_backend_s* backend, const struct nn_prox_conf_s* conf,
		const struct nn_tensor_s* image, int slots)
{
	nn_prox_check(conf);
	check_image(conf, image);

	PTR_ALLOC(struct nn_prox_s, prox);

	prox->backend = backend;
	prox->device = backend->device;
	prox->conf = *conf;
	prox->slots = slots;
	prox->image = *image;
	prox->feature = nn_tensor_feature(backend, conf->features, image->dims, conf->spatial);
	prox->size = nn_tensor_size(&prox->feature);
	prox->N = nn_layers_count(conf);
	prox->layers = *TYPE_ALLOC(struct nn_layer_s[prox->N]);
	prox->plans = *TYPE_ALLOC(struct nn_plan_s*[prox->N]);
	prox->packed = *TYPE_ALLOC(size_t[prox->N]);
	prox->params = *TYPE_ALLOC(const float*[MAX(1, slots)]);
	prox->memory = NULL;

	nn_layers_list(conf, prox->N, prox->layers);
	create_plans(prox);
	count_packed(prox);
	count_buffers(prox);

	for (int i = 0; i < MAX(1, slots); i++)
		prox->params[i] = NULL;

	return PTR_PASS(prox);
}


void nn_prox_free(struct nn_prox_s* prox)
{
	for (long l = prox->N - 1; 0 <= l; l--)
		if (l == plan_owner(prox, l))
			prox->backend->conv_free(prox->plans[l]);

	xfree(prox->plans);
	xfree(prox->layers);
	xfree(prox->packed);
	xfree(prox->params);

	if (NULL != prox->memory)
		prox->device->free(prox->memory);

	xfree(prox);
}


// --- memory: the buffers and bit fields of each slot, the spare buffer, weights of each slot, the workspace


static size_t buffer_bytes(const struct nn_prox_s* prox)
{
	return align(nn_tensor_bytes(&prox->feature));
}


static size_t sign_bytes(const struct nn_prox_s* prox)
{
	return align((size_t)nn_sign_words(prox->size) * sizeof(uint32_t));
}


static size_t slot_bytes(const struct nn_prox_s* prox)
{
	return (size_t)prox->buffers * buffer_bytes(prox) + (size_t)prox->signs * sign_bytes(prox);
}


static size_t slots_bytes(const struct nn_prox_s* prox)
{
	return (size_t)MAX(1, prox->slots) * slot_bytes(prox);
}


static size_t packed_offset(const struct nn_prox_s* prox)
{
	return slots_bytes(prox) + (size_t)prox->spare * buffer_bytes(prox);
}


static size_t workspace_offset(const struct nn_prox_s* prox)
{
	return packed_offset(prox) + (size_t)MAX(1, prox->slots) * prox->packed_bytes;
}


size_t nn_prox_bytes(const struct nn_prox_s* prox)
{
	return workspace_offset(prox) + align(prox->ws_bytes);
}


void nn_prox_alloc(struct nn_prox_s* prox)
{
	if (NULL != prox->memory)
		return;

	size_t bytes = nn_prox_bytes(prox);

	prox->memory = prox->device->alloc(bytes);

	if (NULL == prox->memory)
		error("Prox network: no memory for %zu MiB of activations. Use smaller (micro-)batches or fewer features.\n", bytes >> 20);
}


static void* buffer(const struct nn_prox_s* prox, int slot, long i)
{
	return prox->memory + (size_t)slot * slot_bytes(prox) + (size_t)i * buffer_bytes(prox);
}


static void* spare_buffer(const struct nn_prox_s* prox)
{
	return prox->memory + slots_bytes(prox);
}


// NULL if no backward pass will ask
static uint32_t* sign_field(const struct nn_prox_s* prox, int slot, long i)
{
	if (0 == prox->signs)
		return NULL;

	return (uint32_t*)((char*)buffer(prox, slot, prox->buffers) + (size_t)i * sign_bytes(prox));
}


// --- parameters


static void* packed(const struct nn_prox_s* prox, int slot, long l)
{
	return prox->memory + packed_offset(prox) + (size_t)slot * prox->packed_bytes + prox->packed[l];
}


static const float* bias(const struct nn_prox_s* prox, int slot, long l)
{
	return prox->layers[l].has_bias ? (prox->params[slot] + prox->layers[l].bias) : NULL;
}


static const void* weights(const struct nn_prox_s* prox, int slot, long l)
{
	return (NULL != prox->backend->conv_pack) ? packed(prox, slot, l) : (const void*)(prox->params[slot] + prox->layers[l].weights);
}


void nn_prox_load(struct nn_prox_s* prox, int slot, const float* params)
{
	assert(NULL != prox->memory);
	assert((0 <= slot) && (slot < MAX(1, prox->slots)));

	prox->params[slot] = params;

	if (NULL == prox->backend->conv_pack)
		return;

	for (long l = 0; l < prox->N; l++)
		prox->backend->conv_pack(prox->plans[l], packed(prox, slot, l), 0 == prox->slots,
				params + prox->layers[l].weights, bias(prox, slot, l));
}


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

	prox->backend->conv_forward(prox->plans[l], y, res, x, weights(prox, slot, l), bias(prox, slot, l),
			prox->memory + workspace_offset(prox));
}


static void conv_data(const struct nn_prox_s* prox, int slot, long l, void* dx, bool add, const void* dy, const void* x)
{
	const struct nn_layer_s* layer = &prox->layers[l];

	prox->backend->conv_backward_data(prox->plans[l], dx, add, dy, layer->relu ? x : NULL,
			weights(prox, slot, l), prox->memory + workspace_offset(prox));
}


static void conv_weights(const struct nn_prox_s* prox, long l, float* dparams, const void* x, const void* dy)
{
	const struct nn_layer_s* layer = &prox->layers[l];

	prox->backend->conv_backward_weights(prox->plans[l], dparams + layer->weights,
			layer->has_bias ? (dparams + layer->bias) : NULL, x, dy, prox->memory + workspace_offset(prox));
}


// --- resnet: in -> h0 -> h1 ... -> out, where block b writes A(h_b) to buffer 2 b and h_(b+1) to buffer 2 b + 1


/* Without a backward pass the sum is made in place, unless something else than y
 * must be added to: then two buffers take turns.
 */
static void* block_output(const struct nn_prox_s* prox, int slot, long b)
{
	if (0 < prox->slots)
		return buffer(prox, slot, 2 * b + 1);

	return ((1 == b % 2) && (0 < prox->spare)) ? spare_buffer(prox) : buffer(prox, 0, 1);
}


static void* block_inside(const struct nn_prox_s* prox, int slot, long b)
{
	return (0 < prox->slots) ? buffer(prox, slot, 2 * b) : buffer(prox, 0, 0);
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

	prox->device->relu_add(prox->feature.type, prox->size, next, sign_field(prox, slot, b), (0 == b) ? NULL : h);

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
	void* dh = buffer(prox, slot, 2 * B - 1);

	conv_weights(prox, prox->N - 1, dparams, dh, dout);
	conv_data(prox, slot, prox->N - 1, dh, false, dout, NULL);

	for (long b = B - 1; 0 <= b; b--) {

		const void* h = (0 == b) ? in : buffer(prox, slot, 2 * b - 1);
		const void* dr = dh;
		void* a = buffer(prox, slot, 2 * b);

		if (nn_relu_ends_block(&prox->conf)) {

			prox->device->relu_gradient(prox->feature.type, prox->size, spare_buffer(prox), dh, sign_field(prox, slot, b));
			dr = spare_buffer(prox);
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
	conv_data(prox, slot, nn_layer_A(0), din, true, buffer(prox, slot, 0), in);
	conv_data(prox, slot, NN_LAYER_SHORTCUT, din, true, dh, NULL);
}


// --- revnet: layer l writes to buffer l


static void revnet_forward(const struct nn_prox_s* prox, int slot, float* out, const float* in)
{
	const void* h = in;

	for (long l = 0; l < prox->N - 1; l++) {

		void* next = buffer(prox, slot, (0 < prox->slots) ? l : (l % 2));

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

		void* h = buffer(prox, slot, l - 1);

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
