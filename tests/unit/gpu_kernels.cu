/*
 * Kernels for the tests of the GPU and of its emulation.
 */

#include "gpu/launch.h"

#include "gpu_kernels.h"

#define THREADS 256


static __global__ void axpy(long N, float* y, float a, const float* x)
{
	for (long i = blockIdx.x * (long)blockDim.x + threadIdx.x; i < N; i += (long)gridDim.x * blockDim.x)
		y[i] += a * x[i];
}


extern "C" void test_axpy(cudaStream_t stream, long N, float* y, float a, const float* x)
{
	GPU_LAUNCH(axpy, gpu_blocks(N, THREADS), THREADS, stream, N, y, a, x);
}


// a template, as its shared memory has to lie where that of others does
template <typename T>
static __global__ void sum(long N, T* y, const T* x)
{
	__shared__ T part[THREADS];

	T s = 0;

	for (long i = threadIdx.x; i < N; i += THREADS)
		s += x[i];

	part[threadIdx.x] = s;

	for (int n = THREADS / 2; 0 < n; n /= 2) {

		__syncthreads();

		if ((int)threadIdx.x < n)
			part[threadIdx.x] += part[threadIdx.x + n];
	}

	if (0 == threadIdx.x)
		y[0] = part[0];
}


extern "C" void test_sum(cudaStream_t stream, long N, float* y, const float* x)
{
	GPU_LAUNCH_SYNC(sum<float>, 1, THREADS, stream, N, y, x);
}


static __global__ void index(int X, int Y, float* y)
{
	int i = (int)(blockIdx.x * blockDim.x + threadIdx.x);
	int j = (int)(blockIdx.y * blockDim.y + threadIdx.y);

	if ((i < X) && (j < Y))
		y[i + X * j] = (float)blockIdx.x + 1000.f * (float)threadIdx.y;
}


extern "C" void test_index(cudaStream_t stream, int X, int Y, float* y)
{
	dim3 block(8, 4);
	dim3 grid((unsigned int)(X + 7) / 8, (unsigned int)(Y + 3) / 4);

	GPU_LAUNCH(index, grid, block, stream, X, Y, y);
}


static __global__ void write(long N, float* y)
{
	y[N] = 1.f;
}


extern "C" void test_write(cudaStream_t stream, long N, float* y)
{
	GPU_LAUNCH(write, 1, 1, stream, N, y);
}


static __global__ void race(float* y)
{
	__shared__ float all[THREADS];

	int i = (int)threadIdx.x;

	all[i] = (float)i;
	y[i] = all[(i + 1) % THREADS];
}


extern "C" void test_race(cudaStream_t stream, float* y)
{
	GPU_LAUNCH(race, 1, THREADS, stream, y);
}


static __global__ void unset(float* y)
{
	__shared__ float all[THREADS];

	if (0 == gridDim.x)
		all[threadIdx.x] = 0.f;

	y[threadIdx.x] = all[threadIdx.x];
}


extern "C" void test_unset(cudaStream_t stream, float* y)
{
	GPU_LAUNCH(unset, 1, THREADS, stream, y);
}


static __global__ void diverge()
{
	if (7 != threadIdx.x)
		__syncthreads();
}


extern "C" void test_diverge(cudaStream_t stream)
{
	GPU_LAUNCH_SYNC(diverge, 1, 32, stream);
}


extern "C" void test_too_many(cudaStream_t stream)
{
	GPU_LAUNCH(diverge, 1, 1025, stream);
}
