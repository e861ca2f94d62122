#include <stdbool.h>

#include "misc/misc.h"

#include "gleam/schedule.h"


long gleam_schedule_stage(const struct gleam_schedule_s* s, long module)
{
	return module % s->stages;
}

long gleam_schedule_own(const struct gleam_schedule_s* s, long stage)
{
	return (s->modules - stage + s->stages - 1) / s->stages;
}

long gleam_schedule_rounds(const struct gleam_schedule_s* s)
{
	return gleam_schedule_own(s, 0);
}

long gleam_schedule_group(const struct gleam_schedule_s* s)
{
	// a single stage has nothing to wait for
	if (1 == s->stages)
		return 1;

	// one that is being computed and one that is arriving
	return MAX(2, (1 == gleam_schedule_rounds(s)) ? 2 : s->stages);
}

bool gleam_schedule_task(const struct gleam_schedule_s* s, long stage, long batches, long n, struct gleam_task_s* task)
{
	if (n >= batches * gleam_schedule_own(s, stage))
		return false;

	task->batch = n % batches;
	task->round = n / batches;
	task->module = task->round * s->stages + stage;

	return true;
}
