/*
 * Stands for NVIDIA's header of this name where the device is emulated.
 */
#ifndef _EMULATED_CUDNN_H
#define _EMULATED_CUDNN_H

#include <stdint.h>

#include <cuda_runtime_api.h>

#include "cudnn_values.h"

#ifdef __cplusplus
extern "C" {
#endif

#define CUDNN_MAJOR 9
#define CUDNN_MINOR 19
#define CUDNN_PATCHLEVEL 0
#define CUDNN_VERSION 91900

typedef enum { CUDNN_STATUSES(EMULATED_VALUE) } cudnnStatus_t;
typedef enum { CUDNN_DATA_TYPES(EMULATED_VALUE) } cudnnDataType_t;
typedef enum { CUDNN_CONVOLUTION_MODES(EMULATED_VALUE) } cudnnConvolutionMode_t;
typedef enum { CUDNN_POINTWISE_MODES(EMULATED_VALUE) } cudnnPointwiseMode_t;
typedef enum { CUDNN_REDUCTIONS(EMULATED_VALUE) } cudnnReduceTensorOp_t;
typedef enum { CUDNN_HEUR_MODES(EMULATED_VALUE) } cudnnBackendHeurMode_t;
typedef enum { CUDNN_NUMERICAL_NOTES(EMULATED_VALUE) } cudnnBackendNumericalNote_t;
typedef enum { CUDNN_BEHAVIOR_NOTES(EMULATED_VALUE) } cudnnBackendBehaviorNote_t;
typedef enum { CUDNN_ATTRIBUTE_TYPES(EMULATED_VALUE) } cudnnBackendAttributeType_t;
typedef enum { CUDNN_DESCRIPTOR_TYPES(EMULATED_VALUE) } cudnnBackendDescriptorType_t;
typedef enum { CUDNN_ATTRIBUTES(EMULATED_VALUE) } cudnnBackendAttributeName_t;

typedef struct cudnnContext* cudnnHandle_t;
typedef void* cudnnBackendDescriptor_t;

#include "cudnn_functions.h"

#ifdef __cplusplus
}
#endif

#endif		// _EMULATED_CUDNN_H
