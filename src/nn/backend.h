/*
 * The contract between a real-valued network and the library that computes it.
 *
 * Tensors are channels-last. An *image* is BART's own complex array seen as two
 * real channels per map, always fp32; a *feature* tensor holds the channels of a
 * hidden layer, in the backend's type, contiguous in the order (channel, X, Y, Z,
 * batch), its channel number rounded up to the backend's multiple. The channels of
 * padding are zero and every operation keeps them so.
 *
 * A feature tensor may have a rim around each image or volume. That of a layer's
 * output belongs to the backend, which may write there at any time, also in const
 * tensors; nobody else relies on what it holds. That of a gradient is zero.
 *
 * Weights are float[out][in][kz][ky][kx] (kx fastest, as in PyTorch), biases
 * float[out], both without padding, fp32 whatever the precision.
 *
 * All pointers are to memory of the backend's device. All memory is asked for when
 * a plan is made: an operation allocates nothing, but uses the workspace that its
 * caller provides. Results do not depend on the number of threads.
 */
#ifndef _NN_BACKEND_H
#define _NN_BACKEND_H

#include <stddef.h>
#include <stdbool.h>

#include "nn/device.h"
#include "nn/tensor.h"

enum nn_padding { NN_PAD_ZERO, NN_PAD_REFLECT, NN_PAD_REPLICATE };

/* What the operands of products are rounded to: not at all; the 10 bits of TF32;
 * bfloat16, as are feature tensors then. Sums are fp32 at least.
 */
enum nn_precision { NN_FP32, NN_TF32, NN_BF16 };

/* One convolution, stride 1, output of the same size as the input. Kernel
 * sizes are 3 or 1; a dimension with kernel size 1 is not padded.
 */
struct nn_conv_s {

	struct nn_tensor_s in;
	struct nn_tensor_s out;

	long kernel[NN_SPATIAL];
	enum nn_padding padding;
	bool relu;		// the input passes a ReLU first: y = conv(max(x, 0))

	bool bias;		// conv_forward is given a bias
	bool res;		// ... and something to add

	/* y will only ever be read through a ReLU, so that max(y, 0) may be stored
	 * instead; x was written with that permission (by the same backend). Between
	 * hidden layers only, the first not with res, the second only with relu.
	 */
	bool relu_out;
	bool relu_in_done;
};

struct nn_plan_s;		// opaque, one type for each backend

struct nn_backend_s {

	const char* name;
	const struct nn_device_s* device;
	enum nn_precision precision;

	// NULL, or why this backend cannot be used on this machine
	const char* (*missing)(void);

	// feature tensors: their type, a multiple of this many channels, pixels of rim on each side
	enum nn_type feature;
	long channel_multiple;
	int rim;

	bool res_elsewhere;	// may res be another tensor than y?

	struct nn_plan_s* (*conv_create)(const struct nn_conv_s* conf);
	void (*conv_free)(struct nn_plan_s* plan);

	// bytes that the three operations below need at ws (aligned to 64 bytes);
	// when the plan will only ever run forward less may do
	size_t (*conv_workspace)(const struct nn_plan_s* plan, bool forward_only);

	/* Weights and bias are brought to the layout that operations read them in once,
	 * for as many as follow: bytes, and how. Where conv_pack is NULL the weights
	 * of an operation are the plain ones.
	 */
	size_t (*conv_packed)(const struct nn_plan_s* plan, bool forward_only);
	void (*conv_pack)(const struct nn_plan_s* plan, void* packed, bool forward_only, const float* weights, const float* bias);

	// y = conv(relu(x)) + bias + res; bias and res are NULL if the plan has none.
	// res is y, or if the backend allows it another tensor of y's layout (faster then)
	void (*conv_forward)(struct nn_plan_s* plan, void* y, const void* res,
			const void* x, const void* weights, const float* bias, void* ws);

	// dx = relu'(x) conv^T(dy), or dx += ...; with relu off x is not read and
	// may be NULL. dx may be x itself when add is false.
	void (*conv_backward_data)(struct nn_plan_s* plan, void* dx, bool add,
			const void* dy, const void* x, const void* weights, void* ws);

	// dweights += ..., dbias += sum of dy; dbias may be NULL. x is what
	// conv_forward has read, and has not been written since
	void (*conv_backward_weights)(struct nn_plan_s* plan, float* dweights, float* dbias,
			const void* x, const void* dy, void* ws);
};

extern const struct nn_backend_s nn_backend_ref;
#ifdef USE_DNNL
extern const struct nn_backend_s nn_backend_dnnl;
#endif
extern const struct nn_backend_s nn_backend_winograd;
#ifdef GLEAM_GPU
extern const struct nn_backend_s nn_backend_cudnn;
extern const struct nn_backend_s nn_backend_cudnn_tf32;
extern const struct nn_backend_s nn_backend_cudnn_bf16;
#endif

/* By name and precision; NULL if there is none. "cudnn" is one backend for each
 * precision, "auto" the fastest on the CPU that can run here.
 */
extern const struct nn_backend_s* nn_backend_find(const char* name, enum nn_precision precision);

// all backends in this binary, NULL at the end
extern const struct nn_backend_s* const nn_backends[];

// a feature tensor as the backend wants it, for a network of 2 or 3 spatial dimensions
extern struct nn_tensor_s nn_tensor_feature(const struct nn_backend_s* backend, long channels, const long dims[NN_DIMS], int spatial);

#endif		// _NN_BACKEND_H
