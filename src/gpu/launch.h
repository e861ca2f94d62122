/*
 * Launching kernels, for .cu files. They are also compiled by a C++ compiler, for
 * the emulated device of the tests (tests/emulator), which defines what CUDA C adds to
 * the language. So that both can do it
 *
 *  - kernels are launched by GPU_LAUNCH, or by GPU_LAUNCH_SYNC where threads of a
 *    block wait for one another (__syncthreads);
 *  - shared memory has a fixed size; there are no warp functions, no textures,
 *    no atomics but those on integers (sums of floats in any order would give
 *    other bits each time).
 */
#ifndef _GPU_LAUNCH_H
#define _GPU_LAUNCH_H

#ifdef GLEAM_EMULATE
#include "emulate.h"
#else

#define GPU_LAUNCH(kernel, grid, block, stream, ...)		\
	do {							\
		kernel<<<(grid), (block), 0, (stream)>>>(__VA_ARGS__);	\
		GPU_CHECK(cudaGetLastError());			\
	} while (0)

#define GPU_LAUNCH_SYNC GPU_LAUNCH

#endif

#include "gpu/gpu.h"

// blocks of a given number of threads for N items, one thread each; kernels go on
// in strides of the grid, so that fewer blocks do as well
static inline unsigned int gpu_blocks(long N, int threads)
{
	long blocks = (N + threads - 1) / threads;
	long most = 65535;

	return (unsigned int)((blocks < most) ? ((0 < blocks) ? blocks : 1) : most);
}

#endif		// _GPU_LAUNCH_H
