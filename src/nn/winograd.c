/*
 * What the parts of the Winograd backend share: layouts, padding, tiles, workspace.
 */

#include <stddef.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#ifdef _OPENMP
#include <omp.h>
#endif

#include "misc/misc.h"

#include "nn/backend.h"

#include "nn/padding.h"
#include "nn/winograd.h"


#if defined(__x86_64__)
extern const struct wino_kernels_s wino_kernels_avx512;
extern const struct wino_kernels_s wino_kernels_avx2;
#endif
extern const struct wino_kernels_s wino_kernels_plain;

const struct wino_kernels_s* const wino_kernels[] = {

#if defined(__x86_64__)
	&wino_kernels_avx512,
	&wino_kernels_avx2,
#endif
	&wino_kernels_plain,
	NULL,
};


const struct wino_kernels_s* wino_kernels_best(void)
{
	int i = 0;

	while (!wino_kernels[i]->supported())
		i++;

	return wino_kernels[i];
}


/* Three vectors give the best ratio of products to loads; a panel of one is
 * left over only where there is no other.
 */
long wino_panel(const struct wino_kernels_s* kernels, long n)
{
	long vectors = n / kernels->width;

	if (4 == vectors)
		vectors = 2;

	return wino_min(vectors, 3) * kernels->width;
}


long wino_round_up(long n, long m)
{
	return (n + m - 1) / m * m;
}


int wino_thread(void)
{
#ifdef _OPENMP
	return omp_get_thread_num();
#else
	return 0;
#endif
}


long wino_taps(const struct wino_op_s* op)
{
	return op->kernel[0] * op->kernel[1] * op->kernel[2];
}


long wino_padded(const struct nn_tensor_s* tensor)
{
	return wino_round_up(tensor->channels, WINO_MULTIPLE);
}


bool wino_is_feature(const struct nn_tensor_s* tensor)
{
	return (tensor->group == wino_padded(tensor));
}


long wino_offset(const struct nn_tensor_s* tensor, long x, long y, long z, long b)
{
	return x * tensor->strs[0] + y * tensor->strs[1] + z * tensor->strs[2] + b * tensor->strs[3];
}


long wino_columns(const struct wino_op_s* op, long n)
{
	return wino_round_up(n, op->kernels->width);
}


long wino_weight(const struct wino_op_s* op, long dst, long src, long tap)
{
	long taps = wino_taps(op);

	if (op->adjoint)
		return (src * op->dst.channels + dst) * taps + (taps - 1 - tap);

	return (dst * op->src.channels + src) * taps + tap;
}


float* wino_take(struct wino_arena_s* arena, long floats)
{
	// the address is not used when base is NULL
	float* p = (float*)((uintptr_t)arena->base + arena->used);

	arena->used += (size_t)wino_round_up(floats, 16) * sizeof(float);

	return p;
}


/* The adjoint's taps are flipped: tap k of position r takes position r + k - 1 of
 * the gradient. What it had written into the rim came from the pixel at the edge.
 */
static int adjoint_sources(enum nn_padding padding, long n, long r, long k, long src[2])
{
	int count = 0;

	if ((0 <= r + k - 1) && (r + k - 1 < n))
		src[count++] = r + k - 1;

	if ((2 == k) && (r == nn_pad_index(padding, -1, n)))
		src[count++] = 0;

	if ((0 == k) && (r == nn_pad_index(padding, n, n)))
		src[count++] = n - 1;

	return count;
}


int wino_sources(const struct wino_op_s* op, int axis, long r, long k, long src[2])
{
	long n = op->src.dims[axis];

	if (1 == op->kernel[axis]) {

		src[0] = r;
		return 1;
	}

	if (op->adjoint)
		return adjoint_sources(op->padding, n, r, k, src);

	src[0] = nn_pad_index(op->padding, r + k - 1, n);

	return (0 <= src[0]) ? 1 : 0;
}



static void tile_sources(const struct wino_op_s* op, long n, struct wino_tile_s* tile)
{
	tile->inner = (0 == tile->first) && (WINO_OUT == tile->last);

	for (long i = 0; i < WINO_IN; i++) {

		long pos = tile->origin - 1 + i;

		tile->src[i] = ((-1 <= pos) && (pos <= n)) ? nn_pad_index(op->adjoint ? NN_PAD_ZERO : op->padding, pos, n) : -1;
		tile->inner = tile->inner && (0 <= pos) && (pos < n);
	}
}


static void tile_fold(struct wino_tile_s* tile, long from, long to)
{
	tile->fold_from = from;
	tile->fold_to = to - tile->origin;

	if (0 == from)
		tile->first = 1;
	else
		tile->last = from;
}


/* Tiles stand side by side, but for the last, which ends where the dimension
 * ends and takes over from the one before. With a rim to be folded back they
 * begin with the rim: so a rim and the pixel that it is folded onto (1 and
 * n - 2, or 0 and n - 1) are in the same tile. Along z a volume knows another way.
 */
struct wino_tiling_s wino_tiling_create(const struct wino_op_s* op, int axis)
{
	long n = op->src.dims[axis];
	bool fold = op->adjoint && (NN_PAD_ZERO != op->padding) && (2 != axis);
	long begin = fold ? -1 : 0;
	long end = fold ? (n + 1) : n;

	long tiles = (end - begin + WINO_OUT - 1) / WINO_OUT;
	struct wino_tile_s* tile = xmalloc((size_t)tiles * sizeof(struct wino_tile_s));

	for (long t = 0; t < tiles; t++)
		tile[t] = (struct wino_tile_s){

			.origin = wino_min(begin + WINO_OUT * t, end - WINO_OUT),
			.last = WINO_OUT,
			.fold_from = -1,
		};

	for (long t = 0; t < tiles - 1; t++)
		tile[t].last = tile[t + 1].origin - tile[t].origin;

	if (fold) {

		tile_fold(&tile[0], 0, nn_pad_index(op->padding, -1, n));
		tile_fold(&tile[tiles - 1], WINO_OUT - 1, nn_pad_index(op->padding, n, n));
	}

	for (long t = 0; t < tiles; t++)
		tile_sources(op, n, &tile[t]);

	return (struct wino_tiling_s){ tiles, tile };
}


void wino_tiling_free(struct wino_tiling_s* tiling)
{
	xfree(tiling->tile);
	tiling->tile = NULL;
}
