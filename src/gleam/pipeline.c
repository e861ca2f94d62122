#include <stdbool.h>
#include <string.h>

#include "misc/debug.h"
#include "misc/misc.h"
#include "misc/types.h"

#include "nn/backend.h"

#include "gleam/clock.h"
#include "gleam/exchange.h"
#include "gleam/pipeline_results.h"
#include "gleam/pipeline_work.h"
#include "gleam/place.h"
#include "gleam/schedule.h"
#include "gleam/team.h"
#include "gleam/train_setup.h"
#include "gleam/train_stop.h"

#include "gleam/pipeline.h"

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

	struct work_s* work;
	struct results_s* results;

	// of rank 0, on its way to the others: mini-batches in the next group that it has not begun
	long order;
	struct exchange_request_s** ordered;

	double trained;		// seconds, of which
	double waited;
};


struct gleam_pipeline_s* gleam_pipeline_create(struct gleam_trainer_s* t)
{
	PTR_ALLOC(struct gleam_pipeline_s, p);

	*p = (struct gleam_pipeline_s){

		.trainer = t,
		.team = t->team,
		.work = work_create(t),
		.results = results_create(t),
	};

	size_t bytes = (size_t)gleam_team_size(t->team) * sizeof(struct exchange_request_s*);

	p->ordered = xmalloc(bytes);
	memset(p->ordered, 0, bytes);

	return PTR_PASS(p);
}

void gleam_pipeline_free(struct gleam_pipeline_s* p)
{
	for (long i = 0; i < gleam_team_size(p->team); i++)
		exchange_wait(&p->ordered[i]);

	results_free(p->results);
	work_free(p->work);

	xfree(p->ordered);
	xfree(p);
}


// rank 0: as many mini-batches as can be held and are left, none where there is a reason to stop
static long decide(const struct gleam_pipeline_s* p, bool first, long left)
{
	// whoever has come here was not finished: so one rank, too, goes on for an iteration
	return (!first && gleam_trainer_interrupted(p->trainer)) ? 0 : MIN(gleam_schedule_group(&p->team->schedule), left);
}

static void give_order(struct gleam_pipeline_s* p, long order)
{
	const struct exchange_s* all = p->team->all;

	// earlier ones have long arrived
	for (long i = 1; i < exchange_size(all); i++)
		exchange_wait(&p->ordered[i]);

	p->order = order;

	for (long i = 1; i < exchange_size(all); i++)
		p->ordered[i] = exchange_send(all, EXCHANGE_ORDERS, 0, i, sizeof(p->order), &p->order);
}

static long take_order(struct gleam_pipeline_s* p)
{
	auto request = exchange_receive(p->team->all, EXCHANGE_ORDERS, 0, 0, sizeof(p->order), &p->order);

	exchange_wait(&request);

	return p->order;
}

/* What rank 0 decides, all do; that there is nothing left all know. It decides a group
 * ahead, since others may come to the next one before it does itself.
 */
static long next_group(struct gleam_pipeline_s* p, bool first, long left)
{
	if (0 == left)
		return 0;

	if (!gleam_team_leads(p->team))
		return take_order(p);

	if (first)
		give_order(p, decide(p, first, left));

	long now = p->order;

	if ((0 < now) && (now < left))
		give_order(p, decide(p, false, left - now));

	return now;
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

static void prepare(struct gleam_pipeline_s* p, const struct cursor_s* c)
{
	work_prepare(p->work, c->iteration + 1 + c->task.batch, &c->task);
}

static void compute(struct gleam_pipeline_s* p, const struct cursor_s* c)
{
	work_compute(p->work, c->iteration + 1 + c->task.batch, &c->task, results_mine(p->results, c->task.batch));

	bool last = (c->batches * gleam_schedule_own(&p->team->schedule, p->team->stage) - 1 == c->n);

	if (last)
		results_end(p->results);

	results_report(p->results, false);
}

// each module's weights from the stage that has trained it
static void share_weights(struct gleam_pipeline_s* p)
{
	struct gleam_trainer_s* t = p->trainer;
	const struct nn_device_s* device = t->place->device;
	const struct gleam_schedule_s* schedule = &p->team->schedule;

	long N = t->length * t->weights->P;
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
	double begin = gleam_clock();
	double waited = exchange_waited();

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

		compute(p, &now);

		if (more && !meanwhile)
			prepare(p, &next);

		now = next;
	}

	work_finish(p->work);
	results_report(p->results, true);

	p->trainer->iteration = now.iteration;

	share_weights(p);

	p->trained += gleam_clock() - begin;
	p->waited += exchange_waited() - waited;
}

void gleam_pipeline_tell(const struct gleam_pipeline_s* p)
{
	long ranks = gleam_team_size(p->team);
	double mine = 100. * p->waited / p->trained;
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
