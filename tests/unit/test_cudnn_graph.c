/*
 * cuDNN's graphs as the code of the GPU uses them: convolutions alone and fused
 * against their definition; and, on the emulated device, what is to be an error.
 */

#include "gpu_test.h"

#ifndef GLEAM_GPU

Test(cudnn_graph, none) { GPU_SKIP("cudnn_graph::*"); }

#else

#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "gpu/bf16.h"

#include "caught.h"
#include "cudnn_help.h"

enum { X, W, Y, BIAS, ARRAYS };

// the three tensors and the bias, channels-last: as given, on the device, and expected
struct data_s {

	long size[ARRAYS];
	double* host[ARRAYS];
	void* device[ARRAYS];
	double* expected;
	double* magnitude;	// sums of the products' absolute values: what rounding is relative to
	void* workspace;
};

static int output_of(const struct conv_s* c)
{
	return (CONV_DATA == c->kind) ? X : (CONV_WEIGHTS == c->kind) ? W : Y;
}


static size_t element(const struct conv_s* c)
{
	return (CUDNN_DATA_BFLOAT16 == c->type) ? sizeof(bf16_t) : sizeof(float);
}


static double round_value(const struct conv_s* c, double v)
{
	return (double)((CUDNN_DATA_BFLOAT16 == c->type) ? bf16_to_float(bf16_from_float((float)v)) : (float)v);
}


static void upload(const struct conv_s* c, void* dst, long N, const double* src)
{
	char* bytes = malloc((size_t)N * element(c));

	for (long i = 0; i < N; i++) {

		if (CUDNN_DATA_BFLOAT16 == c->type)
			((bf16_t*)bytes)[i] = bf16_from_float((float)src[i]);
		else
			((float*)bytes)[i] = (float)src[i];
	}

	gpu_upload(dst, bytes, (size_t)N * element(c));
	free(bytes);
}


static void download(const struct conv_s* c, long N, double* dst, const void* src)
{
	char* bytes = malloc((size_t)N * element(c));

	gpu_download(bytes, src, (size_t)N * element(c));
	gpu_sync();

	for (long i = 0; i < N; i++)
		dst[i] = (double)((CUDNN_DATA_BFLOAT16 == c->type) ? bf16_to_float(((bf16_t*)bytes)[i]) : ((float*)bytes)[i]);

	free(bytes);
}


/* The definition, for all kinds: each product x w belongs to a y; one of the three
 * is the sum of the products of the others.
 */
static void direct(const struct conv_s* c, struct data_s* d)
{
	int out = output_of(c);
	long ys[2] = { conv_output(c, 0), conv_output(c, 1) };

	memset(d->expected, 0, (size_t)d->size[out] * sizeof(double));
	memset(d->magnitude, 0, (size_t)d->size[out] * sizeof(double));

	for (long n = 0; n < c->N; n++)
	for (long i = 0; i < ys[0]; i++)
	for (long j = 0; j < ys[1]; j++)
	for (long k = 0; k < c->K; k++)
	for (long r = 0; r < c->R[0]; r++)
	for (long s = 0; s < c->R[1]; s++)
	for (long ch = 0; ch < c->C; ch++) {

		long xi = i + r - c->pad[0];
		long xj = j + s - c->pad[1];

		if ((0 > xi) || (c->X[0] <= xi) || (0 > xj) || (c->X[1] <= xj))
			continue;

		long pos[3] = {

			ch + c->C * (xj + c->X[1] * (xi + c->X[0] * n)),
			ch + c->C * (s + c->R[1] * (r + c->R[0] * k)),
			k + c->K * (j + ys[1] * (i + ys[0] * n)),
		};

		int a = (X == out) ? Y : X;
		int b = (W == out) ? Y : W;

		double product = d->host[a][pos[a]] * d->host[b][pos[b]];

		d->expected[pos[out]] += product;
		d->magnitude[pos[out]] += fabs(product);
	}

	if (CONV_FUSED == c->kind)
		for (long i = 0; i < d->size[Y]; i++)
			d->expected[i] = fmax(0., d->expected[i] + d->host[BIAS][i % c->K]);
}


static struct data_s data_create(const struct conv_s* c)
{
	struct data_s d = { .size = {

		c->N * c->C * c->X[0] * c->X[1], c->K * c->C * c->R[0] * c->R[1],
		c->N * c->K * conv_output(c, 0) * conv_output(c, 1), c->K } };

	for (int a = 0; a < ARRAYS; a++) {

		d.host[a] = malloc((size_t)d.size[a] * sizeof(double));
		d.device[a] = gpu_malloc((size_t)d.size[a] * element(c));

		for (long i = 0; i < d.size[a]; i++)
			d.host[a][i] = round_value(c, sin((double)(7 * i + a)));

		upload(c, d.device[a], d.size[a], d.host[a]);
	}

	d.expected = malloc((size_t)d.size[output_of(c)] * sizeof(double));
	d.magnitude = malloc((size_t)d.size[output_of(c)] * sizeof(double));
	d.workspace = gpu_malloc(1 << 24);

	direct(c, &d);

	return d;
}


static void data_free(struct data_s* d)
{
	for (int a = 0; a < ARRAYS; a++) {

		free(d->host[a]);
		gpu_free(d->device[a]);
	}

	free(d->expected);
	free(d->magnitude);
	gpu_free(d->workspace);
}


static descriptor_t pack_of(const struct conv_s* c, const struct data_s* d)
{
	int64_t uids[ARRAYS] = { UID_X, UID_W, UID_Y, UID_BIAS };

	return help_pack((CONV_FUSED == c->kind) ? 4 : 3, uids, d->device, d->workspace);
}


static cudnnHandle_t handle_create(void)
{
	cudnnHandle_t handle = NULL;

	cr_assert(CUDNN_STATUS_SUCCESS == cudnnCreate(&handle));
	cr_assert(CUDNN_STATUS_SUCCESS == cudnnSetStream(handle, gpu_stream()));

	return handle;
}


// the largest error, relative to what has been summed
static double error_of(const struct conv_s* c, const struct data_s* d, cudnnHandle_t handle, descriptor_t plan)
{
	int out = output_of(c);
	double* y = malloc((size_t)d->size[out] * sizeof(double));
	double error = 0.;

	gpu_clear(d->device[out], (size_t)d->size[out] * element(c));
	cr_assert(CUDNN_STATUS_SUCCESS == cudnnBackendExecute(handle, plan, pack_of(c, d)));
	download(c, d->size[out], y, d->device[out]);

	for (long i = 0; i < d->size[out]; i++)
		error = fmax(error, fabs(y[i] - d->expected[i]) / d->magnitude[i]);

	free(y);

	return error;
}


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
	struct data_s d = data_create(c);
	int count = help_configs(help_conv_graph(handle, c), CUDNN_HEUR_MODE_A, configs);
	int supported = 0;

	for (int i = 0; i < count; i++) {

		descriptor_t plan = help_plan(handle, configs[i]);

		if ((NULL == plan) || ((1 << 24) < help_workspace(plan)))
			continue;

		double error = error_of(c, &d, handle, plan);

		cr_expect(error <= tolerance(c, configs[i]), "kind %d type %d engine %ld: %e", c->kind, c->type, (long)help_engine(configs[i]), error);
		supported++;
	}

	cr_expect(0 < supported, "kind %d type %d", c->kind, c->type);

	data_free(&d);
}


Test(cudnn_graph, convolutions_are_the_definition)
{
	NEED_GPU("cudnn_graph::convolutions_are_the_definition");

	cudnnHandle_t handle = handle_create();

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


// --- what the emulated device is strict about

#ifdef GLEAM_EMULATE

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
	cudnnHandle_t handle = handle_create();
	struct data_s given = data_create(&small);
	struct data_s d = given;
	descriptor_t graph = help_conv_graph(handle, &small);
	descriptor_t configs[10];

	cr_assert(0 < help_configs(graph, CUDNN_HEUR_MODE_FALLBACK, configs));

	descriptor_t plan = help_plan(handle, configs[0]);

	if (ARRAYS > e->array)
		d.device[e->array] = (char*)d.device[e->array] + e->offset;

	if (e->alias)
		d.device[Y] = d.device[X];

	if (e->short_)
		d.device[X] = gpu_malloc((size_t)d.size[X] * sizeof(float) - 4);

	if (ARRAYS == e->array)
		d.workspace = NULL;

	if (e->destroyed)
		cudnnBackendDestroyDescriptor(graph);

	cudnnStatus_t status = cudnnBackendExecute(handle, plan, pack_of(&small, &d));

	gpu_sync();
	cudnnDestroy(handle);
	data_free(&given);

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
	expect_violation((struct execute_s){ .array = Y, .alias = true }, "cuDNN writes tensor 3 to memory of tensor 1");
	expect_violation((struct execute_s){ .array = Y, .short_ = true }, "tensor 1 of cuDNN (300 bytes) is not on the device, or not all of it");
	expect_violation((struct execute_s){ .array = X, .offset = 16 }, "not all of it");
	expect_violation((struct execute_s){ .destroyed = true }, "after it was destroyed");

	struct execute_s misaligned = { .array = X, .offset = 4 };
	struct execute_s no_workspace = { .array = ARRAYS };
	struct execute_s nothing = { };

	expect_status(CUDNN_STATUS_BAD_PARAM_MISALIGNED_POINTER, "not aligned to 16 bytes", execute_wrongly(&misaligned));
	expect_status(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "needs a workspace", execute_wrongly(&no_workspace));
	cr_expect(CUDNN_STATUS_SUCCESS == execute_wrongly(&nothing));
}


Test(cudnn_graph, variant_packs_need_all_tensors)
{
	cudnnHandle_t handle = handle_create();
	struct data_s d = data_create(&small);
	descriptor_t plan = some_plan(handle, &small);
	int64_t uids[4] = { UID_X, UID_W, UID_Y, 77 };
	void* pointers[4] = { d.device[X], d.device[W], d.device[Y], d.device[Y] };

	expect_status(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "has no tensor 3",
			cudnnBackendExecute(handle, plan, help_pack(2, uids, pointers, d.workspace)));
	expect_status(CUDNN_STATUS_BAD_PARAM, "has no tensor 77",
			cudnnBackendExecute(handle, plan, help_pack(4, uids, pointers, d.workspace)));

	cudnnDestroy(handle);
	data_free(&d);
}


// engines that a program must be able to pass over
Test(cudnn_graph, engines_refuse_round_and_vary)
{
	cudnnHandle_t handle = handle_create();
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

			struct data_s d = data_create(&c);
			double error = error_of(&c, &d, handle, plan);

			cr_expect((2.e-5 < error) && (error < 1.e-3), "%e", error);
			data_free(&d);
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

	cudnnHandle_t handle = handle_create();
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

#endif		// GLEAM_GPU
