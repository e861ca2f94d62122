/*
 * Options of a training run, and where its results go, checked before anything is written.
 */
#ifndef _GLEAM_TRAIN_CONF_H
#define _GLEAM_TRAIN_CONF_H

struct gleam_train_s;
struct gleam_weights_s;

// error() where options make no sense, by themselves or together
extern void gleam_train_check(const struct gleam_train_s* conf);

// where the last weights go when the best ones are the result; for xfree
extern char* gleam_train_last(const struct gleam_train_s* conf);

/* error() where outputs are inputs, or cannot be written. What a run that was killed has left
 * of them is put in order.
 */
extern void gleam_train_check_outputs(const struct gleam_train_s* conf, const struct gleam_weights_s* weights, const char* state);

#endif		// _GLEAM_TRAIN_CONF_H
