/*
 * Kernels for AVX-512: 32 registers of 16 floats, 24 of them accumulate.
 */

#if defined(__x86_64__)

#include <stdbool.h>

#include "nn/winograd.h"

static bool supported(void)
{
	return (0 != __builtin_cpu_supports("avx512f")) && (0 != __builtin_cpu_supports("avx512vl"))
		&& (0 != __builtin_cpu_supports("avx512dq"));
}

extern const struct wino_kernels_s wino_kernels_avx512;

#define KERNELS wino_kernels_avx512
#define WINO_NAME "avx512"
#define WINO_TARGET __attribute__((target("avx512f,avx512vl,avx512dq,avx2,fma")))
#define WINO_WIDTH 16
#define WINO_TILE_WIDTH 8
#define WINO_ROWS 8

#include "nn/winograd_kernels.h"

#endif
