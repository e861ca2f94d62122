#include <math.h>
#include <stdbool.h>

#include "misc/misc.h"

#include "gleam/distinct.h"
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

void gleam_train_check(const struct gleam_train_s* c)
{
	check_valid_files(&c->valid);

	if (1 > c->batch_size)
		error("--batch-size is %ld, but must be at least 1\n", c->batch_size);

	if ((1 > c->micro_batch) || (0 != c->batch_size % c->micro_batch))
		error("--micro-batch is %ld, but must divide --batch-size, which is %ld\n", c->micro_batch, c->batch_size);

	if ((1 > c->replicas) || (0 != c->batch_size % (c->replicas * c->micro_batch)))
		error("--replicas is %ld, but must divide --batch-size, which is %ld, into parts that hold a multiple of --micro-batch, which is %ld, samples\n",
			c->replicas, c->batch_size, c->micro_batch);

	if ((0 > c->max_iter) || (0 > c->epochs) || !(0. <= c->max_time) || !isfinite(c->max_time) || (0 > c->patience) || (0 > c->valid_every))
		error("--max-iter, --epochs, --max-time, --patience and --valid-every must be finite and not negative\n");

	if ((0 < c->patience) && (NULL == c->valid.kspace))
		error("--patience counts validations: it needs --valid-data\n");

	if (!(0. < c->adam.lr) || !isfinite(c->adam.lr))
		error("--lr is %g, but must be positive and finite\n", c->adam.lr);

	if ((GLEAM_LR_SAME != c->lr_end) && (!(0. <= c->lr_end) || !isfinite(c->lr_end)))
		error("--lr-end is %g, but must be finite and not negative\n", c->lr_end);

	if (!(0. <= c->adam.weight_decay) || !isfinite(c->adam.weight_decay))
		error("--weight-decay is %g, but must be finite and not negative\n", c->adam.weight_decay);

	if (!(0. <= c->adam.clip) || !isfinite(c->adam.clip))
		error("--clip-norm is %g, but must be finite and not negative\n", c->adam.clip);

	if (0 > c->save_every)
		error("--save-every is %ld, but must not be negative\n", c->save_every);

	if (0 > c->skip_nonfinite)
		error("--skip-nonfinite is %ld, but must not be negative\n", c->skip_nonfinite);

	if (!((0. <= c->adam.beta1) && (1. > c->adam.beta1) && (0. <= c->adam.beta2) && (1. > c->adam.beta2) && (0. < c->adam.eps)))
		error("--adam: beta1 and beta2 must be in [0, 1), eps positive\n");
}

char* gleam_train_last(const struct gleam_train_s* conf)
{
	char* base = gleam_weights_base(conf->weights);
	char* last = ptr_printf("%s-last", base);

	xfree(base);

	return last;
}

void gleam_train_check_outputs(const struct gleam_train_s* c, const struct gleam_weights_s* weights, const char* state)
{
	const char* const inputs[] = {

		c->train.kspace, c->train.maps, c->train.reference, c->train.pattern, c->train.trajectory,
		c->valid.kspace, c->valid.maps, c->valid.reference, c->valid.pattern, c->valid.trajectory,
	};

	char* base = gleam_weights_base(c->weights);
	char* last = gleam_train_last(c);
	const char* const others[] = { base, last, c->load, state };

	distinct_check("weights", base, false, ARRAY_SIZE(inputs), inputs);
	distinct_check("state", state, false, ARRAY_SIZE(inputs), inputs);
	gleam_weights_check_size(base, weights);

	if (NULL != c->valid.kspace)
		distinct_check("last weights", last, false, ARRAY_SIZE(inputs), inputs);

	if (NULL != c->log) {

		distinct_check("log", c->log, false, ARRAY_SIZE(inputs), inputs);
		distinct_check("log", c->log, false, ARRAY_SIZE(others), others);
	}

	gleam_state_prepare(state);
	gleam_weights_prepare(base);

	if (NULL != c->valid.kspace)
		gleam_weights_prepare(last);

	xfree(last);
	xfree(base);
}
