/*
 * bfloat16 as its bits: the upper half of a float. Rounded to nearest, ties to
 * even; a NaN stays a NaN.
 */
#ifndef _GPU_BF16_H
#define _GPU_BF16_H

#include <stdint.h>
#include <string.h>

#ifdef __CUDACC__
#define GPU_HOST_DEVICE __host__ __device__
#else
#define GPU_HOST_DEVICE
#endif

typedef uint16_t bf16_t;

static inline GPU_HOST_DEVICE float bf16_to_float(bf16_t h)
{
	uint32_t bits = (uint32_t)h << 16;
	float f;

	memcpy(&f, &bits, sizeof(f));

	return f;
}

static inline GPU_HOST_DEVICE bf16_t bf16_from_float(float f)
{
	uint32_t bits;

	memcpy(&bits, &f, sizeof(bits));

	if (0x7f800000u < (bits & 0x7fffffffu))
		return (bf16_t)((bits >> 16) | 0x40u);

	return (bf16_t)((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

#endif		// _GPU_BF16_H
