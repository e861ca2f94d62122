/*
 * What a rank does in a pipeline: the modules that it has, one mini-batch after the
 * other, with the images that come and go. Only the pipeline and the memory plan use it.
 */
#ifndef _GLEAM_PIPELINE_WORK_H
#define _GLEAM_PIPELINE_WORK_H

#include <stddef.h>

#include "gleam/pipeline_results.h"
#include "gleam/schedule.h"

struct gleam_trainer_s;
struct work_s;

// on the device, beside the mini-batches
extern size_t work_bytes(const struct gleam_trainer_s* trainer);

extern struct work_s* work_create(struct gleam_trainer_s* trainer);
extern void work_free(struct work_s* work);

/* Reads the samples for a mini-batch's first module on this rank, and expects its image from
 * the stage before. Then that arrives while another mini-batch is computed; of one that
 * is being computed the next task must not be prepared.
 */
extern void work_prepare(struct work_s* work, long iteration, const struct gleam_task_s* task);

/* A module's forward and backward pass and update (paper, Algorithm 2); its output is on
 * its way, and what the next module of this rank needs of this mini-batch is
 * expected. What there is to say is added to the result. error() where the loss
 * is not finite.
 */
extern void work_compute(struct work_s* work, long iteration, const struct gleam_task_s* task, struct result_s* result);

// all has left
extern void work_finish(struct work_s* work);

#endif		// _GLEAM_PIPELINE_WORK_H
