/*
 * The list of convolutions, their data, and one of them on one backend.
 */
#ifndef _NN_CASE_H
#define _NN_CASE_H

#include <stddef.h>

#include "nn/backend.h"

#include "nn_oracle.h"

extern const struct shape_s nn_case_shapes[];	// up to name == NULL
extern const struct shape_s nn_case_full_size;

/* Input, output gradient and weights, in fp32 and double, on plain arrays; what
 * is computed from them (y without bias, the gradients added to what they are
 * added to) is left to the test.
 */
struct case_data_s {

	long NI;
	long NO;
	long NW;

	float* x;
	float* dy;
	float* weights;
	float* bias;

	double* x_d;
	double* dy_d;
	double* weights_d;
	double* bias_d;

	double* dx;
	double* y;
	double* dweights;
	double* dbias;
};

extern struct case_data_s nn_case_data_create(const struct shape_s* s);
extern void nn_case_data_free(struct case_data_s* d);

extern float* nn_case_random(long N, unsigned int seed);

// what the weight gradient is added to
extern float* nn_case_dweights(const struct shape_s* s);
extern float* nn_case_dbias(const struct shape_s* s);

struct case_mode_s {

	bool forward_only;
	bool bias;
	bool res;
};

struct case_conv_s {

	const struct shape_s* shape;
	const struct nn_backend_s* backend;
	struct nn_conv_s conf;
	struct nn_plan_s* plan;

	// on the device

	char* ws;
	size_t ws_bytes;

	void* x;
	void* dy;
	void* weights;		// as the backend wants them
	float* bias;		// NULL if the mode has none
};

extern struct case_conv_s nn_case_conv_create(const struct shape_s* s, const struct case_data_s* d, const struct nn_backend_s* backend,
		struct case_mode_s mode);
extern void nn_case_conv_free(struct case_conv_s* c);

// a plain array as a tensor: offset of its element i, a copy on the device, a check of what is there
extern long nn_case_offset(const struct nn_tensor_s* tensor, long i);
extern void* nn_case_tensor(const struct nn_device_s* device, const struct nn_tensor_s* tensor, long N, const float src[N]);
extern void nn_case_check(const struct case_conv_s* c, const char* what, const struct nn_tensor_s* tensor, const void* data,
		long N, const double ref[N]);

typedef void (*nn_case_fun)(const struct shape_s* s, const struct case_data_s* d, const struct nn_backend_s* backend);

// all shapes on all backends; prepare is called once for each shape
extern void nn_case_all(const char* test, void (*prepare)(const struct shape_s* s, struct case_data_s* d), nn_case_fun fun);

#endif		// _NN_CASE_H
