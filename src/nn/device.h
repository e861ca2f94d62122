/*
 * Where tensors, parameters and images lie, and the steps of a training iteration
 * that are no convolutions. A backend computes on one of these.
 *
 * On a GPU all functions but download, sync and reach return at once; what they do is
 * done in the order of the calls. No function but alloc allocates.
 */
#ifndef _NN_DEVICE_H
#define _NN_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nn/adam.h"
#include "nn/tensor.h"

struct nn_device_s {

	const char* name;
	bool host;		// may the CPU read and write this memory?

	// aligned to 64 bytes; NULL if there is not enough
	void* (*alloc)(size_t bytes);
	void (*free)(void* ptr);

	void (*clear)(void* dst, size_t bytes);
	void (*copy)(void* dst, const void* src, size_t bytes);

	// from and to the host; host memory may be used again after sync, or after download
	void (*upload)(void* dst, const void* host, size_t bytes);
	void (*download)(void* host, const void* src, size_t bytes);
	void (*sync)(void);

	/* Memory of the host from and to which copies go on after the call (page-locked); NULL
	 * if there is not enough. fetch begins a download to it; reach waits for
	 * what was asked of the device up to the last mark, and not for what came after.
	 */
	void* (*host_alloc)(size_t bytes);
	void (*host_free)(void* ptr);
	void (*fetch)(void* host, const void* src, size_t bytes);
	void (*mark)(void);
	void (*reach)(void);

	// images, which are float: the inside only; dst may be src
	void (*image_copy)(const struct nn_tensor_s* image, float* dst, const float* src);

	/* Of N elements (a feature buffer with its padding): h = max(h, 0) + shortcut,
	 * and the gradient dst = src where h was positive, 0 elsewhere. signs (NULL:
	 * not wanted) has nn_sign_words(N) words, one bit for each element; shortcut
	 * may be NULL; dst may be src.
	 */
	void (*relu_add)(enum nn_type type, long N, void* h, uint32_t* signs, const void* shortcut);
	void (*relu_gradient)(enum nn_type type, long N, void* dst, const void* src, const uint32_t* signs);

	/* One update of the parameters of several networks, P each; all arrays are
	 * [networks][P]. rates (on the device, too) come from nn_adam_rates; tail is
	 * NULL if the last parameter is like the others. check, on the device, goes to
	 * nn_adam_factor; where it says 0 nothing changes. NULL: gradients are taken as they are.
	 */
	void (*adam)(const struct nn_adam_conf_s* conf, const struct nn_adam_tail_s* tail, const float* rates, const double* check,
			long networks, long P, float* params, float* m, float* v, const float* grad);
};

extern const struct nn_device_s nn_device_cpu;
#ifdef GLEAM_GPU
extern const struct nn_device_s nn_device_gpu;
#endif

// words of a field with one bit for each of N elements
extern long nn_sign_words(long N);

#endif		// _NN_DEVICE_H
