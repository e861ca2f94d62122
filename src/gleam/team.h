/*
 * The ranks of a run and what each of them is: a stage of a pipeline, of which there
 * may be several (replicas), each with its part of every mini-batch.
 */
#ifndef _GLEAM_TEAM_H
#define _GLEAM_TEAM_H

#include <stdbool.h>

#include "gleam/exchange.h"
#include "gleam/schedule.h"

struct gleam_team_s {

	long replicas;
	struct gleam_schedule_s schedule;

	bool idle;			// beyond use: what follows is not set
	long replica;
	long stage;

	struct exchange_s* world;
	struct exchange_s* all;		// those that work; rank 0 writes and speaks
	struct exchange_s* pipeline;	// the stages of this replica
	struct exchange_s* peers;	// this stage of all replicas
};

/* Divides the ranks of this run. All of them are to call it. error() where there are
 * fewer ranks than replicas; ranks beyond use are told of.
 */
extern struct gleam_team_s* gleam_team_create(long replicas, long modules);
extern void gleam_team_free(struct gleam_team_s* team);

extern long gleam_team_size(const struct gleam_team_s* team);	// ranks that work
extern bool gleam_team_leads(const struct gleam_team_s* team);	// is this rank the one that writes and speaks?

#endif		// _GLEAM_TEAM_H
