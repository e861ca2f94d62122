/*
 * Which trainer: how many losses a network has, and what stays in memory until the
 * backward pass (gleam/keep.h). Trainers share everything else.
 */
#ifndef _GLEAM_TRAINER_CONF_H
#define _GLEAM_TRAINER_CONF_H

#include <float.h>

#include "gleam/conf.h"
#include "gleam/keep.h"

enum gleam_trainer_type {

	GLEAM_GREEDY,		// a loss for each of M modules (paper, Algorithm 1)
	GLEAM_END_TO_END,	// one for all iterations, whose activations stay
	GLEAM_CHECKPOINT,	// one, or M: images stay, iterations are computed again
	GLEAM_MEL,		// one, or M: a few images stay, iterations are inverted (MoDL)
};

struct gleam_trainer_conf_s {

	enum gleam_trainer_type type;

	// of MEL
	long checkpoints;	// N_cp of a module, see gleam/keep.h; GLEAM_UNSET: 7 (paper), and fewer than its iterations
	long fixed_point;	// iterations T that invert a network; GLEAM_UNSET: 5 (paper)
	double max_error;	// relative error of inversion that ends the training; GLEAM_ERROR_UNSET: 0.1
};

#define GLEAM_ERROR_UNSET (-DBL_MAX)
#define GLEAM_TRAINER_DEFAULTS { .type = GLEAM_GREEDY, .checkpoints = GLEAM_UNSET, .fixed_point = GLEAM_UNSET, .max_error = GLEAM_ERROR_UNSET }

// greedy, end-to-end, checkpoint or mel; error() when it is none of these
extern enum gleam_trainer_type gleam_trainer_type(const char* name);

/* The number of modules where it was not given, before gleam_net_complete. error()
 * when the network cannot be trained like that.
 */
extern void gleam_trainer_modules(const struct gleam_trainer_conf_s* conf, struct gleam_net_s* net);

// of a module of the completed network; error() when numbers make no sense, a warning where they have no effect
extern struct gleam_keep_s gleam_trainer_keep(const struct gleam_trainer_conf_s* conf, const struct gleam_net_s* net);

extern double gleam_trainer_max_error(const struct gleam_trainer_conf_s* conf);

#endif		// _GLEAM_TRAINER_CONF_H
