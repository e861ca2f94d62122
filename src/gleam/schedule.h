/*
 * P-GLEAM (paper, Algorithm 2): who trains which module when. Module m is on stage
 * m mod D, which is round m / D of that stage. A module needs of a mini-batch only
 * what the one before it has made of that, and of its own parameters what its last
 * update has left (doc/method.md): so stages work on different mini-batches at the same
 * time, and nothing that is computed depends on how many there are.
 *
 * Where a stage has several modules, D mini-batches go round together: it takes all of
 * them through a module before it turns to its next one. When the last of them has left, the
 * first one has just come back from the last stage, so that no stage waits for long.
 *
 * Pure functions: no messages, no memory.
 */
#ifndef _GLEAM_SCHEDULE_H
#define _GLEAM_SCHEDULE_H

#include <stdbool.h>

struct gleam_schedule_s {

	long modules;	// M
	long stages;	// D, at most M
};

// what a stage does next
struct gleam_task_s {

	long batch;	// in its group
	long round;
	long module;
};

extern long gleam_schedule_stage(const struct gleam_schedule_s* schedule, long module);

// modules of a stage; of the one that has most, and it is the first
extern long gleam_schedule_own(const struct gleam_schedule_s* schedule, long stage);
extern long gleam_schedule_rounds(const struct gleam_schedule_s* schedule);

/* Mini-batches in a group, which is what a stage holds at the same time: while it works on
 * one, the next ones arrive.
 */
extern long gleam_schedule_group(const struct gleam_schedule_s* schedule);

// the n-th task of this stage for a group of that many mini-batches; false behind its last one
extern bool gleam_schedule_task(const struct gleam_schedule_s* schedule, long stage, long batches, long n, struct gleam_task_s* task);

#endif		// _GLEAM_SCHEDULE_H
