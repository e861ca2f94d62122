/*
 * A decoupled module: N/M unrolled iterations that are trained by their own
 * loss (paper eq. 10). It holds images and the gradient, no parameters: one of
 * these serves all modules in turn, so that nothing outlives a module's turn.
 */
#ifndef _GLEAM_MODULE_H
#define _GLEAM_MODULE_H

#include <complex.h>
#include <stdbool.h>
#include <stddef.h>

#include "gleam/keep.h"
#include "gleam/unroll.h"

struct gleam_module_s;

/* @param unroll	with gleam_keep_slots(keep, length) slots
 * @param length	unrolled iterations in the module, N/M
 * @param combined	references are one image for all maps
 */
extern struct gleam_module_s* gleam_module_create(struct gleam_unroll_s* unroll, const struct gleam_keep_s* keep,
		long length, long P, bool combined);
extern void gleam_module_free(struct gleam_module_s* module);

extern size_t gleam_module_bytes(const struct gleam_place_s* place, const struct gleam_keep_s* keep, long length, long P, long pixels);

// gradient of the module's parameters, [length][P], on the device
extern float* gleam_module_gradient(struct gleam_module_s* module);

// the parameters ([length][P], on the device) for all that follows, as they are now; they must stay
extern void gleam_module_load(struct gleam_module_s* module, const float* params);

// the gradient begins at zero
extern void gleam_module_clear(struct gleam_module_s* module);

// sum (on the device) of the squares of the gradient as it is now
extern void gleam_module_energy(struct gleam_module_s* module, double* sum);

// out is the module's output, in its input; images are on the device
extern void gleam_module_forward(struct gleam_module_s* module,
		complex float* out, const complex float* in, const complex float* x0);

/* After the forward pass with these images: local loss against ref, and backward pass
 * that adds to the gradient. Images and loss are on the device.
 * @param count		elements of all references of the mini-batch, by which the mean is taken
 * @param loss		its sum over this part is added here
 * @param errors	[restarts][2], of gleam_keep_restart from the last to the first: sums of
 *			|inverted - x|^2 and |x|^2 are added here; NULL where nothing is inverted
 */
extern void gleam_module_backward(struct gleam_module_s* module, double count,
		const complex float* out, const complex float* in, const complex float* x0, const complex float* ref, double* loss, double* errors);

// both
extern void gleam_module_train(struct gleam_module_s* module, double count,
		complex float* out, const complex float* in, const complex float* x0, const complex float* ref, double* loss, double* errors);

/* From now on the passes are timed, for which the device is waited for: they cannot be
 * recorded (gleam/place.h, repeat). Seconds of forward and backward passes since the
 * last call.
 */
extern void gleam_module_time(struct gleam_module_s* module);
extern void gleam_module_seconds(struct gleam_module_s* module, double* forward, double* backward);

#endif		// _GLEAM_MODULE_H
