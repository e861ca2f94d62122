#include <math.h>
#include <complex.h>
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
#include "gleam/place.h"
#include "gleam/report.h"
#include "gleam/train_setup.h"
#include "gleam/unroll.h"
#include "gleam/validate.h"
#include "gleam/weights.h"

#include "gleam/train.h"

// a step size or mu that training drives to zero or below is held here
static const float DC_PARAM_MIN = 1.E-6;


// paper, Algorithm 1, lines 3 to 5
static void train_module(struct gleam_trainer_s* t, long m)
{
	const struct nn_device_s* device = t->place->device;
	long first = m * t->length * t->weights->P;
	double* errors = t->sums + t->weights->net.modules + m * 2 * t->restarts;
	long pixels = gleam_unroll_pixels(t->unroll);
	double count = (double)gleam_batch_ref_elements(t->batch);

	gleam_module_load(t->module, t->params + first);
	gleam_module_clear(t->module);

	for (long part = 0; part < gleam_batch_parts(t->batch); part++) {

		gleam_batch_select(t->batch, part);

		complex float* x = gleam_batch_x(t->batch, part);

		gleam_module_train(t->module, count, t->out, x,
				gleam_batch_x0(t->batch, part), gleam_batch_ref(t->batch, part), t->sums + m, errors);

		device->copy(x, t->out, (size_t)pixels * CFL_SIZE);
	}

	struct nn_adam_tail_s tail = { .trained = t->weights->net.learn_dc, .min = DC_PARAM_MIN };

	device->adam(&t->conf->adam, &tail, t->rates, t->length, t->weights->P,
			t->params + first, t->moment1 + first, t->moment2 + first, gleam_module_gradient(t->module));
}

static void train_modules(void* data)
{
	struct gleam_trainer_s* t = data;

	t->place->device->clear(t->sums, (size_t)gleam_trainer_sums(t) * sizeof(double));

	for (long m = 0; m < t->weights->net.modules; m++)
		train_module(t, m);
}

static noreturn void diverged(const struct gleam_trainer_s* t, const char* what)
{
	gleam_report_break(t->report);

	error("%s not finite at iteration %ld: training stops. %s, if it was written, is as it was then, which may have been while "
		"the network diverged already (with --valid-data it holds the best). A smaller --lr may help.\n", what, t->iteration, t->conf->weights);
}

static void samples_of(const struct gleam_trainer_s* t, long iteration, long B, long samples[B])
{
	for (long i = 0; i < B; i++)
		samples[i] = gleam_order_sample(t->order, (iteration - 1) * B + i);
}

static void set_rates(struct gleam_trainer_s* t)
{
	struct nn_adam_conf_s adam = t->conf->adam;

	if (GLEAM_LR_SAME != t->conf->lr_end)
		adam.lr = nn_adam_cosine(adam.lr, t->conf->lr_end, t->iteration, t->total);

	nn_adam_rates(&adam, t->iteration, t->host_rates);

	t->place->device->upload(t->rates, t->host_rates, sizeof(t->host_rates));
}

static void take_sums(struct gleam_trainer_s* t)
{
	long modules = t->weights->net.modules;
	double count = (double)gleam_batch_ref_elements(t->batch);
	double sums[gleam_trainer_sums(t)];

	t->place->device->download(sums, t->sums, sizeof(sums));

	for (long m = 0; m < modules; m++) {

		t->loss[m] = sums[m] / count;

		if (!isfinite(t->loss[m]))
			diverged(t, "The loss is");
	}

	for (long i = 0; i < modules * t->restarts; i++)
		t->errors[i] = sqrt(sums[modules + 2 * i] / sums[modules + 2 * i + 1]);
}

static void train_iteration(struct gleam_trainer_s* t)
{
	long B = t->conf->batch_size;
	long samples[B];

	samples_of(t, t->iteration, B, samples);
	gleam_batch_load(t->batch, samples);
	set_rates(t);

	// what is timed cannot be recorded
	if (t->conf->timing)
		train_modules(t);
	else
		t->place->repeat(&t->repeat, train_modules, t);

	// what comes next is read while the device computes
	samples_of(t, t->iteration + 1, B, samples);
	gleam_batch_ahead(t->batch, samples);
	gleam_batch_upload(t->batch);

	take_sums(t);
}


static void write_weights(struct gleam_trainer_s* t, const char* name, double valid_nrmse)
{
	if (!t->place->device->host)
		t->place->device->download(t->weights->params, t->params, gleam_trainer_params_bytes(t));

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

	gleam_validate(t->validator, gleam_data_samples(t->valid),
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
		.errors = t->errors,
		.valid = has_metrics ? &t->metrics : NULL,
		.validated = validated && has_metrics,
		.seconds = seconds,
		.peak = t->place->peak(),
		.left = time_left(t),
	};

	gleam_module_seconds(t->module, &progress.forward, &progress.backward);

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

// before anything of this iteration is kept; the log has it
static void check_inversion(struct gleam_trainer_s* t, double seconds)
{
	for (long i = 0; i < t->weights->net.modules * t->restarts; i++) {

		// nor may it be something that is not a number
		if (t->errors[i] <= gleam_trainer_max_error(&t->conf->trainer))
			continue;

		report(t, seconds, false);
		inversion_failed(t, i);
	}
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

		check_inversion(t, seconds);

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

	t->place->device->upload(t->params, best->params, gleam_trainer_params_bytes(t));
	t->place->device->sync();

	validate(t, 0, stat);

	bart_printf("validation of the best weights, of iteration %ld:\n", best->iteration);
	gleam_report_stages(gleam_data_start(t->valid), N, stat);

	gleam_weights_free(best);
}

static void print_memory(const struct gleam_trainer_s* t, size_t before)
{
	double mib = 1024. * 1024.;

	debug_printf(DP_INFO, "%smemory: planned %.1f MiB, peak %.1f MiB above the %.1f MiB before training\n",
			t->place->device->host ? "" : "GPU ", (double)gleam_memory_total(&t->plan) / mib,
			(double)(t->place->peak() - before) / mib, (double)before / mib);
}

void gleam_train(const struct gleam_train_s* conf, struct gleam_net_s net)
{
	size_t resident = gleam_memory_resident();

	auto t = gleam_trainer_create(conf, net);

	gleam_memory_restart_peak();

	size_t before = t->place->device->host ? resident : t->place->taken();

	if (conf->memory) {

		gleam_memory_print(&t->plan);

	} else {

		gleam_memory_check(&t->plan, t->place->available(), t->place->margin);
		gleam_trainer_alloc(t);

		train_loop(t);

		gleam_report_break(t->report);
		print_result(t);
		print_memory(t, before);
	}

	gleam_trainer_free(t);
}
