/*
 * Compiled with NVIDIA's headers: are the emulated device's names, values and
 * declarations theirs? There is nothing to run.
 */

#ifdef GLEAM_GPU

#include <cuda_runtime_api.h>
#include <cufft.h>
#include <cudnn.h>

#include "cuda_values.h"
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

// declared once more: other types would be an error
#include "cuda_functions.h"
#include "cufft_functions.h"

#endif		// GLEAM_GPU
