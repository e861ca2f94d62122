#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdnoreturn.h>

#include "misc/debug.h"
#include "misc/misc.h"

#include "nn/adam.h"

#include "gleam/report.h"
#include "gleam/team.h"
#include "gleam/train_keep.h"
#include "gleam/train_setup.h"
#include "gleam/train_state.h"
#include "gleam/warn.h"

#include "gleam/train_check.h"

enum { TEXT = 256 };


static bool is_finite(const double check[2])
{
	const struct nn_adam_conf_s any = { .clip = 0. };

	return 0.f < nn_adam_factor(&any, check);
}

// the first part in which something is not, of all replicas
static struct gleam_bad_s find_bad(const struct gleam_trainer_s* t, long m, const double* const sums[])
{
	struct gleam_bad_s bad = { .found = true, .module = m, .part = -1 };

	for (long r = 0; r < t->team->replicas; r++) {

		for (long p = 0; p < gleam_trainer_parts(t); p++) {

			const double* check = sums[r] + gleam_trainer_check(t, p);

			if (is_finite(check))
				continue;

			bad.output = !isfinite(check[0]);
			bad.replica = r;
			bad.part = p;

			return bad;
		}
	}

	return bad;
}

static bool all_finite(const struct gleam_trainer_s* t, const double* const sums[])
{
	for (long r = 0; r < t->team->replicas; r++)
		if (!is_finite(sums[r] + gleam_trainer_check(t, gleam_trainer_parts(t))))
			return false;

	return true;
}

void gleam_trainer_take(struct gleam_trainer_s* t, long m, const double* const sums[])
{
	long n = 1 + 2 * t->restarts;
	double sum[n];

	for (long i = 0; i < n; i++) {

		sum[i] = 0.;

		for (long r = 0; r < t->team->replicas; r++)
			sum[i] += sums[r][i];
	}

	t->loss[m] = sum[0] / gleam_trainer_count(t);

	for (long i = 0; i < t->restarts; i++)
		t->errors[m * t->restarts + i] = sqrt(sum[1 + 2 * i] / sum[2 + 2 * i]);

	if (0 == m)
		t->bad = (struct gleam_bad_s){ .found = false };

	if (!t->bad.found && !all_finite(t, sums))
		t->bad = find_bad(t, m, sums);
}


// of the part of a mini-batch
static void name_samples(const struct gleam_trainer_s* t, char text[TEXT])
{
	long samples[t->share];
	long n = t->conf->micro_batch;

	gleam_trainer_samples(t, t->bad.replica, t->iteration, samples);

	int len = snprintf(text, TEXT, (1 == n) ? " for sample" : " for one of the samples");

	for (long i = 0; (i < n) && (len < TEXT - 32); i++)
		len += snprintf(text + len, (size_t)(TEXT - len), "%s %ld", (0 < i) ? "," : "", samples[t->bad.part * n + i]);
}

static void name_bad(const struct gleam_trainer_s* t, char text[2 * TEXT])
{
	char samples[TEXT] = "";

	if (-1 != t->bad.part)
		name_samples(t, samples);

	snprintf(text, 2 * TEXT, "the %s of module %ld%s", t->bad.output ? "output" : "gradient", t->bad.module + 1, samples);
}

static noreturn void stop_nonfinite(const struct gleam_trainer_s* t, const char* what)
{
	gleam_trainer_report(t, false, false);
	gleam_report_break(t->report);

	char skipped[TEXT] = "";

	if (0 < t->conf->skip_nonfinite)
		snprintf(skipped, TEXT, ", after %ld iterations whose updates were left out (--skip-nonfinite)", t->skipped - 1);

	error("%s is not finite at iteration %ld: training stops%s. %s What helps: a smaller --lr, --clip-norm, "
		"--skip-nonfinite for a rare sample, or to leave that sample out.\n",
		what, t->iteration, skipped, gleam_trainer_kept(t));
}

static void skip_or_stop(struct gleam_trainer_s* t)
{
	char what[2 * TEXT];

	name_bad(t, what);

	t->skipped++;

	if (t->skipped > t->conf->skip_nonfinite)
		stop_nonfinite(t, what);

	gleam_report_break(t->report);
	gleam_warn("%s is not finite at iteration %ld: the update is left out (%ld of %ld)\n",
		what, t->iteration, t->skipped, t->conf->skip_nonfinite);
}


static noreturn void inversion_failed(const struct gleam_trainer_s* t, long i)
{
	gleam_report_break(t->report);

	error("The inversion by --trainer mel is off by %.3g of x^(%ld) at iteration %ld, at most %g is allowed (--max-inversion-error): "
		"its gradients are no longer those of the network, and training stops. What helps: more --checkpoints (%ld now, up to %ld), "
		"a larger --mu, a smaller --lr, more --cg-iter, and as long as the networks contract more --fixed-point iterations; "
		"--trainer checkpoint inverts nothing. %s\n",
		t->errors[i], t->restart[i], t->iteration, gleam_trainer_max_error(&t->conf->trainer), t->keep.checkpoints, t->length,
		gleam_trainer_kept(t));
}

static void check_inversion(const struct gleam_trainer_s* t)
{
	for (long i = 0; i < t->weights->net.modules * t->restarts; i++) {

		// nor may it be something that is not a number
		if (t->errors[i] <= gleam_trainer_max_error(&t->conf->trainer))
			continue;

		gleam_trainer_report(t, false, false);
		inversion_failed(t, i);
	}
}

void gleam_trainer_check_iteration(struct gleam_trainer_s* t)
{
	if (t->bad.found)
		skip_or_stop(t);
	else
		check_inversion(t);
}

void gleam_trainer_check_weights(const struct gleam_trainer_s* t)
{
	for (long i = 0; i < t->weights->net.iterations * t->weights->P; i++)
		if (!isfinite(t->weights->params[i]))
			stop_nonfinite(t, "a weight");
}
