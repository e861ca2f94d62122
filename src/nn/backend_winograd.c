/*
 * Backend for the CPU that needs no library: Winograd's minimal filtering for
 * 3x3 kernels between hidden layers, matrix products for the other layers.
 * Kernels for AVX-512, AVX2 and for any machine; chosen at run time.
 */

#include <stddef.h>
#include <stdbool.h>

#ifdef _OPENMP
#include <omp.h>
#endif

#include "misc/misc.h"

#include "nn/backend.h"
#include "nn/winograd.h"


struct nn_plan_s {

	struct wino_op_s forward;
	struct wino_op_s adjoint;
};


static int max_threads(void)
{
#ifdef _OPENMP
	return omp_get_max_threads();
#else
	return 1;
#endif
}


// 3x3 or 3x3x3 between hidden layers, not too small
static bool use_tiles(const struct wino_op_s* op)
{
	return (3 == op->kernel[0]) && (3 == op->kernel[1])
		&& (WINO_MIN_SIZE <= op->src.dims[0]) && (WINO_MIN_SIZE <= op->src.dims[1])
		&& wino_is_feature(&op->src) && wino_is_feature(&op->dst);
}


static bool use_spread(const struct wino_op_s* op)
{
	return wino_is_feature(&op->src) && !wino_is_feature(&op->dst);
}


static bool use_volume(const struct wino_op_s* op)
{
	return use_tiles(op) && wino_is_volume(op);
}


static struct wino_op_s op_create(const struct wino_kernels_s* kernels, const struct nn_conv_s* conf, bool adjoint)
{
	struct wino_op_s op = {

		.kernels = kernels,
		.threads = max_threads(),
		.src = adjoint ? conf->out : conf->in,
		.dst = adjoint ? conf->in : conf->out,
		.kernel = { conf->kernel[0], conf->kernel[1], conf->kernel[2] },
		.padding = conf->padding,
		.adjoint = adjoint,
		.relu = conf->relu,
	};

	if (use_tiles(&op))
		for (int i = 0; i < (wino_is_volume(&op) ? 3 : 2); i++)
			op.tiling[i] = wino_tiling_create(&op, i);

	return op;
}


static void op_free(struct wino_op_s* op)
{
	for (int i = 0; i < NN_SPATIAL; i++)
		wino_tiling_free(&op->tiling[i]);
}


static size_t op_workspace(const struct wino_op_s* op)
{
	if (use_volume(op))
		return wino_volume_workspace(op);

	if (use_tiles(op))
		return wino_tiles_workspace(op);

	return use_spread(op) ? wino_spread_workspace(op) : wino_direct_workspace(op);
}


static void op_apply(const struct wino_op_s* op, const struct wino_args_s* args)
{
	if (use_volume(op))
		wino_volume_apply(op, args);
	else if (use_tiles(op))
		wino_tiles_apply(op, args);
	else if (use_spread(op))
		wino_spread_apply(op, args);
	else
		wino_direct_apply(op, args);
}


struct nn_plan_s* wino_plan_create(const struct wino_kernels_s* kernels, const struct nn_conv_s* conf)
{
	struct nn_plan_s* plan = xmalloc(sizeof(struct nn_plan_s));

	plan->forward = op_create(kernels, conf, false);
	plan->adjoint = op_create(kernels, conf, true);

	return plan;
}


static struct nn_plan_s* conv_create(const struct nn_conv_s* conf)
{
	return wino_plan_create(wino_kernels_best(), conf);
}


static void conv_free(struct nn_plan_s* plan)
{
	op_free(&plan->forward);
	op_free(&plan->adjoint);
	xfree(plan);
}


static size_t larger(size_t a, size_t b)
{
	return (a > b) ? a : b;
}


static size_t conv_workspace(const struct nn_plan_s* plan, bool forward_only)
{
	size_t size = op_workspace(&plan->forward);

	if (forward_only)
		return size;

	size = larger(size, op_workspace(&plan->adjoint));

	if (use_volume(&plan->forward))
		return larger(size, wino_volume_weights_workspace(&plan->forward));

	if (use_tiles(&plan->forward))
		return larger(size, wino_tiles_weights_workspace(&plan->forward));

	return larger(size, wino_direct_weights_workspace(&plan->forward, &plan->adjoint));
}


static void conv_forward(struct nn_plan_s* plan, void* y, const void* res, const void* x, const void* weights,
		const float* bias, void* ws)
{
	struct wino_args_s args = { .dst = y, .src = x, .bias = bias, .weights = weights, .add = (NULL != res), .ws = ws };

	op_apply(&plan->forward, &args);
}


static void conv_backward_data(struct nn_plan_s* plan, void* dx, bool add, const void* dy, const void* x,
		const void* weights, void* ws)
{
	const float* mask = plan->adjoint.relu ? x : NULL;
	struct wino_args_s args = { .dst = dx, .src = dy, .mask = mask, .weights = weights, .add = add, .ws = ws };

	op_apply(&plan->adjoint, &args);
}


static void conv_backward_weights(struct nn_plan_s* plan, float* dweights, float* dbias,
		const void* x, const void* dy, void* ws)
{
	if (use_volume(&plan->forward))
		wino_volume_weights(&plan->forward, dweights, dbias, x, dy, ws);
	else if (use_tiles(&plan->forward))
		wino_tiles_weights(&plan->forward, dweights, dbias, x, dy, ws);
	else
		wino_direct_weights(&plan->forward, &plan->adjoint, dweights, dbias, x, dy, ws);
}


static const char* missing(void)
{
	return NULL;
}


const struct nn_backend_s nn_backend_winograd = {

	.name = "winograd",
	.device = &nn_device_cpu,
	.missing = missing,
	.channel_multiple = WINO_MULTIPLE,
	.conv_create = conv_create,
	.conv_free = conv_free,
	.conv_workspace = conv_workspace,
	.conv_forward = conv_forward,
	.conv_backward_data = conv_backward_data,
	.conv_backward_weights = conv_backward_weights,
};
