#include <complex.h>
#include <stdbool.h>
#include <stdio.h>

#include "num/multind.h"
#include "num/flpmath.h"

#include "misc/misc.h"
#include "misc/types.h"
#include "misc/mri.h"

#include "nn/backend.h"

#include "gleam/batch.h"
#include "gleam/data.h"
#include "gleam/exchange.h"
#include "gleam/memory.h"
#include "gleam/module.h"
#include "gleam/pipeline_work.h"
#include "gleam/place.h"
#include "gleam/team.h"
#include "gleam/train_setup.h"
#include "gleam/train_state.h"
#include "gleam/unroll.h"
#include "gleam/validate.h"

#include "gleam/train_plan.h"


static bool same_dims(const struct gleam_dims_s* a, const struct gleam_dims_s* b)
{
	return    md_check_equal_dims(DIMS, a->ksp, b->ksp, ~0UL)
	       && md_check_equal_dims(DIMS, a->map, b->map, ~0UL)
	       && md_check_equal_dims(DIMS, a->pat, b->pat, ~0UL)
	       && md_check_equal_dims(DIMS, a->trj, b->trj, ~0UL);
}

bool gleam_trainer_shares_unroll(const struct gleam_trainer_s* t)
{
	return same_dims(&t->dims, &t->valid_dims);
}

static void plan_help(struct gleam_trainer_s* t)
{
	if (1 < t->conf->micro_batch)
		gleam_memory_help(&t->plan, "--micro-batch 1");

	if (1 < gleam_keep_slots(&t->keep, t->length))
		gleam_memory_help(&t->plan, (GLEAM_GREEDY == t->conf->trainer.type) ? "more --modules, --trainer checkpoint" : "--trainer greedy or checkpoint");

	if (!t->backend->device->host && (NN_BF16 != t->backend->precision))
		gleam_memory_help(&t->plan, "--precision bf16");

	gleam_memory_help(&t->plan, "fewer --features");
}

// what a part of the mini-batch takes while it is computed
static struct gleam_unroll_bytes_s part_bytes(const struct gleam_trainer_s* t, const struct gleam_dims_s* dims)
{
	long img_dims[DIMS];
	gleam_dims_image(dims, img_dims);

	long pixels = md_calc_size(DIMS, img_dims);

	auto bytes = gleam_unroll_bytes(&t->weights->net, t->backend, dims, (int)gleam_keep_slots(&t->keep, t->length));

	bytes.images += gleam_module_bytes(t->place, &t->keep, t->length, t->weights->P, pixels) + (size_t)pixels * CFL_SIZE;

	return bytes;
}

static void plan_unit(struct gleam_trainer_s* t)
{
	struct gleam_dims_s dims = gleam_batch_dims(t->data, 1);
	long img_dims[DIMS];

	gleam_dims_image(&dims, img_dims);

	auto bytes = part_bytes(t, &dims);

	gleam_memory_unit(&t->plan, img_dims, bytes.activations + bytes.workspace + bytes.dc + bytes.images);
}

static void plan_validation(struct gleam_trainer_s* t)
{
	size_t valid = gleam_batch_bytes(t->place, t->valid, 1, 1) + gleam_validate_bytes(t->place, t->valid);

	if (!gleam_trainer_shares_unroll(t)) {

		auto bytes = gleam_unroll_bytes(&t->weights->net, t->backend, &t->valid_dims, 0);

		valid += bytes.activations + bytes.workspace + bytes.dc + bytes.images;
	}

	gleam_memory_add(&t->plan, "validation", valid);
}

static void plan_batches(struct gleam_trainer_s* t)
{
	size_t batch = gleam_batch_bytes(t->place, t->data, t->share, t->conf->micro_batch);
	long n = gleam_schedule_group(&t->team->schedule);

	gleam_memory_add(&t->plan, "mini-batch", batch);
	gleam_memory_add(&t->plan, "mini-batches that arrive meanwhile", (size_t)(n - 1) * batch);

	if (1 < gleam_team_size(t->team))
		gleam_memory_add(&t->plan, "messages", work_bytes(t));
}

static void plan_memory(struct gleam_trainer_s* t)
{
	const struct gleam_net_s* net = &t->weights->net;
	long modules = net->modules;
	long own = gleam_schedule_own(&t->team->schedule, t->team->stage);
	size_t weights = (size_t)(net->iterations * t->weights->P) * sizeof(float);
	size_t sums = (size_t)(modules * gleam_trainer_sums(t)) * sizeof(double);
	bool one = (1 < modules);

	auto bytes = part_bytes(t, &t->dims);

	gleam_memory_add(&t->plan, one ? "activations of one module" : "activations", bytes.activations);
	gleam_memory_add(&t->plan, "convolutions: their weights and workspace", bytes.workspace);
	gleam_memory_add(&t->plan, "data consistency", bytes.dc);
	gleam_memory_add(&t->plan, one ? "images and gradient of one module" : "images and gradient", bytes.images);

	plan_batches(t);

	gleam_memory_add(&t->plan, "weights of all modules", weights + 2 * sizeof(float) + sums);
	gleam_memory_add(&t->plan, (own < modules) ? "Adam's moments of this rank's modules" : "Adam's moments of all modules",
			2 * weights / (size_t)modules * (size_t)own);

	if (t->place->device->host)
		gleam_memory_add(&t->plan, "state: best weights, and moments on their way", gleam_trainer_state_bytes(t));

	if (NULL != t->valid)
		plan_validation(t);
}

void gleam_trainer_plan(struct gleam_trainer_s* t)
{
	plan_memory(t);
	plan_help(t);

	if (t->conf->memory)
		plan_unit(t);
}


static void print_rank(const struct gleam_schedule_s* schedule, long rank, double bytes)
{
	long stage = rank % schedule->stages;
	char text[64];

	snprintf(text, sizeof(text), "rank %ld, with %ld of %ld modules", rank, gleam_schedule_own(schedule, stage), schedule->modules);

	bart_printf("%-44s %9.2f MiB\n", text, bytes / 1048576.);
}

void gleam_trainer_print_memory(const struct gleam_trainer_s* t)
{
	long ranks = gleam_team_size(t->team);
	double mine = (double)gleam_memory_total(&t->plan);
	double all[ranks];

	exchange_gather(t->team->all, sizeof(mine), &mine, all);

	if (!gleam_team_leads(t->team))
		return;

	gleam_memory_print(&t->plan);

	for (long r = 0; (1 < ranks) && (r < ranks); r++)
		print_rank(&t->team->schedule, r, all[r]);
}

void gleam_trainer_check_memory(struct gleam_trainer_s* t)
{
	auto node = exchange_node(t->team->all);
	long sharing = t->place->shared(exchange_size(node));

	if (1 < sharing)
		gleam_memory_help(&t->plan, "fewer ranks on a device or machine");

	// of this rank's part of it
	size_t available = t->place->available() / (size_t)sharing;

	// others have looked, too, before anything is taken
	exchange_max(node, 0.);
	exchange_free(node);

	if (gleam_team_leads(t->team) || !t->place->device->host)
		gleam_memory_check(&t->plan, available, t->place->margin);
}
