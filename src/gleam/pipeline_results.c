#include <stdbool.h>
#include <string.h>

#include "misc/debug.h"
#include "misc/misc.h"

#include "gleam/clock.h"
#include "gleam/exchange.h"
#include "gleam/schedule.h"
#include "gleam/team.h"
#include "gleam/train_check.h"
#include "gleam/train_keep.h"
#include "gleam/train_setup.h"

#include "gleam/pipeline_results.h"

// a group of mini-batches
struct group_s {

	long iteration;		// before its first one
	long batches;

	char* mine;		// [batches][bytes]
	char* all;		// rank 0: [ranks][batches][bytes]
	struct exchange_request_s** request;	// rank 0: of each rank; others: one
};

/* Rank 0 is ahead of the last stage by as many mini-batches as there are stages. Groups
 * are counted on; they lie in a ring.
 */
struct results_s {

	struct gleam_trainer_s* trainer;
	const struct gleam_team_s* team;
	bool leads;

	long ranks;
	size_t bytes;		// of a result
	long size;		// of the ring
	struct group_s* group;

	long begun;
	long ended;
	long reported;
	bool pending;		// an iteration's values are the trainer's, and it is not reported

	double mark;		// when the last group was reported
};


static struct group_s* group_of(const struct results_s* r, long n)
{
	return &r->group[n % r->size];
}

struct results_s* results_create(struct gleam_trainer_s* t)
{
	PTR_ALLOC(struct results_s, r);

	const struct gleam_schedule_s* schedule = &t->team->schedule;

	*r = (struct results_s){

		.trainer = t,
		.team = t->team,
		.leads = gleam_team_leads(t->team),
		.ranks = gleam_team_size(t->team),
		.bytes = sizeof(struct result_s) + (size_t)(gleam_schedule_rounds(schedule) * gleam_trainer_sums(t)) * sizeof(double),
		.size = schedule->stages + 2,
	};

	size_t bytes = (size_t)gleam_schedule_group(schedule) * r->bytes;
	long requests = r->leads ? r->ranks : 1;

	r->group = xmalloc((size_t)r->size * sizeof(struct group_s));

	for (long i = 0; i < r->size; i++) {

		r->group[i] = (struct group_s){

			.mine = xmalloc(bytes),
			.all = r->leads ? xmalloc((size_t)r->ranks * bytes) : NULL,
			.request = xmalloc((size_t)requests * sizeof(struct exchange_request_s*)),
		};

		for (long j = 0; j < requests; j++)
			r->group[i].request[j] = NULL;
	}

	return PTR_PASS(r);
}

void results_free(struct results_s* r)
{
	for (long i = 0; i < r->size; i++) {

		exchange_wait(&r->group[i].request[0]);

		xfree(r->group[i].mine);
		xfree(r->group[i].all);
		xfree(r->group[i].request);
	}

	xfree(r->group);
	xfree(r);
}


static void expect(struct results_s* r, struct group_s* g)
{
	size_t bytes = (size_t)g->batches * r->bytes;

	for (long i = 1; i < r->ranks; i++)
		g->request[i] = exchange_receive(r->team->all, EXCHANGE_RESULTS, 0, i, bytes, g->all + (size_t)i * bytes);
}

static void report_group(struct results_s* r);

void results_begin(struct results_s* r, long iteration, long batches)
{
	if (r->leads && (r->begun - r->reported == r->size))
		report_group(r);

	if (0 == r->mark)
		r->mark = gleam_clock();

	struct group_s* g = group_of(r, r->begun++);

	// others: what was said last time has long been heard
	exchange_wait(&g->request[0]);

	g->iteration = iteration;
	g->batches = batches;

	memset(g->mine, 0, (size_t)batches * r->bytes);

	if (r->leads)
		expect(r, g);
}

struct result_s* results_mine(struct results_s* r, long batch)
{
	return (struct result_s*)(group_of(r, r->ended)->mine + (size_t)batch * r->bytes);
}

void results_end(struct results_s* r)
{
	struct group_s* g = group_of(r, r->ended++);
	size_t bytes = (size_t)g->batches * r->bytes;

	if (r->leads)
		memcpy(g->all, g->mine, bytes);
	else
		g->request[0] = exchange_send(r->team->all, EXCHANGE_RESULTS, 0, 0, bytes, g->mine);
}


// of a rank's mini-batch
static const struct result_s* result_of(const struct results_s* r, const struct group_s* g, long rank, long batch)
{
	return (const struct result_s*)(g->all + (size_t)(rank * g->batches + batch) * r->bytes);
}

static void take_module(struct results_s* r, const struct group_s* g, long batch, long module)
{
	const struct gleam_schedule_s* schedule = &r->team->schedule;
	const double* sums[r->team->replicas];

	for (long p = 0; p < r->team->replicas; p++) {

		const struct result_s* result = result_of(r, g, p * schedule->stages + gleam_schedule_stage(schedule, module), batch);

		sums[p] = result->sums + module / schedule->stages * gleam_trainer_sums(r->trainer);
	}

	gleam_trainer_take(r->trainer, module, sums);
}

static void take_times(struct results_s* r, const struct group_s* g, long batch)
{
	struct gleam_trainer_s* t = r->trainer;

	t->forward = 0.;
	t->backward = 0.;
	t->waiting = 0.;
	t->peak = 0;

	for (long i = 0; i < r->ranks; i++) {

		const struct result_s* result = result_of(r, g, i, batch);

		t->forward += result->forward;
		t->backward += result->backward;
		t->waiting += result->waiting / (double)r->ranks;
		t->peak = MAX(t->peak, (size_t)result->peak);
	}
}

// this rank's own results never travel
static bool is_complete(const struct results_s* r, const struct group_s* g)
{
	for (long i = 1; i < r->ranks; i++)
		if ((NULL != g->request[i]) && !exchange_arrived(g->request[i]))
			return false;

	return true;
}

static void report_group(struct results_s* r)
{
	struct gleam_trainer_s* t = r->trainer;
	struct group_s* g = group_of(r, r->reported++);

	for (long i = 1; i < r->ranks; i++)
		exchange_wait(&g->request[i]);

	double now = gleam_clock();

	for (long b = 0; b < g->batches; b++) {

		if (r->pending)
			gleam_trainer_report(t, false, false);

		t->iteration = g->iteration + 1 + b;
		t->seconds = (now - r->mark) / (double)g->batches;

		for (long m = 0; m < r->team->schedule.modules; m++)
			take_module(r, g, b, m);

		take_times(r, g, b);
		gleam_trainer_check_iteration(t);

		r->pending = true;
	}

	r->mark = now;
}

void results_report(struct results_s* r, bool all)
{
	while (r->leads && (r->reported < r->ended) && (all || is_complete(r, group_of(r, r->reported))))
		report_group(r);

	if (!all)
		return;

	// validation comes next, and the trainer reports the last iteration itself
	r->pending = false;
	r->mark = 0.;
}
