/*
 * Compiled with NVIDIA's headers: are the emulated device's names, values and
 * declarations theirs? There is nothing to run.
 */

#ifdef GLEAM_GPU

#include <cuda_runtime_api.h>
#include <cufft.h>
#include <cudnn.h>

#include "cuda_values.h"
#include "cudnn_values.h"
#include "cufft_values.h"

#define CHECK_VALUE(name, value) _Static_assert((value) == (int)(name), #name " has another value");

CUDA_ERRORS(CHECK_VALUE)
CUDA_MEMCPY_KINDS(CHECK_VALUE)
CUDA_DEVICE_ATTRIBUTES(CHECK_VALUE)
CUDA_CAPTURE_MODES(CHECK_VALUE)
CUDA_FLAGS(CHECK_VALUE)

CUFFT_RESULTS(CHECK_VALUE)
CUFFT_TYPES(CHECK_VALUE)
CUFFT_DIRECTIONS(CHECK_VALUE)

CUDNN_STATUSES(CHECK_VALUE)
CUDNN_DATA_TYPES(CHECK_VALUE)
CUDNN_CONVOLUTION_MODES(CHECK_VALUE)
CUDNN_POINTWISE_MODES(CHECK_VALUE)
CUDNN_REDUCTIONS(CHECK_VALUE)
CUDNN_HEUR_MODES(CHECK_VALUE)
CUDNN_NUMERICAL_NOTES(CHECK_VALUE)
CUDNN_BEHAVIOR_NOTES(CHECK_VALUE)
CUDNN_ATTRIBUTE_TYPES(CHECK_VALUE)
CUDNN_DESCRIPTOR_TYPES(CHECK_VALUE)
CUDNN_ATTRIBUTES(CHECK_VALUE)

// declared once more: other types would be an error
#include "cuda_functions.h"
#include "cudnn_functions.h"
#include "cufft_functions.h"

#endif		// GLEAM_GPU
