#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "misc/misc.h"

#include "gleam/distinct.h"
#include "gleam/lock.h"
#include "gleam/state.h"
#include "gleam/train.h"
#include "gleam/weights.h"

#include "gleam/train_conf.h"

const struct gleam_train_s gleam_train_defaults = {

	.trainer = GLEAM_TRAINER_DEFAULTS,
	.compute = GLEAM_COMPUTE_DEFAULTS,
	.batch_size = 4,
	.micro_batch = 1,
	.replicas = 1,
	.adam = NN_ADAM_DEFAULTS,
	.lr_end = GLEAM_LR_SAME,
	.shuffle = true,
};


static void check_valid_files(const struct gleam_files_s* f)
{
	int given = ((NULL != f->kspace) ? 1 : 0) + ((NULL != f->maps) ? 1 : 0) + ((NULL != f->reference) ? 1 : 0);

	bool more = (NULL != f->pattern) || (NULL != f->trajectory);

	if (((0 < given) && (3 > given)) || ((0 == given) && more))
		error("--valid-data needs k-space, maps and reference: --valid-data k=<file>,c=<file>,r=<file>[,p=<pattern>][,t=<trajectory>]\n");
}

static void check_count(const char* option, long value)
{
	if (0 > value)
		error("%s is %ld, but must not be negative\n", option, value);
}

static void check_number(const char* option, double value)
{
	if (!(0. <= value) || !isfinite(value))
		error("%s is %g, but must be finite and not negative\n", option, value);
}

static void check_beta(const char* name, double value)
{
	if (!(0. <= value) || !(1. > value))
		error("--adam: %s is %g, but must be at least 0 and less than 1\n", name, value);
}

static void check_batch(const struct gleam_train_s* c)
{
	if (1 > c->batch_size)
		error("--batch-size is %ld, but must be at least 1\n", c->batch_size);

	if ((1 > c->micro_batch) || (0 != c->batch_size % c->micro_batch))
		error("--micro-batch is %ld, but must divide --batch-size, which is %ld\n", c->micro_batch, c->batch_size);

	if ((1 > c->replicas) || (0 != (c->batch_size / c->micro_batch) % c->replicas))
		error("--replicas is %ld, but must divide --batch-size, which is %ld, into parts that hold a multiple of --micro-batch, which is %ld, samples\n",
			c->replicas, c->batch_size, c->micro_batch);
}

static void check_end(const struct gleam_train_s* c)
{
	check_count("--max-iter", c->max_iter);
	check_count("--epochs", c->epochs);
	check_number("--max-time", c->max_time);
	check_count("--patience", c->patience);
	check_count("--valid-every", c->valid_every);
	check_count("--save-every", c->save_every);
	check_count("--skip-nonfinite", c->skip_nonfinite);

	if ((0 < c->patience) && (NULL == c->valid.kspace))
		error("--patience is %ld, but counts validations: it needs --valid-data\n", c->patience);
}

static void check_adam(const struct gleam_train_s* c)
{
	if (!(0. < c->adam.lr) || !isfinite(c->adam.lr))
		error("--lr is %g, but must be positive and finite\n", c->adam.lr);

	if (GLEAM_LR_SAME != c->lr_end)
		check_number("--lr-end", c->lr_end);

	check_number("--weight-decay", c->adam.weight_decay);
	check_number("--clip-norm", c->adam.clip);
	check_beta("beta1", c->adam.beta1);
	check_beta("beta2", c->adam.beta2);

	if (!(0. < c->adam.eps) || !isfinite(c->adam.eps))
		error("--adam: epsilon is %g, but must be positive and finite\n", c->adam.eps);
}

void gleam_train_check(const struct gleam_train_s* c)
{
	check_valid_files(&c->valid);
	check_batch(c);
	check_end(c);
	check_adam(c);
}

char* gleam_train_last(const struct gleam_train_s* conf)
{
	return gleam_weights_beside(conf->weights, "-last");
}

void gleam_train_check_outputs(const struct gleam_train_s* c, const struct gleam_weights_s* weights, const char* state)
{
	const char* const inputs[] = {

		c->train.kspace, c->train.maps, c->train.reference, c->train.pattern, c->train.trajectory,
		c->valid.kspace, c->valid.maps, c->valid.reference, c->valid.pattern, c->valid.trajectory,
	};

	char* base = gleam_weights_base(c->weights);
	char* last = gleam_train_last(c);
	char* lock = gleam_lock_name(c->weights);
	char* last_lock = gleam_lock_name(last);
	const char* const others[] = { base, last, c->load, state, lock, last_lock };

	distinct_check("weights", base, false, ARRAY_SIZE(inputs), inputs);
	distinct_check("state", state, false, ARRAY_SIZE(inputs), inputs);
	gleam_weights_check_size(base, weights);

	if (NULL != c->valid.kspace)
		distinct_check("last weights", last, false, ARRAY_SIZE(inputs), inputs);

	if (NULL != c->log) {

		if (0 == strcmp(c->log, "-"))
			error("--log -: found the name of a stream of images, expected that of a file. /dev/stdout is the standard output.\n");

		distinct_check("log", c->log, false, ARRAY_SIZE(inputs), inputs);
		distinct_check("log", c->log, false, ARRAY_SIZE(others), others);
	}

	gleam_state_prepare(state);
	gleam_weights_prepare(base);

	if (NULL != c->valid.kspace)
		gleam_weights_prepare(last);

	xfree(last_lock);
	xfree(lock);
	xfree(last);
	xfree(base);
}
