/*
 * Tensors of a convolution for cuDNN, and what it is to make of them by definition.
 */
#ifndef _CUDNN_DATA_H
#define _CUDNN_DATA_H

#include <cudnn.h>

#include "cudnn_help.h"

enum { DATA_X, DATA_W, DATA_Y, DATA_BIAS, DATA_ARRAYS };

// the three tensors and the bias, channels-last: as given, on the device, and expected
struct cudnn_data_s {

	long size[DATA_ARRAYS];
	double* host[DATA_ARRAYS];
	void* device[DATA_ARRAYS];
	double* expected;
	double* magnitude;	// sums of the products' absolute values: what rounding is relative to
	void* workspace;
};

// rounded to the type of c
extern struct cudnn_data_s cudnn_data_create(const struct conv_s* c);
extern void cudnn_data_free(struct cudnn_data_s* d);

// variant pack of all tensors
extern descriptor_t cudnn_data_pack(const struct conv_s* c, const struct cudnn_data_s* d);

// runs the plan: the largest error, relative to what has been summed
extern double cudnn_data_error(const struct conv_s* c, const struct cudnn_data_s* d, cudnnHandle_t handle, descriptor_t plan);

#endif		// _CUDNN_DATA_H
