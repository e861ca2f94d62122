/*
 * Trials of the Winograd backend: a convolution with random data, and its results
 * in double precision.
 */
#ifndef _WINOGRAD_TRIAL_H
#define _WINOGRAD_TRIAL_H

#include <stddef.h>
#include <stdbool.h>

#include "nn/backend.h"

struct wino_kernels_s;

enum layout { FEATURE, IMAGE, APART };	// APART: maps have a gap between them

struct case_s {

	long in;
	long out;
	enum layout in_layout;
	enum layout out_layout;
	long dims[NN_DIMS];
	long kernel[NN_SPATIAL];
};

struct trial_s {

	struct nn_conv_s conf;
	struct nn_plan_s* plan;
	void* ws;
	size_t ws_size;

	float* x;
	float* dy;
	float* w;
	float* bias;
	double* y;	// of reference
	double* dx;
	double* dw;
};

extern struct nn_conv_s trial_case_conf(const struct case_s* c, enum nn_padding padding, bool relu);

// memory of a tensor in floats, and of the weights
extern long trial_tensor_floats(const struct nn_tensor_s* t);
extern long trial_weights_floats(const struct nn_conv_s* conf);

extern long trial_pixel_count(const struct nn_tensor_s* t);
extern void trial_pixel_pos(const struct nn_tensor_s* t, long i, long pos[NN_DIMS]);
extern long trial_at(const struct nn_tensor_s* t, long c, const long pos[NN_DIMS]);

// all floats are of this value, but with fill those that belong to the tensor are random, or zero in the channels of padding
extern float* trial_tensor_create(const struct nn_tensor_s* t, float rest, bool fill);
extern float* trial_vector_create(long n);
extern double* trial_zeros(long n);

extern struct trial_s trial_create(const struct wino_kernels_s* kernels, const struct nn_conv_s* conf);
extern void trial_free(struct trial_s* t);

// a workspace full of NaN for the trial's plan
extern void trial_alloc_workspace(struct trial_s* t);
extern void trial_poison(struct trial_s* t);

#endif		// _WINOGRAD_TRIAL_H
