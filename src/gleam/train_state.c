#include <limits.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>

#include "misc/debug.h"
#include "misc/misc.h"

#include "nn/backend.h"

#include "gleam/conf.h"
#include "gleam/data.h"
#include "gleam/exchange.h"
#include "gleam/place.h"
#include "gleam/report.h"
#include "gleam/schedule.h"
#include "gleam/state.h"
#include "gleam/team.h"
#include "gleam/train_conditions.h"
#include "gleam/train_setup.h"

#include "gleam/train_state.h"

static long module_size(const struct gleam_trainer_s* t)
{
	return t->length * t->weights->P;
}

static long all_size(const struct gleam_trainer_s* t)
{
	return t->weights->net.iterations * t->weights->P;
}

// the moments of a module on their way, and the best weights
size_t gleam_trainer_state_bytes(const struct gleam_trainer_s* t)
{
	return (size_t)(module_size(t) + ((NULL != t->valid) ? all_size(t) : 0)) * sizeof(float);
}

char* gleam_trainer_kept(const struct gleam_trainer_s* t)
{
	if (0 == t->saved)
		return ptr_printf("No state has been saved yet.");

	return ptr_printf("%s holds the state of iteration %ld, from which --resume goes on.", t->state, t->saved);
}


static void take_values(struct gleam_trainer_s* t, const struct gleam_state_s* p)
{
	t->iteration = p->iteration;
	t->first_loss = p->loss;
	t->validated = p->validated;
	t->best = p->best;
	t->best_iteration = p->best_iteration;
	t->misses = p->misses;
	t->metrics = p->metrics;
	t->has_metrics = p->has_metrics;
	t->skipped = p->skipped;
	t->weights->net = p->net;

	t->first = t->iteration;
	t->saved = t->iteration;
}

// step size, mu and the rule of scaling may have come with the weights of --load
static void adopt_dc(const struct gleam_trainer_s* t, struct gleam_net_s* net, const struct gleam_net_s* from)
{
	if (NULL != t->conf->load) {

		net->step_size = from->step_size;
		net->mu = from->mu;
	}

	net->scaling = from->scaling;
}

static struct gleam_state_s open_state(struct gleam_trainer_s* t)
{
	t->resumed = gleam_state_open(t->state);

	if (NULL == t->resumed) {

		struct stat st;

		if (0 == lstat(t->state, &st))
			error("%s: found a link to a file that is not there, expected the state. Is its disk mounted? To begin anew remove the link.\n", t->state);

		debug_printf(DP_INFO, "%s: there is no state to resume from: training begins anew\n", t->state);
		return (struct gleam_state_s){ };
	}

	struct gleam_state_s s = *gleam_state_values(t->resumed);

	// half of what can be counted is left to train
	long most = LONG_MAX / 2 / t->conf->batch_size;

	if (most < s.iteration)
		error("%s: found iteration %ld, expected at most %ld with --batch-size %ld: it is damaged. Train anew without --resume, or from weights with --load.\n",
			t->state, s.iteration, most, t->conf->batch_size);

	adopt_dc(t, &t->weights->net, &s.net);
	t->conditions = gleam_trainer_check_conditions(t, t->state, s.conditions);

	if ((NULL == t->valid) && isfinite(s.best))
		error("%s: found best weights of a training without validation: it is damaged. Train anew without --resume, or from weights with --load.\n", t->state);

	s.net = t->weights->net;
	s.conditions = NULL;	// of this rank alone

	return s;
}

void gleam_trainer_resume(struct gleam_trainer_s* t)
{
	struct gleam_state_s s = { };

	if (!t->conf->resume)
		return;

	if (gleam_team_leads(t->team))
		s = open_state(t);

	exchange_broadcast(t->team->all, 0, sizeof(s), &s);

	if (0 == s.iteration)
		return;

	take_values(t, &s);

	if (gleam_team_leads(t->team))
		debug_printf(DP_INFO, "%s: training goes on after iteration %ld\n", t->state, t->iteration);
}

void gleam_trainer_resume_weights(struct gleam_trainer_s* t)
{
	if (gleam_team_leads(t->team))
		gleam_state_read(t->resumed, GLEAM_STATE_PARAMS, 0, all_size(t), t->weights->params);

	exchange_broadcast(t->team->all, 0, gleam_trainer_params_bytes(t), t->weights->params);
}

static void resume_moments(struct gleam_trainer_s* t, enum gleam_state_part part, float* moments)
{
	const struct gleam_schedule_s* schedule = &t->team->schedule;
	long N = module_size(t);

	for (long m = 0; m < schedule->modules; m++) {

		if (gleam_team_leads(t->team))
			gleam_state_read(t->resumed, part, m * N, N, t->room);

		exchange_broadcast(t->team->all, 0, (size_t)N * sizeof(float), t->room);

		if (gleam_schedule_stage(schedule, m) == t->team->stage)
			t->place->device->upload(moments + m / schedule->stages * N, t->room, (size_t)N * sizeof(float));

		// the room is used again
		t->place->device->sync();
	}
}

void gleam_trainer_resume_moments(struct gleam_trainer_s* t)
{
	if (0 == t->first)
		return;

	resume_moments(t, GLEAM_STATE_MOMENT1, t->moment1);
	resume_moments(t, GLEAM_STATE_MOMENT2, t->moment2);

	if (!gleam_team_leads(t->team))
		return;

	if ((NULL != t->valid) && isfinite(t->best))
		gleam_state_read(t->resumed, GLEAM_STATE_BEST, 0, all_size(t), t->best_params);

	gleam_state_close(t->resumed);
	t->resumed = NULL;
}


static struct gleam_state_writer_s* begin(const struct gleam_trainer_s* t)
{
	struct gleam_state_s state = {

		.net = t->weights->net,
		.iteration = t->iteration,
		.loss = (t->first < t->iteration) ? gleam_report_loss(t->weights->net.modules, t->loss) : t->first_loss,
		.validated = t->validated,
		.best = t->best,
		.best_iteration = t->best_iteration,
		.misses = t->misses,
		.metrics = t->metrics,
		.has_metrics = t->has_metrics,
		.skipped = t->skipped,
		.conditions = t->conditions,
	};

	return gleam_state_begin(t->state, &state);
}

// of the first replica, whose moments are those of all
static void save_moments(struct gleam_trainer_s* t, struct gleam_state_writer_s* w, const float* moments)
{
	const struct gleam_schedule_s* schedule = &t->team->schedule;
	long N = module_size(t);

	for (long m = 0; m < schedule->modules; m++) {

		long stage = gleam_schedule_stage(schedule, m);

		if (stage == t->team->stage)
			t->place->device->download(t->room, moments + m / schedule->stages * N, (size_t)N * sizeof(float));

		exchange_broadcast(t->team->pipeline, stage, (size_t)N * sizeof(float), t->room);

		if (NULL != w)
			gleam_state_append(w, N, t->room);
	}
}

void gleam_trainer_save(struct gleam_trainer_s* t)
{
	if (0 != t->team->replica)
		return;

	struct gleam_state_writer_s* w = NULL;

	if (gleam_team_leads(t->team)) {

		// the log is not to be behind
		gleam_report_sync(t->report);

		w = begin(t);
		gleam_state_append(w, all_size(t), t->weights->params);
	}

	save_moments(t, w, t->moment1);
	save_moments(t, w, t->moment2);

	if (NULL == w)
		return;

	if (isfinite(t->best))
		gleam_state_append(w, all_size(t), t->best_params);

	gleam_state_commit(w);

	t->saved = t->iteration;
}

void gleam_trainer_state_free(struct gleam_trainer_s* t)
{
	if (NULL != t->resumed)
		gleam_state_close(t->resumed);

	xfree(t->conditions);
	xfree(t->state);
	xfree(t->best_params);
	xfree(t->room);
}
