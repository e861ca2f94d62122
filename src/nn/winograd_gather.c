/*
 * Pixels between tensors of any layout and the rows of matrices.
 */

#include <stddef.h>
#include <stdbool.h>
#include <string.h>

#include "nn/backend.h"
#include "nn/padding.h"
#include "nn/winograd.h"


// contiguous channels of one pixel; groups may lie apart
static void copy_pixel(const struct nn_tensor_s* tensor, bool relu, float* out, const float* in)
{
	long group = wino_min(tensor->group, tensor->channels);

	for (long c = 0; c < tensor->channels; c += group, in += tensor->group_str) {

		long n = wino_min(group, tensor->channels - c);

		for (long i = 0; i < n; i++)
			out[c + i] = (relu && !(0.f < in[i])) ? 0.f : in[i];
	}
}


static bool is_contiguous(const struct nn_tensor_s* tensor)
{
	return (tensor->channels == tensor->strs[0]) && (tensor->channels <= tensor->group);
}


static void copy_floats(bool relu, long n, float* out, const float* in)
{
	if (!relu) {

		memcpy(out, in, (size_t)n * sizeof(float));
		return;
	}

#pragma omp simd
	for (long i = 0; i < n; i++)
		out[i] = (0.f < in[i]) ? in[i] : 0.f;
}


void wino_copy_pixels(const struct wino_kernels_s* kernels, const struct nn_tensor_s* tensor, bool relu,
		long n, float* out, long ldo, const float* in)
{
	if (is_contiguous(tensor) && (ldo == tensor->channels)) {

		copy_floats(relu, n * ldo, out, in);
		return;
	}

	bool feature = wino_is_feature(tensor);

	for (long i = 0; i < n; i++, out += ldo, in += tensor->strs[0]) {

		if (feature && relu)
			kernels->pixel_relu(tensor->group, out, in);
		else if (feature)
			memcpy(out, in, (size_t)tensor->group * sizeof(float));
		else
			copy_pixel(tensor, relu, out, in);
	}
}


static void finish_pixel(const struct nn_tensor_s* tensor, float* y, const float* v,
		const struct wino_finish_s* finish, const float* mask)
{
	long group = wino_min(tensor->group, tensor->channels);

	for (long c = 0; c < tensor->channels; c++) {

		long off = (c / group) * tensor->group_str + (c % group);
		float value = v[c] + ((NULL == finish->bias) ? 0.f : finish->bias[c]);

		if ((NULL != mask) && !(0.f < mask[off]))
			value = 0.f;

		y[off] = value + (finish->add ? y[off] : 0.f);
	}
}


void wino_store_pixels(const struct wino_op_s* op, const struct wino_finish_s* finish, float* dst, long n, const float* v, long ldv)
{
	const struct nn_tensor_s* tensor = &op->dst;
	bool feature = wino_is_feature(tensor);

	for (long i = 0; i < n; i++) {

		long off = i * tensor->strs[0];
		const float* mask = (NULL == finish->mask) ? NULL : (finish->mask + off);
		struct wino_finish_s at = { finish->add, mask, finish->bias };

		if (feature)
			op->kernels->pixel_finish(tensor->group, dst + off, v + i * ldv, &at);
		else
			finish_pixel(tensor, dst + off, v + i * ldv, &at, mask);
	}
}


long wino_gather_columns(const struct wino_op_s* op)
{
	return wino_round_up(wino_taps(op) * op->src.channels + 1, 8);
}


// a line of n pixels with the two beside them
long wino_gather_scratch(const struct wino_op_s* op, long n)
{
	return (n + 2) * op->src.channels;
}


/* Pixel pos of a row of src, which may be outside by one. The adjoint's rim is
 * zero: what is folded back comes on top, see fold_pixel().
 */
static void load_pixel(const struct wino_op_s* op, float* out, const float* row, long pos)
{
	const struct nn_tensor_s* src = &op->src;

	pos = nn_pad_index(op->adjoint ? NN_PAD_ZERO : op->padding, pos, src->dims[0]);

	if (0 <= pos)
		copy_pixel(src, op->relu && !op->adjoint, out, row + pos * src->strs[0]);
	else
		memset(out, 0, (size_t)src->channels * sizeof(float));
}


// positions x .. x + n - 1, their channels without padding
static void load_line(const struct wino_op_s* op, float* line, const float* row, long x, long n)
{
	const struct nn_tensor_s* src = &op->src;
	long channels = src->channels;

	long before = wino_max(0, -x);
	long after = wino_max(0, x + n - src->dims[0]);

	for (long i = 0; i < before; i++)
		load_pixel(op, line + i * channels, row, x + i);

	for (long i = n - after; i < n; i++)
		load_pixel(op, line + i * channels, row, x + i);

	const float* in = row + (x + before) * src->strs[0];

	if (is_contiguous(src)) {

		wino_copy_pixels(op->kernels, src, op->relu && !op->adjoint, n - before - after,
				line + before * channels, channels, in);
		return;
	}

	for (long i = before; i < n - after; i++, in += src->strs[0])
		copy_pixel(src, op->relu && !op->adjoint, line + i * channels, in);
}


// pixel pos of the row, if it is folded back onto one of ours, for that tap
static void fold_pixel(const struct wino_op_s* op, long n, float* A, const float* row, long x, long rim, long pos, long tap)
{
	long channels = op->src.channels;
	long to = nn_pad_index(op->padding, rim, op->src.dims[0]) - x;
	float pixel[channels];

	if ((0 > to) || (to >= n))
		return;

	copy_pixel(&op->src, false, pixel, row + pos * op->src.strs[0]);

	for (long i = 0; i < channels; i++)
		A[to * wino_gather_columns(op) + tap * channels + i] += pixel[i];
}


static inline __attribute__((always_inline)) void put_pixels(long n, const long width, float* A, long lda, const float* line, long step)
{
	for (long i = 0; i < n; i++)
		memcpy(A + i * lda, line + i * step, (size_t)width * sizeof(float));
}


static void add_pixels(long n, long width, float* A, long lda, const float* line, long step)
{
	for (long i = 0; i < n; i++)
		for (long j = 0; j < width; j++)
			A[i * lda + j] += line[i * step + j];
}


/* In a line of pixels the taps of a pixel lie side by side. They are so few that
 * a copy is fast only where the compiler knows how many: 1 or 3 of a map or two.
 */
static void put_line(bool add, long n, long width, float* A, long lda, const float* line, long step)
{
	if (add)
		add_pixels(n, width, A, lda, line, step);
	else if (2 == width)
		put_pixels(n, 2, A, lda, line, step);
	else if (6 == width)
		put_pixels(n, 6, A, lda, line, step);
	else if (12 == width)
		put_pixels(n, 12, A, lda, line, step);
	else
		put_pixels(n, width, A, lda, line, step);
}


// the taps along X, for one row of src
static void gather_row(const struct wino_op_s* op, long n, float* A, bool add, const float* row, long x, float* line)
{
	long taps = op->kernel[0];
	long channels = op->src.channels;
	long size = op->src.dims[0];

	load_line(op, line, row, x - taps / 2, n + taps - 1);
	put_line(add, n, taps * channels, A, wino_gather_columns(op), line, channels);

	if (op->adjoint && (3 == taps) && (NN_PAD_ZERO != op->padding)) {

		fold_pixel(op, n, A, row, x, -1, 0, 2);
		fold_pixel(op, n, A, row, x, size, size - 1, 0);
	}
}


static void clear_columns(long n, long width, float* A, long lda)
{
	for (long i = 0; i < n; i++)
		for (long j = 0; j < width; j++)
			A[i * lda + j] = 0.f;
}


void wino_gather_prepare(const struct wino_op_s* op, long n, float* A)
{
	long lda = wino_gather_columns(op);
	long used = wino_taps(op) * op->src.channels;

	clear_columns(n, lda - used, A + used, lda);

	for (long i = 0; i < n; i++)
		A[i * lda + used] = 1.f;
}


// the n pixels from pos on, side by side along X
void wino_gather(const struct wino_op_s* op, long n, float* A, const float* src, const long pos[NN_DIMS], float* scratch)
{
	long width = op->kernel[0] * op->src.channels;

	for (long tap = 0; tap < op->kernel[1] * op->kernel[2]; tap++) {

		long ys[2];
		long zs[2];

		int ny = wino_sources(op, 1, pos[1], tap % op->kernel[1], ys);
		int nz = wino_sources(op, 2, pos[2], tap / op->kernel[1], zs);

		if (0 == ny * nz)
			clear_columns(n, width, A + tap * width, wino_gather_columns(op));

		for (int i = 0; i < ny * nz; i++) {

			const float* row = src + wino_offset(&op->src, 0, ys[i % ny], zs[i / ny], pos[3]);

			gather_row(op, n, A + tap * width, 0 < i, row, pos[0], scratch);
		}
	}
}
