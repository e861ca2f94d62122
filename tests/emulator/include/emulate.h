/*
 * What CUDA C adds to C++, for .cu files that a C++ compiler compiles for the
 * emulated device. Kernels are launched by GPU_LAUNCH and GPU_LAUNCH_SYNC
 * (gpu/launch.h).
 */
#ifndef _EMULATE_H
#define _EMULATE_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <algorithm>
#include <functional>
#include <tuple>
#include <type_traits>
#include <utility>

#include <cuda_runtime_api.h>

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __launch_bounds__(...)

/* Static memory in a section of its own: it is filled with garbage before each
 * block. A template's kernel has to be static, too, or the section is refused.
 */
#define __shared__ __attribute__((section("emulated_shared"))) static

struct uint3 { unsigned int x; unsigned int y; unsigned int z; };

struct dim3 {

	unsigned int x;
	unsigned int y;
	unsigned int z;

	constexpr dim3(unsigned int _x = 1, unsigned int _y = 1, unsigned int _z = 1) : x(_x), y(_y), z(_z) { }
};

extern uint3 threadIdx;
extern uint3 blockIdx;
extern dim3 blockDim;
extern dim3 gridDim;

static inline float2 make_float2(float x, float y) { return float2{ x, y }; }
static inline float4 make_float4(float x, float y, float z, float w) { return float4{ x, y, z, w }; }

using std::max;
using std::min;

static inline float rsqrtf(float x) { return 1.f / sqrtf(x); }

// integers only: sums of floats in any order would not be the same each time
template <typename T>
static inline T atomicAdd(T* address, typename std::enable_if<std::is_integral<T>::value, T>::type value)
{
	T old = *address;
	*address += value;
	return old;
}

template <typename T>
static inline T atomicOr(T* address, typename std::enable_if<std::is_integral<T>::value, T>::type value)
{
	T old = *address;
	*address |= value;
	return old;
}

template <typename T>
static inline T atomicMin(T* address, typename std::enable_if<std::is_integral<T>::value, T>::type value)
{
	T old = *address;
	*address = std::min(old, value);
	return old;
}

template <typename T>
static inline T atomicMax(T* address, typename std::enable_if<std::is_integral<T>::value, T>::type value)
{
	T old = *address;
	*address = std::max(old, value);
	return old;
}

namespace emulated {

extern void sync_threads(const char* file, int line);

struct shape_s { const char* name; dim3 grid; dim3 block; bool sync; };

extern void launch(const shape_s& shape, cudaStream_t stream, std::function<void()> thread);
extern void check_argument(const char* kernel, const void* ptr);

template <typename T>
static inline void check_any(const char* kernel, const T& arg)
{
	if constexpr (std::is_pointer<T>::value)
		check_argument(kernel, (const void*)arg);
}

// arguments are converted and copied when the kernel is launched, as CUDA does
template <typename... P, typename... A>
static inline void launch_with(const shape_s& shape, cudaStream_t stream, void (*kernel)(P...), A&&... args)
{
	static_assert(sizeof(std::tuple<P...>) <= 4096, "CUDA passes no more than 4 KiB");
	static_assert((true && ... && !std::is_reference<P>::value), "a kernel cannot take references");
	static_assert((true && ... && std::is_trivially_copyable<P>::value), "a kernel's arguments are copied as bytes");

	std::tuple<P...> copy(std::forward<A>(args)...);

	std::apply([&](const P&... p) { (check_any(shape.name, p), ...); }, copy);

	launch(shape, stream, [kernel, copy]() { std::apply(kernel, copy); });
}

}

#define __syncthreads() emulated::sync_threads(__FILE__, __LINE__)

#define EMULATED_LAUNCH(sync, kernel, grid, block, stream, ...)			\
	do {									\
		emulated::launch_with(emulated::shape_s{ #kernel, (grid), (block), (sync) },	\
				(stream), kernel, ##__VA_ARGS__);		\
		GPU_CHECK(cudaGetLastError());					\
	} while (0)

#define GPU_LAUNCH(...) EMULATED_LAUNCH(false, __VA_ARGS__)
#define GPU_LAUNCH_SYNC(...) EMULATED_LAUNCH(true, __VA_ARGS__)

#endif		// _EMULATE_H
