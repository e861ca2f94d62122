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

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "misc/misc.h"

#include "gpu/gpu.h"

#include "nn/cudnn_graph.h"
#include "nn/cudnn_kernels.h"
#include "nn/device.h"
#include "nn/tensor.h"

#include "nn/backend.h"

#define ALIGNMENT 256
#define UNIT 16		// bytes, to which channels are rounded up

struct nn_plan_s {

	struct nn_conv_s conf;
	enum nn_precision precision;

	struct nn_array_s in;
	struct nn_array_s out;
	struct nn_filter_s filter;

	const struct nn_graph_s* forward;
	bool fused;			// does its graph hold what follows the convolution?
};


static bool is_feature(const struct nn_tensor_s* tensor)
{
	return (0 < tensor->offset);
}


// --- what cuDNN computes


// a tensor of the third dimension's rim, if any of the two is a feature tensor; else the kernel says
static int rim_z(const struct nn_conv_s* conf)
{
	const struct nn_tensor_s* t = is_feature(&conf->in) ? &conf->in : &conf->out;

	if (is_feature(t))
		return (t->strs[3] == t->strs[2] * t->dims[2]) ? 0 : 1;

	return (1 < conf->kernel[2]) ? 1 : 0;
}


static struct nn_array_s array_of(const struct nn_plan_s* plan, const struct nn_tensor_s* tensor, enum nn_type type)
{
	long m = UNIT / (long)nn_type_bytes(type);

	struct nn_array_s array = {

		.type = type,
		.rim_z = rim_z(&plan->conf),
		.batch = (int)tensor->dims[3],
		.channels = (int)((tensor->channels + m - 1) / m * m),
	};

	for (int i = 0; i < NN_SPATIAL; i++)
		array.dims[i] = (int)tensor->dims[i];

	return array;
}


static long array_size(const struct nn_array_s* a)
{
	return (long)a->channels * a->batch * (a->dims[0] + 2) * (a->dims[1] + 2) * (a->dims[2] + 2 * a->rim_z);
}


static size_t array_bytes(const struct nn_array_s* a)
{
	return (size_t)array_size(a) * nn_type_bytes(a->type);
}


static struct nn_graph_conf_s graph_conf(const struct nn_plan_s* plan, enum nn_graph_kind kind, long in, long out)
{
	const struct nn_array_s* a = &plan->in;

	struct nn_graph_conf_s conf = {

		.kind = kind,
		.precision = plan->precision,
		.spatial = 2 + a->rim_z,
		.batch = a->batch * ((0 == a->rim_z) ? a->dims[2] : 1),
		.in = in,
		.out = out,
		.type = a->type,
	};

	for (int i = 0; i < NN_SPATIAL; i++) {

		conf.dims[i] = a->dims[i] + 2;
		conf.kernel[i] = plan->conf.kernel[i];
	}

	return conf;
}


static const struct nn_graph_s* need_graph(const struct nn_graph_conf_s* conf)
{
	static const char* const names[] = { "fp32", "tf32", "bf16" };
	const struct nn_graph_s* graph = nn_graph_get(conf);

	if (NULL == graph)
		error("cuDNN has no engine for a convolution of %ld to %ld channels on %ldx%ldx%ld pixels in %s; use another --precision.\n",
				conf->in, conf->out, conf->batch, conf->dims[1], conf->dims[0], names[conf->precision]);

	return graph;
}


static const struct nn_graph_s* data_graph(const struct nn_plan_s* plan)
{
	struct nn_graph_conf_s conf = graph_conf(plan, NN_GRAPH_FORWARD, plan->out.channels, plan->in.channels);

	return need_graph(&conf);
}


static const struct nn_graph_s* filter_graph(const struct nn_plan_s* plan)
{
	struct nn_graph_conf_s conf = graph_conf(plan, NN_GRAPH_FILTER, plan->in.channels, plan->out.channels);

	return need_graph(&conf);
}


// what follows the convolution of a hidden layer; for an image its kernel does that
static bool has_epilogue(const struct nn_conv_s* conf)
{
	return is_feature(&conf->out) && (conf->bias || conf->res || conf->relu_out);
}


static void choose_forward(struct nn_plan_s* plan)
{
	struct nn_graph_conf_s conf = graph_conf(plan, NN_GRAPH_FORWARD, plan->in.channels, plan->out.channels);

	plan->fused = false;

	if (has_epilogue(&plan->conf)) {

		struct nn_graph_conf_s fused = conf;

		fused.bias = true;
		fused.res = plan->conf.res;
		fused.relu = plan->conf.relu_out;

		plan->forward = nn_graph_get(&fused);
		plan->fused = (NULL != plan->forward);
	}

	if (!plan->fused)
		plan->forward = need_graph(&conf);
}


// --- plans


static void check_size(const struct nn_array_s* array)
{
	if (INT_MAX < array_size(array))
		error("Convolution on the GPU: %ld numbers in a layer, at most %d are possible. Use smaller (micro-)batches.\n",
				array_size(array), INT_MAX);
}


static struct nn_plan_s* create(const struct nn_conv_s* conf, enum nn_precision precision)
{
	enum nn_type type = (NN_BF16 == precision) ? NN_BFLOAT16 : NN_FLOAT;

	PTR_ALLOC(struct nn_plan_s, plan);

	plan->conf = *conf;
	plan->precision = precision;
	plan->in = array_of(plan, &conf->in, type);
	plan->out = array_of(plan, &conf->out, type);

	check_size(&plan->in);
	check_size(&plan->out);

	plan->filter = (struct nn_filter_s){

		.type = type,
		.out = (int)conf->out.channels,
		.in = (int)conf->in.channels,
		.taps = (int)(conf->kernel[0] * conf->kernel[1] * conf->kernel[2]),
		.out_padded = plan->out.channels,
		.in_padded = plan->in.channels,
	};

	choose_forward(plan);

	return PTR_PASS(plan);
}


static struct nn_plan_s* fp32_create(const struct nn_conv_s* conf)
{
	return create(conf, NN_FP32);
}


static struct nn_plan_s* tf32_create(const struct nn_conv_s* conf)
{
	return create(conf, NN_TF32);
}


static struct nn_plan_s* bf16_create(const struct nn_conv_s* conf)
{
	return create(conf, NN_BF16);
}


static void cudnn_free(struct nn_plan_s* plan)
{
	xfree(plan);
}


// --- weights in cuDNN's layout: for the forward pass, with a bias, and turned around


// the next bytes of a workspace that need not be there yet
static void* take(char* ws, size_t* pos, size_t bytes)
{
	void* p = (NULL == ws) ? NULL : (ws + *pos);

	*pos += (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;

	return p;
}


static size_t filter_bytes(const struct nn_filter_s* f)
{
	return (size_t)f->out_padded * (size_t)f->in_padded * (size_t)f->taps * nn_type_bytes(f->type);
}


struct packed_s {

	void* weights;
	void* bias;
	void* turned;

	size_t bytes;	// in all
};


static struct packed_s packed_space(const struct nn_plan_s* plan, bool forward_only, const void* packed)
{
	size_t pos = 0;
	struct packed_s s = { .turned = NULL };

	s.weights = take((char*)packed, &pos, filter_bytes(&plan->filter));
	s.bias = take((char*)packed, &pos, (size_t)plan->out.channels * nn_type_bytes(plan->out.type));

	if (!forward_only)
		s.turned = take((char*)packed, &pos, filter_bytes(&plan->filter));

	s.bytes = pos;

	return s;
}


static size_t cudnn_packed(const struct nn_plan_s* plan, bool forward_only)
{
	return packed_space(plan, forward_only, NULL).bytes;
}


static void cudnn_pack(const struct nn_plan_s* plan, void* packed, bool forward_only, const float* weights, const float* bias)
{
	struct packed_s s = packed_space(plan, forward_only, packed);

	nn_filter_pack(&plan->filter, false, s.weights, weights, s.bias, bias);

	if (!forward_only)
		nn_filter_pack(&plan->filter, true, s.turned, weights, NULL, NULL);
}


// --- the workspace of each operation; what it has no use for has no place

struct space_s {

	void* weights;	// their gradient
	void* x;	// images, and what passes a ReLU first
	void* y;	// images, and what cannot be written where it shall be
	float* sums;
	void* cudnn;

	size_t bytes;	// in all
};


static bool copies_x(const struct nn_plan_s* plan)
{
	const struct nn_conv_s* conf = &plan->conf;

	return !is_feature(&conf->in) || (conf->relu && !conf->relu_in_done);
}


static struct space_s forward_space(const struct nn_plan_s* plan, void* ws)
{
	bool copies_y = !is_feature(&plan->conf.out) || plan->conf.res;

	size_t pos = 0;
	struct space_s s = { .sums = NULL };

	s.x = take(ws, &pos, copies_x(plan) ? array_bytes(&plan->in) : 0);
	s.y = take(ws, &pos, copies_y ? array_bytes(&plan->out) : 0);
	s.cudnn = take(ws, &pos, nn_graph_workspace(plan->forward));
	s.bytes = pos;

	return s;
}


static struct space_s data_space(const struct nn_plan_s* plan, void* ws)
{
	size_t pos = 0;
	struct space_s s = { .sums = NULL };

	s.x = take(ws, &pos, array_bytes(&plan->in));
	s.y = take(ws, &pos, is_feature(&plan->conf.out) ? 0 : array_bytes(&plan->out));
	s.cudnn = take(ws, &pos, nn_graph_workspace(data_graph(plan)));
	s.bytes = pos;

	return s;
}


static struct space_s filter_space(const struct nn_plan_s* plan, void* ws)
{
	size_t pos = 0;
	struct space_s s = { .sums = NULL };

	s.weights = take(ws, &pos, filter_bytes(&plan->filter));
	s.x = take(ws, &pos, copies_x(plan) ? array_bytes(&plan->in) : 0);
	s.y = take(ws, &pos, is_feature(&plan->conf.out) ? 0 : array_bytes(&plan->out));
	s.sums = take(ws, &pos, plan->conf.bias ? (nn_array_sums(&plan->out) * sizeof(float)) : 0);
	s.cudnn = take(ws, &pos, nn_graph_workspace(filter_graph(plan)));
	s.bytes = pos;

	return s;
}


static size_t cudnn_workspace(const struct nn_plan_s* plan, bool forward_only)
{
	size_t bytes = forward_space(plan, NULL).bytes;

	if (forward_only)
		return bytes;

	bytes = MAX(bytes, data_space(plan, NULL).bytes);

	return MAX(bytes, filter_space(plan, NULL).bytes);
}


// --- operations


// the input as cuDNN reads it: after the ReLU, with rim, which is written where x is
static const void* prepare_x(const struct nn_plan_s* plan, bool again, void* copy, const void* x)
{
	const struct nn_conv_s* conf = &plan->conf;

	if (!is_feature(&conf->in)) {

		nn_array_gather(&plan->in, conf->padding, conf->relu, copy, &conf->in, x);
		return copy;
	}

	if (copies_x(plan)) {

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
	if (is_feature(&plan->conf.out))
		return dy;

	nn_array_gather(&plan->out, NN_PAD_ZERO, false, copy, &plan->conf.out, dy);

	return copy;
}


/* What a graph has summed need only be in place; with a graph for the convolution
 * alone the rest is done here.
 */
static void finish_feature(const struct nn_plan_s* plan, void* y, const void* src, const void* res, const void* bias)
{
	if (!plan->fused && has_epilogue(&plan->conf))
		nn_array_finish(&plan->out, y, src, res, bias, plan->conf.relu_out);
	else if (src != y)
		gpu_copy(y, src, array_bytes(&plan->out));
}


static void cudnn_forward(struct nn_plan_s* plan, void* y, const void* res,
		const void* x, const void* weights, const float* bias, void* ws)
{
	struct packed_s w = packed_space(plan, true, weights);
	struct space_s s = forward_space(plan, ws);
	bool to_feature = is_feature(&plan->conf.out);

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
	struct packed_s w = packed_space(plan, false, weights);
	struct space_s s = data_space(plan, ws);

	bool to_feature = is_feature(&conf->in);
	bool direct = to_feature && !add && (dx != x);
	const void* mask = conf->relu ? x : NULL;

	struct nn_graph_args_s args = {

		.result = direct ? dx : s.x,
		.a = prepare_dy(plan, s.y, dy),
		.b = w.turned,
	};

	nn_graph_run(data_graph(plan), &args, s.cudnn);

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
	struct space_s s = filter_space(plan, ws);

	struct nn_graph_args_s args = {

		.result = s.weights,
		.a = prepare_x(plan, true, s.x, x),
		.b = prepare_dy(plan, s.y, dy),
	};

	nn_graph_run(filter_graph(plan), &args, s.cudnn);
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
	.channel_multiple = UNIT / ((NN_BFLOAT16 == _feature) ? 2 : 4),	\
	.rim = 1,							\
	.res_elsewhere = true,						\
	.conv_create = _create,						\
	.conv_free = cudnn_free,					\
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
