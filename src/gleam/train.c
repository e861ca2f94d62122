#include <stdbool.h>

#include "misc/debug.h"
#include "misc/misc.h"
#include "misc/types.h"

#include "nn/backend.h"

#include "gleam/exchange.h"
#include "gleam/memory.h"
#include "gleam/pipeline.h"
#include "gleam/place.h"
#include "gleam/report.h"
#include "gleam/team.h"
#include "gleam/train_keep.h"
#include "gleam/train_plan.h"
#include "gleam/train_setup.h"
#include "gleam/train_step.h"

#include "gleam/train.h"


static bool has_finished(const struct gleam_trainer_s* t)
{
	if ((0 < t->total) && (t->iteration >= t->total))
		return true;

	if ((0. < t->conf->max_time) && (timestamp() - t->start >= t->conf->max_time))
		return true;

	return (0 < t->conf->patience) && (t->misses >= t->conf->patience);
}

// what one rank decides, all do
static bool finished(const struct gleam_trainer_s* t)
{
	bool end = has_finished(t);

	exchange_broadcast(t->team->all, 0, sizeof(end), &end);

	return end;
}

/* One iteration; of several ranks as many as there are up to the next validation, all but
 * the last of which are reported.
 */
static void train_some(struct gleam_trainer_s* t)
{
	if (NULL != t->pipeline) {

		long next = (t->iteration / t->valid_every + 1) * t->valid_every;

		gleam_pipeline_train(t->pipeline, (0 < t->total) ? MIN(t->total, next) : next);
		return;
	}

	t->iteration++;

	gleam_step_iteration(t->step);

	// before anything of this iteration is kept
	gleam_trainer_check_inversion(t);
}

static void train_loop(struct gleam_trainer_s* t)
{
	t->start = timestamp();

	bool done = false;

	while (!done) {

		train_some(t);

		bool due = (0 == t->iteration % t->valid_every);

		if (due)
			gleam_trainer_validate(t);

		done = finished(t);

		if (done && !due) {

			gleam_trainer_validate(t);
			due = true;
		}

		if (gleam_team_leads(t->team))
			gleam_trainer_report(t, due);
	}
}


static void print_memory(const struct gleam_trainer_s* t, size_t before)
{
	double mib = 1024. * 1024.;
	double planned = exchange_max(t->team->all, (double)gleam_memory_total(&t->plan));
	double most = exchange_max(t->team->all, (double)(t->place->peak() - before));

	debug_printf(DP_INFO, "%smemory%s: planned %.1f MiB, peak %.1f MiB above the %.1f MiB before training\n",
			t->place->device->host ? "" : "GPU ", (1 < gleam_team_size(t->team)) ? " of the rank that takes most" : "",
			planned / mib, most / mib, (double)before / mib);
}

static void train(struct gleam_trainer_s* t, size_t before)
{
	gleam_trainer_check_memory(t);
	gleam_trainer_alloc(t);

	train_loop(t);

	gleam_report_break(t->report);
	gleam_trainer_result(t);

	if (NULL != t->pipeline)
		gleam_pipeline_tell(t->pipeline);

	print_memory(t, before);
}

void gleam_train(const struct gleam_train_s* conf, struct gleam_net_s net)
{
	size_t resident = gleam_memory_resident();

	auto t = gleam_trainer_create(conf, net);

	gleam_memory_restart_peak();

	size_t before = t->place->device->host ? resident : t->place->taken();

	if (t->team->idle)
		;	// leaves when the others do
	else if (conf->memory)
		gleam_trainer_print_memory(t);
	else
		train(t, before);

	gleam_trainer_free(t);
}
