/*
 * The GPU: one device for each process, one stream for all computation, one for
 * copies ahead of it. Everything that is asked of the device is checked: a failure
 * ends with a message that names the call.
 *
 * BART's own device layer (num/gpuops.h) is not used: it makes ten cuDNN and
 * cuBLAS handles, each with memory of its own on the device, and caches what is
 * freed. The device is chosen by the same rule.
 *
 * For C and for CUDA C.
 */
#ifndef _GPU_GPU_H
#define _GPU_GPU_H

#include <stdbool.h>
#include <stddef.h>

#include <cuda_runtime_api.h>

#ifdef __cplusplus
extern "C" {
#endif

// NULL, or why no GPU can be used here (valid until the next call)
extern const char* gpu_missing(void);

/* Chooses the device as BART does: the first that can be used, beginning with
 * the MPI rank's (CUDA_VISIBLE_DEVICES hides devices). Does nothing when that has
 * been done. error() where there is none.
 */
extern void gpu_init(void);

// "NVIDIA H200, 139.8 GiB, compute capability 9.0, CUDA 13.0, driver 13.0"
extern const char* gpu_describe(void);

extern int gpu_multiprocessors(void);

extern cudaStream_t gpu_stream(void);		// all computation
extern cudaStream_t gpu_copy_stream(void);	// uploads ahead of it

/* Memory on the device, aligned to 256 bytes; NULL where there is not enough.
 * Host memory is page-locked, so that copies from and to it are asynchronous.
 */
extern void* gpu_malloc(size_t bytes);
extern void gpu_free(void* ptr);
extern void* gpu_malloc_host(size_t bytes);
extern void gpu_free_host(void* ptr);

// bytes on the device: in all, free now, and taken by gpu_malloc now and at most
struct gpu_memory_s { size_t total; size_t free; size_t taken; size_t peak; };

extern struct gpu_memory_s gpu_memory(void);

// the peak begins anew: at what is taken now
extern void gpu_memory_reset_peak(void);

// in gpu_stream(), in order with the computation; src and dst on the device
extern void gpu_copy(void* dst, const void* src, size_t bytes);
extern void gpu_clear(void* dst, size_t bytes);

/* In gpu_stream(). A copy from or to page-locked memory goes on after the call:
 * that memory is in use until gpu_sync().
 */
extern void gpu_upload(void* dst, const void* host, size_t bytes);
extern void gpu_download(void* host, const void* src, size_t bytes);

// waits for all of gpu_stream(); errors of kernels show here
extern void gpu_sync(void);

// a place in gpu_stream(), and waiting until that has been reached: of marks there is one, the last
extern void gpu_mark(void);
extern void gpu_reach(void);

// devices that this process sees
extern int gpu_count(void);

/* A recorded sequence of launches in gpu_stream(): what is launched between begin
 * and end is not run, but becomes the graph. Allocations, synchronisation and
 * copies from or to memory that is not page-locked are not allowed in between.
 */
struct gpu_graph_s;

extern void gpu_graph_begin(void);
extern struct gpu_graph_s* gpu_graph_end(void);
extern void gpu_graph_launch(struct gpu_graph_s* graph);
extern void gpu_graph_free(struct gpu_graph_s* graph);

extern void gpu_check(cudaError_t code, const char* call, const char* file, int line);

#define GPU_CHECK(call) gpu_check((call), #call, __FILE__, __LINE__)

#ifdef __cplusplus
}
#endif

#endif		// _GPU_GPU_H
