/*
 * Sums in double precision and in an order that depends on nothing but the size:
 * threads of a block, then blocks. For kernels, which are launched by GPU_LAUNCH_SYNC
 * if they use this.
 */
#ifndef _GPU_SUM_H
#define _GPU_SUM_H

#include "gpu/launch.h"

#define SUM_THREADS 256

// the sum over the threads of a block, for all of them; buf can be used again after it
static __device__ inline double block_sum(double val, double* buf)
{
	int i = (int)threadIdx.x;

	buf[i] = val;

	for (int n = SUM_THREADS / 2; 0 < n; n /= 2) {

		__syncthreads();

		if (i < n)
			buf[i] += buf[i + n];
	}

	__syncthreads();

	val = buf[0];

	__syncthreads();

	return val;
}


// the sum of what blocks have left
static __device__ inline double block_total(long count, const double* partial, double* buf)
{
	double val = 0.;

	for (long i = threadIdx.x; i < count; i += SUM_THREADS)
		val += partial[i];

	return block_sum(val, buf);
}

#endif		// _GPU_SUM_H
