#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "misc/debug.h"
#include "misc/misc.h"
#include "misc/types.h"

#include "nn/backend.h"

#include "gleam/clock.h"
#include "gleam/data.h"
#include "gleam/exchange.h"
#include "gleam/metrics.h"
#include "gleam/place.h"
#include "gleam/report.h"
#include "gleam/team.h"
#include "gleam/train_check.h"
#include "gleam/train_conf.h"
#include "gleam/train_setup.h"
#include "gleam/train_state.h"
#include "gleam/validate.h"
#include "gleam/weights.h"

#include "gleam/train_keep.h"


static void weights_to_host(struct gleam_trainer_s* t)
{
	if (!t->place->device->host)
		t->place->device->download(t->weights->params, t->params, gleam_trainer_params_bytes(t));
}

static bool validate(struct gleam_trainer_s* t, long first, struct gleam_metrics_stat_s* stat)
{
	long N = t->weights->net.iterations;
	long P = t->weights->P;

	return gleam_validate(t->validator, t->team->all, gleam_data_samples(t->valid),
			N, P, (const float (*)[P])t->params, first, stat);
}

// the first ones whose nRMSE is a number are better than none
static void take_best(struct gleam_trainer_s* t)
{
	t->misses++;

	if (!(t->metrics.nrmse < t->best))
		return;

	t->best = t->metrics.nrmse;
	t->best_iteration = t->iteration;
	t->misses = 0;

	weights_to_host(t);
	memcpy(t->best_params, t->weights->params, gleam_trainer_params_bytes(t));
}

bool gleam_trainer_validate(struct gleam_trainer_s* t)
{
	if (NULL == t->valid)
		return true;

	long N = t->weights->net.iterations;
	struct gleam_metrics_stat_s stat[N + 1];

	if (!validate(t, N, stat))
		return false;

	if (!gleam_team_leads(t->team))
		return true;

	t->metrics = gleam_metrics_mean(&stat[N]);
	t->has_metrics = true;

	take_best(t);

	return true;
}


static void write_weights(const struct gleam_trainer_s* t, const char* name, float* params, long iteration, double nrmse)
{
	struct gleam_weights_s w = *t->weights;

	w.params = params;
	w.iteration = iteration;
	w.valid_nrmse = nrmse;

	gleam_weights_write(name, &w);
}

// those of this iteration: the result, or beside it where the best are
static void write_last(struct gleam_trainer_s* t)
{
	if (t->written == t->iteration)
		return;

	char* last = (NULL == t->valid) ? ptr_printf("%s", t->conf->weights) : gleam_train_last(t->conf);

	write_weights(t, last, t->weights->params, t->iteration, (NULL == t->valid) ? -1. : t->metrics.nrmse);
	xfree(last);

	t->written = t->iteration;
}

static void write_best(struct gleam_trainer_s* t)
{
	if ((NULL == t->valid) || (HUGE_VAL == t->best) || (t->best_written == t->best_iteration))
		return;

	write_weights(t, t->conf->weights, t->best_params, t->best_iteration, t->best);

	t->best_written = t->best_iteration;
}

void gleam_trainer_store(struct gleam_trainer_s* t, bool weights)
{
	if (gleam_team_leads(t->team)) {

		weights_to_host(t);
		gleam_trainer_check_weights(t);
	}

	gleam_trainer_save(t);

	if (!weights || !gleam_team_leads(t->team))
		return;

	write_last(t);
	write_best(t);
}

void gleam_trainer_finish(struct gleam_trainer_s* t)
{
	if (!gleam_team_leads(t->team))
		return;

	weights_to_host(t);
	gleam_trainer_check_weights(t);

	write_last(t);
	write_best(t);
}


void gleam_trainer_check_output(struct gleam_trainer_s* t)
{
	long stage;
	long sample;

	if ((NULL == t->valid) || !gleam_validator_bad(t->validator, &stage, &sample))
		return;

	if (!gleam_team_leads(t->team)) {

		// until the first rank ends all
		exchange_meet(t->team->all);
		return;
	}

	gleam_report_break(t->report);

	error("The output of module %ld (after %ld iterations of the network) for validation sample %ld is not finite at iteration %ld: training stops. %s "
		"What helps: a smaller --lr, --clip-norm, or to leave that sample out.\n",
		(stage - 1) / t->length + 1, stage, sample, t->iteration, gleam_trainer_kept(t));
}


static double time_left(const struct gleam_trainer_s* t)
{
	double elapsed = gleam_clock() - t->start;
	double left = -1.;

	// includes validation, which the pace of iterations does not
	if ((0 < t->total) && (t->first < t->iteration))
		left = (double)(t->total - t->iteration) * elapsed / (double)(t->iteration - t->first);

	if (0. < t->conf->max_time) {

		double rest = MAX(0., t->conf->max_time - elapsed);

		left = (0. > left) ? rest : MIN(left, rest);
	}

	return left;
}

static struct gleam_progress_s progress_of(const struct gleam_trainer_s* t, bool validated, bool again)
{
	return (struct gleam_progress_s){

		.iteration = t->iteration,
		.total = t->total,
		.modules = t->weights->net.modules,
		.loss = t->loss,
		.errors = t->errors,
		.valid = t->has_metrics ? &t->metrics : NULL,
		.validated = validated && t->has_metrics,
		.again = again,
		.seconds = t->seconds,
		.forward = t->forward,
		.backward = t->backward,
		.waiting = t->waiting,
		.peak = t->peak,
		.left = time_left(t),
	};
}

void gleam_trainer_report(const struct gleam_trainer_s* t, bool validated, bool again)
{
	auto progress = progress_of(t, validated, again);

	gleam_report_iteration(t->report, &progress);
}

void gleam_trainer_report_again(const struct gleam_trainer_s* t)
{
	auto progress = progress_of(t, true, false);

	gleam_report_again(t->report, &progress);
}

void gleam_trainer_report_validation(const struct gleam_trainer_s* t)
{
	if (gleam_team_leads(t->team) && t->has_metrics)
		gleam_report_validation(t->report, t->weights->net.modules, &t->metrics);
}

void gleam_trainer_tell_stopped(const struct gleam_trainer_s* t)
{
	if (!gleam_team_leads(t->team))
		return;

	gleam_report_break(t->report);

	char* kept = gleam_trainer_kept(t);

	debug_printf(DP_INFO, "stopped by a signal after iteration %ld. %s\n", t->iteration, kept);
	xfree(kept);
}


static void take_best_weights(struct gleam_trainer_s* t)
{
	if (HUGE_VAL == t->best)
		error("%s: not written, since no validation gave a finite nRMSE: references are zero, or so small or large that their squares are no numbers. "
			"The last weights are in %s.\n", t->conf->weights, gleam_train_last(t->conf));

	memcpy(t->weights->params, t->best_params, gleam_trainer_params_bytes(t));
}

void gleam_trainer_result(struct gleam_trainer_s* t)
{
	if (NULL == t->valid)
		return;

	bool leads = gleam_team_leads(t->team);
	long N = t->weights->net.iterations;
	struct gleam_metrics_stat_s stat[N + 1];

	if (leads)
		take_best_weights(t);

	exchange_broadcast(t->team->all, 0, gleam_trainer_params_bytes(t), t->weights->params);

	if (!t->place->device->host)
		t->place->device->upload(t->params, t->weights->params, gleam_trainer_params_bytes(t));

	t->place->device->sync();

	validate(t, 0, stat);
	gleam_trainer_check_output(t);

	if (!leads)
		return;

	bart_printf("validation of the best weights, of iteration %ld:\n", t->best_iteration);
	gleam_report_stages(gleam_data_start(t->valid), N, stat);
}
