#include <limits.h>
#include <math.h>
#include <string.h>

#include "misc/misc.h"
#include "misc/types.h"

#include "gleam/conf.h"
#include "gleam/keep.h"
#include "gleam/warn.h"

#include "gleam/trainer_conf.h"

static const long PAPER_CHECKPOINTS = 7;
static const long PAPER_FIXED_POINT = 5;
static const double MAX_ERROR = 0.1;

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

static long fixed_point_of(const struct gleam_trainer_conf_s* conf)
{
	if (GLEAM_UNSET == conf->fixed_point)
		return PAPER_FIXED_POINT;

	if ((1 > conf->fixed_point) || (1000 < conf->fixed_point))
		error("--fixed-point is %ld, but must be between 1 and 1000\n", conf->fixed_point);

	return conf->fixed_point;
}

double gleam_trainer_max_error(const struct gleam_trainer_conf_s* conf)
{
	return (GLEAM_ERROR_UNSET == conf->max_error) ? MAX_ERROR : conf->max_error;
}

static void check_unused(const struct gleam_trainer_conf_s* conf)
{
	if ((GLEAM_UNSET != conf->checkpoints) || (GLEAM_UNSET != conf->fixed_point) || (GLEAM_ERROR_UNSET != conf->max_error))
		gleam_warn("--checkpoints, --fixed-point and --max-inversion-error have no effect without --trainer mel\n");
}

struct gleam_keep_s gleam_trainer_keep(const struct gleam_trainer_conf_s* conf, const struct gleam_net_s* net)
{
	if (GLEAM_MEL != conf->type) {

		check_unused(conf);

		return (struct gleam_keep_s){ .what = (GLEAM_CHECKPOINT == conf->type) ? GLEAM_KEEP_IMAGES : GLEAM_KEEP_ALL };
	}

	if (!(0. < gleam_trainer_max_error(conf)) || !isfinite(gleam_trainer_max_error(conf)))
		error("--max-inversion-error is %g, but must be positive and finite\n", conf->max_error);

	return (struct gleam_keep_s){

		.what = GLEAM_KEEP_FEW,
		.checkpoints = checkpoints_of(conf, net->iterations / net->modules),
		.fixed_point = (int)fixed_point_of(conf),
	};
}
