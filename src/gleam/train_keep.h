/*
 * What becomes of an iteration: it is validated, its weights are kept, and the user is
 * told. Of several ranks one writes and speaks.
 */
#ifndef _GLEAM_TRAIN_KEEP_H
#define _GLEAM_TRAIN_KEEP_H

#include <stdbool.h>
#include <stdnoreturn.h>

struct gleam_trainer_s;

/* With validation data the best weights are the result and the last ones are
 * kept beside it; without, the last ones are the result. All ranks are to call it.
 */
extern void gleam_trainer_validate(struct gleam_trainer_s* trainer);

// the table of all stages, of the best weights; all ranks are to call it
extern void gleam_trainer_result(struct gleam_trainer_s* trainer);

/* The loss and the errors of inversion of a module, in the trainer's iteration, from
 * its sums (gleam_trainer_sums); error() where the loss is not finite.
 */
extern void gleam_trainer_take(struct gleam_trainer_s* trainer, long module, const double* sums);

// progress and log of the iteration whose values are the trainer's
extern void gleam_trainer_report(const struct gleam_trainer_s* trainer, bool validated);

// error() where the iteration's errors of inversion are too large; the log has it then
extern void gleam_trainer_check_inversion(const struct gleam_trainer_s* trainer);

// ends with error()
extern noreturn void gleam_trainer_diverged(const struct gleam_trainer_s* trainer, const char* what, long iteration);

#endif		// _GLEAM_TRAIN_KEEP_H
