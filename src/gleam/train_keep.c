#include <math.h>
#include <stdbool.h>
#include <stdnoreturn.h>
#include <string.h>

#include "misc/debug.h"
#include "misc/misc.h"
#include "misc/types.h"

#include "nn/backend.h"

#include "gleam/data.h"
#include "gleam/exchange.h"
#include "gleam/metrics.h"
#include "gleam/place.h"
#include "gleam/report.h"
#include "gleam/team.h"
#include "gleam/train_setup.h"
#include "gleam/validate.h"
#include "gleam/weights.h"

#include "gleam/train_keep.h"


noreturn void gleam_trainer_diverged(const struct gleam_trainer_s* t, const char* what, long iteration)
{
	gleam_report_break(t->report);

	error("%s not finite at iteration %ld: training stops. %s, if it was written, is as it was then, which may have been while "
		"the network diverged already (with --valid-data it holds the best). A smaller --lr may help.\n", what, iteration, t->conf->weights);
}

void gleam_trainer_take(struct gleam_trainer_s* t, long m, const double* sums)
{
	t->loss[m] = sums[0] / gleam_trainer_count(t);

	if (!isfinite(t->loss[m]))
		gleam_trainer_diverged(t, "The loss is", t->iteration);

	for (long i = 0; i < t->restarts; i++)
		t->errors[m * t->restarts + i] = sqrt(sums[1 + 2 * i] / sums[2 + 2 * i]);
}


static void write_weights(struct gleam_trainer_s* t, const char* name, double valid_nrmse)
{
	if (!t->place->device->host)
		t->place->device->download(t->weights->params, t->params, gleam_trainer_params_bytes(t));

	for (long i = 0; i < t->weights->net.iterations * t->weights->P; i++)
		if (!isfinite(t->weights->params[i]))
			gleam_trainer_diverged(t, "The weights are", t->iteration);

	t->weights->iteration = t->iteration;
	t->weights->valid_nrmse = valid_nrmse;

	gleam_weights_write(name, t->weights);
}

static void validate(struct gleam_trainer_s* t, long first, struct gleam_metrics_stat_s* stat)
{
	long N = t->weights->net.iterations;
	long P = t->weights->P;

	gleam_validate(t->validator, t->team->all, gleam_data_samples(t->valid),
			N, P, (const float (*)[P])t->params, first, stat);
}

// the first ones whose nRMSE is a number are better than none
static bool improves(const struct gleam_trainer_s* t)
{
	return t->metrics.nrmse < t->best;
}

static void keep_last(struct gleam_trainer_s* t)
{
	char* last = gleam_trainer_last(t->conf);

	write_weights(t, last, t->metrics.nrmse);

	xfree(last);
}

void gleam_trainer_validate(struct gleam_trainer_s* t)
{
	bool leads = gleam_team_leads(t->team);

	if (NULL == t->valid) {

		if (leads)
			write_weights(t, t->conf->weights, -1.);

		return;
	}

	long N = t->weights->net.iterations;
	struct gleam_metrics_stat_s stat[N + 1];

	validate(t, N, stat);

	if (!leads)
		return;

	t->metrics = gleam_metrics_mean(&stat[N]);
	t->misses++;

	keep_last(t);

	if (!improves(t))
		return;

	t->best = t->metrics.nrmse;
	t->misses = 0;

	write_weights(t, t->conf->weights, t->best);
}


static double time_left(const struct gleam_trainer_s* t)
{
	double elapsed = timestamp() - t->start;
	double left = -1.;

	// includes validation, which the pace of iterations does not
	if (0 < t->total)
		left = (double)(t->total - t->iteration) * elapsed / (double)t->iteration;

	if (0. < t->conf->max_time) {

		double rest = MAX(0., t->conf->max_time - elapsed);

		left = (0. > left) ? rest : MIN(left, rest);
	}

	return left;
}

void gleam_trainer_report(const struct gleam_trainer_s* t, bool validated)
{
	bool has_metrics = (0 < t->misses) || (HUGE_VAL > t->best);

	struct gleam_progress_s progress = {

		.iteration = t->iteration,
		.total = t->total,
		.modules = t->weights->net.modules,
		.loss = t->loss,
		.errors = t->errors,
		.valid = has_metrics ? &t->metrics : NULL,
		.validated = validated && has_metrics,
		.seconds = t->seconds,
		.forward = t->forward,
		.backward = t->backward,
		.waiting = t->waiting,
		.peak = t->peak,
		.left = time_left(t),
	};

	gleam_report_iteration(t->report, &progress);
}

static noreturn void inversion_failed(const struct gleam_trainer_s* t, long i)
{
	gleam_report_break(t->report);

	error("The inversion by --trainer mel is off by %.3g of x^(%ld) at iteration %ld, at most %g is allowed (--max-inversion-error): "
		"its gradients are no longer those of the network, and training stops. What helps: more --checkpoints (%ld now, up to %ld), "
		"a larger --mu, a smaller --lr, more --cg-iter, and as long as the networks contract more --fixed-point iterations; "
		"--trainer checkpoint inverts nothing. %s, if it was written, is as it was then.\n",
		t->errors[i], t->restart[i], t->iteration, gleam_trainer_max_error(&t->conf->trainer), t->keep.checkpoints, t->length, t->conf->weights);
}

void gleam_trainer_check_inversion(const struct gleam_trainer_s* t)
{
	for (long i = 0; i < t->weights->net.modules * t->restarts; i++) {

		// nor may it be something that is not a number
		if (t->errors[i] <= gleam_trainer_max_error(&t->conf->trainer))
			continue;

		gleam_trainer_report(t, false);
		inversion_failed(t, i);
	}
}


static void read_best(struct gleam_trainer_s* t, long* iteration)
{
	if (HUGE_VAL == t->best)
		error("%s: not written, since no validation gave a finite nRMSE: the network has diverged, or every reference is zero. "
			"The last weights are in %s. A smaller --lr may help.\n", t->conf->weights, gleam_trainer_last(t->conf));

	auto best = gleam_weights_read(t->conf->weights);

	memcpy(t->weights->params, best->params, gleam_trainer_params_bytes(t));
	*iteration = best->iteration;

	gleam_weights_free(best);
}

void gleam_trainer_result(struct gleam_trainer_s* t)
{
	if (NULL == t->valid)
		return;

	bool leads = gleam_team_leads(t->team);
	long N = t->weights->net.iterations;
	long iteration = 0;
	struct gleam_metrics_stat_s stat[N + 1];

	if (leads)
		read_best(t, &iteration);

	exchange_broadcast(t->team->all, 0, gleam_trainer_params_bytes(t), t->weights->params);

	if (!t->place->device->host)
		t->place->device->upload(t->params, t->weights->params, gleam_trainer_params_bytes(t));

	t->place->device->sync();

	validate(t, 0, stat);

	if (!leads)
		return;

	bart_printf("validation of the best weights, of iteration %ld:\n", iteration);
	gleam_report_stages(gleam_data_start(t->valid), N, stat);
}
