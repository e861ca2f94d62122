/*
 * Kernels for AVX2 with FMA: 16 registers of 8 floats, 12 of them accumulate.
 */

#if defined(__x86_64__)

#include <stdbool.h>

#include "nn/winograd.h"

static bool supported(void)
{
	return (0 != __builtin_cpu_supports("avx2")) && (0 != __builtin_cpu_supports("fma"));
}

extern const struct wino_kernels_s wino_kernels_avx2;

#define KERNELS wino_kernels_avx2
#define WINO_NAME "avx2"
#define WINO_TARGET __attribute__((target("avx2,fma")))
#define WINO_WIDTH 8
#define WINO_TILE_WIDTH 8
#define WINO_ROWS 4

#include "nn/winograd_kernels.h"

#endif
