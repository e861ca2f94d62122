/*
 * Losses, errors and times on their way from the ranks of a pipeline to rank 0, which
 * reports an iteration when it has those of all ranks. Only the pipeline uses it.
 */
#ifndef _GLEAM_PIPELINE_RESULTS_H
#define _GLEAM_PIPELINE_RESULTS_H

#include <stdbool.h>

struct gleam_trainer_s;
struct results_s;

// what a rank says of one iteration; sums are [rounds][gleam_trainer_sums]
struct result_s {

	double forward;		// seconds
	double backward;
	double waiting;
	double peak;		// bytes

	double sums[];
};

extern struct results_s* results_create(struct gleam_trainer_s* trainer);
extern void results_free(struct results_s* results);

// the next group of mini-batches, which come after this iteration
extern void results_begin(struct results_s* results, long iteration, long batches);

// where this rank writes what it has to say of a mini-batch of the oldest group that it has not ended
extern struct result_s* results_mine(struct results_s* results, long batch);

// all is said of that group
extern void results_end(struct results_s* results);

/* Rank 0 reports the iterations of which all is said, but the last of those, whose
 * values become the trainer's.
 * @param all	waits for those that are missing, and ends
 */
extern void results_report(struct results_s* results, bool all);

#endif		// _GLEAM_PIPELINE_RESULTS_H
