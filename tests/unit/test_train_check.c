// What of an iteration is not finite: which module, which replica's part, loss or gradient.
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include <criterion/criterion.h>

#include "gleam/team.h"
#include "gleam/train.h"
#include "gleam/train_setup.h"
#include "gleam/trainer_conf.h"
#include "gleam/weights.h"

#include "gleam/data_struct.h"

enum { MODULES = 3, REPLICAS = 2, PARTS = 2, SUMS = 1 + 2 * (PARTS + 1) };

// as much of a trainer as takes sums
struct case_s {

	struct gleam_train_s conf;
	struct gleam_data_s data;
	struct gleam_team_s team;
	struct gleam_weights_s weights;
	double loss[MODULES];
	double errors[1];
	struct gleam_trainer_s trainer;

	double sums[MODULES][REPLICAS][SUMS];
};

static void prepare(struct case_s* c)
{
	*c = (struct case_s){ .conf = { .batch_size = 4, .micro_batch = 1 }, .team = { .replicas = REPLICAS } };

	for (int i = 0; i < DIMS; i++)
		c->data.ref_dims[i] = 1;

	c->data.ref_dims[0] = 5;
	c->weights.net.modules = MODULES;

	c->trainer = (struct gleam_trainer_s){

		.conf = &c->conf, .data = &c->data, .team = &c->team, .share = 2, .weights = &c->weights, .loss = c->loss, .errors = c->errors,
	};

	cr_assert_eq(SUMS, gleam_trainer_sums(&c->trainer));

	for (int m = 0; m < MODULES; m++)
		for (int r = 0; r < REPLICAS; r++)
			for (int i = 0; i < SUMS; i++)
				c->sums[m][r][i] = 1 + m;
}

static void take_all(struct case_s* c)
{
	for (long m = 0; m < MODULES; m++)
		gleam_trainer_take(&c->trainer, m, (const double* const[]){ c->sums[m][0], c->sums[m][1] });
}

// the check of a part, or (PARTS) of all
static double* check_of(struct case_s* c, int m, int r, int part)
{
	return c->sums[m][r] + gleam_trainer_check(&c->trainer, part);
}

Test(train_check, finite)
{
	struct case_s c;

	prepare(&c);
	take_all(&c);

	cr_expect(!c.trainer.bad.found);

	// over replicas, of four samples of five elements
	for (int m = 0; m < MODULES; m++)
		cr_expect_eq(2. * (1 + m) / 20., c.loss[m]);
}

static void expect_bad(struct case_s* c, bool loss, long module, long replica, long part)
{
	take_all(c);

	const struct gleam_bad_s* b = &c->trainer.bad;

	cr_expect(b->found && (loss == b->loss) && (module == b->module) && (part == b->part), "module %ld, part %ld", b->module, b->part);
	cr_expect((-1 == part) || (replica == b->replica));
}

Test(train_check, loss)
{
	struct case_s c;

	prepare(&c);

	// the second part of the second replica, in modules 1 and 2
	for (int m = 1; m < MODULES; m++) {

		c.sums[m][1][0] = NAN;
		check_of(&c, m, 1, 1)[0] = NAN;
		check_of(&c, m, 0, PARTS)[1] = NAN;
		check_of(&c, m, 1, PARTS)[0] = NAN;
	}

	expect_bad(&c, true, 1, 1, 1);
}

Test(train_check, gradient)
{
	struct case_s c;

	prepare(&c);

	check_of(&c, 2, 0, 0)[1] = INFINITY;
	check_of(&c, 2, 0, 1)[1] = INFINITY;
	check_of(&c, 2, 0, PARTS)[1] = INFINITY;
	check_of(&c, 2, 1, PARTS)[1] = INFINITY;

	expect_bad(&c, false, 2, 0, 0);
}

// squares that float does not hold, though double does: Adam's second moment would be infinite
Test(train_check, only_the_sum_is_too_large)
{
	struct case_s c;

	prepare(&c);

	check_of(&c, 0, 0, PARTS)[1] = 1.E39;
	check_of(&c, 0, 1, PARTS)[1] = 1.E39;

	expect_bad(&c, false, 0, 0, -1);

	// the next iteration begins anew
	check_of(&c, 0, 0, PARTS)[1] = 1.E37;
	check_of(&c, 0, 1, PARTS)[1] = 1.E37;

	take_all(&c);
	cr_expect(!c.trainer.bad.found);
}
