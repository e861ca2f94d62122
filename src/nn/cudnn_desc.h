/*
 * The descriptors of cuDNN's graph API that a convolution needs, each finalized.
 */
#ifndef _NN_CUDNN_DESC_H
#define _NN_CUDNN_DESC_H

#include <stdbool.h>
#include <stdint.h>

#include <cudnn.h>

#include "nn/cudnn_graph.h"

extern void nn_cudnn_check(cudnnStatus_t status, const char* call, const char* file, int line);

#define CUDNN_CHECK(call) nn_cudnn_check((call), #call, __FILE__, __LINE__)

// what is made while a graph is built lives as long as the graph
struct nn_desc_s {

	int N;
	cudnnBackendDescriptor_t all[24];
};

extern void nn_desc_free(struct nn_desc_s* desc);

extern cudnnBackendDescriptor_t nn_desc_new(cudnnBackendDescriptorType_t type);
extern void nn_desc_set(cudnnBackendDescriptor_t d, cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type,
		int64_t count, const void* val);

extern void nn_desc_set_one(cudnnBackendDescriptor_t d, cudnnBackendAttributeName_t name, cudnnBackendDescriptor_t val);

// how the pack of pointers names the tensors
enum nn_desc_uid { NN_UID_RESULT = 1, NN_UID_A, NN_UID_B, NN_UID_BIAS, NN_UID_RES, NN_UID_VIRTUAL };

// the operation graph of a convolution; handle may be NULL (without a device)
extern cudnnBackendDescriptor_t nn_desc_graph(struct nn_desc_s* desc, cudnnHandle_t handle, const struct nn_graph_conf_s* conf);

#endif		// _NN_CUDNN_DESC_H
