/*
 * Samples on their way to the GPU.
 */
#ifndef _GLEAM_GPU_STAGE_H
#define _GLEAM_GPU_STAGE_H

#include "gleam/stage.h"

extern const struct stage_ops_s gpu_stage_ops;

#endif		// _GLEAM_GPU_STAGE_H
