/*
 * Running a plan of cuDNN, and how long it takes.
 */
#ifndef _NN_CUDNN_TIME_H
#define _NN_CUDNN_TIME_H

#include <stdbool.h>
#include <stddef.h>

#include <cudnn.h>

#include "nn/cudnn_graph.h"

// false if cuDNN fails
extern bool nn_cudnn_execute(const struct nn_graph_conf_s* conf, cudnnHandle_t handle, cudnnBackendDescriptor_t plan,
		const struct nn_graph_args_s* args, void* ws);

// milliseconds, the median of some runs, in memory taken for the purpose; INFINITY if there is not enough
extern float nn_cudnn_time(const struct nn_graph_conf_s* conf, cudnnHandle_t handle, cudnnBackendDescriptor_t plan, size_t workspace);

#endif		// _NN_CUDNN_TIME_H
