/*
 * Weight gradient of the convolutions that tiles do not serve: the pixels of one
 * side are gathered for all taps, and multiplied with the pixels of the other.
 * Rows of the image are summed up in a fixed number of parts, so that the order
 * of a sum does not depend on the number of threads.
 */

#include <stddef.h>
#include <stdbool.h>
#include <string.h>

#include "nn/backend.h"
#include "nn/bias.h"
#include "nn/winograd.h"


#define PARTS 16
#define PARTS_FLOATS (1 << 20)	// of all accumulators, if that leaves one
#define PIXELS 48		// of a product


static long row_count(const struct wino_op_s* op)
{
	return op->dst.dims[1] * op->dst.dims[2] * op->dst.dims[3];
}


/* The side with few channels is gathered: x in the forward direction, or dy
 * in the adjoint one.
 */
static const struct wino_op_s* gather_op(const struct wino_op_s* forward, const struct wino_op_s* adjoint)
{
	return (wino_is_feature(&forward->src) && !wino_is_feature(&forward->dst)) ? adjoint : forward;
}


static long sum_columns(const struct wino_op_s* op)
{
	return wino_columns(op, wino_padded(&op->dst));
}


static long sum_floats(const struct wino_op_s* op)
{
	return wino_gather_columns(op) * sum_columns(op);
}


static long part_count(const struct wino_op_s* op)
{
	long parts = wino_max(1, PARTS_FLOATS / sum_floats(op));

	return wino_min(wino_min(parts, PARTS), row_count(op));
}


struct sums_s {

	float* A;	// gathered pixels of src[n][taps, channels, 1]
	float* D;	// pixels of dst[n][channels]
	float* scratch;
};


static struct sums_s sums_take(const struct wino_op_s* op, struct wino_arena_s* arena)
{
	return (struct sums_s){

		.A = wino_take(arena, PIXELS * wino_gather_columns(op)),
		.D = wino_take(arena, PIXELS * sum_columns(op)),
		.scratch = wino_take(arena, wino_gather_scratch(op, PIXELS)),
	};
}


size_t wino_direct_weights_workspace(const struct wino_op_s* forward, const struct wino_op_s* adjoint)
{
	const struct wino_op_s* op = gather_op(forward, adjoint);
	struct wino_arena_s arena = { NULL, 0 };

	wino_take(&arena, part_count(op) * sum_floats(op));

	for (int i = 0; i < op->threads; i++)
		sums_take(op, &arena);

	return arena.used;
}


static void sum_row(const struct wino_op_s* op, float* sum, const struct sums_s* ws, const float* src,
		const float* dst, long y, long z, long b)
{
	long lda = wino_gather_columns(op);
	long columns = sum_columns(op);
	long width = op->dst.dims[0];

	// dst of the adjoint is the convolution's input
	bool relu = op->relu && op->adjoint;
	bool copy = relu || !wino_is_feature(&op->dst) || (columns != wino_padded(&op->dst));

	for (long x = 0; x < width; x += PIXELS) {

		long n = wino_min(PIXELS, width - x);
		const float* D = dst + wino_offset(&op->dst, x, y, z, b);

		wino_gather(op, n, ws->A, src, (const long[NN_DIMS]){ x, y, z, b }, ws->scratch);

		if (copy)
			wino_copy_pixels(op->kernels, &op->dst, relu, n, ws->D, columns, D);

		op->kernels->product_transposed(lda, columns, n, sum, columns, ws->A, lda, copy ? ws->D : D,
				copy ? columns : op->dst.strs[0]);
	}
}


static void sum_part(const struct wino_op_s* op, float* sum, const struct sums_s* ws, const float* src, const float* dst, long part)
{
	long Y = op->dst.dims[1];
	long Z = op->dst.dims[2];
	long rows = row_count(op);
	long parts = part_count(op);

	memset(sum, 0, (size_t)sum_floats(op) * sizeof(float));

	for (long r = part * rows / parts; r < (part + 1) * rows / parts; r++)
		sum_row(op, sum, ws, src, dst, r % Y, (r / Y) % Z, r / (Y * Z));
}


static float sum_of_parts(const struct wino_op_s* op, const float* sums, long row, long column)
{
	double total = 0.;

	for (long i = 0; i < part_count(op); i++)
		total += (double)sums[i * sum_floats(op) + row * sum_columns(op) + column];

	return (float)total;
}


static void add_sums(const struct wino_op_s* op, float* dweights, const float* sums)
{
	for (long tap = 0; tap < wino_taps(op); tap++)
		for (long c = 0; c < op->src.channels; c++)
			for (long k = 0; k < op->dst.channels; k++)
				dweights[wino_weight(op, k, c, tap)] += sum_of_parts(op, sums, tap * op->src.channels + c, k);
}


void wino_direct_weights(const struct wino_op_s* forward, const struct wino_op_s* adjoint,
		float* dweights, float* dbias, const float* x, const float* dy, void* ws)
{
	const struct wino_op_s* op = gather_op(forward, adjoint);
	struct wino_arena_s arena = { ws, 0 };
	struct sums_s buffers[op->threads];

	float* sums = wino_take(&arena, part_count(op) * sum_floats(op));

	for (int i = 0; i < op->threads; i++) {

		buffers[i] = sums_take(op, &arena);
		wino_gather_prepare(op, PIXELS, buffers[i].A);
	}

#pragma omp parallel for schedule(dynamic) num_threads(op->threads)
	for (long i = 0; i < part_count(op); i++)
		sum_part(op, sums + i * sum_floats(op), &buffers[wino_thread()], op->adjoint ? dy : x, op->adjoint ? x : dy, i);

	add_sums(op, dweights, sums);

	if (NULL == dbias)
		return;

	if (op->adjoint) {

		nn_bias_gradient(&forward->dst, dbias, dy, forward->threads);

	} else {

		for (long k = 0; k < op->dst.channels; k++)
			dbias[k] += sum_of_parts(op, sums, wino_taps(op) * op->src.channels, k);
	}
}

