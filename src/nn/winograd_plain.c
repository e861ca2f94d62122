/*
 * Kernels for any machine: vectors of four floats, as the compiler sees fit.
 */

#include <stdbool.h>

#include "nn/winograd.h"

static bool supported(void)
{
	return true;
}

extern const struct wino_kernels_s wino_kernels_plain;

#define KERNELS wino_kernels_plain
#define WINO_NAME "plain"
#define WINO_TARGET
#define WINO_WIDTH 4
#define WINO_TILE_WIDTH 4
#define WINO_ROWS 4

#include "nn/winograd_kernels.h"
