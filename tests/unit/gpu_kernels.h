/*
 * Kernels for the tests of the GPU and of its emulation. All pointers are on the device.
 */
#ifndef _GPU_KERNELS_H
#define _GPU_KERNELS_H

#include <cuda_runtime_api.h>

#ifdef __cplusplus
extern "C" {
#endif

// y += a x
extern void test_axpy(cudaStream_t stream, long N, float* y, float a, const float* x);

// y[0] = sum of x, by one block of 256 threads
extern void test_sum(cudaStream_t stream, long N, float* y, const float* x);

// y[x + X y] = blockIdx.x + 1000 threadIdx.y: where is which thread?
extern void test_index(cudaStream_t stream, int X, int Y, float* y);

// --- wrong ones

// y[N] = 1 by each thread
extern void test_write(cudaStream_t stream, long N, float* y);

// a thread reads what another one writes, without waiting for it; y is as long as a block (256)
extern void test_race(cudaStream_t stream, float* y);

// reads shared memory that nobody has written
extern void test_unset(cudaStream_t stream, float* y);

// some threads do not come to the barrier
extern void test_diverge(cudaStream_t stream);

// more threads than a block can have
extern void test_too_many(cudaStream_t stream);

#ifdef __cplusplus
}
#endif

#endif		// _GPU_KERNELS_H
