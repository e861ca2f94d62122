/*
 * Convolution and its gradients by definition, in double, on plain arrays
 * [batch][channel][z][y][x].
 */
#ifndef _NN_ORACLE_H
#define _NN_ORACLE_H

#include <stdbool.h>

#include "nn/backend.h"

struct shape_s {

	const char* name;

	long in;		// channels
	long out;
	bool from_image;	// with gaps between pixels, maps apart
	bool to_image;
	bool series;		// images whose third dimension is time, which in memory comes after the maps
	long dims[NN_DIMS];
	long kernel[NN_SPATIAL];
	enum nn_padding padding;
	bool relu;
	bool relu_out;		// permissions to backends; the oracle does without
	bool relu_in_done;
};

extern long oracle_pixels(const struct shape_s* s);	// of one channel and batch
extern long oracle_inputs(const struct shape_s* s);
extern long oracle_outputs(const struct shape_s* s);
extern long oracle_weights(const struct shape_s* s);

// all add to their result; bias and dbias may be NULL
extern void oracle_forward(const struct shape_s* s, double* y, const double* x, const double* weights, const double* bias);
extern void oracle_backward_data(const struct shape_s* s, double* dx, const double* dy, const double* x, const double* weights);
extern void oracle_backward_weights(const struct shape_s* s, double* dweights, double* dbias, const double* x, const double* dy);

// one output pixel of all channels, y[out]; one element of the other two
extern void oracle_forward_at(const struct shape_s* s, double* y, const long pos[NN_DIMS],
		const double* x, const double* weights);
extern double oracle_backward_data_at(const struct shape_s* s, long i, const long pos[NN_DIMS],
		const double* dy, const double* x, const double* weights);
extern double oracle_backward_weights_at(const struct shape_s* s, long w, const double* x, const double* dy);

#endif		// _NN_ORACLE_H
