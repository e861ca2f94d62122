/*
 * The memory plan of a training run, of each of its ranks.
 */
#ifndef _GLEAM_TRAIN_PLAN_H
#define _GLEAM_TRAIN_PLAN_H

#include <stdbool.h>

struct gleam_trainer_s;

// may validation use what training computes with? Then it takes nothing of its own.
extern bool gleam_trainer_shares_unroll(const struct gleam_trainer_s* trainer);

// fills trainer->plan
extern void gleam_trainer_plan(struct gleam_trainer_s* trainer);

// to stdout, with the totals of all ranks; all ranks are to call it, as the next one
extern void gleam_trainer_print_memory(const struct gleam_trainer_s* trainer);

// a warning or error() (gleam_memory_check) where ranks that share a device's memory want more than it has
extern void gleam_trainer_check_memory(struct gleam_trainer_s* trainer);

#endif		// _GLEAM_TRAIN_PLAN_H
