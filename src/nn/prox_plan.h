/*
 * A network's plan: its layers, and where things lie in its one piece of memory.
 * For prox_net.c and prox_plan.c.
 */
#ifndef _NN_PROX_PLAN_H
#define _NN_PROX_PLAN_H

#include <stddef.h>
#include <stdint.h>

#include "nn/backend.h"
#include "nn/device.h"
#include "nn/prox_layers.h"
#include "nn/prox_net.h"
#include "nn/tensor.h"

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

// feature buffers: i-th of a slot; the one that slots share
extern void* nn_prox_buffer(const struct nn_prox_s* prox, int slot, long i);
extern void* nn_prox_spare(const struct nn_prox_s* prox);

// bits of the ReLU at the end of a block; NULL if no backward pass will ask
extern uint32_t* nn_prox_signs(const struct nn_prox_s* prox, int slot, long block);

// parameters of layer l as the backend wants them; the bias is NULL if there is none
extern const void* nn_prox_weights(const struct nn_prox_s* prox, int slot, long l);
extern const float* nn_prox_bias(const struct nn_prox_s* prox, int slot, long l);

extern void* nn_prox_workspace(const struct nn_prox_s* prox);

#endif		// _NN_PROX_PLAN_H
