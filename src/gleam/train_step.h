/*
 * The steps by which a module is trained, and an iteration of one rank that takes all
 * modules through them.
 */
#ifndef _GLEAM_TRAIN_STEP_H
#define _GLEAM_TRAIN_STEP_H

#include <complex.h>

struct gleam_trainer_s;
struct gleam_batch_s;

// before the forward pass of the first part: parameters, gradient, sums (gleam_trainer_sums)
extern void gleam_step_begin(struct gleam_trainer_s* trainer, long module, double* sums);

// out: of this part
extern void gleam_step_forward(struct gleam_trainer_s* trainer, struct gleam_batch_s* batch, long part, complex float* out);
extern void gleam_step_backward(struct gleam_trainer_s* trainer, struct gleam_batch_s* batch, long part, const complex float* out, double* sums);

// after a part's backward pass, and once more after the last one (part: the number of parts)
extern void gleam_step_check(struct gleam_trainer_s* trainer, long part, double* sums);

// where the last check was not finite nothing is changed
extern void gleam_step_update(struct gleam_trainer_s* trainer, long module, const double* sums);

// the learning rate, on its way to the device
extern void gleam_step_rates(struct gleam_trainer_s* trainer, long iteration);


struct gleam_step_s;

extern struct gleam_step_s* gleam_step_create(struct gleam_trainer_s* trainer);
extern void gleam_step_free(struct gleam_step_s* step);

// the iteration trainer->iteration: losses, errors and times are the trainer's then
extern void gleam_step_iteration(struct gleam_step_s* step);

#endif		// _GLEAM_TRAIN_STEP_H
