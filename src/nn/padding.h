/*
 * Which pixel stands beyond the edge of an image.
 */
#ifndef _NN_PADDING_H
#define _NN_PADDING_H

#include "nn/backend.h"

#ifdef __CUDACC__
#define NN_HOST_DEVICE __host__ __device__
#else
#define NN_HOST_DEVICE
#endif

/* Position i in -1 .. n of a dimension of n pixels: the pixel that stands there,
 * or -1 where there is a zero. Reflection does not repeat the edge; a dimension
 * of a single pixel reflects onto that pixel.
 */
static inline NN_HOST_DEVICE long nn_pad_index(enum nn_padding padding, long i, long n)
{
	if ((0 <= i) && (i < n))
		return i;

	long edge = (i < 0) ? 0 : (n - 1);

	switch (padding) {

	case NN_PAD_REPLICATE:
		return edge;

	case NN_PAD_REFLECT:
		return (1 == n) ? 0 : (2 * edge - i);

	case NN_PAD_ZERO:
		break;
	}

	return -1;
}

#endif		// _NN_PADDING_H
