/*
 * For module.c and module_again.c.
 */
#ifndef _GLEAM_MODULE_STRUCT_H
#define _GLEAM_MODULE_STRUCT_H

#include <complex.h>
#include <stdbool.h>

#include "gleam/keep.h"
#include "gleam/unroll.h"

struct gleam_module_s {

	struct gleam_unroll_s* unroll;
	const struct gleam_place_s* place;
	struct gleam_keep_s keep;

	long length;
	long P;
	long pixels;
	bool combined;

	float* grad;		// [length][P]
	complex float** x;	// outputs of all iterations but the last, NULL where they do not stay
	complex float* dx[2];	// gradient with respect to an image, before and after
	void* room;		// for parts of sums

	// where activations of one iteration are kept
	const float* params;	// [length][P]
	long loaded;		// iteration whose parameters are, or -1
	complex float* work[2];	// images that do not stay

	bool timed;
	double seconds[2];	// forward, backward
};

/* Forward and backward pass with activations of one iteration: the backward pass
 * starts from the gradient of the loss in dx[0]. Squared errors of inversion and
 * squared norms of what was inverted are added to errors ([restarts][2]).
 */
extern void module_again_forward(struct gleam_module_s* m,
		complex float* out, const complex float* in, const complex float* x0);
extern void module_again_backward(struct gleam_module_s* m, double* errors,
		const complex float* out, const complex float* in, const complex float* x0);

#endif		// _GLEAM_MODULE_STRUCT_H
