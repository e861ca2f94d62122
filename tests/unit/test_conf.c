
#include <string.h>
#include <stdio.h>
#include <stdlib.h>
#include <math.h>

#include <criterion/criterion.h>

#include "gleam/conf.h"

#include "caught.h"


static struct gleam_net_s complete(enum gleam_type type, int spatial)
{
	struct gleam_net_s net = gleam_net_defaults;

	net.type = type;
	net.prox.spatial = spatial;

	gleam_net_complete(&net);

	return net;
}


static void print(const struct gleam_net_s* net, size_t size, char text[size])
{
	FILE* fp = fmemopen(text, size, "w");

	gleam_net_print(net, fp);
	fclose(fp);
}


// replaces the line that starts with name
static void edit(char text[1024], const char* name, const char* line)
{
	char* from = strstr(text, name);

	cr_assert(NULL != from);

	char* to = strchr(from, '\n') + 1;
	char rest[1024];

	snprintf(rest, sizeof(rest), "%s", to);
	snprintf(from, (size_t)(1024 - (from - text)), "%s%s", line, rest);
}


static bool net_equal(const struct gleam_net_s* a, const struct gleam_net_s* b)
{
	return (a->type == b->type) && (a->iterations == b->iterations) && (a->modules == b->modules)
		&& (a->prox.type == b->prox.type) && (a->prox.features == b->prox.features)
		&& (a->prox.blocks == b->prox.blocks) && (a->prox.layers == b->prox.layers)
		&& (a->prox.maps == b->prox.maps) && (a->prox.spatial == b->prox.spatial)
		&& (0 == memcmp(&a->step_size, &b->step_size, sizeof(float)))
		&& (0 == memcmp(&a->mu, &b->mu, sizeof(float)))
		&& (a->cg_iter == b->cg_iter) && (a->learn_dc == b->learn_dc) && (a->scaling == b->scaling);
}


Test(conf, defaults_of_the_paper)
{
	struct gleam_net_s pgd2 = complete(GLEAM_PGD, 2);

	cr_expect((8 == pgd2.iterations) && (8 == pgd2.modules));
	cr_expect((NN_PROX_RESNET == pgd2.prox.type) && (100 == pgd2.prox.features) && (2 == pgd2.prox.blocks) && (0 == pgd2.prox.layers));
	cr_expect((0.5f == pgd2.step_size) && !pgd2.learn_dc);

	struct gleam_net_s pgd3 = complete(GLEAM_PGD, 3);

	cr_expect(60 == pgd3.prox.features);

	struct gleam_net_s modl2 = complete(GLEAM_MODL, 2);

	cr_expect((NN_PROX_REVNET == modl2.prox.type) && (70 == modl2.prox.features) && (5 == modl2.prox.layers) && (0 == modl2.prox.blocks));
	cr_expect((0.05f == modl2.mu) && (10 == modl2.cg_iter));

	struct gleam_net_s modl3 = complete(GLEAM_MODL, 3);

	cr_expect(50 == modl3.prox.features);
}


Test(conf, parameters_of_the_paper)
{
	struct gleam_net_s net = complete(GLEAM_PGD, 2);

	// 273902 of the prox network and t; 2.19 M in eight
	cr_expect(273903 == gleam_net_params(&net), "%ld", gleam_net_params(&net));
}


Test(conf, given_values_stay)
{
	struct gleam_net_s net = gleam_net_defaults;

	net.iterations = 12;
	net.modules = 3;
	net.prox.features = 32;
	net.prox.blocks = 1;

	gleam_net_complete(&net);

	cr_expect((12 == net.iterations) && (3 == net.modules) && (32 == net.prox.features) && (1 == net.prox.blocks));
}


static void complete_void(const void* arg)
{
	struct gleam_net_s net = *(const struct gleam_net_s*)arg;

	gleam_net_complete(&net);
}


#define ASSERT_BAD(set, ...) do {				\
								\
	struct gleam_net_s net = gleam_net_defaults;		\
								\
	set;							\
	assert_error(complete_void, &net, __VA_ARGS__);		\
								\
} while (0)


Test(conf, nonsense_is_told)
{
	ASSERT_BAD(net.modules = 3, "modules", "found 3", "divisor of the 8 iterations: 1 2 4 8");
	ASSERT_BAD(net.modules = 16, "modules", "found 16");
	ASSERT_BAD(net.modules = -1, "modules", "found '-1'", "from 1 to 1024");
	ASSERT_BAD(net.modules = 0, "modules", "found '0'");
	ASSERT_BAD(net.iterations = 0, "iterations", "found '0'");
	ASSERT_BAD(net.prox.features = 0, "features", "found '0'");
	ASSERT_BAD(net.prox.blocks = 0, "blocks", "found 0");
	ASSERT_BAD((net.type = GLEAM_MODL, net.prox.layers = 0), "layers", "found 0");
	ASSERT_BAD(net.iterations = -8, "iterations", "found '-8'");
	ASSERT_BAD(net.prox.features = -1, "features", "found '-1'");
	ASSERT_BAD(net.prox.blocks = -2, "blocks", "found '-2'");
	ASSERT_BAD(net.step_size = -1.f, "step-size", "found '-1'");
	ASSERT_BAD(net.step_size = 0.f, "step-size", "found '0'");
	ASSERT_BAD(net.step_size = NAN, "step-size", "found 'nan'");
	ASSERT_BAD(net.mu = INFINITY, "mu", "found 'inf'");
	ASSERT_BAD(net.cg_iter = 0, "cg-iter", "found '0'");
	ASSERT_BAD((net.type = GLEAM_MODL, net.prox.layers = 1), "layers", "found 1");
	ASSERT_BAD(net.prox.maps = 0, "maps", "found '0'");
	ASSERT_BAD(net.prox.spatial = 1, "spatial", "found '1'");
}


Test(conf, ineffective_depth_is_dropped)
{
	struct gleam_net_s net = gleam_net_defaults;

	net.prox.layers = 7;

	struct caught_s c = caught(complete_void, &net);

	cr_expect(0 == c.status);
	cr_expect(NULL != strstr(c.text, "--layers 7 has no effect with --pgd"), "%s", c.text);
}


Test(conf, text_round_trip)
{
	// values whose decimal forms are long
	const float vals[] = { 0.1f, 1.f / 3.f, 16777217.f / 16777216.f, 1.17549435e-5f, 99.99999f, 4.f };

	for (size_t i = 0; i < sizeof(vals) / sizeof(vals[0]); i++) {

		struct gleam_net_s net = complete((0 == i % 2) ? GLEAM_PGD : GLEAM_MODL, 2 + (int)(i % 2));
		struct gleam_net_s back = { };
		char text[1024];

		net.step_size = vals[i];
		net.mu = nextafterf(vals[i], 0.f);
		net.learn_dc = (1 == i);
		net.prox.maps = 2;

		print(&net, sizeof(text), text);

		const char* msg = gleam_net_parse(&back, text);

		cr_expect(NULL == msg, "%s", msg);
		cr_expect(net_equal(&net, &back), "%s", text);
	}
}


// every float between two powers of two far apart, at random: bits must survive
Test(conf, floats_keep_their_bits)
{
	struct gleam_net_s net = complete(GLEAM_PGD, 2);
	unsigned int state = 1;

	for (int i = 0; i < 20000; i++) {

		struct gleam_net_s back = { };
		char text[1024];

		state = 1664525u * state + 1013904223u;
		net.mu = ldexpf(1.f + (float)(state >> 9) * 0x1p-23f, (int)(state % 40u) - 20);

		print(&net, sizeof(text), text);

		cr_assert(NULL == gleam_net_parse(&back, text));
		cr_assert(0 == memcmp(&net.mu, &back.mu, sizeof(float)), "%a %a", (double)net.mu, (double)back.mu);
	}
}


Test(conf, comments_and_blank_lines)
{
	struct gleam_net_s net = complete(GLEAM_PGD, 2);
	struct gleam_net_s back = { };
	char text[1024] = "; trained on a rainy day\n\n";

	print(&net, sizeof(text) - strlen(text), text + strlen(text));

	cr_expect(NULL == gleam_net_parse(&back, text));
	cr_expect(net_equal(&net, &back));
}


static void expect_rejected(const char* name, const char* line, const char* part)
{
	struct gleam_net_s net = complete(GLEAM_PGD, 2);
	struct gleam_net_s back = { .iterations = -77 };
	char text[1024];

	print(&net, sizeof(text), text);
	edit(text, name, line);

	const char* msg = gleam_net_parse(&back, text);

	cr_assert(NULL != msg, "accepted: %s", line);
	cr_expect(NULL != strstr(msg, part), "'%s' is not in: %s", part, msg);
	cr_expect(-77 == back.iterations);
}


Test(conf, bad_text_is_rejected)
{
	expect_rejected("mu ", "", "mu: missing");
	expect_rejected("mu ", "mu 0.05\nmu 0.05\n", "mu: found twice");
	expect_rejected("mu ", "mu 0.05\ncolour blue\n", "unknown name 'colour'");
	expect_rejected("mu ", "mu\n", "expected a name and one value");
	expect_rejected("mu ", "mu 1 2\n", "expected a name and one value");
	expect_rejected("mu ", "mu 1e300\n", "mu: found '1e300'");
	expect_rejected("mu ", "mu nan\n", "mu: found 'nan'");
	expect_rejected("mu ", "mu 0.05x\n", "mu: found '0.05x'");
	expect_rejected("network", "network unet\n", "network: found 'unet', expected 'pgd' or 'modl'");
	expect_rejected("network", "network modl\n", "prox: found 'resnet', expected 'revnet'");
	expect_rejected("iterations", "iterations 8.5\n", "iterations: found '8.5', expected a whole number");
	expect_rejected("iterations", "iterations 9\n", "modules: found 8");
	expect_rejected("iterations", "iterations 99999999999999999999\n", "iterations: found");
	expect_rejected("modules", "modules 0\n", "modules: found '0'");
	expect_rejected("features", "features -100\n", "features: found '-100'");
	expect_rejected("blocks", "blocks 0\n", "blocks, layers: found 0, 0");
	expect_rejected("layers", "layers 5\n", "blocks, layers: found 2, 5");
	expect_rejected("learn-dc", "learn-dc 2\n", "learn-dc: found '2'");
	expect_rejected("spatial", "spatial 4\n", "spatial: found '4'");
	expect_rejected("learn-dc", "learn-dc 0\nscaling none\n", "scaling: found 'none', expected 'image' or 'time-average'");
}


// files that were written before there was a rule for series
Test(conf, scaling_may_be_missing)
{
	struct gleam_net_s net = complete(GLEAM_PGD, 3);
	struct gleam_net_s back = { };
	char text[1024];

	net.scaling = GLEAM_SCALING_AVERAGE;
	print(&net, sizeof(text), text);

	cr_expect(NULL != strstr(text, "\nscaling time-average\n"));
	cr_expect((NULL == gleam_net_parse(&back, text)) && net_equal(&net, &back));

	net.scaling = GLEAM_SCALING_IMAGE;
	print(&net, sizeof(text), text);

	cr_expect(NULL == strstr(text, "scaling"));
	cr_expect((NULL == gleam_net_parse(&back, text)) && net_equal(&net, &back));
}
