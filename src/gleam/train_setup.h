/*
 * Everything that a training run holds: checked, planned, allocated once.
 */
#ifndef _GLEAM_TRAIN_SETUP_H
#define _GLEAM_TRAIN_SETUP_H

#include <complex.h>

#include "gleam/batch.h"
#include "gleam/keep.h"
#include "gleam/memory.h"
#include "gleam/metrics.h"
#include "gleam/module.h"
#include "gleam/pipeline.h"
#include "gleam/report.h"
#include "gleam/team.h"
#include "gleam/train_check.h"
#include "gleam/train_step.h"
#include "gleam/train.h"
#include "gleam/unroll.h"
#include "gleam/weights.h"

struct gleam_trainer_s {

	const struct gleam_train_s* conf;
	const struct nn_backend_s* backend;

	struct gleam_data_s* data;
	struct gleam_data_s* valid;		// or NULL
	struct gleam_dims_s dims;		// of a part of the mini-batch
	struct gleam_dims_s valid_dims;		// of one sample

	struct gleam_team_s* team;
	long share;				// samples of a mini-batch that are this rank's

	long length;				// iterations of a module
	struct gleam_keep_s keep;		// what of it stays
	long restarts;				// of a module
	long* restart;				// iterations up to them, [M][restarts], in each module from its end
	struct gleam_memory_s plan;

	struct gleam_weights_s* weights;

	// on the device
	const struct gleam_place_s* place;
	float* params;				// [N][P]; on the CPU those of the weights
	float* moment1;				// Adam, of this rank's modules
	float* moment2;
	float* rates;				// of this iteration
	float host_rates[2];			// on their way there
	double* sums;				// of each module: gleam_trainer_sums

	struct gleam_unroll_s* unroll;
	struct gleam_module_s* module;
	struct gleam_order_s* order;
	struct gleam_step_s* step;		// one rank
	struct gleam_pipeline_s* pipeline;	// several; one of the two

	struct gleam_unroll_s* valid_unroll;	// the same one where sizes agree
	struct gleam_batch_s* valid_batch;
	struct gleam_validator_s* validator;

	struct gleam_report_s* report;		// of the rank that speaks, else NULL

	long iteration;				// counts from 1
	long total;				// 0: not known
	long valid_every;
	double* loss;				// of each module in this iteration
	double* errors;				// relative, of inversion, [M][restarts], from the last to the first
	double seconds;				// ... of it
	double forward;				// ... of its passes, of all ranks together, 0 where they are not timed
	double backward;
	double waiting;				// ... of the mean rank, for messages
	size_t peak;				// bytes, of the rank that takes most
	struct gleam_bad_s bad;			// what of it is not finite
	long skipped;				// iterations so far in which something was not

	struct gleam_metrics_s metrics;		// last validation
	bool has_metrics;			// there was one
	bool validated;				// what is due after this iteration has been done
	double best;				// nRMSE
	long best_iteration;
	float* best_params;			// of rank 0, on its host; NULL without validation
	long misses;				// validations since

	long written;				// iteration of the last weights that were written
	long best_written;

	char* state;				// its file
	char* conditions;			// of rank 0
	struct gleam_state_reader_s* resumed;	// ... while it is read, or NULL
	float* room;				// on the host, for the moments of a module
	long first;				// iteration after which this run goes on, or 0
	double first_loss;			// ... and its loss
	long saved;				// iteration of the last state, or 0

	const char* changed;			// a file of the data that has, and how
	const char* how;
	double looked;				// when it was asked last

	double start;
};

// opens and checks the data, completes the network, plans the memory
extern struct gleam_trainer_s* gleam_trainer_create(const struct gleam_train_s* conf, struct gleam_net_s net);

// takes the memory; initial weights
extern void gleam_trainer_alloc(struct gleam_trainer_s* trainer);

extern size_t gleam_trainer_params_bytes(const struct gleam_trainer_s* trainer);

/* What comes of a module in an iteration: the sum of its loss, for each inversion those of its
 * error and its norm; then checks of each part of the mini-batch and of all of it, two
 * numbers each (nn_adam_factor). How many, how many parts, and where a check is.
 */
extern long gleam_trainer_sums(const struct gleam_trainer_s* trainer);
extern long gleam_trainer_parts(const struct gleam_trainer_s* trainer);
extern long gleam_trainer_check(const struct gleam_trainer_s* trainer, long part);

// elements of the references of a mini-batch, of all replicas
extern double gleam_trainer_count(const struct gleam_trainer_s* trainer);

// a replica's samples in an iteration's mini-batch
extern void gleam_trainer_samples(const struct gleam_trainer_s* trainer, long replica, long iteration, long samples[]);

extern void gleam_trainer_free(struct gleam_trainer_s* trainer);

#endif		// _GLEAM_TRAIN_SETUP_H
