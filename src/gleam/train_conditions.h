/*
 * What must be the same where a training run is resumed: data, options and version, of
 * which the result depends.
 */
#ifndef _GLEAM_TRAIN_CONDITIONS_H
#define _GLEAM_TRAIN_CONDITIONS_H

struct gleam_trainer_s;

/* A line each, "<what>: <value>"; for xfree.
 * @param saved		those of the state that is resumed, or NULL
 */
extern char* gleam_trainer_conditions(const struct gleam_trainer_s* trainer, const char* saved);

// error() with the first line that is another one than in the state of that name; else they are returned, for xfree
extern char* gleam_trainer_check_conditions(const struct gleam_trainer_s* trainer, const char* name, const char* saved);

#endif		// _GLEAM_TRAIN_CONDITIONS_H
