/*
 * Convolutions on the GPU by cuDNN.
 *
 * A feature tensor has a rim of one pixel. Filled as the padding wants it, each
 * convolution becomes one with zeros around the whole packed array, which is what
 * cuDNN is fastest with: what it computes inside is right, what it writes to the rim
 * is of no use. The gradient with respect to the input is the same convolution with
 * the kernel turned around, from an array whose rim is zero; what it gives in the
 * rim belongs to the pixels that the rim was copied from.
 *
 * Images are copied to arrays of few channels, and back.
 */

#ifdef GLEAM_GPU

#include <stdbool.h>
#include <stddef.h>

#include "misc/misc.h"

#include "gpu/gpu.h"

#include "nn/cudnn_graph.h"
#include "nn/cudnn_kernels.h"
#include "nn/cudnn_plan.h"
#include "nn/device.h"
#include "nn/tensor.h"

#include "nn/backend.h"


static struct nn_plan_s* fp32_create(const struct nn_conv_s* conf)
{
	return nn_cudnn_plan_create(conf, NN_FP32);
}


static struct nn_plan_s* tf32_create(const struct nn_conv_s* conf)
{
	return nn_cudnn_plan_create(conf, NN_TF32);
}


static struct nn_plan_s* bf16_create(const struct nn_conv_s* conf)
{
	return nn_cudnn_plan_create(conf, NN_BF16);
}


static size_t cudnn_packed(const struct nn_plan_s* plan, bool forward_only)
{
	return nn_cudnn_packed(plan, forward_only, NULL).bytes;
}


static void cudnn_pack(const struct nn_plan_s* plan, void* packed, bool forward_only, const float* weights, const float* bias)
{
	struct nn_cudnn_packed_s s = nn_cudnn_packed(plan, forward_only, packed);

	nn_filter_pack(&plan->filter, false, s.weights, weights, s.bias, bias);

	if (!forward_only)
		nn_filter_pack(&plan->filter, true, s.turned, weights, NULL, NULL);
}


static size_t cudnn_workspace(const struct nn_plan_s* plan, bool forward_only)
{
	size_t bytes = nn_cudnn_forward_space(plan, NULL).bytes;

	if (forward_only)
		return bytes;

	bytes = MAX(bytes, nn_cudnn_data_space(plan, NULL).bytes);

	return MAX(bytes, nn_cudnn_filter_space(plan, NULL).bytes);
}


// --- operations


// the input as cuDNN reads it: after the ReLU, with rim, which is written where x is
static const void* prepare_x(const struct nn_plan_s* plan, bool again, void* copy, const void* x)
{
	const struct nn_conv_s* conf = &plan->conf;

	if (!plan->feature_in) {

		nn_array_gather(&plan->in, conf->padding, conf->relu, copy, &conf->in, x);
		return copy;
	}

	if (plan->copies_x) {

		nn_array_relu(&plan->in, conf->padding, copy, x);
		return copy;
	}

	// as the forward pass has left it
	if (!again)
		nn_array_rim(&plan->in, conf->padding, (void*)x);

	return x;
}


// the gradient of the output, with a rim of zeros
static const void* prepare_dy(const struct nn_plan_s* plan, void* copy, const void* dy)
{
	if (plan->feature_out)
		return dy;

	nn_array_gather(&plan->out, NN_PAD_ZERO, false, copy, &plan->conf.out, dy);

	return copy;
}


/* What a graph has summed need only be in place; with a graph for the convolution
 * alone the rest is done here.
 */
static void finish_feature(const struct nn_plan_s* plan, void* y, const void* src, const void* res, const void* bias)
{
	if (plan->finish)
		nn_array_finish(&plan->out, y, src, res, bias, plan->conf.relu_out);
	else if (src != y)
		gpu_copy(y, src, nn_cudnn_array_bytes(&plan->out));
}


static void cudnn_forward(struct nn_plan_s* plan, void* y, const void* res,
		const void* x, const void* weights, const float* bias, void* ws)
{
	struct nn_cudnn_packed_s w = nn_cudnn_packed(plan, true, weights);
	struct nn_cudnn_space_s s = nn_cudnn_forward_space(plan, ws);
	bool to_feature = plan->feature_out;

	struct nn_graph_args_s args = {

		.result = (to_feature && (y != res)) ? y : s.y,
		.a = prepare_x(plan, false, s.x, x),
		.b = w.weights,
		.bias = w.bias,
		.res = res,
	};

	nn_graph_run(plan->forward, &args, s.cudnn);

	if (to_feature)
		finish_feature(plan, y, args.result, res, w.bias);
	else
		nn_array_scatter(&plan->out, &plan->conf.out, y, s.y, bias, res);
}


static void cudnn_backward_data(struct nn_plan_s* plan, void* dx, bool add,
		const void* dy, const void* x, const void* weights, void* ws)
{
	const struct nn_conv_s* conf = &plan->conf;
	struct nn_cudnn_packed_s w = nn_cudnn_packed(plan, false, weights);
	struct nn_cudnn_space_s s = nn_cudnn_data_space(plan, ws);

	bool to_feature = plan->feature_in;
	bool direct = to_feature && !add && (dx != x);
	const void* mask = conf->relu ? x : NULL;

	struct nn_graph_args_s args = {

		.result = direct ? dx : s.x,
		.a = prepare_dy(plan, s.y, dy),
		.b = w.turned,
	};

	nn_graph_run(nn_cudnn_data_graph(plan), &args, s.cudnn);

	if (!to_feature)
		nn_array_fold_image(&plan->in, conf->padding, &conf->in, dx, add, s.x, mask);
	else if (!direct || (NULL != mask) || (NN_PAD_ZERO != conf->padding))
		nn_array_fold(&plan->in, conf->padding, dx, add, args.result, mask);

	// in place, the fold may still read the rim while other threads are done
	if (direct)
		nn_array_rim(&plan->in, NN_PAD_ZERO, dx);
}


static void cudnn_backward_weights(struct nn_plan_s* plan, float* dweights, float* dbias,
		const void* x, const void* dy, void* ws)
{
	struct nn_cudnn_space_s s = nn_cudnn_filter_space(plan, ws);

	struct nn_graph_args_s args = {

		.result = s.weights,
		.a = prepare_x(plan, true, s.x, x),
		.b = prepare_dy(plan, s.y, dy),
	};

	nn_graph_run(nn_cudnn_filter_graph(plan), &args, s.cudnn);
	nn_filter_add(&plan->filter, dweights, s.weights);

	if (NULL != dbias)
		nn_array_sum(&plan->out, (int)plan->conf.out.channels, dbias, args.b, s.sums);
}


#define CUDNN_BACKEND(_name, _precision, _feature, _create) {		\
	.name = _name,							\
	.device = &nn_device_gpu,					\
	.precision = _precision,					\
	.missing = gpu_missing,						\
	.feature = _feature,						\
	.channel_multiple = NN_CUDNN_UNIT / ((NN_BFLOAT16 == _feature) ? 2 : 4),\
	.rim = 1,							\
	.res_elsewhere = true,						\
	.conv_create = _create,						\
	.conv_free = nn_cudnn_plan_free,				\
	.conv_workspace = cudnn_workspace,				\
	.conv_packed = cudnn_packed,					\
	.conv_pack = cudnn_pack,					\
	.conv_forward = cudnn_forward,					\
	.conv_backward_data = cudnn_backward_data,			\
	.conv_backward_weights = cudnn_backward_weights,		\
}

const struct nn_backend_s nn_backend_cudnn = CUDNN_BACKEND("cudnn", NN_FP32, NN_FLOAT, fp32_create);
const struct nn_backend_s nn_backend_cudnn_tf32 = CUDNN_BACKEND("cudnn-tf32", NN_TF32, NN_FLOAT, tf32_create);
const struct nn_backend_s nn_backend_cudnn_bf16 = CUDNN_BACKEND("cudnn-bf16", NN_BF16, NN_BFLOAT16, bf16_create);

#endif		// GLEAM_GPU
