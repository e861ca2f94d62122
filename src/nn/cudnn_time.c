#ifdef GLEAM_GPU

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cuda_runtime_api.h>
#include <cudnn.h>

#include "misc/misc.h"

#include "gpu/gpu.h"

#include "nn/cudnn_desc.h"
#include "nn/cudnn_graph.h"
#include "nn/tensor.h"

#include "nn/cudnn_time.h"

#define RUNS 5
#define REPEAT 10	// in a run: the host is slower than a small convolution


/* The pack of pointers is a descriptor of the host: a few microseconds of its time,
 * none on the device, where this is one launch (or what the engine makes of it).
 */
static cudnnBackendDescriptor_t pack_of(const struct nn_graph_conf_s* conf, const struct nn_graph_args_s* args, void* ws)
{
	int64_t uids[5] = { NN_UID_RESULT, NN_UID_A, NN_UID_B };
	const void* ptrs[5] = { args->result, args->a, args->b };
	int N = 3;

	if (conf->bias) {

		uids[N] = NN_UID_BIAS;
		ptrs[N++] = args->bias;
	}

	if (conf->res) {

		uids[N] = NN_UID_RES;
		ptrs[N++] = args->res;
	}

	cudnnBackendDescriptor_t pack = nn_desc_new(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);

	nn_desc_set(pack, CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_TYPE_INT64, N, uids);
	nn_desc_set(pack, CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR, N, ptrs);
	nn_desc_set(pack, CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, 1, &ws);

	CUDNN_CHECK(cudnnBackendFinalize(pack));

	return pack;
}


bool nn_cudnn_execute(const struct nn_graph_conf_s* conf, cudnnHandle_t handle, cudnnBackendDescriptor_t plan,
		const struct nn_graph_args_s* args, void* ws)
{
	cudnnBackendDescriptor_t pack = pack_of(conf, args, ws);
	cudnnStatus_t status = cudnnBackendExecute(handle, plan, pack);

	CUDNN_CHECK(cudnnBackendDestroyDescriptor(pack));

	return (CUDNN_STATUS_SUCCESS == status);
}


// --- time

enum { RESULT, A, B, BIAS, RES, WORKSPACE, OPERANDS };


static void operand_bytes(const struct nn_graph_conf_s* conf, size_t workspace, size_t bytes[OPERANDS])
{
	long pixels = conf->batch;
	long taps = 1;

	for (int i = 0; i < conf->spatial; i++) {

		pixels *= conf->dims[i];
		taps *= conf->kernel[i];
	}

	long in = pixels * conf->in;
	long out = pixels * conf->out;
	long weights = conf->out * taps * conf->in;

	bool forward = (NN_GRAPH_FORWARD == conf->kind);
	size_t size = nn_type_bytes(conf->type);

	bytes[RESULT] = (size_t)(forward ? out : weights) * size;
	bytes[A] = (size_t)in * size;
	bytes[B] = (size_t)(forward ? weights : out) * size;
	bytes[BIAS] = conf->bias ? ((size_t)conf->out * size) : 0;
	bytes[RES] = conf->res ? ((size_t)out * size) : 0;
	bytes[WORKSPACE] = workspace;
}


static int compare(const void* a, const void* b)
{
	float x = *(const float*)a;
	float y = *(const float*)b;

	return (x > y) - (x < y);
}


// INFINITY for an engine that fails
static float one_run(cudnnHandle_t handle, cudnnBackendDescriptor_t plan, cudnnBackendDescriptor_t pack, const cudaEvent_t events[2])
{
	float ms = 0.f;

	GPU_CHECK(cudaEventRecord(events[0], gpu_stream()));

	for (int i = 0; i < REPEAT; i++)
		if (CUDNN_STATUS_SUCCESS != cudnnBackendExecute(handle, plan, pack))
			return INFINITY;

	GPU_CHECK(cudaEventRecord(events[1], gpu_stream()));
	GPU_CHECK(cudaEventSynchronize(events[1]));
	GPU_CHECK(cudaEventElapsedTime(&ms, events[0], events[1]));

	return ms / REPEAT;
}


static float median(const struct nn_graph_conf_s* conf, cudnnHandle_t handle, cudnnBackendDescriptor_t plan, void* ptrs[OPERANDS])
{
	struct nn_graph_args_s args = { .result = ptrs[RESULT], .a = ptrs[A], .b = ptrs[B], .bias = ptrs[BIAS], .res = ptrs[RES] };
	cudnnBackendDescriptor_t pack = pack_of(conf, &args, ptrs[WORKSPACE]);
	cudaEvent_t events[2];
	float ms[RUNS];

	for (int i = 0; i < 2; i++)
		GPU_CHECK(cudaEventCreateWithFlags(&events[i], cudaEventDefault));

	one_run(handle, plan, pack, events);	// warms up

	for (int i = 0; i < RUNS; i++)
		ms[i] = one_run(handle, plan, pack, events);

	for (int i = 0; i < 2; i++)
		GPU_CHECK(cudaEventDestroy(events[i]));

	CUDNN_CHECK(cudnnBackendDestroyDescriptor(pack));

	qsort(ms, RUNS, sizeof(float), compare);

	return ms[RUNS / 2];
}


float nn_cudnn_time(const struct nn_graph_conf_s* conf, cudnnHandle_t handle, cudnnBackendDescriptor_t plan, size_t workspace)
{
	size_t bytes[OPERANDS];
	void* ptrs[OPERANDS] = { NULL };
	bool enough = true;

	operand_bytes(conf, workspace, bytes);

	for (int i = 0; i < OPERANDS; i++) {

		if (0 == bytes[i])
			continue;

		ptrs[i] = gpu_malloc(bytes[i]);
		enough = enough && (NULL != ptrs[i]);

		if (NULL != ptrs[i])
			gpu_clear(ptrs[i], bytes[i]);
	}

	float ms = enough ? median(conf, handle, plan, ptrs) : INFINITY;

	gpu_sync();

	for (int i = 0; i < OPERANDS; i++)
		if (NULL != ptrs[i])
			gpu_free(ptrs[i]);

	// was not for the computation to come
	gpu_memory_reset_peak();

	return ms;
}

#endif		// GLEAM_GPU
