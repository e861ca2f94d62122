#include <limits.h>
#include <stdbool.h>

#include "misc/debug.h"
#include "misc/misc.h"
#include "misc/types.h"

#include "nn/backend.h"

#include "gleam/clock.h"
#include "gleam/exchange.h"
#include "gleam/memory.h"
#include "gleam/pipeline.h"
#include "gleam/place.h"
#include "gleam/report.h"
#include "gleam/signals.h"
#include "gleam/team.h"
#include "gleam/train_keep.h"
#include "gleam/train_plan.h"
#include "gleam/train_setup.h"
#include "gleam/train_state.h"
#include "gleam/train_step.h"
#include "gleam/train_stop.h"

#include "gleam/train.h"


static long next_multiple(const struct gleam_trainer_s* t, long every)
{
	return (0 < every) ? ((t->iteration / every + 1) * every) : LONG_MAX;
}

// the next iteration after which there is something else to do
static long next_stop(const struct gleam_trainer_s* t)
{
	long next = MIN(next_multiple(t, t->valid_every), next_multiple(t, t->conf->save_every));

	return (0 < t->total) ? MIN(t->total, next) : next;
}

/* One iteration; of several ranks as many as there are up to the next stop, all but
 * the last of which are reported.
 */
static void train_some(struct gleam_trainer_s* t)
{
	if (NULL != t->pipeline) {

		gleam_pipeline_train(t->pipeline, next_stop(t));
		return;
	}

	t->iteration++;

	gleam_step_iteration(t->step);

	// before anything of this iteration is kept
	gleam_trainer_check_iteration(t);
}

// after all that matters more has been saved
static void check_log(const struct gleam_trainer_s* t)
{
	if (gleam_team_leads(t->team) && gleam_report_failed(t->report))
		gleam_report_check(t->report, gleam_trainer_kept(t));
}

/* What follows an iteration. The log has it before the state does, and the state has the best
 * weights before their own file: wherever the process is killed, what is needed is there.
 */
static struct gleam_stop_s settle(struct gleam_trainer_s* t)
{
	bool due = gleam_trainer_is_due(t, t->valid_every);

	// one that is broken off is due again where training is resumed
	t->validated = !due || gleam_trainer_validate(t);

	bool saves = due || gleam_trainer_is_due(t, t->conf->save_every);

	auto stop = gleam_trainer_stop(t, saves);

	// of data that are others now it says nothing
	if (!stop.changed)
		gleam_trainer_check_output(t);

	bool last = stop.end && (0 == stop.number) && !stop.changed;

	if (gleam_team_leads(t->team))
		gleam_trainer_report(t, due && t->validated, last && !due && (NULL != t->valid));

	// several ranks save together, and all would have to know
	bool failed = (1 == gleam_team_size(t->team)) && gleam_report_failed(t->report) && !gleam_trainer_data_changed(t, true);

	if (!stop.changed && (saves || stop.end || stop.save || failed))
		gleam_trainer_store(t, (due && t->validated) || (stop.end && (NULL == t->valid)));

	check_log(t);

	return stop;
}

// of a run that is resumed: it was stopped while it was validated, or there is nothing left to do
static struct gleam_stop_s catch_up(struct gleam_trainer_s* t)
{
	bool missed = !t->validated;

	if (missed)
		t->validated = gleam_trainer_validate(t);

	auto stop = gleam_trainer_stop(t, missed);

	if (!stop.changed)
		gleam_trainer_check_output(t);

	if (missed && t->validated && !stop.changed) {

		gleam_trainer_report_validation(t);
		gleam_trainer_store(t, true);
	}

	return stop;
}

static struct gleam_stop_s train_loop(struct gleam_trainer_s* t)
{
	t->start = gleam_clock();

	auto stop = (0 < t->first) ? catch_up(t) : (struct gleam_stop_s){ };

	while (!stop.end) {

		train_some(t);
		stop = settle(t);
	}

	return stop;
}


// they may have changed while they were validated
static void check_data(struct gleam_trainer_s* t)
{
	if (gleam_team_leads(t->team) && gleam_trainer_data_changed(t, true))
		gleam_trainer_tell_changed(t);
}

// the weights as they are at the end: those that no validation has been due after are validated
static void finish(struct gleam_trainer_s* t)
{
	if ((NULL != t->valid) && !gleam_trainer_is_due(t, t->valid_every)) {

		gleam_trainer_validate(t);
		check_data(t);
		gleam_trainer_check_output(t);

		// what was resumed only to see that it has ended knows no losses
		if (t->first == t->iteration)
			gleam_trainer_report_validation(t);
		else if (gleam_team_leads(t->team))
			gleam_trainer_report_again(t);
	}

	gleam_trainer_finish(t);
	check_log(t);

	gleam_report_break(t->report);
	gleam_trainer_result(t);
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

static int train(struct gleam_trainer_s* t, size_t before)
{
	gleam_trainer_check_memory(t);
	gleam_trainer_alloc(t);

	gleam_signals_begin();

	auto stop = train_loop(t);

	// one that came while the end was saved; several ranks would all have to know
	if ((0 == stop.number) && (1 == gleam_team_size(t->team)))
		stop.number = gleam_signals_stop();

	gleam_signals_end();

	if (stop.changed)
		gleam_trainer_tell_changed(t);

	if (0 != stop.number)
		gleam_trainer_tell_stopped(t);
	else if (!stop.changed)
		finish(t);

	if ((NULL != t->pipeline) && (t->first < t->iteration))
		gleam_pipeline_tell(t->pipeline);

	print_memory(t, before);

	return (0 == stop.number) ? 0 : (128 + (int)stop.number);
}

int gleam_train(const struct gleam_train_s* conf, struct gleam_net_s net)
{
	size_t resident = gleam_memory_resident();

	gleam_signals_open();

	auto t = gleam_trainer_create(conf, net);

	gleam_memory_restart_peak();

	size_t before = t->place->device->host ? resident : t->place->taken();
	int status = 0;

	if (t->team->idle)
		;	// leaves when the others do
	else if (conf->memory)
		gleam_trainer_print_memory(t);
	else
		status = train(t, before);

	gleam_trainer_free(t);

	gleam_report_flush();

	return status;
}
