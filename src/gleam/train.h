/*
 * Training of an unrolled network: greedy (paper, Algorithm 1), or as it is compared with.
 */
#ifndef _GLEAM_TRAIN_H
#define _GLEAM_TRAIN_H

#include <math.h>
#include <stdbool.h>

#include "nn/adam.h"

#include "gleam/conf.h"
#include "gleam/data.h"
#include "gleam/setup.h"
#include "gleam/trainer_conf.h"

#define GLEAM_LR_SAME (-INFINITY)	// all iterations have that of the first

struct gleam_train_s {

	const char* weights;		// result
	const char* load;		// weights to start from, or NULL

	struct gleam_files_s train;
	struct gleam_files_s valid;	// kspace is NULL when there is none

	struct gleam_trainer_conf_s trainer;
	struct gleam_compute_s compute;
	long batch_size;
	long micro_batch;
	long replicas;			// pipelines of ranks (MPI), each with its part of every mini-batch

	long max_iter;			// of these four, 0 is no limit
	long epochs;
	double max_time;		// seconds
	long patience;			// validations without a better nRMSE

	struct nn_adam_conf_s adam;
	long skip_nonfinite;		// iterations whose updates may be left out since something is not finite
	float lr_end;			// learning rate of the last iteration, or GLEAM_LR_SAME
	unsigned long long seed;
	bool shuffle;

	long valid_every;		// iterations, 0 is an epoch
	long save_every;		// iterations between saves of the state, beside those with the weights; 0: no more than those
	bool resume;			// go on from that state, where there is one
	const char* log;
	bool timing;			// GPU: forward and backward passes are timed, and nothing is recorded
	bool memory;			// only print the plan
};

extern const struct gleam_train_s gleam_train_defaults;

/* Checks everything, plans, trains and writes the weights. Calls error() when
 * something is wrong with options or data.
 * @return	0, or 128 and the number of the signal that has ended it (gleam/signals.h)
 */
extern int gleam_train(const struct gleam_train_s* conf, struct gleam_net_s net);

#endif		// _GLEAM_TRAIN_H
