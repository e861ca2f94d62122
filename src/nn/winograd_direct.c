/*
 * Convolutions for which tiles do not serve: few channels on one side, kernels
 * of size 1, small images. Both ways are matrix products of pixels; results do
 * not depend on how pixels are shared among threads.
 */

#include <stddef.h>
#include <stdbool.h>
#include <string.h>

#include "nn/backend.h"
#include "nn/winograd.h"


static long row_count(const struct wino_op_s* op)
{
	return op->dst.dims[1] * op->dst.dims[2] * op->dst.dims[3];
}


// pixels of a product that spreads: their channels have to stay in the first level cache
static long spread_pixels(const struct wino_op_s* op)
{
	return 2 * op->kernels->rows;
}


// pixels that are gathered at a time
static long gather_pixels(const struct wino_op_s* op)
{
	return 4 * op->kernels->rows;
}


static struct wino_finish_s finish_at(const struct wino_args_s* args, const float* bias, long off)
{
	return (struct wino_finish_s){

		.add = args->add,
		.mask = (NULL == args->mask) ? NULL : (args->mask + off),
		.bias = bias,
	};
}



struct direct_s {

	float* A;	// gathered pixels
	float* C;
	float* scratch;
};


static long direct_columns(const struct wino_op_s* op)
{
	return wino_columns(op, wino_padded(&op->dst));
}


// taps, channels of src, and 1 for the bias
static long direct_depth(const struct wino_op_s* op)
{
	return wino_taps(op) * op->src.channels + 1;
}


static struct direct_s direct_take(const struct wino_op_s* op, struct wino_arena_s* arena)
{
	return (struct direct_s){

		.A = wino_take(arena, gather_pixels(op) * wino_gather_columns(op)),
		.C = wino_take(arena, gather_pixels(op) * direct_columns(op)),
		.scratch = wino_take(arena, wino_gather_scratch(op, gather_pixels(op))),
	};
}


size_t wino_direct_workspace(const struct wino_op_s* op)
{
	struct wino_arena_s arena = { NULL, 0 };

	wino_take(&arena, direct_depth(op) * direct_columns(op));

	for (int i = 0; i < op->threads; i++)
		direct_take(op, &arena);

	return arena.used;
}


static float direct_weight(const struct wino_op_s* op, const struct wino_args_s* args, long row, long column)
{
	if (column >= op->dst.channels)
		return 0.f;

	if (row == direct_depth(op) - 1)
		return (NULL == args->bias) ? 0.f : args->bias[column];

	return args->weights[wino_weight(op, column, row % op->src.channels, row / op->src.channels)];
}


// B[taps, channels of src, 1][channels of dst]
static void direct_pack(const struct wino_op_s* op, float* B, const struct wino_args_s* args)
{
	long rows = direct_depth(op);
	long columns = direct_columns(op);
	long w = 0;

	for (long n = 0; n < columns; n += w) {

		w = wino_panel(op->kernels, columns - n);

		for (long i = 0; i < rows * w; i++)
			B[n * rows + i] = direct_weight(op, args, i / w, n + i % w);
	}
}


// C = A B may be dst itself: nothing to be done to it, and its channels as in C
static bool direct_to_dst(const struct wino_op_s* op, const struct wino_args_s* args)
{
	return wino_is_feature(&op->dst) && (direct_columns(op) == wino_padded(&op->dst)) && (NULL == args->mask);
}


// n gathered pixels from x on
static void direct_products(const struct wino_op_s* op, const struct wino_args_s* args,
		const struct direct_s* ws, const float* B, long n, long off)
{
	const struct wino_kernels_s* kernels = op->kernels;
	long columns = direct_columns(op);
	long depth = direct_depth(op);
	long lda = wino_gather_columns(op);
	long whole = direct_to_dst(op, args) ? (n - n % kernels->rows) : 0;

	kernels->product(whole, columns, depth, args->dst + off, op->dst.strs[0], args->add, ws->A, lda, B);

	if (whole == n)
		return;

	off += whole * op->dst.strs[0];

	struct wino_finish_s finish = finish_at(args, NULL, off);

	kernels->product(wino_round_up(n - whole, kernels->rows), columns, depth, ws->C, columns, false,
			ws->A + whole * lda, lda, B);
	wino_store_pixels(op, &finish, args->dst + off, n - whole, ws->C, columns);
}


static void direct_row(const struct wino_op_s* op, const struct wino_args_s* args, const struct direct_s* ws,
		const float* B, long y, long z, long b)
{
	long width = op->dst.dims[0];

	for (long x = 0; x < width; x += gather_pixels(op)) {

		long n = wino_min(gather_pixels(op), width - x);

		wino_gather(op, n, ws->A, args->src, (const long[NN_DIMS]){ x, y, z, b }, ws->scratch);
		direct_products(op, args, ws, B, n, wino_offset(&op->dst, x, y, z, b));
	}
}


void wino_direct_apply(const struct wino_op_s* op, const struct wino_args_s* args)
{
	struct wino_arena_s arena = { args->ws, 0 };
	struct direct_s ws[op->threads];

	float* B = wino_take(&arena, direct_depth(op) * direct_columns(op));

	for (int i = 0; i < op->threads; i++) {

		ws[i] = direct_take(op, &arena);
		wino_gather_prepare(op, gather_pixels(op), ws[i].A);
	}

	direct_pack(op, B, args);

	long Y = op->dst.dims[1];
	long Z = op->dst.dims[2];

#pragma omp parallel for schedule(dynamic, 4) num_threads(op->threads)
	for (long r = 0; r < row_count(op); r++)
		direct_row(op, args, &ws[wino_thread()], B, r % Y, (r / Y) % Z, r / (Y * Z));
}



#define STRIP 32	// rows that a thread works one after the other
#define KEPT 4		// rows of products, of which three are needed

struct spread_s {

	float* A;	// pixels of src
	float* Q;	// products: Q[row % KEPT][x][tap, channel of dst]
	float* sum;	// a strip of dst
};


static long spread_width(const struct wino_op_s* op)
{
	return wino_columns(op, op->kernel[0] * op->kernel[1] * op->dst.channels);
}


static long spread_row_floats(const struct wino_op_s* op)
{
	return wino_round_up(op->src.dims[0], op->kernels->rows) * spread_width(op);
}


static long spread_filter_floats(const struct wino_op_s* op)
{
	return wino_padded(&op->src) * spread_width(op);
}


static struct spread_s spread_take(const struct wino_op_s* op, struct wino_arena_s* arena)
{
	return (struct spread_s){

		.A = wino_take(arena, spread_pixels(op) * wino_padded(&op->src)),
		.Q = wino_take(arena, KEPT * spread_row_floats(op)),
		.sum = wino_take(arena, STRIP * op->dst.dims[0] * op->dst.channels),
	};
}


size_t wino_spread_workspace(const struct wino_op_s* op)
{
	struct wino_arena_s arena = { NULL, 0 };

	wino_take(&arena, op->kernel[2] * spread_filter_floats(op));

	for (int i = 0; i < op->threads; i++)
		spread_take(op, &arena);

	return arena.used;
}


static float spread_weight(const struct wino_op_s* op, const float* weights, long row, long column, long kz)
{
	long taps = op->kernel[0] * op->kernel[1];

	if ((row >= op->src.channels) || (column >= taps * op->dst.channels))
		return 0.f;

	return weights[wino_weight(op, column % op->dst.channels, row, kz * taps + column / op->dst.channels)];
}


// B[channels of src][taps, channels of dst]
static void spread_pack(const struct wino_op_s* op, float* B, const float* weights, long kz)
{
	long rows = wino_padded(&op->src);
	long columns = spread_width(op);
	long w = 0;

	for (long n = 0; n < columns; n += w) {

		w = wino_panel(op->kernels, columns - n);

		for (long i = 0; i < rows * w; i++)
			B[n * rows + i] = spread_weight(op, weights, i / w, n + i % w, kz);
	}
}


static float* spread_row(const struct wino_op_s* op, const struct spread_s* ws, long y)
{
	return ws->Q + (y % KEPT) * spread_row_floats(op);
}


/* The whole blocks of a row can be taken from src as they are if there is no
 * ReLU. A single panel of few columns does better to copy: it reads many rows at
 * once, too many streams for memory.
 */
static void spread_products(const struct wino_op_s* op, const struct spread_s* ws, const float* B, const float* plane, long y)
{
	long depth = wino_padded(&op->src);
	long columns = spread_width(op);
	long width = op->src.dims[0];
	bool relu = op->relu && !op->adjoint;
	float* Q = spread_row(op, ws, y);

	for (long x = 0; x < width; x += spread_pixels(op)) {

		long n = wino_min(spread_pixels(op), width - x);
		const float* A = plane + wino_offset(&op->src, x, y, 0, 0);
		bool copy = relu || (0 != n % op->kernels->rows) || (columns == op->kernels->width);

		if (copy)
			wino_copy_pixels(op->kernels, &op->src, relu, n, ws->A, depth, A);

		op->kernels->product(wino_round_up(n, op->kernels->rows), columns, depth, Q + x * columns, columns, false,
				copy ? ws->A : A, copy ? depth : op->src.strs[0], B);
	}
}


// near the edges padding has a say
static void spread_edge(const struct wino_op_s* op, float* sum, const float* q, long x)
{
	long n = op->dst.channels;

	for (long k = 0; k < op->kernel[0]; k++) {

		long src[2];
		int count = wino_sources(op, 0, x, k, src);

		for (int i = 0; i < count; i++)
			for (long c = 0; c < n; c++)
				sum[x * n + c] += q[src[i] * spread_width(op) + k * n + c];
	}
}


// the taps along X of one row of products q[x][tap, channel]
static void spread_taps(const struct wino_op_s* op, float* sum, const float* q)
{
	long n = op->dst.channels;
	long width = op->dst.dims[0];
	long columns = spread_width(op);
	long taps = op->kernel[0];

	for (long x = 0; x < wino_min(2, width); x++)
		spread_edge(op, sum, q, x);

	for (long x = wino_max(2, width - 2); x < width; x++)
		spread_edge(op, sum, q, x);

	for (long x = 2; x < width - 2; x++)
		for (long k = 0; k < taps; k++)
			for (long c = 0; c < n; c++)
				sum[x * n + c] += q[(x + k - taps / 2) * columns + k * n + c];
}


static void spread_sum(const struct wino_op_s* op, const struct spread_s* ws, float* sum, long y)
{
	for (long ky = 0; ky < op->kernel[1]; ky++) {

		long src[2];
		int count = wino_sources(op, 1, y, ky, src);

		for (int i = 0; i < count; i++)
			spread_taps(op, sum, spread_row(op, ws, src[i]) + ky * op->kernel[0] * op->dst.channels);
	}
}


static float* sum_row(const struct wino_op_s* op, const struct spread_s* ws, long i)
{
	return ws->sum + i * op->dst.dims[0] * op->dst.channels;
}


// adds what one plane of src gives to rows y0 .. y1 - 1 of dst
static void spread_plane(const struct wino_op_s* op, const struct spread_s* ws, const float* B,
		const float* plane, long y0, long y1)
{
	long next = wino_max(0, y0 - 1);

	for (long y = y0; y < y1; y++) {

		for (; next < wino_min(y + 2, op->src.dims[1]); next++)
			spread_products(op, ws, B, plane, next);

		spread_sum(op, ws, sum_row(op, ws, y - y0), y);
	}
}


static void spread_strip(const struct wino_op_s* op, const struct wino_args_s* args,
		const struct spread_s* ws, const float* B, long y0, long z, long b)
{
	long y1 = wino_min(y0 + STRIP, op->dst.dims[1]);

	memset(ws->sum, 0, (size_t)((y1 - y0) * op->dst.dims[0] * op->dst.channels) * sizeof(float));

	for (long kz = 0; kz < op->kernel[2]; kz++) {

		long src[2];
		int count = wino_sources(op, 2, z, kz, src);

		for (int i = 0; i < count; i++)
			spread_plane(op, ws, B + kz * spread_filter_floats(op),
					args->src + wino_offset(&op->src, 0, 0, src[i], b), y0, y1);
	}

	for (long y = y0; y < y1; y++) {

		long off = wino_offset(&op->dst, 0, y, z, b);
		struct wino_finish_s finish = finish_at(args, args->bias, off);

		wino_store_pixels(op, &finish, args->dst + off, op->dst.dims[0], sum_row(op, ws, y - y0), op->dst.channels);
	}
}


void wino_spread_apply(const struct wino_op_s* op, const struct wino_args_s* args)
{
	struct wino_arena_s arena = { args->ws, 0 };
	struct spread_s ws[op->threads];

	float* B = wino_take(&arena, op->kernel[2] * spread_filter_floats(op));

	for (int i = 0; i < op->threads; i++)
		ws[i] = spread_take(op, &arena);

	for (long kz = 0; kz < op->kernel[2]; kz++)
		spread_pack(op, B + kz * spread_filter_floats(op), args->weights, kz);

#pragma omp parallel for collapse(3) schedule(dynamic) num_threads(op->threads)
	for (long b = 0; b < op->dst.dims[3]; b++) {

		for (long z = 0; z < op->dst.dims[2]; z++) {

			for (long y = 0; y < op->dst.dims[1]; y += STRIP)
				spread_strip(op, args, &ws[wino_thread()], B, y, z, b);
		}
	}
}
