/*
 * The contract between a real-valued network and the library that computes it.
 *
 * Tensors are channels-last fp32. An *image* is BART's own complex array seen
 * as two real channels per map; a *feature* tensor holds the channels of a
 * hidden layer, contiguous in the order (channel, X, Y, Z, batch), its channel
 * number rounded up to the backend's multiple. The channels of padding are
 * zero and every operation keeps them so.
 *
 * Weights are float[out][in][kz][ky][kx] (kx fastest, as in PyTorch), biases
 * float[out], both without padding.
 *
 * All memory is asked for when a plan is made: an operation allocates nothing,
 * but uses the workspace that its caller provides. Results do not depend on the
 * number of threads.
 */
#ifndef _NN_BACKEND_H
#define _NN_BACKEND_H

#include <stddef.h>
#include <stdbool.h>

#define NN_SPATIAL 3	// X, Y, Z (Z may be time)
#define NN_DIMS 4	// ... and batch

enum nn_padding { NN_PAD_ZERO, NN_PAD_REFLECT, NN_PAD_REPLICATE };

/* A real tensor: element (c, x, y, z, b) is at
 * (c % group) + (c / group) * group_str + x * strs[0] + ... + b * strs[3].
 */
struct nn_tensor_s {

	long channels;		// without padding
	long group;		// channels that lie side by side (2 for complex images; features: with padding)
	long group_str;		// from one group to the next
	long dims[NN_DIMS];
	long strs[NN_DIMS];	// all strides are in floats
};

/* One convolution, stride 1, output of the same size as the input. Kernel
 * sizes are 3 or 1; a dimension with kernel size 1 is not padded.
 */
struct nn_conv_s {

	struct nn_tensor_s in;
	struct nn_tensor_s out;

	long kernel[NN_SPATIAL];
	enum nn_padding padding;
	bool relu;		// the input passes a ReLU first: y = conv(max(x, 0))
};

struct nn_plan_s;		// opaque, one type for each backend

struct nn_backend_s {

	const char* name;

	// NULL, or why this backend cannot be used on this machine
	const char* (*missing)(void);

	// feature tensors have a multiple of this many channels
	long channel_multiple;

	struct nn_plan_s* (*conv_create)(const struct nn_conv_s* conf);
	void (*conv_free)(struct nn_plan_s* plan);

	// bytes that the three operations below need at ws (aligned to 64 bytes);
	// when the plan will only ever run forward less may do
	size_t (*conv_workspace)(const struct nn_plan_s* plan, bool forward_only);

	// y = conv(relu(x)) + bias, or y += ...; bias may be NULL
	void (*conv_forward)(struct nn_plan_s* plan, float* y, bool add,
			const float* x, const float* weights, const float* bias, void* ws);

	// dx = relu'(x) conv^T(dy), or dx += ...; with relu off x is not read and
	// may be NULL. dx may be x itself when add is false.
	void (*conv_backward_data)(struct nn_plan_s* plan, float* dx, bool add,
			const float* dy, const float* x, const float* weights, void* ws);

	// dweights += ..., dbias += sum of dy; dbias may be NULL
	void (*conv_backward_weights)(struct nn_plan_s* plan, float* dweights, float* dbias,
			const float* x, const float* dy, void* ws);
};

extern const struct nn_backend_s nn_backend_ref;
#ifdef USE_DNNL
extern const struct nn_backend_s nn_backend_dnnl;
#endif
extern const struct nn_backend_s nn_backend_winograd;

// by name; "auto" is the fastest that can run here; NULL if there is none of that name
extern const struct nn_backend_s* nn_backend_find(const char* name);

// all backends in this binary, NULL at the end
extern const struct nn_backend_s* const nn_backends[];

// an image: maps are the outer channels, E of them maps_str complex elements
// apart; strs are complex elements, too
extern struct nn_tensor_s nn_tensor_image(long maps, long maps_str, const long dims[NN_DIMS], const long strs[NN_DIMS]);

// a feature tensor as the backend wants it
extern struct nn_tensor_s nn_tensor_feature(const struct nn_backend_s* backend, long channels, const long dims[NN_DIMS]);

// floats from the first element to the end of the last, padding included
extern long nn_tensor_size(const struct nn_tensor_s* tensor);

#endif		// _NN_BACKEND_H
