/*
 * What a convolution by cuDNN needs, settled before anything runs.
 */

#ifdef GLEAM_GPU

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "misc/misc.h"

#include "nn/backend.h"
#include "nn/cudnn_graph.h"
#include "nn/cudnn_kernels.h"
#include "nn/tensor.h"

#include "nn/cudnn_plan.h"

#define ALIGNMENT 256


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
	long m = NN_CUDNN_UNIT / (long)nn_type_bytes(type);

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


size_t nn_cudnn_array_bytes(const struct nn_array_s* a)
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


const struct nn_graph_s* nn_cudnn_data_graph(const struct nn_plan_s* plan)
{
	struct nn_graph_conf_s conf = graph_conf(plan, NN_GRAPH_FORWARD, plan->out.channels, plan->in.channels);

	return need_graph(&conf);
}


const struct nn_graph_s* nn_cudnn_filter_graph(const struct nn_plan_s* plan)
{
	struct nn_graph_conf_s conf = graph_conf(plan, NN_GRAPH_FILTER, plan->in.channels, plan->out.channels);

	return need_graph(&conf);
}


// what follows the convolution of a hidden layer; for an image its kernel does that
static bool has_epilogue(const struct nn_plan_s* plan)
{
	return plan->feature_out && (plan->conf.bias || plan->conf.res || plan->conf.relu_out);
}


static void choose_forward(struct nn_plan_s* plan)
{
	struct nn_graph_conf_s conf = graph_conf(plan, NN_GRAPH_FORWARD, plan->in.channels, plan->out.channels);

	plan->forward = NULL;
	plan->finish = false;

	if (has_epilogue(plan)) {

		struct nn_graph_conf_s fused = conf;

		fused.bias = true;
		fused.res = plan->conf.res;
		fused.relu = plan->conf.relu_out;

		plan->forward = nn_graph_get(&fused);
		plan->finish = (NULL == plan->forward);
	}

	if (NULL == plan->forward)
		plan->forward = need_graph(&conf);
}


// --- plans


static void check_size(const struct nn_array_s* array)
{
	if (INT_MAX < array_size(array))
		error("Convolution on the GPU: %ld numbers in a layer, at most %d are possible. Use smaller (micro-)batches.\n",
				array_size(array), INT_MAX);
}


struct nn_plan_s* nn_cudnn_plan_create(const struct nn_conv_s* conf, enum nn_precision precision)
{
	enum nn_type type = (NN_BF16 == precision) ? NN_BFLOAT16 : NN_FLOAT;

	PTR_ALLOC(struct nn_plan_s, plan);

	plan->conf = *conf;
	plan->precision = precision;

	plan->feature_in = is_feature(&conf->in);
	plan->feature_out = is_feature(&conf->out);
	plan->copies_x = !plan->feature_in || (conf->relu && !conf->relu_in_done);

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


void nn_cudnn_plan_free(struct nn_plan_s* plan)
{
	xfree(plan);
}


// --- memory


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


struct nn_cudnn_packed_s nn_cudnn_packed(const struct nn_plan_s* plan, bool forward_only, const void* packed)
{
	size_t pos = 0;
	struct nn_cudnn_packed_s s = { .turned = NULL };

	s.weights = take((char*)packed, &pos, filter_bytes(&plan->filter));
	s.bias = take((char*)packed, &pos, (size_t)plan->out.channels * nn_type_bytes(plan->out.type));

	if (!forward_only)
		s.turned = take((char*)packed, &pos, filter_bytes(&plan->filter));

	s.bytes = pos;

	return s;
}


struct nn_cudnn_space_s nn_cudnn_forward_space(const struct nn_plan_s* plan, void* ws)
{
	bool copies_y = !plan->feature_out || plan->conf.res;

	size_t pos = 0;
	struct nn_cudnn_space_s s = { .sums = NULL };

	s.x = take(ws, &pos, plan->copies_x ? nn_cudnn_array_bytes(&plan->in) : 0);
	s.y = take(ws, &pos, copies_y ? nn_cudnn_array_bytes(&plan->out) : 0);
	s.cudnn = take(ws, &pos, nn_graph_workspace(plan->forward));
	s.bytes = pos;

	return s;
}


struct nn_cudnn_space_s nn_cudnn_data_space(const struct nn_plan_s* plan, void* ws)
{
	size_t pos = 0;
	struct nn_cudnn_space_s s = { .sums = NULL };

	s.x = take(ws, &pos, nn_cudnn_array_bytes(&plan->in));
	s.y = take(ws, &pos, plan->feature_out ? 0 : nn_cudnn_array_bytes(&plan->out));
	s.cudnn = take(ws, &pos, nn_graph_workspace(nn_cudnn_data_graph(plan)));
	s.bytes = pos;

	return s;
}


struct nn_cudnn_space_s nn_cudnn_filter_space(const struct nn_plan_s* plan, void* ws)
{
	size_t pos = 0;
	struct nn_cudnn_space_s s = { .sums = NULL };

	s.weights = take(ws, &pos, filter_bytes(&plan->filter));
	s.x = take(ws, &pos, plan->copies_x ? nn_cudnn_array_bytes(&plan->in) : 0);
	s.y = take(ws, &pos, plan->feature_out ? 0 : nn_cudnn_array_bytes(&plan->out));
	s.sums = take(ws, &pos, plan->conf.bias ? (nn_array_sums(&plan->out) * sizeof(float)) : 0);
	s.cudnn = take(ws, &pos, nn_graph_workspace(nn_cudnn_filter_graph(plan)));
	s.bytes = pos;

	return s;
}

#endif		// GLEAM_GPU
