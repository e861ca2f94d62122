/*
 * A training run's state: saved, and taken up again. Of several ranks the first one reads and
 * writes it, and all are to call these.
 */
#ifndef _GLEAM_TRAIN_STATE_H
#define _GLEAM_TRAIN_STATE_H

#include <stddef.h>

struct gleam_trainer_s;

// of the host's memory, beside what training needs
extern size_t gleam_trainer_state_bytes(const struct gleam_trainer_s* trainer);

// what was saved, or that nothing was; for xfree
extern char* gleam_trainer_kept(const struct gleam_trainer_s* trainer);

/* Before weights are made: the values of the state that --resume names become the trainer's,
 * if there is one. error() where it is of another training run.
 */
extern void gleam_trainer_resume(struct gleam_trainer_s* trainer);

// then its weights, on the host; and when there is memory for them, all else
extern void gleam_trainer_resume_weights(struct gleam_trainer_s* trainer);
extern void gleam_trainer_resume_moments(struct gleam_trainer_s* trainer);

// weights are on the host
extern void gleam_trainer_save(struct gleam_trainer_s* trainer);

extern void gleam_trainer_state_free(struct gleam_trainer_s* trainer);

#endif		// _GLEAM_TRAIN_STATE_H
