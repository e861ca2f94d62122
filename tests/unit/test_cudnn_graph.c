/*
 * cuDNN's graphs as the code of the GPU uses them: convolutions alone and fused
 * against their definition.
 */

#include "gpu_test.h"

#ifndef GLEAM_GPU

Test(cudnn_graph, none) { GPU_SKIP("cudnn_graph::*"); }

#else

#include "cudnn_data.h"
#include "cudnn_help.h"


/* A result is rounded to the 8 bits of bfloat16: 2^-8. Both factors are rounded to
 * the 11 bits of TF32: 2 2^-11. Sums of up to 144 terms in float: 144 2^-24.
 */
static double tolerance(const struct conv_s* c, descriptor_t config)
{
	double sum = 144. / (double)(1 << 24);

	if (CUDNN_DATA_BFLOAT16 == c->type)
		return 1. / 256. + sum;

	return (help_has_note(config, CUDNN_NUMERICAL_NOTE_TENSOR_CORE) ? 1. / 1024. : 0.) + sum;
}


static void check_engines(const struct conv_s* c, cudnnHandle_t handle)
{
	descriptor_t configs[10];
	struct cudnn_data_s d = cudnn_data_create(c);
	int count = help_configs(help_conv_graph(handle, c), CUDNN_HEUR_MODE_A, configs);
	int supported = 0;

	for (int i = 0; i < count; i++) {

		descriptor_t plan = help_plan(handle, configs[i]);

		if ((NULL == plan) || ((1 << 24) < help_workspace(plan)))
			continue;

		double error = cudnn_data_error(c, &d, handle, plan);

		cr_expect(error <= tolerance(c, configs[i]), "kind %d type %d engine %ld: %e", c->kind, c->type, (long)help_engine(configs[i]), error);
		supported++;
	}

	cr_expect(0 < supported, "kind %d type %d", c->kind, c->type);

	cudnn_data_free(&d);
}


Test(cudnn_graph, convolutions_are_the_definition)
{
	NEED_GPU("cudnn_graph::convolutions_are_the_definition");

	cudnnHandle_t handle = help_handle();

	for (int type = 0; type < 2; type++)
		for (int kind = CONV_FORWARD; kind <= CONV_FUSED; kind++)
			for (long pad = 0; pad < 2; pad++) {

				struct conv_s c = { .kind = (enum conv_kind)kind, .N = 2, .C = 8, .K = 16,
					.X = { 9, 6 }, .R = { 3, 3 }, .pad = { pad, 1 } };

				c.type = (0 == type) ? CUDNN_DATA_FLOAT : CUDNN_DATA_BFLOAT16;

				check_engines(&c, handle);
			}

	cudnnDestroy(handle);
}

#endif		// GLEAM_GPU
