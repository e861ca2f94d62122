/*
 * What an iteration has given, and whether training may go on with it.
 */
#ifndef _GLEAM_TRAIN_CHECK_H
#define _GLEAM_TRAIN_CHECK_H

#include <stdbool.h>
#include <stdnoreturn.h>

struct gleam_trainer_s;

// what of an iteration is not finite, in the first module in which something is not
struct gleam_bad_s {

	bool found;
	bool output;		// of the module, or else its gradient
	long module;
	long replica;
	long part;		// of the replica's mini-batch; -1: only their sum is not
};

/* The loss and the errors of inversion of a module in the trainer's iteration, from its
 * sums (gleam_trainer_sums) on each replica. Modules are to come in their order.
 */
extern void gleam_trainer_take(struct gleam_trainer_s* trainer, long module, const double* const sums[]);

/* After all modules: error() where something was not finite and no more iterations may be
 * left out (--skip-nonfinite), or where errors of inversion are too large. The log has the
 * iteration then.
 */
extern void gleam_trainer_check_iteration(struct gleam_trainer_s* trainer);

// error() where the weights, which are on the host, are not finite
extern void gleam_trainer_check_weights(const struct gleam_trainer_s* trainer);

#endif		// _GLEAM_TRAIN_CHECK_H
