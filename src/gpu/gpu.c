/*
 * The device, its streams, its memory, and recorded graphs, by the CUDA runtime.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "misc/misc.h"

#include "num/mpi_ops.h"

#include "gpu.h"


static struct {

	int device;			// -1: not chosen yet
	cudaStream_t stream;
	cudaStream_t copy_stream;

} gpu = { .device = -1 };


void gpu_check(cudaError_t code, const char* call, const char* file, int line)
{
	if (cudaSuccess != code)
		error("%s failed: %s (%s:%d)\n", call, cudaGetErrorString(code), file, line);
}


// CUDA calls a driver that is not there too old
static bool driver_missing(cudaError_t code)
{
	int version = 0;

	return (cudaErrorInsufficientDriver == code) && (cudaSuccess == cudaDriverGetVersion(&version)) && (0 == version);
}


const char* gpu_missing(void)
{
	int count = 0;
	cudaError_t code = cudaGetDeviceCount(&count);

	if (cudaSuccess != code) {

		(void)cudaGetLastError();

		return driver_missing(code) ? "there is no NVIDIA driver on this machine" : cudaGetErrorString(code);
	}

	return (0 < count) ? NULL : "no GPU was found";
}


// a device may be there, but taken by somebody else: only using it shows
static cudaError_t gpu_try(int device)
{
	cudaStream_t stream[2] = { NULL, NULL };
	cudaError_t code = cudaSetDevice(device);

	for (int i = 0; (i < 2) && (cudaSuccess == code); i++)
		code = cudaStreamCreateWithFlags(&stream[i], cudaStreamNonBlocking);

	if (cudaSuccess != code) {

		if (NULL != stream[0])
			(void)cudaStreamDestroy(stream[0]);

		(void)cudaGetLastError();

		return code;
	}

	gpu.device = device;
	gpu.stream = stream[0];
	gpu.copy_stream = stream[1];

	return cudaSuccess;
}


static cudaError_t gpu_choose(void)
{
	int count = 0;
	cudaError_t code = cudaGetDeviceCount(&count);

	if ((cudaSuccess == code) && (0 == count))
		code = cudaErrorNoDevice;

	for (int i = 0; i < count; i++) {

		code = gpu_try((mpi_get_rank() + i) % count);

		if (cudaSuccess == code)
			break;
	}

	return code;
}


/* The current device is a property of the thread: each one that uses the GPU has
 * to choose it.
 */
static void gpu_enter(void)
{
	static _Thread_local bool entered = false;

	if (entered)
		return;

	cudaError_t code = cudaSuccess;

#pragma omp critical (gpu_enter)
	if (-1 == gpu.device)
		code = gpu_choose();

	if (cudaSuccess != code)
		error("No GPU can be used: %s\n", cudaGetErrorString(code));

	GPU_CHECK(cudaSetDevice(gpu.device));

	entered = true;
}


void gpu_init(void)
{
	gpu_enter();
}


const char* gpu_describe(void)
{
	static char text[512];
	struct cudaDeviceProp prop;
	int runtime;
	int driver;

	gpu_enter();

	GPU_CHECK(cudaGetDeviceProperties(&prop, gpu.device));
	GPU_CHECK(cudaRuntimeGetVersion(&runtime));
	GPU_CHECK(cudaDriverGetVersion(&driver));

	snprintf(text, sizeof(text), "%s, %.1f GiB, compute capability %d.%d, CUDA %d.%d, driver %d.%d",
			prop.name, (double)prop.totalGlobalMem / (double)(1L << 30), prop.major, prop.minor,
			runtime / 1000, (runtime % 1000) / 10, driver / 1000, (driver % 1000) / 10);

	return text;
}


int gpu_multiprocessors(void)
{
	int count;

	gpu_enter();

	GPU_CHECK(cudaDeviceGetAttribute(&count, cudaDevAttrMultiProcessorCount, gpu.device));

	return count;
}


cudaStream_t gpu_stream(void)
{
	gpu_enter();

	return gpu.stream;
}


cudaStream_t gpu_copy_stream(void)
{
	gpu_enter();

	return gpu.copy_stream;
}


// --- memory

struct block_s {

	void* ptr;
	size_t bytes;
	struct block_s* next;
};

static struct block_s* blocks = NULL;
static size_t taken = 0;
static size_t peak = 0;


static void block_add(void* ptr, size_t bytes)
{
	PTR_ALLOC(struct block_s, block);

	block->ptr = ptr;
	block->bytes = bytes;

#pragma omp critical (gpu_blocks)
	{
		block->next = blocks;
		blocks = block;

		taken += bytes;
		peak = MAX(peak, taken);
	}

	(void)PTR_PASS(block);
}


static bool block_remove(const void* ptr)
{
	struct block_s* block = NULL;

#pragma omp critical (gpu_blocks)
	for (struct block_s** pos = &blocks; NULL != *pos; pos = &(*pos)->next) {

		if (ptr != (*pos)->ptr)
			continue;

		block = *pos;
		*pos = block->next;
		taken -= block->bytes;

		break;
	}

	bool found = (NULL != block);

	xfree(block);

	return found;
}


void* gpu_malloc(size_t bytes)
{
	void* ptr = NULL;

	gpu_enter();

	// an address of its own even for nothing
	cudaError_t code = cudaMalloc(&ptr, (0 < bytes) ? bytes : 1);

	if (cudaErrorMemoryAllocation == code) {

		// it would be reported again by the next kernel's check
		(void)cudaGetLastError();

		return NULL;
	}

	GPU_CHECK(code);

	block_add(ptr, bytes);

	return ptr;
}


void gpu_free(void* ptr)
{
	if (NULL == ptr)
		return;

	gpu_enter();

	if (!block_remove(ptr))
		error("gpu_free: %p is not from gpu_malloc\n", ptr);

	GPU_CHECK(cudaFree(ptr));
}


void* gpu_malloc_host(size_t bytes)
{
	void* ptr = NULL;

	gpu_enter();

	cudaError_t code = cudaMallocHost(&ptr, (0 < bytes) ? bytes : 1);

	if (cudaErrorMemoryAllocation == code) {

		(void)cudaGetLastError();

		return NULL;
	}

	GPU_CHECK(code);

	return ptr;
}


void gpu_free_host(void* ptr)
{
	if (NULL == ptr)
		return;

	gpu_enter();

	GPU_CHECK(cudaFreeHost(ptr));
}


struct gpu_memory_s gpu_memory(void)
{
	struct gpu_memory_s memory = { };

	gpu_enter();

	GPU_CHECK(cudaMemGetInfo(&memory.free, &memory.total));

#pragma omp critical (gpu_blocks)
	{
		memory.taken = taken;
		memory.peak = peak;
	}

	return memory;
}


void gpu_memory_reset_peak(void)
{
#pragma omp critical (gpu_blocks)
	peak = taken;
}


// --- copies

static void gpu_transfer(void* dst, const void* src, size_t bytes, enum cudaMemcpyKind kind)
{
	if (0 < bytes)
		GPU_CHECK(cudaMemcpyAsync(dst, src, bytes, kind, gpu_stream()));
}


void gpu_copy(void* dst, const void* src, size_t bytes)
{
	gpu_transfer(dst, src, bytes, cudaMemcpyDeviceToDevice);
}


void gpu_upload(void* dst, const void* host, size_t bytes)
{
	gpu_transfer(dst, host, bytes, cudaMemcpyHostToDevice);
}


void gpu_download(void* host, const void* src, size_t bytes)
{
	gpu_transfer(host, src, bytes, cudaMemcpyDeviceToHost);
}


void gpu_clear(void* dst, size_t bytes)
{
	if (0 < bytes)
		GPU_CHECK(cudaMemsetAsync(dst, 0, bytes, gpu_stream()));
}


void gpu_sync(void)
{
	GPU_CHECK(cudaStreamSynchronize(gpu_stream()));
}


static cudaEvent_t mark = NULL;

void gpu_mark(void)
{
	if (NULL == mark)
		GPU_CHECK(cudaEventCreateWithFlags(&mark, cudaEventDisableTiming));

	GPU_CHECK(cudaEventRecord(mark, gpu_stream()));
}


void gpu_reach(void)
{
	if (NULL != mark)
		GPU_CHECK(cudaEventSynchronize(mark));
}


int gpu_count(void)
{
	int count = 0;

	GPU_CHECK(cudaGetDeviceCount(&count));

	return count;
}


// --- graphs

struct gpu_graph_s {

	cudaGraphExec_t exec;
};


/* Thread-local: what this thread must not do while recording is an error, but a
 * thread that prepares the next data meanwhile may allocate and wait.
 */
void gpu_graph_begin(void)
{
	GPU_CHECK(cudaStreamBeginCapture(gpu_stream(), cudaStreamCaptureModeThreadLocal));
}


struct gpu_graph_s* gpu_graph_end(void)
{
	cudaGraph_t recorded = NULL;
	PTR_ALLOC(struct gpu_graph_s, graph);

	GPU_CHECK(cudaStreamEndCapture(gpu_stream(), &recorded));
	GPU_CHECK(cudaGraphInstantiate(&graph->exec, recorded, 0));
	GPU_CHECK(cudaGraphDestroy(recorded));

	return PTR_PASS(graph);
}


void gpu_graph_launch(struct gpu_graph_s* graph)
{
	GPU_CHECK(cudaGraphLaunch(graph->exec, gpu_stream()));
}


void gpu_graph_free(struct gpu_graph_s* graph)
{
	if (NULL == graph)
		return;

	// an executable graph must not go while it runs
	gpu_sync();

	GPU_CHECK(cudaGraphExecDestroy(graph->exec));

	xfree(graph);
}
