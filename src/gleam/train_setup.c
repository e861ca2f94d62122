#include <limits.h>
#include <math.h>
#include <string.h>
#include <complex.h>
#include <stdbool.h>

#include "num/multind.h"
#include "num/flpmath.h"

#include "misc/debug.h"
#include "misc/misc.h"
#include "misc/mri.h"
#include "misc/types.h"

#include "nn/backend.h"
#include "nn/prox_net.h"

#include "gleam/exchange.h"
#include "gleam/lock.h"
#include "gleam/memory.h"
#include "gleam/setup.h"
#include "gleam/state.h"
#include "gleam/train_conditions.h"
#include "gleam/train_conf.h"
#include "gleam/train_plan.h"
#include "gleam/train_state.h"
#include "gleam/train_stop.h"
#include "gleam/validate.h"
#include "gleam/warn.h"

#include "gleam/train_setup.h"

static const long DEFAULT_EPOCHS = 10;


static void check_valid(const struct gleam_trainer_s* t)
{
	if (t->valid_dims.map[MAPS_DIM] != t->dims.map[MAPS_DIM])
		error("%s: found %ld maps (dimension %d), expected %ld as in the training data '%s'. "
			"Estimate as many for both ('bart ecalib -m').\n", t->conf->valid.maps,
			t->valid_dims.map[MAPS_DIM], MAPS_DIM, t->dims.map[MAPS_DIM], t->conf->train.maps);

	if (gleam_data_spatial(t->valid) != gleam_data_spatial(t->data))
		error("%s: found k-space of %d dimensions, expected %d as in the training data '%s'. "
			"Take validation data of the same kind.\n", t->conf->valid.kspace,
			gleam_data_spatial(t->valid), gleam_data_spatial(t->data), t->conf->train.kspace);

	if (gleam_data_no_reference(t->valid))
		error("%s: found nothing but zeros in the validation references, expected images: no nRMSE is finite. Write the file again.\n",
			t->conf->valid.reference);

	if (!gleam_data_comparable(t->valid))
		error("%s: found no validation sample whose k-space%s and reference are both more than zeros, expected at least one: no nRMSE is finite. "
			"Write the files again%s.\n", t->conf->valid.kspace, (NULL != t->conf->valid.pattern) ? " at positions of the pattern" : "",
			(NULL != t->conf->valid.pattern) ? ", or give the pattern that goes with this k-space" : "");
}

static void open_data(struct gleam_trainer_s* t)
{
	t->data = gleam_data_open(&t->conf->train);
	t->dims = gleam_batch_dims(t->data, t->conf->micro_batch);

	gleam_data_tell_reference(t->data);

	if (gleam_data_no_reference(t->data))
		gleam_warn("%s: every reference is zero\n", t->conf->train.reference);

	if (t->conf->batch_size > gleam_data_samples(t->data))
		error("--batch-size is %ld, but %s holds only %ld samples: give as many at most\n", t->conf->batch_size,
			t->conf->train.kspace, gleam_data_samples(t->data));

	if (NULL == t->conf->valid.kspace)
		return;

	t->valid = gleam_data_open(&t->conf->valid);
	t->valid_dims = gleam_batch_dims(t->valid, 1);

	check_valid(t);
}

static void set_length(struct gleam_trainer_s* t)
{
	const struct gleam_train_s* c = t->conf;

	long samples = gleam_order_epoch(t->order);
	long epochs = c->epochs;

	if (c->batch_size > samples)
		error("--batch-size is %ld, but only %ld of the %ld samples of %s are not all zero: give as many at most\n",
			c->batch_size, samples, gleam_data_samples(t->data), c->train.kspace);

	if ((0 == c->max_iter) && (0 == c->epochs) && (0. == c->max_time) && (0 == c->patience)) {

		epochs = DEFAULT_EPOCHS;
		debug_printf(DP_INFO, "training for %ld epochs (see --max-iter, --epochs, --max-time, --patience)\n", epochs);
	}

	if ((LONG_MAX - c->batch_size) / samples < epochs)
		error("--epochs is %ld, but with %ld samples at most %ld can be counted\n", epochs, samples, (LONG_MAX - c->batch_size) / samples);

	// positions in the order of samples
	if (LONG_MAX / c->batch_size - 1 < c->max_iter)
		error("--max-iter is %ld, but with --batch-size %ld at most %ld can be counted\n", c->max_iter, c->batch_size, LONG_MAX / c->batch_size - 1);

	long total = (epochs * samples + c->batch_size - 1) / c->batch_size;

	if ((0 < c->max_iter) && ((0 == total) || (c->max_iter < total)))
		total = c->max_iter;

	if ((GLEAM_LR_SAME != c->lr_end) && (0 == total))
		error("--lr-end is the learning rate of the last iteration: say which one that is with --max-iter or --epochs\n");

	t->total = total;
	t->valid_every = (0 < c->valid_every) ? c->valid_every : MAX(1, samples / c->batch_size);
}

long gleam_trainer_parts(const struct gleam_trainer_s* t)
{
	return t->share / t->conf->micro_batch;
}

long gleam_trainer_check(const struct gleam_trainer_s* t, long part)
{
	return 1 + 2 * t->restarts + 2 * part;
}

long gleam_trainer_sums(const struct gleam_trainer_s* t)
{
	return gleam_trainer_check(t, gleam_trainer_parts(t) + 1);
}

double gleam_trainer_count(const struct gleam_trainer_s* t)
{
	long dims[DIMS];
	gleam_data_ref_dims(t->data, dims);

	return (double)(t->conf->batch_size * md_calc_size(DIMS, dims));
}

void gleam_trainer_samples(const struct gleam_trainer_s* t, long replica, long iteration, long samples[])
{
	long first = (iteration - 1) * t->conf->batch_size + replica * t->share;

	for (long i = 0; i < t->share; i++)
		samples[i] = gleam_order_sample(t->order, first + i);
}

static void set_restarts(struct gleam_trainer_s* t)
{
	long modules = t->weights->net.modules;

	t->restarts = gleam_keep_restarts(&t->keep, t->length);
	t->restart = xmalloc((size_t)(1 + modules * t->restarts) * sizeof(long));

	long* next = t->restart;

	for (long m = 0; m < modules; m++)
		for (long i = t->length - 1; 0 <= i; i--)
			if (gleam_keep_restart(&t->keep, t->length, i))
				*next++ = m * t->length + i;
}

static void initial_weights(struct gleam_trainer_s* t)
{
	struct gleam_weights_s* w = t->weights;
	long P = w->P;

	for (long n = 0; n < w->net.iterations; n++) {

		nn_prox_init(&w->net.prox, P - 1, w->params + n * P, t->conf->seed, (int)n);

		w->params[n * P + P - 1] = (GLEAM_PGD == w->net.type) ? w->net.step_size : w->net.mu;
	}
}

// step size, mu and the rule of scaling come with the weights
static void take_dc(struct gleam_net_s* net, const struct gleam_net_s* from)
{
	const struct gleam_net_s* def = &gleam_net_defaults;

	if (((net->step_size != from->step_size) && (net->step_size != def->step_size)) || ((net->mu != from->mu) && (net->mu != def->mu)))
		gleam_warn("--step-size and --mu are not used: the weights of --load bring their own\n");

	net->step_size = from->step_size;
	net->mu = from->mu;
	net->scaling = from->scaling;
}

static void load_weights(struct gleam_trainer_s* t)
{
	auto from = gleam_weights_read(t->conf->load);
	struct gleam_weights_s* w = t->weights;
	struct gleam_net_s net = from->net;
	long P = from->P;

	bool fits = (P == w->P) && (net.iterations == w->net.iterations) && (net.type == w->net.type);

	if (fits)
		memcpy(w->params, from->params, (size_t)(w->net.iterations * w->P) * sizeof(float));

	gleam_weights_free(from);

	if (!fits)
		error("%s: holds another network (%s, %ld iterations of %ld parameters), expected what the options describe (%s, %ld of %ld). "
			"Give the options of its training; they are in %s.hdr.\n", t->conf->load,
			(GLEAM_PGD == net.type) ? "PGD" : "MoDL", net.iterations, P,
			(GLEAM_PGD == w->net.type) ? "PGD" : "MoDL", w->net.iterations, w->P, t->conf->load);

	take_dc(&w->net, &net);
}

// there are two or three times as many moments and gradients, too
static void check_size(const struct gleam_net_s* net)
{
	size_t bytes = (size_t)(net->iterations * gleam_net_params(net)) * sizeof(float);
	size_t available = gleam_memory_available();
	double gib = 1024. * 1024. * 1024.;

	if (bytes > available)
		error("--features, --blocks, --layers, --iterations: the weights of this network take %.1f GiB, found %.1f GiB of memory free. Expected a smaller network.\n",
			(double)bytes / gib, (double)available / gib);
}

struct gleam_trainer_s* gleam_trainer_create(const struct gleam_train_s* conf, struct gleam_net_s net)
{
	PTR_ALLOC(struct gleam_trainer_s, t);

	*t = (struct gleam_trainer_s){ .conf = conf, .best = HUGE_VAL, .validated = true };

	gleam_state_close_unfinished();
	gleam_train_check(conf);

	t->backend = gleam_setup_backend(&conf->compute);
	t->place = gleam_place(t->backend->device);

	gleam_setup_trajectory(t->backend, conf->train.trajectory);
	gleam_setup_trajectory(t->backend, conf->valid.trajectory);

	open_data(t);

	net.prox.maps = t->dims.map[MAPS_DIM];
	net.prox.spatial = gleam_data_spatial(t->data);
	net.scaling = (1 < t->dims.ksp[TIME_DIM]) ? GLEAM_SCALING_AVERAGE : GLEAM_SCALING_IMAGE;

	gleam_trainer_modules(&conf->trainer, &net);
	gleam_net_complete(&net);

	if (!conf->memory)
		check_size(&net);

	t->team = gleam_team_create(conf->replicas, net.modules);
	t->share = conf->batch_size / conf->replicas;

	t->length = net.iterations / net.modules;
	t->keep = gleam_trainer_keep(&conf->trainer, &net);

	t->order = gleam_order_create(t->data, conf->seed, conf->shuffle);

	set_length(t);

	t->weights = gleam_weights_create(&net);
	t->state = gleam_state_name(conf->weights);

	set_restarts(t);

	if (!t->team->idle)
		gleam_trainer_plan(t);

	return PTR_PASS(t);
}

size_t gleam_trainer_params_bytes(const struct gleam_trainer_s* t)
{
	return (size_t)(t->weights->net.iterations * t->weights->P) * sizeof(float);
}

static void alloc_validation(struct gleam_trainer_s* t)
{
	t->valid_unroll = gleam_trainer_shares_unroll(t) ? t->unroll : gleam_unroll_create(&t->weights->net, t->backend, &t->valid_dims, 0);
	t->valid_batch = gleam_batch_create(t->valid, t->valid_unroll, 1, 1);
	t->validator = gleam_validator_create(t->valid_unroll, t->valid_batch);
}

static void alloc_optimiser(struct gleam_trainer_s* t)
{
	const struct nn_device_s* device = t->place->device;
	long modules = t->weights->net.modules;
	size_t bytes = gleam_trainer_params_bytes(t);
	size_t own = bytes / (size_t)modules * (size_t)gleam_schedule_own(&t->team->schedule, t->team->stage);

	t->params = device->host ? t->weights->params : gleam_place_alloc(t->place, bytes);
	t->moment1 = gleam_place_alloc(t->place, own);
	t->moment2 = gleam_place_alloc(t->place, own);
	t->rates = gleam_place_alloc(t->place, 2 * sizeof(float));
	t->sums = gleam_place_alloc(t->place, (size_t)(modules * gleam_trainer_sums(t)) * sizeof(double));

	if (!device->host)
		device->upload(t->params, t->weights->params, bytes);

	device->clear(t->moment1, own);
	device->clear(t->moment2, own);
	device->sync();
}

static void free_optimiser(struct gleam_trainer_s* t)
{
	const struct nn_device_s* device = t->place->device;

	if (!device->host)
		device->free(t->params);

	device->free(t->moment1);
	device->free(t->moment2);
	device->free(t->rates);
	device->free(t->sums);
}

// the first iteration after which the state is saved, whatever happens
static long first_saved(const struct gleam_trainer_s* t)
{
	return (0 < t->conf->save_every) ? MIN(t->conf->save_every, t->valid_every) : t->valid_every;
}

// of the rank that writes and speaks
static void open_outputs(struct gleam_trainer_s* t)
{
	long modules = t->weights->net.modules;

	gleam_train_check_outputs(t->conf, t->weights, t->state);

	struct gleam_report_resume_s resume = {

		.iteration = t->first,
		.loss = t->first_loss,
		.due = (NULL != t->valid) && gleam_trainer_is_due(t, t->valid_every),
		.unsaved = t->conf->resume ? first_saved(t) : LONG_MAX,
	};

	t->report = gleam_report_create(t->conf->log, modules, modules * t->restarts, t->restart, 1 < gleam_team_size(t->team), resume);
}

// every rank makes them by itself; a file is read by one
static void first_weights(struct gleam_trainer_s* t)
{
	struct gleam_weights_s* w = t->weights;

	if (0 < t->first) {

		gleam_trainer_resume_weights(t);
		return;
	}

	if (NULL == t->conf->load) {

		initial_weights(t);
		return;
	}

	if (gleam_team_leads(t->team))
		load_weights(t);

	exchange_broadcast(t->team->all, 0, sizeof(w->net), &w->net);
	exchange_broadcast(t->team->all, 0, gleam_trainer_params_bytes(t), w->params);
}

// of data that are watched from now on
static void alloc_state(struct gleam_trainer_s* t)
{
	t->room = xmalloc((size_t)(t->length * t->weights->P) * sizeof(float));

	if (!gleam_team_leads(t->team))
		return;

	gleam_data_watch(t->data);

	if (NULL == t->valid)
		return;

	gleam_data_watch(t->valid);

	t->best_params = xmalloc(gleam_trainer_params_bytes(t));
}

static void take_locks(const struct gleam_trainer_s* t)
{
	// of an earlier training, which error() has ended where BART is a library
	gleam_lock_release();
	gleam_lock_take(t->conf->weights);

	if (NULL == t->valid)
		return;

	char* last = gleam_train_last(t->conf);

	gleam_lock_take(last);
	xfree(last);
}

void gleam_trainer_alloc(struct gleam_trainer_s* t)
{
	const struct gleam_net_s* net = &t->weights->net;

	if (gleam_team_leads(t->team))
		take_locks(t);

	alloc_state(t);
	gleam_trainer_resume(t);
	first_weights(t);

	if (gleam_team_leads(t->team)) {

		if (NULL == t->conditions)
			t->conditions = gleam_trainer_conditions(t, NULL);

		open_outputs(t);
	}

	t->unroll = gleam_unroll_create(net, t->backend, &t->dims, (int)gleam_keep_slots(&t->keep, t->length));
	t->module = gleam_module_create(t->unroll, &t->keep, t->length, t->weights->P, gleam_data_combined(t->data));
	t->loss = xmalloc((size_t)net->modules * sizeof(double));
	t->errors = xmalloc((size_t)(1 + net->modules * t->restarts) * sizeof(double));

	if (t->place->device->host || t->conf->timing)
		gleam_module_time(t->module);

	alloc_optimiser(t);
	gleam_trainer_resume_moments(t);

	if (1 < gleam_team_size(t->team))
		t->pipeline = gleam_pipeline_create(t);
	else
		t->step = gleam_step_create(t);

	if (NULL != t->valid)
		alloc_validation(t);
}

void gleam_trainer_free(struct gleam_trainer_s* t)
{
	if (NULL != t->valid_batch) {

		gleam_validator_free(t->validator);
		gleam_batch_free(t->valid_batch);
	}

	if ((NULL != t->valid_unroll) && (t->valid_unroll != t->unroll))
		gleam_unroll_free(t->valid_unroll);

	if (NULL != t->unroll) {

		if (NULL != t->step)
			gleam_step_free(t->step);

		if (NULL != t->pipeline)
			gleam_pipeline_free(t->pipeline);

		gleam_module_free(t->module);
		gleam_unroll_free(t->unroll);

		if (NULL != t->report)
			gleam_report_free(t->report);

		gleam_lock_release();
		free_optimiser(t);
	}

	gleam_trainer_state_free(t);

	xfree(t->loss);
	xfree(t->errors);
	xfree(t->restart);

	gleam_weights_free(t->weights);
	gleam_order_free(t->order);

	if (NULL != t->valid)
		gleam_data_close(t->valid);

	gleam_data_close(t->data);
	gleam_team_free(t->team);
	xfree(t);
}
