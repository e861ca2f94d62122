/*
 * Small graphs of cuDNN for tests.
 */

#ifdef GLEAM_GPU

#include <criterion/criterion.h>

#include "gpu/gpu.h"

#include "cudnn_help.h"


long conv_output(const struct conv_s* c, int dim)
{
	return c->X[dim] + 2 * c->pad[dim] - c->R[dim] + 1;
}


static void check(cudnnStatus_t status)
{
	char message[512] = "";

	if (CUDNN_STATUS_SUCCESS != status)
		cudnnGetLastErrorString(message, sizeof(message));

	cr_assert(CUDNN_STATUS_SUCCESS == status, "%s: %s", cudnnGetErrorString(status), message);
}


cudnnHandle_t help_handle(void)
{
	cudnnHandle_t handle = NULL;

	check(cudnnCreate(&handle));
	check(cudnnSetStream(handle, gpu_stream()));

	return handle;
}


descriptor_t help_create(cudnnBackendDescriptorType_t type)
{
	descriptor_t d = NULL;

	check(cudnnBackendCreateDescriptor(type, &d));

	return d;
}


void help_set(descriptor_t d, cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, int64_t count, const void* elements)
{
	check(cudnnBackendSetAttribute(d, name, type, count, elements));
}


void help_finalize(descriptor_t d)
{
	check(cudnnBackendFinalize(d));
}


static void set_child(descriptor_t d, cudnnBackendAttributeName_t name, descriptor_t child)
{
	help_set(d, name, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &child);
}


descriptor_t help_tensor(int64_t uid, cudnnDataType_t type, const int64_t dims[4], const int64_t* strides, bool is_virtual)
{
	int64_t last[4] = { dims[1] * dims[2] * dims[3], 1, dims[1] * dims[3], dims[1] };
	int64_t alignment = 16;
	descriptor_t d = help_create(CUDNN_BACKEND_TENSOR_DESCRIPTOR);

	help_set(d, CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64, 1, &uid);
	help_set(d, CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &type);
	help_set(d, CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, 4, dims);
	help_set(d, CUDNN_ATTR_TENSOR_STRIDES, CUDNN_TYPE_INT64, 4, (NULL != strides) ? strides : last);
	help_set(d, CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, CUDNN_TYPE_INT64, 1, &alignment);
	help_set(d, CUDNN_ATTR_TENSOR_IS_VIRTUAL, CUDNN_TYPE_BOOLEAN, 1, &is_virtual);
	help_finalize(d);

	return d;
}


descriptor_t help_conv_descriptor(const struct conv_s* c)
{
	int64_t spatial = 2;
	int64_t one[2] = { 1, 1 };
	int64_t pad[2] = { c->pad[0], c->pad[1] };
	cudnnDataType_t type = CUDNN_DATA_FLOAT;
	cudnnConvolutionMode_t mode = CUDNN_CROSS_CORRELATION;
	descriptor_t d = help_create(CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR);

	help_set(d, CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, CUDNN_TYPE_INT64, 1, &spatial);
	help_set(d, CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &type);
	help_set(d, CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_TYPE_CONVOLUTION_MODE, 1, &mode);
	help_set(d, CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, CUDNN_TYPE_INT64, 2, pad);
	help_set(d, CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, CUDNN_TYPE_INT64, 2, pad);
	help_set(d, CUDNN_ATTR_CONVOLUTION_DILATIONS, CUDNN_TYPE_INT64, 2, one);
	help_set(d, CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, CUDNN_TYPE_INT64, 2, one);
	help_finalize(d);

	return d;
}


struct names_s {

	cudnnBackendDescriptorType_t type;
	cudnnBackendAttributeName_t x, w, y, conv, alpha, beta;
};

static const struct names_s names[] = {

	[CONV_FORWARD] = { CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR,
		CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W,
		CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC,
		CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA },

	[CONV_DATA] = { CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR,
		CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W,
		CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC,
		CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA },

	[CONV_WEIGHTS] = { CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR,
		CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW,
		CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC,
		CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA },
};


descriptor_t help_conv_operation(const struct conv_s* c, descriptor_t x, descriptor_t w, descriptor_t y)
{
	const struct names_s* n = &names[(CONV_FUSED == c->kind) ? CONV_FORWARD : c->kind];
	float one = 1.f;
	float zero = 0.f;
	descriptor_t d = help_create(n->type);

	set_child(d, n->x, x);
	set_child(d, n->w, w);
	set_child(d, n->y, y);
	set_child(d, n->conv, help_conv_descriptor(c));
	help_set(d, n->alpha, CUDNN_TYPE_FLOAT, 1, &one);
	help_set(d, n->beta, CUDNN_TYPE_FLOAT, 1, &zero);
	help_finalize(d);

	return d;
}


descriptor_t help_pointwise(cudnnPointwiseMode_t mode, descriptor_t x, descriptor_t b, descriptor_t y)
{
	cudnnDataType_t type = CUDNN_DATA_FLOAT;
	descriptor_t pw = help_create(CUDNN_BACKEND_POINTWISE_DESCRIPTOR);

	help_set(pw, CUDNN_ATTR_POINTWISE_MODE, CUDNN_TYPE_POINTWISE_MODE, 1, &mode);
	help_set(pw, CUDNN_ATTR_POINTWISE_MATH_PREC, CUDNN_TYPE_DATA_TYPE, 1, &type);
	help_finalize(pw);

	descriptor_t d = help_create(CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR);

	set_child(d, CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, pw);
	set_child(d, CUDNN_ATTR_OPERATION_POINTWISE_XDESC, x);

	if (NULL != b)
		set_child(d, CUDNN_ATTR_OPERATION_POINTWISE_BDESC, b);

	set_child(d, CUDNN_ATTR_OPERATION_POINTWISE_YDESC, y);
	help_finalize(d);

	return d;
}


descriptor_t help_graph(cudnnHandle_t handle, int N, descriptor_t ops[N])
{
	descriptor_t d = help_create(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);

	help_set(d, CUDNN_ATTR_OPERATIONGRAPH_HANDLE, CUDNN_TYPE_HANDLE, 1, &handle);
	help_set(d, CUDNN_ATTR_OPERATIONGRAPH_OPS, CUDNN_TYPE_BACKEND_DESCRIPTOR, N, ops);
	help_finalize(d);

	return d;
}


descriptor_t help_conv_graph(cudnnHandle_t handle, const struct conv_s* c)
{
	int64_t xd[4] = { c->N, c->C, c->X[0], c->X[1] };
	int64_t wd[4] = { c->K, c->C, c->R[0], c->R[1] };
	int64_t yd[4] = { c->N, c->K, conv_output(c, 0), conv_output(c, 1) };
	int64_t bd[4] = { 1, c->K, 1, 1 };

	descriptor_t x = help_tensor(UID_X, c->type, xd, NULL, false);
	descriptor_t w = help_tensor(UID_W, c->type, wd, NULL, false);
	descriptor_t y = help_tensor(UID_Y, c->type, yd, NULL, false);

	if (CONV_FUSED != c->kind)
		return help_graph(handle, 1, (descriptor_t[1]){ help_conv_operation(c, x, w, y) });

	descriptor_t bias = help_tensor(UID_BIAS, c->type, bd, NULL, false);
	descriptor_t a = help_tensor(UID_INNER, CUDNN_DATA_FLOAT, yd, NULL, true);
	descriptor_t b = help_tensor(UID_INNER + 1, CUDNN_DATA_FLOAT, yd, NULL, true);

	// in an order that is not the one to compute them in
	descriptor_t ops[3] = {

		help_pointwise(CUDNN_POINTWISE_RELU_FWD, b, NULL, y),
		help_conv_operation(c, x, w, a),
		help_pointwise(CUDNN_POINTWISE_ADD, a, bias, b),
	};

	return help_graph(handle, 3, ops);
}


int help_configs(descriptor_t graph, cudnnBackendHeurMode_t mode, descriptor_t configs[10])
{
	int64_t count = 0;
	descriptor_t d = help_create(CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR);

	set_child(d, CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, graph);
	help_set(d, CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, 1, &mode);
	help_finalize(d);

	for (int i = 0; i < 10; i++)
		configs[i] = help_create(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR);

	check(cudnnBackendGetAttribute(d, CUDNN_ATTR_ENGINEHEUR_RESULTS, CUDNN_TYPE_BACKEND_DESCRIPTOR, 10, &count, configs));
	check(cudnnBackendDestroyDescriptor(d));

	return (int)count;
}


static descriptor_t engine_of(descriptor_t config)
{
	int64_t count;
	descriptor_t engine = help_create(CUDNN_BACKEND_ENGINE_DESCRIPTOR);

	check(cudnnBackendGetAttribute(config, CUDNN_ATTR_ENGINECFG_ENGINE, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &count, &engine));

	return engine;
}


int64_t help_engine(descriptor_t config)
{
	int64_t index = -1;
	int64_t count;

	check(cudnnBackendGetAttribute(engine_of(config), CUDNN_ATTR_ENGINE_GLOBAL_INDEX, CUDNN_TYPE_INT64, 1, &count, &index));

	return index;
}


bool help_has_note(descriptor_t config, cudnnBackendNumericalNote_t note)
{
	cudnnBackendNumericalNote_t notes[CUDNN_NUMERICAL_NOTE_TYPE_COUNT];
	int64_t count = 0;

	check(cudnnBackendGetAttribute(engine_of(config), CUDNN_ATTR_ENGINE_NUMERICAL_NOTE, CUDNN_TYPE_NUMERICAL_NOTE,
				CUDNN_NUMERICAL_NOTE_TYPE_COUNT, &count, notes));

	for (int64_t i = 0; i < count; i++)
		if (note == notes[i])
			return true;

	return false;
}


descriptor_t help_plan(cudnnHandle_t handle, descriptor_t config)
{
	descriptor_t d = help_create(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);

	help_set(d, CUDNN_ATTR_EXECUTION_PLAN_HANDLE, CUDNN_TYPE_HANDLE, 1, &handle);
	set_child(d, CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, config);

	if (CUDNN_STATUS_SUCCESS == cudnnBackendFinalize(d))
		return d;

	check(cudnnBackendDestroyDescriptor(d));

	return NULL;
}


int64_t help_workspace(descriptor_t plan)
{
	int64_t bytes = -1;
	int64_t count;

	check(cudnnBackendGetAttribute(plan, CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE, CUDNN_TYPE_INT64, 1, &count, &bytes));

	return bytes;
}


descriptor_t help_pack(int N, const int64_t uids[N], void* const pointers[N], void* workspace)
{
	descriptor_t d = help_create(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);

	help_set(d, CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_TYPE_INT64, N, uids);
	help_set(d, CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR, N, pointers);
	help_set(d, CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, 1, &workspace);
	help_finalize(d);

	return d;
}

#endif		// GLEAM_GPU
