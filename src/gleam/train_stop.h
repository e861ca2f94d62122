/*
 * What is to be done after an iteration: when training ends, or is interrupted to be saved.
 */
#ifndef _GLEAM_TRAIN_STOP_H
#define _GLEAM_TRAIN_STOP_H

#include <stdbool.h>

struct gleam_trainer_s;

struct gleam_stop_s {

	bool end;		// this was the last iteration
	bool save;		// a user has asked for that (SIGUSR1)
	long number;		// of the signal that ended it, or 0
	bool changed;		// a file of the data has
};

// after this iteration, of what is done every so many; 0 is never
extern bool gleam_trainer_is_due(const struct gleam_trainer_s* trainer, long every);

/* After an iteration; what the first rank decides, all do, and all are to call it. Before something
 * is saved the data are looked at: what was trained on others is not.
 */
extern struct gleam_stop_s gleam_trainer_stop(struct gleam_trainer_s* trainer, bool saves);

// of the first rank: has a file changed, as far as is known from looking now and then, or now?
extern bool gleam_trainer_data_changed(struct gleam_trainer_s* trainer, bool look);

// of the first rank: is there a reason not to begin more iterations before that is asked?
extern bool gleam_trainer_interrupted(struct gleam_trainer_s* trainer);

// error() with the file that has changed, which the first rank knows
extern void gleam_trainer_tell_changed(const struct gleam_trainer_s* trainer);

#endif		// _GLEAM_TRAIN_STOP_H
