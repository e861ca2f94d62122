#include <complex.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "num/multind.h"
#include "num/flpmath.h"

#include "misc/misc.h"
#include "misc/types.h"

#include "nn/backend.h"

#include "gleam/batch.h"
#include "gleam/exchange.h"
#include "gleam/module.h"
#include "gleam/pipeline_link.h"
#include "gleam/pipeline_results.h"
#include "gleam/place.h"
#include "gleam/schedule.h"
#include "gleam/team.h"
#include "gleam/train_setup.h"
#include "gleam/train_step.h"
#include "gleam/unroll.h"

#include "gleam/pipeline_work.h"

enum { FORWARD, BACKWARD, UPDATE, PIECES };

struct work_s {

	struct gleam_trainer_s* trainer;
	const struct gleam_team_s* team;
	const struct gleam_place_s* place;

	long group;				// mini-batches that are held
	struct gleam_batch_s** batch;
	struct link_s* link;
	long parts;
	void** recorded;			// [group][rounds][parts][PIECES]

	float* gradient;			// on the host, and room for its sum over replicas
	float* room;

	// what is being computed
	struct gleam_task_s task;
	long part;
};


static long gradient_size(const struct gleam_trainer_s* t)
{
	return t->length * t->weights->P;
}

static size_t part_bytes(const struct gleam_trainer_s* t)
{
	long img_dims[DIMS];
	gleam_dims_image(&t->dims, img_dims);

	return (size_t)md_calc_size(DIMS, img_dims) * CFL_SIZE;
}

size_t work_bytes(const struct gleam_trainer_s* t)
{
	// one of which is the module's output, which is planned with it
	size_t images = link_bytes(t->team, gleam_schedule_group(&t->team->schedule), gleam_trainer_parts(t), part_bytes(t)) - part_bytes(t);

	if ((1 == t->team->replicas) || !t->place->device->host)
		return images;

	return images + (size_t)exchange_sum_room(t->team->peers, gradient_size(t)) * sizeof(float);
}

static void alloc_sum(struct work_s* w)
{
	struct gleam_trainer_s* t = w->trainer;
	long N = gradient_size(t);

	if (1 == w->team->replicas)
		return;

	w->room = xmalloc((size_t)exchange_sum_room(w->team->peers, N) * sizeof(float));
	w->gradient = w->place->device->host ? gleam_module_gradient(t->module) : xmalloc((size_t)N * sizeof(float));
}

static long pieces_of(const struct work_s* w)
{
	return w->group * gleam_schedule_rounds(&w->team->schedule) * w->parts * PIECES;
}

struct work_s* work_create(struct gleam_trainer_s* t)
{
	PTR_ALLOC(struct work_s, w);

	*w = (struct work_s){

		.trainer = t,
		.team = t->team,
		.place = t->place,
		.group = gleam_schedule_group(&t->team->schedule),
		.parts = gleam_trainer_parts(t),
	};

	w->batch = xmalloc((size_t)w->group * sizeof(struct gleam_batch_s*));

	for (long i = 0; i < w->group; i++)
		w->batch[i] = gleam_batch_create(t->data, t->unroll, t->share, t->conf->micro_batch);

	// one rank looks at the first mini-batch only
	for (long i = 1; i < w->group; i++)
		gleam_batch_trust(w->batch[i]);

	w->link = link_create(t->team, t->place, w->group, w->batch, w->parts, part_bytes(t));

	w->recorded = xmalloc((size_t)pieces_of(w) * sizeof(void*));
	memset(w->recorded, 0, (size_t)pieces_of(w) * sizeof(void*));

	alloc_sum(w);

	return PTR_PASS(w);
}

void work_free(struct work_s* w)
{
	for (long i = 0; i < pieces_of(w); i++)
		w->place->repeat_free(w->recorded[i]);

	link_free(w->link);

	for (long i = 0; i < w->group; i++)
		gleam_batch_free(w->batch[i]);

	if (!w->place->device->host)
		xfree(w->gradient);

	xfree(w->room);
	xfree(w->batch);
	xfree(w->recorded);
	xfree(w);
}


static bool is_last_round(const struct work_s* w, const struct gleam_task_s* task)
{
	return gleam_schedule_own(&w->team->schedule, w->team->stage) - 1 == task->round;
}

void work_prepare(struct work_s* w, long iteration, const struct gleam_task_s* task)
{
	struct gleam_batch_s* batch = w->batch[task->batch];
	long samples[w->trainer->share];

	// what comes later arrives by itself
	if (0 < task->round)
		return;

	gleam_trainer_samples(w->trainer, w->team->replica, iteration, samples);
	gleam_batch_load(batch, samples);

	// most likely the next ones; if not, they are read in vain
	gleam_trainer_samples(w->trainer, w->team->replica, iteration + w->group, samples);
	gleam_batch_ahead(batch, samples);

	if (0 < task->module)
		link_expect(w->link, task->batch, task->module);
}


static void** recorded(struct work_s* w, int piece)
{
	long rounds = gleam_schedule_rounds(&w->team->schedule);

	return &w->recorded[((w->task.batch * rounds + w->task.round) * w->parts + w->part) * PIECES + piece];
}

static void forward(void* data)
{
	struct work_s* w = data;
	struct gleam_trainer_s* t = w->trainer;

	if (0 == w->part)
		gleam_step_begin(t, w->task.module, t->sums);

	gleam_step_forward(t, w->batch[w->task.batch], w->part, link_out(w->link, w->task.batch, w->part));
}

static void backward(void* data)
{
	struct work_s* w = data;

	gleam_step_backward(w->trainer, w->batch[w->task.batch], w->part, link_out(w->link, w->task.batch, w->part), w->trainer->sums);
	gleam_step_check(w->trainer, w->part, w->trainer->sums);
}

static void update(void* data)
{
	struct work_s* w = data;

	gleam_step_check(w->trainer, w->parts, w->trainer->sums);
	gleam_step_update(w->trainer, w->task.module, w->trainer->sums);
}

// what is timed cannot be recorded
static void compute(struct work_s* w, int piece, void (*fun)(void* data))
{
	if (w->trainer->conf->timing)
		fun(w);
	else
		w->place->repeat(recorded(w, piece), fun, w);
}

static void compute_part(struct work_s* w)
{
	bool first = (0 == w->task.module);
	bool last = (w->trainer->weights->net.modules - 1 == w->task.module);

	if (!first)
		link_arrive(w->link, w->task.batch, w->part);

	link_clear(w->link, w->task.batch, w->part);

	compute(w, FORWARD, forward);
	exchange_progress(w->team->pipeline);

	// while the device goes on with the backward pass; the CPU cannot do two things at a time
	if (!last)
		link_begin(w->link, w->task.batch, w->task.module, w->part);

	compute(w, BACKWARD, backward);

	exchange_progress(w->team->pipeline);

	if (!last)
		link_send(w->link, w->task.batch, w->task.module, w->part);
}

static void add_replicas(struct work_s* w)
{
	if (1 == w->team->replicas)
		return;

	const struct nn_device_s* device = w->place->device;
	float* gradient = gleam_module_gradient(w->trainer->module);
	long N = gradient_size(w->trainer);
	double loss;

	device->download(&loss, w->trainer->sums, sizeof(loss));
	device->download(w->gradient, gradient, (size_t)N * sizeof(float));

	// all replicas are to leave this update out, if one does
	if (!isfinite(loss))
		w->gradient[0] = NAN;

	exchange_sum(w->team->peers, N, w->gradient, w->room);
	device->upload(gradient, w->gradient, (size_t)N * sizeof(float));
}

static void take_result(struct work_s* w, double waited, struct result_s* result)
{
	struct gleam_trainer_s* t = w->trainer;
	double* sums = result->sums + w->task.round * gleam_trainer_sums(t);
	double seconds[2];

	w->place->device->download(sums, t->sums, (size_t)gleam_trainer_sums(t) * sizeof(double));

	gleam_module_seconds(t->module, &seconds[0], &seconds[1]);

	result->forward += seconds[0];
	result->backward += seconds[1];
	result->waiting += exchange_waited() - waited;
	result->peak = (double)w->place->peak();
}

void work_compute(struct work_s* w, long iteration, const struct gleam_task_s* task, struct result_s* result)
{
	double waited = exchange_waited();

	w->task = *task;

	gleam_step_rates(w->trainer, iteration);

	for (w->part = 0; w->part < w->parts; w->part++)
		compute_part(w);

	w->part = 0;

	// what comes after this mini-batch is copied while the device computes
	if (is_last_round(w, task))
		gleam_batch_upload(w->batch[task->batch]);

	add_replicas(w);
	compute(w, UPDATE, update);

	take_result(w, waited, result);

	// nothing needs its images any more
	if (!is_last_round(w, task))
		link_expect(w->link, task->batch, task->module + w->team->schedule.stages);
}

void work_finish(struct work_s* w)
{
	link_finish(w->link);
}
