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
#include "gleam/report.h"
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

	long length;				// iterations of a module
	struct gleam_keep_s keep;		// what of it stays
	long restarts;				// of a module
	long* restart;				// iterations up to them, [M][restarts], in each module from its end
	struct gleam_memory_s plan;

	struct gleam_weights_s* weights;

	// on the device
	const struct gleam_place_s* place;
	float* params;				// [N][P]; on the CPU those of the weights
	float* moment1;				// Adam
	float* moment2;
	float* rates;				// of this iteration
	float host_rates[2];			// on their way there
	double* sums;				// of the loss, [M]; of errors of inversion, [M][restarts][2]

	struct gleam_unroll_s* unroll;
	struct gleam_module_s* module;
	struct gleam_batch_s* batch;
	struct gleam_order_s* order;
	complex float* out;			// of a module, for one part
	void* repeat;				// of the iteration

	struct gleam_unroll_s* valid_unroll;	// the same one where sizes agree
	struct gleam_batch_s* valid_batch;
	struct gleam_validator_s* validator;

	struct gleam_report_s* report;

	long iteration;				// counts from 1
	long total;				// 0: not known
	long valid_every;
	double* loss;				// of each module in this iteration
	double* errors;				// relative, of inversion, [M][restarts], from the last to the first

	struct gleam_metrics_s metrics;		// last validation
	double best;				// nRMSE
	long misses;				// validations since

	double start;
};

// opens and checks the data, completes the network, plans the memory
extern struct gleam_trainer_s* gleam_trainer_create(const struct gleam_train_s* conf, struct gleam_net_s net);

// takes the memory; initial weights
extern void gleam_trainer_alloc(struct gleam_trainer_s* trainer);

extern size_t gleam_trainer_params_bytes(const struct gleam_trainer_s* trainer);

// where the last weights go when the best ones are the result; for xfree
extern char* gleam_trainer_last(const struct gleam_train_s* conf);

// doubles in sums
extern long gleam_trainer_sums(const struct gleam_trainer_s* trainer);

extern void gleam_trainer_free(struct gleam_trainer_s* trainer);

#endif		// _GLEAM_TRAIN_SETUP_H
