/*
 * Convolutions as operation graphs of cuDNN (its "backend" API), and the engines
 * that compute them.
 */
#ifndef _NN_CUDNN_GRAPH_H
#define _NN_CUDNN_GRAPH_H

#include <stdbool.h>
#include <stddef.h>

#include "nn/backend.h"
#include "nn/tensor.h"

enum nn_graph_kind { NN_GRAPH_FORWARD, NN_GRAPH_FILTER };

/* A convolution over packed channels-last arrays [batch][Z][Y][X][channel], of the
 * same size before and after: zeros lie around them where the kernel is 3. Its
 * weights are [out][kz][ky][kx][in]. All arrays are of one type.
 *
 * forward: result = conv(x, w) + res + bias, then max(result, 0) with relu
 * filter: result = for each weight the sum over pixels of dy and x
 *
 * The gradient with respect to x is the forward convolution of dy with the kernel
 * turned around. With res or relu cuDNN has its compiled engines only if there is a
 * bias, too.
 */
struct nn_graph_conf_s {

	enum nn_graph_kind kind;
	enum nn_precision precision;

	int spatial;
	long batch;
	long dims[NN_SPATIAL];		// the third is not looked at with two spatial dimensions
	long kernel[NN_SPATIAL];
	long in;			// channels, with padding
	long out;

	enum nn_type type;
	bool bias;
	bool res;
	bool relu;
};

struct nn_graph_s;

// "cuDNN 9.19.0"
extern const char* nn_cudnn_version(void);

/* Device memory, aligned to 16 bytes: a and b are (x, w) forward, (x, dy) for the
 * filter; bias and res are NULL where the graph has none. The result is
 * elsewhere than the others.
 */
struct nn_graph_args_s {

	void* result;
	const void* a;
	const void* b;
	const void* bias;
	const void* res;
};

/* How engines are chosen, for all graphs made from then on. fast allows engines
 * whose results are not the same bits each time. autotune measures all engines and
 * takes the fastest, else cuDNN's heuristics decide. device describes a device
 * that need not be there (JSON); such graphs cannot run.
 */
struct nn_graph_options_s {

	bool fast;
	bool autotune;
	const char* device;
};

extern struct nn_graph_options_s nn_graph_options;


/* The graph with its engine, NULL if no engine supports it in this precision. Made at
 * the first call, which may take a second; kept for the life of the process.
 */
extern const struct nn_graph_s* nn_graph_get(const struct nn_graph_conf_s* conf);

// bytes of device memory, aligned to 256 bytes, while it runs
extern size_t nn_graph_workspace(const struct nn_graph_s* graph);

// "engine 7, 3 tried of 18 offered"
extern const char* nn_graph_describe(const struct nn_graph_s* graph);

// all graphs asked for so far, the first one first; graph is NULL for those without an engine
typedef void (*nn_graph_fun)(const struct nn_graph_conf_s* conf, const struct nn_graph_s* graph);

extern void nn_graph_each(nn_graph_fun fun);

// in gpu_stream()
extern void nn_graph_run(const struct nn_graph_s* graph, const struct nn_graph_args_s* args, void* ws);

#endif		// _NN_CUDNN_GRAPH_H
