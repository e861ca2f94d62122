/*
 * The names of the CUDA runtime that we use, with NVIDIA's values. A build with
 * CUDA compares them with NVIDIA's headers (check_values.c).
 */
#ifndef _CUDA_VALUES_H
#define _CUDA_VALUES_H

#define CUDA_ERRORS(VALUE)				\
	VALUE(cudaSuccess, 0)				\
	VALUE(cudaErrorInvalidValue, 1)			\
	VALUE(cudaErrorMemoryAllocation, 2)		\
	VALUE(cudaErrorInvalidConfiguration, 9)		\
	VALUE(cudaErrorInsufficientDriver, 35)		\
	VALUE(cudaErrorNoDevice, 100)			\
	VALUE(cudaErrorInvalidDevice, 101)		\
	VALUE(cudaErrorInvalidResourceHandle, 400)	\
	VALUE(cudaErrorNotReady, 600)			\
	VALUE(cudaErrorStreamCaptureUnsupported, 900)	\
	VALUE(cudaErrorStreamCaptureInvalidated, 901)	\
	VALUE(cudaErrorStreamCaptureUnmatched, 903)	\
	VALUE(cudaErrorStreamCaptureWrongThread, 908)

#define CUDA_MEMCPY_KINDS(VALUE)	\
	VALUE(cudaMemcpyHostToHost, 0)	\
	VALUE(cudaMemcpyHostToDevice, 1)	\
	VALUE(cudaMemcpyDeviceToHost, 2)	\
	VALUE(cudaMemcpyDeviceToDevice, 3)	\
	VALUE(cudaMemcpyDefault, 4)

#define CUDA_DEVICE_ATTRIBUTES(VALUE)	\
	VALUE(cudaDevAttrMultiProcessorCount, 16)		\
	VALUE(cudaDevAttrComputeCapabilityMajor, 75)	\
	VALUE(cudaDevAttrComputeCapabilityMinor, 76)

#define CUDA_CAPTURE_MODES(VALUE)		\
	VALUE(cudaStreamCaptureModeGlobal, 0)		\
	VALUE(cudaStreamCaptureModeThreadLocal, 1)	\
	VALUE(cudaStreamCaptureModeRelaxed, 2)

// macros in NVIDIA's headers
#define CUDA_FLAGS(VALUE)			\
	VALUE(cudaStreamDefault, 0)		\
	VALUE(cudaStreamNonBlocking, 1)		\
	VALUE(cudaEventDefault, 0)		\
	VALUE(cudaEventBlockingSync, 1)		\
	VALUE(cudaEventDisableTiming, 2)

#endif		// _CUDA_VALUES_H
