#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "gleam/weights.h"

#include "weights_case.h"


struct gleam_net_s small_net(long iterations, long modules)
{
	struct gleam_net_s net = gleam_net_defaults;

	net.iterations = iterations;
	net.modules = modules;
	net.prox.features = 3;
	net.prox.blocks = 1;
	net.step_size = 1.f / 3.f;

	gleam_net_complete(&net);

	return net;
}


struct gleam_weights_s* random_weights(long iterations, long modules, unsigned int seed)
{
	struct gleam_net_s net = small_net(iterations, modules);
	struct gleam_weights_s* weights = gleam_weights_create(&net);

	for (long i = 0; i < iterations * weights->P; i++) {

		seed = 1664525u * seed + 1013904223u;
		weights->params[i] = ldexpf((float)(seed >> 8) - 8388608.f, -25);
	}

	weights->iteration = 1234;
	weights->valid_nrmse = 1. / 7.;

	return weights;
}


bool same(const struct gleam_weights_s* a, const struct gleam_weights_s* b)
{
	return (a->P == b->P) && (a->net.iterations == b->net.iterations) && (a->net.modules == b->net.modules)
		&& (a->iteration == b->iteration) && (a->valid_nrmse == b->valid_nrmse)
		&& (0 == memcmp(a->params, b->params, (size_t)(a->P * a->net.iterations) * sizeof(float)));
}


void write_random(const char* name, unsigned int seed)
{
	struct gleam_weights_s* weights = random_weights(4, 2, seed);

	gleam_weights_write(name, weights);
	gleam_weights_free(weights);
}


void read_void(const void* name)
{
	gleam_weights_free(gleam_weights_read(name));
}


void write_void(const void* name)
{
	write_random(name, 3);
}


void patch(const char* file, const char* from, const char* to)
{
	char* text;
	size_t size = scratch_read(file, &text);
	char* p = strstr(text, from);

	cr_assert(NULL != p, "no '%s' in %s", from, file);
	cr_assert(strlen(from) == strlen(to));

	memcpy(p, to, strlen(to));
	scratch_write(file, size, text);
	free(text);
}
