/*
 * Stands for NVIDIA's header of this name where the device is emulated.
 */
#ifndef _EMULATED_CUFFT_H
#define _EMULATED_CUFFT_H

#include <cuda_runtime_api.h>

#include "cufft_values.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum cufftResult_t { CUFFT_RESULTS(EMULATED_VALUE) } cufftResult;
typedef enum cufftType_t { CUFFT_TYPES(EMULATED_VALUE) } cufftType;
enum { CUFFT_DIRECTIONS(EMULATED_VALUE) };

typedef int cufftHandle;
typedef float2 cufftComplex;

#include "cufft_functions.h"

#ifdef __cplusplus
}
#endif

#endif		// _EMULATED_CUFFT_H
