/*
 * What a prox network is made of: its layers' plans, and one piece of memory for
 * activations, weights and workspace, which is sized before it is taken.
 */

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "misc/misc.h"

#include "nn/prox_plan.h"

#define ALIGNMENT 256	// bytes: what every device is content with


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


size_t nn_prox_activations(const struct nn_prox_s* prox)
{
	return packed_offset(prox);
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


void* nn_prox_buffer(const struct nn_prox_s* prox, int slot, long i)
{
	return prox->memory + (size_t)slot * slot_bytes(prox) + (size_t)i * buffer_bytes(prox);
}


void* nn_prox_spare(const struct nn_prox_s* prox)
{
	return prox->memory + slots_bytes(prox);
}


uint32_t* nn_prox_signs(const struct nn_prox_s* prox, int slot, long i)
{
	if (0 == prox->signs)
		return NULL;

	return (uint32_t*)((char*)nn_prox_buffer(prox, slot, prox->buffers) + (size_t)i * sign_bytes(prox));
}


// --- parameters


static void* packed(const struct nn_prox_s* prox, int slot, long l)
{
	return prox->memory + packed_offset(prox) + (size_t)slot * prox->packed_bytes + prox->packed[l];
}


const float* nn_prox_bias(const struct nn_prox_s* prox, int slot, long l)
{
	return prox->layers[l].has_bias ? (prox->params[slot] + prox->layers[l].bias) : NULL;
}


const void* nn_prox_weights(const struct nn_prox_s* prox, int slot, long l)
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
				params + prox->layers[l].weights, nn_prox_bias(prox, slot, l));
}


void* nn_prox_workspace(const struct nn_prox_s* prox)
{
	return prox->memory + workspace_offset(prox);
}
