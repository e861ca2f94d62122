/*
 * What a convolution by cuDNN needs, settled before anything runs: the arrays that
 * cuDNN computes with, the graphs, and where things lie in the memory that a caller
 * provides.
 */
#ifndef _NN_CUDNN_PLAN_H
#define _NN_CUDNN_PLAN_H

#include <stdbool.h>
#include <stddef.h>

#include "nn/backend.h"
#include "nn/cudnn_graph.h"
#include "nn/cudnn_kernels.h"

#define NN_CUDNN_UNIT 16	// bytes, to which channels are rounded up

// that of the backends for cuDNN, for which it is not opaque
struct nn_plan_s {

	struct nn_conv_s conf;
	enum nn_precision precision;

	struct nn_array_s in;
	struct nn_array_s out;
	struct nn_filter_s filter;

	bool feature_in;		// or it is an image
	bool feature_out;
	bool copies_x;			// is the input not read where it is?

	const struct nn_graph_s* forward;
	bool finish;			// does its graph lack what follows the convolution?
};

// error() if cuDNN has no engine for the forward pass, or if a layer has more numbers than it can index
extern struct nn_plan_s* nn_cudnn_plan_create(const struct nn_conv_s* conf, enum nn_precision precision);
extern void nn_cudnn_plan_free(struct nn_plan_s* plan);

// of the gradients; error() if there is no engine
extern const struct nn_graph_s* nn_cudnn_data_graph(const struct nn_plan_s* plan);
extern const struct nn_graph_s* nn_cudnn_filter_graph(const struct nn_plan_s* plan);

// with the rim
extern size_t nn_cudnn_array_bytes(const struct nn_array_s* array);

// weights in cuDNN's layout: for the forward pass, with a bias, and turned around
struct nn_cudnn_packed_s {

	void* weights;
	void* bias;
	void* turned;	// NULL with forward_only

	size_t bytes;	// in all
};

// in memory at packed; if that is NULL only the bytes count
extern struct nn_cudnn_packed_s nn_cudnn_packed(const struct nn_plan_s* plan, bool forward_only, const void* packed);

// the workspace of an operation; what it has no use for has no place
struct nn_cudnn_space_s {

	void* weights;	// their gradient
	void* x;	// images, and what passes a ReLU first
	void* y;	// images, and what cannot be written where it shall be
	float* sums;
	void* cudnn;

	size_t bytes;	// in all
};

// in memory at ws; if that is NULL only the bytes count
extern struct nn_cudnn_space_s nn_cudnn_forward_space(const struct nn_plan_s* plan, void* ws);
extern struct nn_cudnn_space_s nn_cudnn_data_space(const struct nn_plan_s* plan, void* ws);
extern struct nn_cudnn_space_s nn_cudnn_filter_space(const struct nn_plan_s* plan, void* ws);

#endif		// _NN_CUDNN_PLAN_H
