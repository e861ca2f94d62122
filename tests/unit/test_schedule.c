/*
 * Who trains which module when: simulated with tasks that all take the same time, and
 * held against what the order of training allows and what a pipeline can reach.
 */
#include <stdbool.h>

#include <criterion/criterion.h>

#include "misc/misc.h"

#include "gleam/schedule.h"

enum { MAX_STAGES = 12, MAX_MODULES = 12, MAX_BATCHES = 64 };

struct run_s {

	struct gleam_schedule_s schedule;
	long batches;			// in all

	long done[MAX_BATCHES][MAX_MODULES];	// when, 0: not yet
	long group[MAX_STAGES];		// mini-batches before the present group of a stage
	long task[MAX_STAGES];		// its next one in it
};

static long group_size(const struct run_s* r, long stage)
{
	return MIN(gleam_schedule_group(&r->schedule), r->batches - r->group[stage]);
}

// false where a stage has nothing left
static bool next_task(struct run_s* r, long stage, struct gleam_task_s* task, long* batch)
{
	if (!gleam_schedule_task(&r->schedule, stage, group_size(r, stage), r->task[stage], task)) {

		r->group[stage] += group_size(r, stage);
		r->task[stage] = 0;

		if (!gleam_schedule_task(&r->schedule, stage, group_size(r, stage), 0, task))
			return false;
	}

	*batch = r->group[stage] + task->batch;

	return true;
}

// was it done before this slot?
static bool before(const struct run_s* r, long batch, long module, long slot)
{
	if ((0 > batch) || (0 > module))
		return true;

	return (0 < r->done[batch][module]) && (slot > r->done[batch][module]);
}

// one slot of time of all stages; returns how many of them did something
static long step(struct run_s* r, long slot)
{
	long busy = 0;

	for (long d = 0; d < r->schedule.stages; d++) {

		struct gleam_task_s task;
		long batch;

		if (!next_task(r, d, &task, &batch))
			continue;

		cr_assert(d == gleam_schedule_stage(&r->schedule, task.module));
		cr_assert(task.module == task.round * r->schedule.stages + d);
		cr_assert((0 <= task.module) && (task.module < r->schedule.modules));
		cr_assert(0 == r->done[batch][task.module], "twice");

		// its own update for the mini-batch before comes first on its stage
		cr_assert(before(r, batch - 1, task.module, slot), "out of order");

		// what the module before it makes of this one has to arrive
		if (!before(r, batch, task.module - 1, slot))
			continue;

		r->done[batch][task.module] = slot;
		r->task[d]++;
		busy++;
	}

	return busy;
}

// slots that all take together
static long run(struct run_s* r, long modules, long stages, long batches)
{
	*r = (struct run_s){ .schedule = { .modules = modules, .stages = stages }, .batches = batches };

	long slot = 1;

	while (0 < step(r, slot))
		slot++;

	for (long k = 0; k < batches; k++)
		for (long m = 0; m < modules; m++)
			cr_assert(0 < r->done[k][m], "%ld modules on %ld stages: module %ld was never trained with mini-batch %ld", modules, stages, m, k);

	return slot - 1;
}


Test(schedule, every_module_once_and_in_order)
{
	struct run_s r;

	for (long modules = 1; modules <= MAX_MODULES; modules++)
		for (long stages = 1; stages <= modules; stages++)
			for (long batches = 1; batches <= 2 * stages + 1; batches++)
				run(&r, modules, stages, batches);
}

// one stage does what Algorithm 1 does, in its order
Test(schedule, one_stage)
{
	struct run_s r;

	cr_assert_eq(1, gleam_schedule_group(&(struct gleam_schedule_s){ .modules = 5, .stages = 1 }));
	cr_assert_eq(15, run(&r, 5, 1, 3));

	for (long k = 0; k < 3; k++)
		for (long m = 0; m < 5; m++)
			cr_assert_eq(1 + 5 * k + m, r.done[k][m]);
}

// once it is full no stage waits: only filling and draining cost, stages - 1 slots in all
Test(schedule, full_pipeline)
{
	struct run_s r;

	for (long stages = 1; stages <= 4; stages++)
		for (long rounds = 1; rounds <= 3; rounds++)
			cr_expect_eq(12 * rounds + stages - 1, run(&r, rounds * stages, stages, 12), "%ld stages, %ld rounds", stages, rounds);
}

// the stages that have most modules set the pace
Test(schedule, uneven_stages)
{
	struct run_s r;

	// eight modules on three stages: three of them on the first two
	cr_expect_leq(run(&r, 8, 3, 60), 3 * 60 + 2);
	cr_expect_leq(run(&r, 5, 4, 60), 2 * 60 + 3);
}

Test(schedule, owners)
{
	struct gleam_schedule_s s = { .modules = 8, .stages = 3 };

	cr_assert_eq(3, gleam_schedule_rounds(&s));
	cr_assert_eq(3, gleam_schedule_own(&s, 0));
	cr_assert_eq(3, gleam_schedule_own(&s, 1));
	cr_assert_eq(2, gleam_schedule_own(&s, 2));

	cr_assert_eq(2, gleam_schedule_stage(&s, 5));

	// one that is computed and one that arrives, or as many as are on their way round
	cr_assert_eq(3, gleam_schedule_group(&s));
	cr_assert_eq(2, gleam_schedule_group(&(struct gleam_schedule_s){ .modules = 4, .stages = 4 }));
}
