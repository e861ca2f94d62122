#include <stdbool.h>
#include <string.h>

#include "misc/debug.h"
#include "misc/misc.h"

#include "gleam/clock.h"
#include "gleam/data.h"
#include "gleam/exchange.h"
#include "gleam/report.h"
#include "gleam/signals.h"
#include "gleam/team.h"
#include "gleam/train_setup.h"
#include "gleam/train_state.h"

#include "gleam/train_stop.h"

static const double LOOK_INTERVAL = 1.;		// seconds


bool gleam_trainer_data_changed(struct gleam_trainer_s* t, bool look)
{
	double now = gleam_clock();

	if ((NULL != t->changed) || (!look && (now - t->looked < LOOK_INTERVAL)))
		return NULL != t->changed;

	t->looked = now;
	t->changed = gleam_data_changed(t->data, &t->how);

	if ((NULL == t->changed) && (NULL != t->valid))
		t->changed = gleam_data_changed(t->valid, &t->how);

	return NULL != t->changed;
}

bool gleam_trainer_is_due(const struct gleam_trainer_s* t, long every)
{
	return (0 < every) && (0 == t->iteration % every);
}

static bool is_over(const struct gleam_trainer_s* t)
{
	return (0. < t->conf->max_time) && (gleam_clock() - t->start >= t->conf->max_time);
}

static bool is_finished(const struct gleam_trainer_s* t)
{
	if ((0 < t->total) && (t->iteration >= t->total))
		return true;

	return is_over(t) || ((0 < t->conf->patience) && (t->misses >= t->conf->patience));
}

struct gleam_stop_s gleam_trainer_stop(struct gleam_trainer_s* t, bool saves)
{
	struct gleam_stop_s stop;

	// what lies between the members is sent, too
	memset(&stop, 0, sizeof(stop));

	if (gleam_team_leads(t->team)) {

		stop.number = gleam_signals_stop();
		stop.save = gleam_signals_take_save();
		stop.end = (0 != stop.number) || is_finished(t);
		stop.changed = gleam_trainer_data_changed(t, saves || stop.save || stop.end);
		stop.end = stop.end || stop.changed;
	}

	exchange_broadcast(t->team->all, 0, sizeof(stop), &stop);

	return stop;
}

bool gleam_trainer_interrupted(struct gleam_trainer_s* t)
{
	return (0 != gleam_signals_stop()) || gleam_signals_save() || gleam_trainer_data_changed(t, false) || is_over(t);
}

void gleam_trainer_tell_changed(const struct gleam_trainer_s* t)
{
	if (NULL == t->changed)
		return;

	gleam_report_break(t->report);

	error("%s: %s: training stops, since its result would be of two different data sets. %s Put the file back as it was, and resume; "
		"or begin a new training.\n", t->changed, t->how, gleam_trainer_kept(t));
}
