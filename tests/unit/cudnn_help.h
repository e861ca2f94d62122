/*
 * Small graphs of cuDNN for tests: one convolution in two dimensions, alone or with
 * bias and ReLU. Tensors are channels-last.
 */
#ifndef _CUDNN_HELP_H
#define _CUDNN_HELP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cudnn.h>

typedef cudnnBackendDescriptor_t descriptor_t;

enum { UID_X = 1, UID_W = 2, UID_Y = 3, UID_BIAS = 4, UID_INNER = 10 };

enum conv_kind { CONV_FORWARD, CONV_DATA, CONV_WEIGHTS, CONV_FUSED };

struct conv_s {

	enum conv_kind kind;
	cudnnDataType_t type;
	long N, C, K;
	long X[2];		// input, without padding
	long R[2];		// kernel
	long pad[2];		// before and behind
};

extern long conv_output(const struct conv_s* c, int dim);

// in gpu_stream()
extern cudnnHandle_t help_handle(void);

// makes a descriptor; ends the test where it cannot
extern descriptor_t help_create(cudnnBackendDescriptorType_t type);
extern void help_set(descriptor_t d, cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, int64_t count, const void* elements);
extern void help_finalize(descriptor_t d);

// dims as cuDNN has them (N, C, X0, X1); strides in elements, channels-last if NULL
extern descriptor_t help_tensor(int64_t uid, cudnnDataType_t type, const int64_t dims[4], const int64_t* strides, bool is_virtual);
extern descriptor_t help_conv_descriptor(const struct conv_s* c);
extern descriptor_t help_conv_operation(const struct conv_s* c, descriptor_t x, descriptor_t w, descriptor_t y);
extern descriptor_t help_pointwise(cudnnPointwiseMode_t mode, descriptor_t x, descriptor_t b, descriptor_t y);
extern descriptor_t help_graph(cudnnHandle_t handle, int N, descriptor_t ops[N]);
extern descriptor_t help_conv_graph(cudnnHandle_t handle, const struct conv_s* c);

// configurations that heuristics gives, at most 10
extern int help_configs(descriptor_t graph, cudnnBackendHeurMode_t mode, descriptor_t configs[10]);
extern int64_t help_engine(descriptor_t config);
extern bool help_has_note(descriptor_t config, cudnnBackendNumericalNote_t note);

// NULL if the engine does not support it
extern descriptor_t help_plan(cudnnHandle_t handle, descriptor_t config);
extern int64_t help_workspace(descriptor_t plan);
extern descriptor_t help_pack(int N, const int64_t uids[N], void* const pointers[N], void* workspace);

#endif		// _CUDNN_HELP_H
