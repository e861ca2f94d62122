#include <complex.h>
#include <stdbool.h>

#include "num/multind.h"
#include "num/flpmath.h"

#include "misc/debug.h"
#include "misc/misc.h"
#include "misc/types.h"

#include "nn/adam.h"
#include "nn/backend.h"

#include "gleam/batch.h"
#include "gleam/clock.h"
#include "gleam/module.h"
#include "gleam/place.h"
#include "gleam/train_check.h"
#include "gleam/train_setup.h"
#include "gleam/unroll.h"

#include "gleam/train_step.h"

// a step size or mu that training drives to zero or below is held here
static const float DC_PARAM_MIN = 1.E-6;

struct gleam_step_s {

	struct gleam_trainer_s* trainer;
	struct gleam_batch_s* batch;
	complex float* out;	// of a module, for one part
	void* repeat;		// of the iteration
};


static float* module_params(const struct gleam_trainer_s* t, long m)
{
	return t->params + m * t->length * t->weights->P;
}

void gleam_step_begin(struct gleam_trainer_s* t, long m, double* sums)
{
	gleam_module_load(t->module, module_params(t, m));
	gleam_module_clear(t->module);

	t->place->device->clear(sums, (size_t)gleam_trainer_sums(t) * sizeof(double));
}

void gleam_step_forward(struct gleam_trainer_s* t, struct gleam_batch_s* batch, long part, complex float* out)
{
	gleam_batch_select(batch, part);
	gleam_module_forward(t->module, out, gleam_batch_x(batch, part), gleam_batch_x0(batch, part));
}

void gleam_step_backward(struct gleam_trainer_s* t, struct gleam_batch_s* batch, long part, const complex float* out, double* sums)
{
	gleam_module_backward(t->module, gleam_trainer_count(t), out, gleam_batch_x(batch, part),
			gleam_batch_x0(batch, part), gleam_batch_ref(batch, part), sums, sums + 1);
}

/* The loss and the squared norm of the gradient as they are now, in the place of a part or,
 * after all of them, in that of the whole mini-batch.
 */
void gleam_step_check(struct gleam_trainer_s* t, long part, double* sums)
{
	double* check = sums + gleam_trainer_check(t, part);

	// that of the last part, unless others' gradients have been added since
	if ((gleam_trainer_parts(t) == part) && (1 == t->team->replicas)) {

		t->place->device->copy(check, check - 2, 2 * sizeof(double));
		return;
	}

	t->place->device->copy(check, sums, sizeof(double));
	gleam_module_energy(t->module, check + 1);
}

void gleam_step_update(struct gleam_trainer_s* t, long m, const double* sums)
{
	long moments = (m / t->team->schedule.stages) * t->length * t->weights->P;
	struct nn_adam_tail_s tail = { .trained = t->weights->net.learn_dc, .min = DC_PARAM_MIN };

	t->place->device->adam(&t->conf->adam, &tail, t->rates, sums + gleam_trainer_check(t, gleam_trainer_parts(t)), t->length, t->weights->P,
			module_params(t, m), t->moment1 + moments, t->moment2 + moments, gleam_module_gradient(t->module));
}

void gleam_step_rates(struct gleam_trainer_s* t, long iteration)
{
	struct nn_adam_conf_s adam = t->conf->adam;

	if (GLEAM_LR_SAME != t->conf->lr_end)
		adam.lr = nn_adam_cosine(adam.lr, t->conf->lr_end, iteration, t->total);

	nn_adam_rates(&adam, iteration, t->host_rates);

	t->place->device->upload(t->rates, t->host_rates, sizeof(t->host_rates));
}

struct gleam_step_s* gleam_step_create(struct gleam_trainer_s* t)
{
	PTR_ALLOC(struct gleam_step_s, s);

	*s = (struct gleam_step_s){

		.trainer = t,
		.batch = gleam_batch_create(t->data, t->unroll, t->conf->batch_size, t->conf->micro_batch),
		.out = gleam_place_alloc(t->place, (size_t)gleam_unroll_pixels(t->unroll) * CFL_SIZE),
	};

	return PTR_PASS(s);
}

void gleam_step_free(struct gleam_step_s* s)
{
	const struct gleam_place_s* place = s->trainer->place;

	place->repeat_free(s->repeat);
	place->device->free(s->out);

	gleam_batch_free(s->batch);
	xfree(s);
}

// paper, Algorithm 1, lines 3 to 5
static void train_module(struct gleam_step_s* s, long m)
{
	struct gleam_trainer_s* t = s->trainer;
	double* sums = t->sums + m * gleam_trainer_sums(t);

	gleam_step_begin(t, m, sums);

	for (long part = 0; part < gleam_batch_parts(s->batch); part++) {

		gleam_step_forward(t, s->batch, part, s->out);
		gleam_step_backward(t, s->batch, part, s->out, sums);

		gleam_step_check(t, part, sums);

		t->place->device->copy(gleam_batch_x(s->batch, part), s->out, (size_t)gleam_unroll_pixels(t->unroll) * CFL_SIZE);
	}

	gleam_step_check(t, gleam_trainer_parts(t), sums);
	gleam_step_update(t, m, sums);
}

static void train_modules(void* data)
{
	struct gleam_step_s* s = data;

	for (long m = 0; m < s->trainer->weights->net.modules; m++)
		train_module(s, m);
}

static void take_all(struct gleam_step_s* s)
{
	struct gleam_trainer_s* t = s->trainer;
	long modules = t->weights->net.modules;
	long n = gleam_trainer_sums(t);
	double sums[modules][n];

	t->place->device->download(sums, t->sums, sizeof(sums));

	for (long m = 0; m < modules; m++)
		gleam_trainer_take(t, m, &(const double*){ sums[m] });
}

// what comes next
static void read_ahead(struct gleam_step_s* s)
{
	struct gleam_trainer_s* t = s->trainer;
	long samples[t->share];

	gleam_trainer_samples(t, t->team->replica, t->iteration + 1, samples);
	gleam_batch_ahead(s->batch, samples);
}

void gleam_step_iteration(struct gleam_step_s* s)
{
	struct gleam_trainer_s* t = s->trainer;
	long samples[t->share];
	double begin = gleam_clock();

	gleam_trainer_samples(t, t->team->replica, t->iteration, samples);
	gleam_batch_load(s->batch, samples);
	gleam_step_rates(t, t->iteration);

	// while this computes; a device is given its work first
	bool device = (NULL != t->place->stage);

	if (!device)
		read_ahead(s);

	// what is timed cannot be recorded
	if (t->conf->timing)
		train_modules(s);
	else
		t->place->repeat(&s->repeat, train_modules, s);

	if (device)
		read_ahead(s);

	gleam_batch_upload(s->batch);

	take_all(s);

	t->seconds = gleam_clock() - begin;
	t->peak = t->place->peak();
	gleam_module_seconds(t->module, &t->forward, &t->backward);
}
