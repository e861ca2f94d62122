/*
 * Stands for NVIDIA's header of this name where the device is emulated: no more
 * than what this project uses.
 */
#ifndef _EMULATED_CUDA_RUNTIME_API_H
#define _EMULATED_CUDA_RUNTIME_API_H

#include <stddef.h>

#include "cuda_values.h"

#ifdef __cplusplus
extern "C" {
#endif

#define EMULATED_VALUE(name, value) name = value,

typedef enum cudaError { CUDA_ERRORS(EMULATED_VALUE) } cudaError_t;
enum cudaMemcpyKind { CUDA_MEMCPY_KINDS(EMULATED_VALUE) };
enum cudaDeviceAttr { CUDA_DEVICE_ATTRIBUTES(EMULATED_VALUE) };
enum cudaStreamCaptureMode { CUDA_CAPTURE_MODES(EMULATED_VALUE) };
enum { CUDA_FLAGS(EMULATED_VALUE) };

typedef struct CUstream_st* cudaStream_t;
typedef struct CUevent_st* cudaEvent_t;
typedef struct CUgraph_st* cudaGraph_t;
typedef struct CUgraphExec_st* cudaGraphExec_t;

struct cudaDeviceProp {

	char name[256];
	size_t totalGlobalMem;
	int major;
	int minor;
	int multiProcessorCount;
};

typedef struct float2 { float x; float y; } __attribute__((aligned(8))) float2;
typedef struct float4 { float x; float y; float z; float w; } __attribute__((aligned(16))) float4;

#include "cuda_functions.h"

#ifdef __cplusplus
}
#endif

#endif		// _EMULATED_CUDA_RUNTIME_API_H
