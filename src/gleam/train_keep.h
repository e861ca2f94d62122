/*
 * What becomes of an iteration: it is validated, its weights are kept, and the user is
 * told. Of several ranks one writes and speaks.
 */
#ifndef _GLEAM_TRAIN_KEEP_H
#define _GLEAM_TRAIN_KEEP_H

#include <stdbool.h>

struct gleam_trainer_s;

/* Validation, where there are data for it; all ranks are to call it. False where a signal broke
 * it off, or an output is not finite: nothing has changed then.
 */
extern bool gleam_trainer_validate(struct gleam_trainer_s* trainer);

/* error() where an output was not finite in the last validation, before anything of its iteration is
 * kept; all ranks are to call it.
 */
extern void gleam_trainer_check_output(struct gleam_trainer_s* trainer);

/* Saves the state; all ranks are to call it. With validation data the best weights are the
 * result and the last ones are kept beside it; without, the last ones are the result.
 * @param weights	these, too, if they are not on disk already
 */
extern void gleam_trainer_store(struct gleam_trainer_s* trainer, bool weights);

// the weights, at the end: the state is that before the last validation, which was not due
extern void gleam_trainer_finish(struct gleam_trainer_s* trainer);

// the table of all stages, of the best weights; all ranks are to call it
extern void gleam_trainer_result(struct gleam_trainer_s* trainer);

/* Progress and log of the iteration whose values are the trainer's.
 * @param again		it will be validated, and reported again then
 */
extern void gleam_trainer_report(const struct gleam_trainer_s* trainer, bool validated, bool again);
extern void gleam_trainer_report_again(const struct gleam_trainer_s* trainer);

// what the log lacks where a validation was broken off and has been done again
extern void gleam_trainer_report_validation(const struct gleam_trainer_s* trainer);

// to the user, where training was stopped by a signal
extern void gleam_trainer_tell_stopped(const struct gleam_trainer_s* trainer);

#endif		// _GLEAM_TRAIN_KEEP_H
