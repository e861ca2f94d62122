#include <assert.h>
#include <complex.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "num/multind.h"
#include "num/flpmath.h"

#include "misc/debug.h"
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
#include "gleam/train_keep.h"
#include "gleam/train_setup.h"
#include "gleam/train_step.h"
#include "gleam/unroll.h"

#include "gleam/pipeline.h"

enum { FORWARD, BACKWARD, UPDATE, PIECES };

// what a rank does next: a task of a group of mini-batches, which come after an iteration
struct cursor_s {

	long iteration;
	long batches;
	long n;			// tasks of the group before this one
	struct gleam_task_s task;
};

struct gleam_pipeline_s {

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

	struct results_s* results;

	// rank 0: orders on their way to the others
	long order;
	struct exchange_request_s** ordered;

	// what is being computed
	struct gleam_task_s task;
	long part;

	double trained;				// seconds
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

static long parts_of(const struct gleam_trainer_s* t)
{
	return t->share / t->conf->micro_batch;
}

size_t gleam_pipeline_bytes(const struct gleam_trainer_s* t)
{
	// one of which is the module's output, which is planned with it
	size_t images = link_bytes(parts_of(t), part_bytes(t)) - part_bytes(t);

	if ((1 == t->team->replicas) || !t->place->device->host)
		return images;

	return images + (size_t)exchange_sum_room(t->team->peers, gradient_size(t)) * sizeof(float);
}

static void alloc_sum(struct gleam_pipeline_s* p)
{
	struct gleam_trainer_s* t = p->trainer;
	long N = gradient_size(t);

	if (1 == p->team->replicas)
		return;

	p->room = xmalloc((size_t)exchange_sum_room(p->team->peers, N) * sizeof(float));
	p->gradient = p->place->device->host ? gleam_module_gradient(t->module) : xmalloc((size_t)N * sizeof(float));
}

struct gleam_pipeline_s* gleam_pipeline_create(struct gleam_trainer_s* t)
{
	PTR_ALLOC(struct gleam_pipeline_s, p);

	*p = (struct gleam_pipeline_s){

		.trainer = t,
		.team = t->team,
		.place = t->place,
		.group = gleam_schedule_group(&t->team->schedule),
		.parts = parts_of(t),
	};

	p->batch = xmalloc((size_t)p->group * sizeof(struct gleam_batch_s*));

	for (long i = 0; i < p->group; i++)
		p->batch[i] = gleam_batch_create(t->data, t->unroll, t->share, t->conf->micro_batch);

	p->link = link_create(t->team, t->place, p->group, p->batch, p->parts, part_bytes(t));

	long pieces = p->group * gleam_schedule_rounds(&t->team->schedule) * p->parts * PIECES;

	p->recorded = xmalloc((size_t)pieces * sizeof(void*));
	memset(p->recorded, 0, (size_t)pieces * sizeof(void*));

	alloc_sum(p);

	p->results = results_create(t);

	long ranks = gleam_team_size(t->team);

	p->ordered = xmalloc((size_t)ranks * sizeof(struct exchange_request_s*));
	memset(p->ordered, 0, (size_t)ranks * sizeof(struct exchange_request_s*));

	return PTR_PASS(p);
}

static void** recorded(struct gleam_pipeline_s* p, int piece)
{
	long rounds = gleam_schedule_rounds(&p->team->schedule);

	return &p->recorded[((p->task.batch * rounds + p->task.round) * p->parts + p->part) * PIECES + piece];
}

void gleam_pipeline_free(struct gleam_pipeline_s* p)
{
	long pieces = p->group * gleam_schedule_rounds(&p->team->schedule) * p->parts * PIECES;

	for (long i = 0; i < pieces; i++)
		p->place->repeat_free(p->recorded[i]);

	for (long i = 0; i < gleam_team_size(p->team); i++)
		exchange_wait(&p->ordered[i]);

	results_free(p->results);
	link_free(p->link);

	for (long i = 0; i < p->group; i++)
		gleam_batch_free(p->batch[i]);

	if (!p->place->device->host)
		xfree(p->gradient);

	xfree(p->room);
	xfree(p->batch);
	xfree(p->recorded);
	xfree(p->ordered);
	xfree(p);
}


static void forward(void* data)
{
	struct gleam_pipeline_s* p = data;
	struct gleam_trainer_s* t = p->trainer;

	if (0 == p->part)
		gleam_step_begin(t, p->task.module, t->sums);

	gleam_step_forward(t, p->batch[p->task.batch], p->part, link_out(p->link, p->part));
}

static void backward(void* data)
{
	struct gleam_pipeline_s* p = data;

	gleam_step_backward(p->trainer, p->batch[p->task.batch], p->part, link_out(p->link, p->part), p->trainer->sums);
}

static void update(void* data)
{
	struct gleam_pipeline_s* p = data;

	gleam_step_update(p->trainer, p->task.module);
}

// what is timed cannot be recorded
static void compute(struct gleam_pipeline_s* p, int piece, void (*fun)(void* data))
{
	if (p->trainer->conf->timing)
		fun(p);
	else
		p->place->repeat(recorded(p, piece), fun, p);
}

static void compute_part(struct gleam_pipeline_s* p)
{
	bool first = (0 == p->task.module);
	bool last = (p->trainer->weights->net.modules - 1 == p->task.module);

	if (!first)
		link_arrive(p->link, p->task.batch, p->part);

	link_clear(p->link, p->part);

	compute(p, FORWARD, forward);

	// while the device goes on with the backward pass; the CPU cannot do two things at a time
	if (!last)
		link_begin(p->link, p->part);

	compute(p, BACKWARD, backward);

	if (!last)
		link_send(p->link, p->task.batch, p->part);
}

static void add_replicas(struct gleam_pipeline_s* p)
{
	if (1 == p->team->replicas)
		return;

	const struct nn_device_s* device = p->place->device;
	float* gradient = gleam_module_gradient(p->trainer->module);
	long N = gradient_size(p->trainer);

	device->download(p->gradient, gradient, (size_t)N * sizeof(float));
	exchange_sum(p->team->peers, N, p->gradient, p->room);
	device->upload(gradient, p->gradient, (size_t)N * sizeof(float));
}

static void take_result(struct gleam_pipeline_s* p, long iteration, double waited)
{
	struct gleam_trainer_s* t = p->trainer;
	struct result_s* result = results_mine(p->results, p->task.batch);
	double* sums = result->sums + p->task.round * gleam_trainer_sums(t);
	double seconds[2];

	p->place->device->download(sums, t->sums, (size_t)gleam_trainer_sums(t) * sizeof(double));

	if (!isfinite(sums[0]))
		gleam_trainer_diverged(t, "The loss is", iteration);

	gleam_module_seconds(t->module, &seconds[0], &seconds[1]);

	result->forward += seconds[0];
	result->backward += seconds[1];
	result->waiting += exchange_waited() - waited;
	result->peak = (double)p->place->peak();
}

static void compute_task(struct gleam_pipeline_s* p, const struct cursor_s* c)
{
	long iteration = c->iteration + 1 + c->task.batch;
	double waited = exchange_waited();

	p->task = c->task;

	gleam_step_rates(p->trainer, iteration);

	for (p->part = 0; p->part < p->parts; p->part++)
		compute_part(p);

	p->part = 0;

	add_replicas(p);
	compute(p, UPDATE, update);

	take_result(p, iteration, waited);
}


// rank 0: as many mini-batches as can be held and are left, none where the time is over
static long decide(const struct gleam_pipeline_s* p, bool first, long left)
{
	const struct gleam_train_s* conf = p->trainer->conf;
	bool over = (0. < conf->max_time) && (timestamp() - p->trainer->start >= conf->max_time);

	// whoever has come here was not finished: so one rank, too, goes on for an iteration
	return (over && !first) ? 0 : MIN(p->group, left);
}

static void give_order(struct gleam_pipeline_s* p)
{
	const struct exchange_s* all = p->team->all;

	for (long i = 1; i < exchange_size(all); i++)
		p->ordered[i] = exchange_send(all, EXCHANGE_ORDERS, i, sizeof(p->order), &p->order);
}

static void take_order(struct gleam_pipeline_s* p)
{
	auto request = exchange_receive(p->team->all, EXCHANGE_ORDERS, 0, sizeof(p->order), &p->order);

	exchange_wait(&request);
}

// what rank 0 decides, all do; that there is nothing left all know
static long next_group(struct gleam_pipeline_s* p, bool first, long left)
{
	if (0 == left)
		return 0;

	// earlier ones have long arrived
	for (long i = 1; i < gleam_team_size(p->team); i++)
		exchange_wait(&p->ordered[i]);

	if (gleam_team_leads(p->team)) {

		p->order = decide(p, first, left);
		give_order(p);

	} else {

		take_order(p);
	}

	return p->order;
}

// false where there is nothing more to do up to the last iteration
static bool advance(struct gleam_pipeline_s* p, struct cursor_s* c, bool first, long last)
{
	const struct gleam_schedule_s* schedule = &p->team->schedule;

	c->n++;

	if (gleam_schedule_task(schedule, p->team->stage, c->batches, c->n, &c->task))
		return true;

	c->iteration += c->batches;
	c->batches = next_group(p, first, last - c->iteration);
	c->n = 0;

	if (0 == c->batches)
		return false;

	results_begin(p->results, c->iteration, c->batches);

	return gleam_schedule_task(schedule, p->team->stage, c->batches, c->n, &c->task);
}

// what a task needs that is not there yet
static void prepare(struct gleam_pipeline_s* p, const struct cursor_s* c)
{
	struct gleam_batch_s* batch = p->batch[c->task.batch];

	if (0 == c->task.round) {

		long samples[p->trainer->share];

		gleam_trainer_samples(p->trainer, c->iteration + 1 + c->task.batch, samples);
		gleam_batch_load(batch, samples);

		// most likely the next ones; if not, they are read in vain
		gleam_trainer_samples(p->trainer, c->iteration + 1 + c->task.batch + p->group, samples);
		gleam_batch_ahead(batch, samples);
	}

	if (0 < c->task.module)
		link_expect(p->link, c->task.batch);
}

static bool is_last(const struct gleam_pipeline_s* p, const struct cursor_s* c)
{
	return c->batches * gleam_schedule_own(&p->team->schedule, p->team->stage) - 1 == c->n;
}

// each module's weights from the stage that has trained it
static void share_weights(struct gleam_pipeline_s* p)
{
	struct gleam_trainer_s* t = p->trainer;
	const struct nn_device_s* device = p->place->device;
	const struct gleam_schedule_s* schedule = &p->team->schedule;

	long N = gradient_size(t);
	size_t bytes = (size_t)N * sizeof(float);

	for (long m = 0; m < schedule->modules; m++) {

		long stage = gleam_schedule_stage(schedule, m);
		float* host = t->weights->params + m * N;
		float* params = t->params + m * N;

		if (p->team->stage == stage)
			device->download(host, params, bytes);

		exchange_broadcast(p->team->pipeline, stage, bytes, host);

		if (p->team->stage != stage)
			device->upload(params, host, bytes);
	}

	device->sync();
}

void gleam_pipeline_train(struct gleam_pipeline_s* p, long last)
{
	double begin = timestamp();

	struct cursor_s now = { .iteration = p->trainer->iteration, .n = -1 };
	bool more = advance(p, &now, true, last);

	prepare(p, &now);

	while (more) {

		struct cursor_s next = now;

		more = advance(p, &next, false, last);

		// where another mini-batch is next it arrives while this one is computed
		bool meanwhile = more && (next.task.batch != now.task.batch);

		if (meanwhile)
			prepare(p, &next);

		compute_task(p, &now);

		if (is_last(p, &now))
			results_end(p->results);

		results_report(p->results, false);

		if (more && !meanwhile)
			prepare(p, &next);

		now = next;
	}

	link_finish(p->link);
	results_report(p->results, true);

	p->trainer->iteration = now.iteration;
	p->trained += timestamp() - begin;

	share_weights(p);
}

void gleam_pipeline_tell(const struct gleam_pipeline_s* p)
{
	long ranks = gleam_team_size(p->team);
	double mine = 100. * exchange_waited() / p->trained;
	double all[ranks];

	exchange_gather(p->team->all, sizeof(mine), &mine, all);

	if (!gleam_team_leads(p->team))
		return;

	double least = all[0];
	double most = all[0];

	for (long i = 1; i < ranks; i++) {

		least = MIN(least, all[i]);
		most = MAX(most, all[i]);
	}

	debug_printf(DP_INFO, "%ld ranks: %ld stages, %ld replica%s; waiting for messages took %.1f %% to %.1f %% of their training\n",
		ranks, p->team->schedule.stages, p->team->replicas, (1 == p->team->replicas) ? "" : "s", least, most);
}
