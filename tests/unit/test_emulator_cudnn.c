/*
 * What the emulated cuDNN is strict about, and engines that a program must be able
 * to pass over.
 */

#ifdef GLEAM_EMULATE

#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "gpu/gpu.h"

#include "caught.h"
#include "cudnn_data.h"
#include "cudnn_help.h"

static const struct conv_s small = { .kind = CONV_FORWARD, .type = CUDNN_DATA_FLOAT, .N = 1, .C = 3, .K = 4,
	.X = { 5, 5 }, .R = { 3, 3 } };


static void expect_status(cudnnStatus_t expected, const char* text, cudnnStatus_t status)
{
	char message[512] = "";

	cudnnGetLastErrorString(message, sizeof(message));

	cr_expect(expected == status, "%s: %s", cudnnGetErrorString(status), message);
	cr_expect(NULL != strstr(message, text), "'%s' is not in: %s", text, message);
}


Test(cudnn_graph, wrong_attributes_are_refused)
{
	int64_t dims[4] = { 1, 3, 5, 5 };
	descriptor_t d = help_create(CUDNN_BACKEND_TENSOR_DESCRIPTOR);

	expect_status(CUDNN_STATUS_BAD_PARAM_ATTRIBUTE_TYPE, "TENSOR_DIMENSIONS has another type",
			cudnnBackendSetAttribute(d, CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_FLOAT, 4, dims));
	expect_status(CUDNN_STATUS_BAD_PARAM, "TENSOR_UNIQUE_ID has 2 elements",
			cudnnBackendSetAttribute(d, CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64, 2, dims));
	expect_status(CUDNN_STATUS_BAD_PARAM, "CONVOLUTION_DILATIONS cannot be set here",
			cudnnBackendSetAttribute(d, CUDNN_ATTR_CONVOLUTION_DILATIONS, CUDNN_TYPE_INT64, 2, dims));
	expect_status(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "TENSOR_UNIQUE_ID is NULL",
			cudnnBackendSetAttribute(d, CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64, 1, NULL));
	expect_status(CUDNN_STATUS_BAD_PARAM, "TENSOR_UNIQUE_ID is missing", cudnnBackendFinalize(d));

	descriptor_t t = help_tensor(1, CUDNN_DATA_FLOAT, dims, NULL, false);

	expect_status(CUDNN_STATUS_BAD_PARAM, "after finalization",
			cudnnBackendSetAttribute(t, CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64, 1, dims));
	expect_status(CUDNN_STATUS_BAD_PARAM, "finalized twice", cudnnBackendFinalize(t));

	descriptor_t op = help_create(CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR);

	expect_status(CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED, "FORWARD_X is not finalized",
			cudnnBackendSetAttribute(op, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &d));
}


// a convolution operation whose output has the given sizes
static cudnnStatus_t finalize_conv(const int64_t yd[4])
{
	int64_t xd[4] = { 1, 3, 5, 5 };
	int64_t wd[4] = { 4, 3, 3, 3 };
	float one = 1.f;

	descriptor_t child[4] = { help_tensor(1, CUDNN_DATA_FLOAT, xd, NULL, false), help_tensor(2, CUDNN_DATA_FLOAT, wd, NULL, false),
		help_tensor(3, CUDNN_DATA_FLOAT, yd, NULL, false), help_conv_descriptor(&small) };

	cudnnBackendAttributeName_t name[4] = { CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W,
		CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC };

	descriptor_t op = help_create(CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR);

	for (int i = 0; i < 4; i++)
		help_set(op, name[i], CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &child[i]);

	help_set(op, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA, CUDNN_TYPE_FLOAT, 1, &one);
	help_set(op, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA, CUDNN_TYPE_FLOAT, 1, &one);

	return cudnnBackendFinalize(op);
}


Test(cudnn_graph, sizes_have_to_agree)
{
	int64_t good[4] = { 1, 4, 3, 3 };
	int64_t long_[4] = { 1, 4, 3, 4 };
	int64_t channels[4] = { 1, 3, 3, 3 };
	int64_t batch[4] = { 2, 4, 3, 3 };

	cr_assert(CUDNN_STATUS_SUCCESS == finalize_conv(good));
	expect_status(CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH, "5 + 0 + 0 by 3 does not give 4", finalize_conv(long_));
	expect_status(CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH, "channels", finalize_conv(channels));
	expect_status(CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH, "batch", finalize_conv(batch));
}


// the first plan of the heuristics that can be made
static descriptor_t some_plan(cudnnHandle_t handle, const struct conv_s* c)
{
	descriptor_t configs[10];
	int count = help_configs(help_conv_graph(handle, c), CUDNN_HEUR_MODE_A, configs);

	for (int i = 0; i < count; i++) {

		descriptor_t plan = help_plan(handle, configs[i]);

		if (NULL != plan)
			return plan;
	}

	return NULL;
}


struct execute_s { int array; long offset; bool alias; bool short_; bool destroyed; };

// with something wrong
static cudnnStatus_t execute_wrongly(const struct execute_s* e)
{
	cudnnHandle_t handle = help_handle();
	struct cudnn_data_s given = cudnn_data_create(&small);
	struct cudnn_data_s d = given;
	descriptor_t graph = help_conv_graph(handle, &small);
	descriptor_t configs[10];

	cr_assert(0 < help_configs(graph, CUDNN_HEUR_MODE_FALLBACK, configs));

	descriptor_t plan = help_plan(handle, configs[0]);

	if (DATA_ARRAYS > e->array)
		d.device[e->array] = (char*)d.device[e->array] + e->offset;

	if (e->alias)
		d.device[DATA_Y] = d.device[DATA_X];

	if (e->short_)
		d.device[DATA_X] = gpu_malloc((size_t)d.size[DATA_X] * sizeof(float) - 4);

	if (DATA_ARRAYS == e->array)
		d.workspace = NULL;

	if (e->destroyed)
		cudnnBackendDestroyDescriptor(graph);

	cudnnStatus_t status = cudnnBackendExecute(handle, plan, cudnn_data_pack(&small, &d));

	gpu_sync();
	cudnnDestroy(handle);
	cudnn_data_free(&given);

	return status;
}


static void execute_in_child(const void* arg)
{
	execute_wrongly(arg);
}


static void expect_violation(struct execute_s e, const char* text)
{
	struct caught_s c = caught(execute_in_child, &e);

	cr_expect(-SIGABRT == c.status, "status %d, text: %s", c.status, c.text);
	cr_expect(NULL != strstr(c.text, text), "'%s' is not in: %s", text, c.text);
}


Test(cudnn_graph, execution_is_checked)
{
	expect_violation((struct execute_s){ .array = DATA_Y, .alias = true }, "cuDNN writes tensor 3 to memory of tensor 1");
	expect_violation((struct execute_s){ .array = DATA_Y, .short_ = true }, "tensor 1 of cuDNN (300 bytes) is not on the device, or not all of it");
	expect_violation((struct execute_s){ .array = DATA_X, .offset = 16 }, "not all of it");
	expect_violation((struct execute_s){ .destroyed = true }, "after it was destroyed");

	struct execute_s misaligned = { .array = DATA_X, .offset = 4 };
	struct execute_s no_workspace = { .array = DATA_ARRAYS };
	struct execute_s nothing = { };

	expect_status(CUDNN_STATUS_BAD_PARAM_MISALIGNED_POINTER, "not aligned to 16 bytes", execute_wrongly(&misaligned));
	expect_status(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "needs a workspace", execute_wrongly(&no_workspace));
	cr_expect(CUDNN_STATUS_SUCCESS == execute_wrongly(&nothing));
}


Test(cudnn_graph, variant_packs_need_all_tensors)
{
	cudnnHandle_t handle = help_handle();
	struct cudnn_data_s d = cudnn_data_create(&small);
	descriptor_t plan = some_plan(handle, &small);
	int64_t uids[4] = { UID_X, UID_W, UID_Y, 77 };
	void* pointers[4] = { d.device[DATA_X], d.device[DATA_W], d.device[DATA_Y], d.device[DATA_Y] };

	expect_status(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "has no tensor 3",
			cudnnBackendExecute(handle, plan, help_pack(2, uids, pointers, d.workspace)));
	expect_status(CUDNN_STATUS_BAD_PARAM, "has no tensor 77",
			cudnnBackendExecute(handle, plan, help_pack(4, uids, pointers, d.workspace)));

	cudnnDestroy(handle);
	cudnn_data_free(&d);
}


// engines that a program must be able to pass over
Test(cudnn_graph, engines_refuse_round_and_vary)
{
	cudnnHandle_t handle = help_handle();
	int seen[4] = { 0 };

	for (int kind = CONV_FORWARD; kind <= CONV_FUSED; kind++) {

		struct conv_s c = small;
		descriptor_t configs[10];

		c.kind = (enum conv_kind)kind;

		int count = help_configs(help_conv_graph(handle, &c), CUDNN_HEUR_MODE_A, configs);

		for (int i = 0; i < count; i++) {

			bool tensor_core = help_has_note(configs[i], CUDNN_NUMERICAL_NOTE_TENSOR_CORE);
			bool varies = help_has_note(configs[i], CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC);
			descriptor_t plan = help_plan(handle, configs[i]);

			seen[(NULL == plan) ? 0 : tensor_core ? 1 : varies ? 2 : 3]++;

			if ((NULL == plan) || !tensor_core)
				continue;

			struct cudnn_data_s d = cudnn_data_create(&c);
			double error = cudnn_data_error(&c, &d, handle, plan);

			cr_expect((2.e-5 < error) && (error < 1.e-3), "%e", error);
			cudnn_data_free(&d);
		}

		// float fused without tensor cores: there is nothing
		if (CONV_FUSED == kind)
			cr_expect(0 != help_engine(configs[count - 1]) && (3 != help_engine(configs[count - 1])));
	}

	for (int i = 0; i < 4; i++)
		cr_expect(0 < seen[i], "%d", i);

	cudnnDestroy(handle);
}


Test(cudnn_graph, fusion_can_be_switched_off)
{
	setenv("GLEAM_EMULATED_FUSION", "0", 1);

	cudnnHandle_t handle = help_handle();
	struct conv_s c = small;

	c.kind = CONV_FUSED;

	descriptor_t graph = help_conv_graph(handle, &c);
	cudnnBackendHeurMode_t mode = CUDNN_HEUR_MODE_A;
	descriptor_t d = help_create(CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR);

	help_set(d, CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &graph);
	help_set(d, CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, 1, &mode);

	expect_status(CUDNN_STATUS_NOT_SUPPORTED, "", cudnnBackendFinalize(d));
	cr_expect(NULL != some_plan(handle, &small));

	cudnnDestroy(handle);
}

#endif		// GLEAM_EMULATE
