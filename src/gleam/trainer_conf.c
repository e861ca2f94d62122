#include <limits.h>
#include <math.h>
#include <string.h>

#include "misc/debug.h"
#include "misc/misc.h"
#include "misc/types.h"

#include "gleam/conf.h"
#include "gleam/keep.h"

#include "gleam/trainer_conf.h"

static const long PAPER_CHECKPOINTS = 7;

static const char* const names[] = {

	[GLEAM_GREEDY] = "greedy",
	[GLEAM_END_TO_END] = "end-to-end",
	[GLEAM_CHECKPOINT] = "checkpoint",
	[GLEAM_MEL] = "mel",
};


enum gleam_trainer_type gleam_trainer_type(const char* name)
{
	for (int i = 0; i < (int)ARRAY_SIZE(names); i++)
		if (0 == strcmp(names[i], name))
			return (enum gleam_trainer_type)i;

	error("--trainer %s: there is none of this name; expected greedy, end-to-end, checkpoint or mel\n", name);
}

void gleam_trainer_modules(const struct gleam_trainer_conf_s* conf, struct gleam_net_s* net)
{
	bool greedy = (GLEAM_GREEDY == conf->type);

	if ((GLEAM_UNSET == net->modules) && !greedy)
		net->modules = 1;

	if ((GLEAM_END_TO_END == conf->type) && (1 != net->modules))
		error("--trainer end-to-end has one loss for all iterations, but --modules is %ld. Leave --modules out; "
			"modules with losses of their own are --trainer greedy, checkpoint or mel.\n", net->modules);

	if ((GLEAM_MEL == conf->type) && (GLEAM_MODL != net->type))
		error("--trainer mel inverts the iterations of MoDL, but a step of PGD has no inverse. "
			"Give --modl; or --trainer checkpoint, which needs a little more memory.\n");
}

static long checkpoints_of(const struct gleam_trainer_conf_s* conf, long length)
{
	if (GLEAM_UNSET == conf->checkpoints)
		return MAX(1, MIN(PAPER_CHECKPOINTS, length - 1));

	if ((1 > conf->checkpoints) || (length < conf->checkpoints))
		error("--checkpoints is %ld, but must be between 1 (all is inverted but the end of a module) "
			"and %ld (the iterations of a module: nothing is inverted)\n", conf->checkpoints, length);

	return conf->checkpoints;
}

struct gleam_keep_s gleam_trainer_keep(const struct gleam_trainer_conf_s* conf, const struct gleam_net_s* net)
{
	struct gleam_keep_s keep = { .what = GLEAM_KEEP_ALL };

	if (GLEAM_CHECKPOINT == conf->type)
		keep.what = GLEAM_KEEP_IMAGES;

	if (GLEAM_MEL != conf->type) {

		if (GLEAM_UNSET != conf->checkpoints)
			debug_printf(DP_WARN, "--checkpoints has no effect without --trainer mel\n");

		return keep;
	}

	if ((1 > conf->fixed_point) || (1000 < conf->fixed_point))
		error("--fixed-point is %ld, but must be between 1 and 1000\n", conf->fixed_point);

	if (!(0. < conf->max_error))
		error("--max-inversion-error is %g, but must be positive\n", conf->max_error);

	keep.what = GLEAM_KEEP_FEW;
	keep.checkpoints = checkpoints_of(conf, net->iterations / net->modules);
	keep.fixed_point = (int)conf->fixed_point;

	return keep;
}
