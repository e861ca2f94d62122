#include <math.h>
#include <complex.h>
#include <string.h>
#include <stdbool.h>
#include <stdnoreturn.h>

#include "num/multind.h"
#include "num/flpmath.h"

#include "misc/debug.h"
#include "misc/misc.h"
#include "misc/mri.h"
#include "misc/types.h"

#include "nn/adam.h"
#include "nn/backend.h"
#include "nn/prox_net.h"

#include "gleam/batch.h"
#include "gleam/conf.h"
#include "gleam/data.h"
#include "gleam/memory.h"
#include "gleam/module.h"
#include "gleam/report.h"
#include "gleam/train_setup.h"
#include "gleam/unroll.h"
#include "gleam/validate.h"
#include "gleam/weights.h"

#include "gleam/train.h"

// a step size or mu that training drives to zero or below is held here
static const float DC_PARAM_MIN = 1.E-6;


static void update_iteration(struct gleam_trainer_s* t, long n, const float* grad)
{
	long P = t->weights->P;
	float* params = t->weights->params + n * P;
	float* m = t->moment1 + n * P;
	float* v = t->moment2 + n * P;

	struct nn_adam_conf_s adam = t->conf->adam;

	nn_adam_update(&adam, t->iteration, P - 1, params, m, v, grad);

	if (!t->weights->net.learn_dc)
		return;

	adam.weight_decay = 0.;		// would pull t and mu towards zero

	nn_adam_update(&adam, t->iteration, 1, params + P - 1, m + P - 1, v + P - 1, grad + P - 1);

	params[P - 1] = MAX(params[P - 1], DC_PARAM_MIN);
}

// paper, Algorithm 1, lines 3 to 5
static double train_module(struct gleam_trainer_s* t, long m)
{
	const struct gleam_net_s* net = &t->weights->net;
	long length = net->iterations / net->modules;
	long P = t->weights->P;
	long pixels = gleam_unroll_pixels(t->unroll);
	double count = (double)(pixels * gleam_batch_parts(t->batch));
	double loss = 0.;

	gleam_module_clear(t->module);

	for (long part = 0; part < gleam_batch_parts(t->batch); part++) {

		gleam_batch_select(t->batch, part);

		complex float* x = gleam_batch_x(t->batch, part);

		loss += gleam_module_train(t->module, t->weights->params + m * length * P, count, t->out, x,
					gleam_batch_x0(t->batch, part), gleam_batch_ref(t->batch, part));

		md_copy(1, (long[1]){ pixels }, x, t->out, CFL_SIZE);
	}

	for (long i = 0; i < length; i++)
		update_iteration(t, m * length + i, gleam_module_gradient(t->module) + i * P);

	return loss / count;
}

static noreturn void diverged(const struct gleam_trainer_s* t, const char* what)
{
	gleam_report_break(t->report);

	error("%s not finite at iteration %ld: training stops. %s is as it was last written, which may have been while the network "
		"diverged already (with --valid-data it holds the best). A smaller --lr may help.\n", what, t->iteration, t->conf->weights);
}

static void load_batch(struct gleam_trainer_s* t)
{
	long B = t->conf->batch_size;
	long samples[B];

	for (long i = 0; i < B; i++)
		samples[i] = gleam_order_sample(t->order, (t->iteration - 1) * B + i);

	gleam_batch_load(t->batch, samples);
}

static void train_iteration(struct gleam_trainer_s* t)
{
	load_batch(t);

	for (long m = 0; m < t->weights->net.modules; m++) {

		t->loss[m] = train_module(t, m);

		if (!isfinite(t->loss[m]))
			diverged(t, "The loss is");
	}
}


static void write_weights(struct gleam_trainer_s* t, const char* name, double valid_nrmse)
{
	for (long i = 0; i < t->weights->net.iterations * t->weights->P; i++)
		if (!isfinite(t->weights->params[i]))
			diverged(t, "The weights are");

	t->weights->iteration = t->iteration;
	t->weights->valid_nrmse = valid_nrmse;

	gleam_weights_write(name, t->weights);
}

static void validate(struct gleam_trainer_s* t, long first, struct gleam_metrics_stat_s* stat)
{
	long N = t->weights->net.iterations;
	long P = t->weights->P;

	gleam_validate(t->valid_unroll, t->valid_batch, &t->valid_dims, gleam_data_samples(t->valid),
			N, P, (const float (*)[P])t->weights->params, first, stat);
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

/* With validation data the best weights are the result and the last ones are
 * kept beside it; without, the last ones are the result.
 */
static void validate_and_keep(struct gleam_trainer_s* t)
{
	if (NULL == t->valid) {

		write_weights(t, t->conf->weights, -1.);
		return;
	}

	long N = t->weights->net.iterations;
	struct gleam_metrics_stat_s stat[N + 1];

	validate(t, N, stat);

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

static bool finished(const struct gleam_trainer_s* t)
{
	if ((0 < t->total) && (t->iteration >= t->total))
		return true;

	if ((0. < t->conf->max_time) && (timestamp() - t->start >= t->conf->max_time))
		return true;

	return (0 < t->conf->patience) && (t->misses >= t->conf->patience);
}

static void report(struct gleam_trainer_s* t, double seconds, bool validated)
{
	bool has_metrics = (0 < t->misses) || (HUGE_VAL > t->best);

	struct gleam_progress_s progress = {

		.iteration = t->iteration,
		.total = t->total,
		.modules = t->weights->net.modules,
		.loss = t->loss,
		.valid = has_metrics ? &t->metrics : NULL,
		.validated = validated && has_metrics,
		.seconds = seconds,
		.left = time_left(t),
	};

	gleam_report_iteration(t->report, &progress);
}

static void train_loop(struct gleam_trainer_s* t)
{
	t->start = timestamp();

	bool done = false;

	while (!done) {

		double begin = timestamp();

		t->iteration++;

		train_iteration(t);

		double seconds = timestamp() - begin;
		bool due = (0 == t->iteration % t->valid_every);

		if (due)
			validate_and_keep(t);

		done = finished(t);

		if (done && !due) {

			validate_and_keep(t);
			due = true;
		}

		report(t, seconds, due);
	}
}


static void print_result(struct gleam_trainer_s* t)
{
	if (NULL == t->valid)
		return;

	if (HUGE_VAL == t->best)
		error("%s: not written, since no validation gave a finite nRMSE: the network has diverged, or every reference is zero. "
			"The last weights are in %s. A smaller --lr may help.\n", t->conf->weights, gleam_trainer_last(t->conf));

	long N = t->weights->net.iterations;
	struct gleam_metrics_stat_s stat[N + 1];

	auto best = gleam_weights_read(t->conf->weights);

	memcpy(t->weights->params, best->params, (size_t)(N * best->P) * sizeof(float));

	validate(t, 0, stat);

	bart_printf("validation of the best weights, of iteration %ld:\n", best->iteration);
	gleam_report_stages(N, stat);

	gleam_weights_free(best);
}

static void print_memory(const struct gleam_trainer_s* t, size_t before)
{
	double mib = 1024. * 1024.;

	debug_printf(DP_INFO, "memory: planned %.1f MiB, peak %.1f MiB above the %.1f MiB before training\n",
			(double)gleam_memory_total(&t->plan) / mib,
			(double)(gleam_memory_peak() - before) / mib, (double)before / mib);
}

void gleam_train(const struct gleam_train_s* conf, struct gleam_net_s net)
{
	size_t before = gleam_memory_resident();

	auto t = gleam_trainer_create(conf, net);

	if (conf->memory) {

		gleam_memory_print(&t->plan);

	} else {

		gleam_memory_check(&t->plan);
		gleam_trainer_alloc(t);

		train_loop(t);

		gleam_report_break(t->report);
		print_result(t);
		print_memory(t, before);
	}

	gleam_trainer_free(t);
}
