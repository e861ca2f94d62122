/*
 * Layouts of tensors: channels last, described by strides.
 */
#ifndef _NN_TENSOR_H
#define _NN_TENSOR_H

#include <stddef.h>

#define NN_SPATIAL 3	// X, Y, Z (Z may be time)
#define NN_DIMS 4	// ... and batch

enum nn_type { NN_FLOAT, NN_BFLOAT16 };

/* Element (c, x, y, z, b) is at
 * offset + (c % group) + (c / group) * group_str + x * strs[0] + ... + b * strs[3].
 */
struct nn_tensor_s {

	enum nn_type type;
	long channels;		// without padding
	long group;		// channels that lie side by side (2 for complex images; features: with padding)
	long group_str;		// from one group to the next
	long offset;		// a rim of pixels may lie before the first one, and as much behind the last
	long dims[NN_DIMS];
	long strs[NN_DIMS];	// all strides are in elements
};

// an image (complex float): maps are the outer channels, E of them maps_str complex
// elements apart; strs are complex elements, too
extern struct nn_tensor_s nn_tensor_image(long maps, long maps_str, const long dims[NN_DIMS], const long strs[NN_DIMS]);

// elements from the beginning to the end of the last, rim and padding included
extern long nn_tensor_size(const struct nn_tensor_s* tensor);
extern size_t nn_type_bytes(enum nn_type type);
extern size_t nn_tensor_bytes(const struct nn_tensor_s* tensor);

#endif		// _NN_TENSOR_H
