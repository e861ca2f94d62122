/*
 * The inner loops of the Winograd backend. This file is compiled once for each
 * instruction set by winograd_*.c, which say
 *
 *	WINO_TARGET	attribute of all functions
 *	WINO_WIDTH	floats in a vector of the matrix products
 *	WINO_TILE_WIDTH	floats in a vector of the transforms (8 at most: the multiple of channels)
 *	WINO_ROWS	rows of the microkernel of three vectors
 */

#include <stdbool.h>

#include "nn/winograd.h"

#define INLINE static inline __attribute__((always_inline)) WINO_TARGET
#define KERNEL static WINO_TARGET

// arrays of vectors become registers only where their loops are unrolled
#ifdef __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 24")
#endif

typedef float vec __attribute__((vector_size(4 * WINO_WIDTH)));
typedef float vec_mem __attribute__((vector_size(4 * WINO_WIDTH), aligned(4), may_alias));

typedef float tvec __attribute__((vector_size(4 * WINO_TILE_WIDTH)));
typedef float tvec_mem __attribute__((vector_size(4 * WINO_TILE_WIDTH), aligned(4), may_alias));
typedef int tmask __attribute__((vector_size(4 * WINO_TILE_WIDTH)));


#define LINE 16		// floats in a line of the cache

INLINE vec load(const float* x)
{
	return *(const vec_mem*)x;
}

INLINE void store(float* y, vec v)
{
	*(vec_mem*)y = v;
}

INLINE tvec tload(const float* x)
{
	return *(const tvec_mem*)x;
}

INLINE void tstore(float* y, tvec v)
{
	*(tvec_mem*)y = v;
}

// v where x > 0, else 0
INLINE tvec where_positive(tvec x, tvec v)
{
	return (tvec)((tmask)v & (x > 0.f));
}



/* C[R][N vectors] (+)= sum over k of A(r, k) B(k, :), with element (r, k) of A at r * row + k * step.
 * R and N are constants where this is inlined, so that acc lives in registers. A long sum comes in
 * parts that are added to C: that keeps its rounding errors small.
 */
INLINE void micro(const int R, const int N, long K, float* C, long ldc, bool add,
		const float* A, long row, long step, const float* B, long ldb)
{
	vec acc[3 * WINO_ROWS][3];

	UNROLL
	for (int r = 0; r < R; r++)
		UNROLL
		for (int n = 0; n < N; n++)
			acc[r][n] = (vec){ 0.f };

	for (long k = 0; k < K; k++) {

		vec b[3];

		UNROLL
		for (int n = 0; n < N; n++)
			b[n] = load(B + k * ldb + n * WINO_WIDTH);

		UNROLL
		for (int r = 0; r < R; r++)
			UNROLL
			for (int n = 0; n < N; n++)
				acc[r][n] += A[r * row + k * step] * b[n];
	}

	UNROLL
	for (int r = 0; r < R; r++)
		UNROLL
		for (int n = 0; n < N; n++)
			store(C + r * ldc + n * WINO_WIDTH, add ? (load(C + r * ldc + n * WINO_WIDTH) + acc[r][n]) : acc[r][n]);
}


#define ROWS_3 WINO_ROWS
#define ROWS_2 (3 * WINO_ROWS / 2)
#define ROWS_1 (3 * WINO_ROWS)

#define PANEL(R, N)											\
KERNEL void panel_ ## N(long M, long K, float* C, long ldc, bool add, const float* A, long lda, const float* B)	\
{													\
	for (long m = 0; m < M; m += R)									\
		micro(R, N, K, C + m * ldc, ldc, add, A + m * lda, lda, 1, B, N * WINO_WIDTH);		\
}

PANEL(ROWS_3, 3)
PANEL(ROWS_2, 2)
PANEL(ROWS_1, 1)


/* The panel of B (K x 24 floats, say) and a row block of A stay in the first
 * level cache while C is written once.
 */
KERNEL void product(long M, long N, long K, float* C, long ldc, bool add, const float* A, long lda, const float* B)
{
	for (long n = 0; n < N; ) {

		long w = wino_panel(&KERNELS, N - n);

		switch (w / WINO_WIDTH) {

		case 3:
			panel_3(M, K, C + n, ldc, add, A, lda, B + n * K);
			break;

		case 2:
			panel_2(M, K, C + n, ldc, add, A, lda, B + n * K);
			break;

		default:
			panel_1(M, K, C + n, ldc, add, A, lda, B + n * K);
		}

		n += w;
	}
}


#define PANEL_T(R, N)											\
KERNEL void panel_t ## N(long M, long K, float* C, long ldc, const float* A, long lda, const float* B, long ldb)	\
{													\
	for (long m = 0; m < M; m += R)									\
		micro(R, N, K, C + m * ldc, ldc, true, A + m, 1, lda, B, ldb);				\
}

PANEL_T(ROWS_3, 3)
PANEL_T(ROWS_3, 2)
PANEL_T(8, 1)


KERNEL void product_transposed(long M, long N, long K, float* C, long ldc, const float* A, long lda, const float* B, long ldb)
{
	long n = 0;

	for (; n + 3 * WINO_WIDTH <= N; n += 3 * WINO_WIDTH)
		panel_t3(M, K, C + n, ldc, A, lda, B + n, ldb);

	for (; n + 2 * WINO_WIDTH <= N; n += 2 * WINO_WIDTH)
		panel_t2(M, K, C + n, ldc, A, lda, B + n, ldb);

	for (; n < N; n += WINO_WIDTH)
		panel_t1(M, K, C + n, ldc, A, lda, B + n, ldb);
}



#define A1 WINO_A
#define A2 (WINO_A * WINO_A)
#define B1 WINO_B
#define B2 (WINO_B * WINO_B)


// B^T d
INLINE void input_points(tvec t[WINO_IN], const tvec d[WINO_IN])
{
	tvec even_a = d[4] - B2 * d[2];
	tvec odd_a = d[3] - B2 * d[1];
	tvec even_b = d[4] - A2 * d[2];
	tvec odd_b = d[3] - A2 * d[1];

	t[0] = A2 * B2 * d[0] + (d[4] - (A2 + B2) * d[2]);
	t[1] = even_a + A1 * odd_a;
	t[2] = even_a - A1 * odd_a;
	t[3] = even_b + B1 * odd_b;
	t[4] = even_b - B1 * odd_b;
	t[5] = A2 * B2 * d[1] + (d[5] - (A2 + B2) * d[3]);
}


// A^T m
INLINE void output_points(tvec y[WINO_OUT], const tvec m[WINO_IN])
{
	tvec even_a = m[1] + m[2];
	tvec odd_a = m[1] - m[2];
	tvec even_b = m[3] + m[4];
	tvec odd_b = m[3] - m[4];

	y[0] = m[0] + even_a + even_b;
	y[1] = A1 * odd_a + B1 * odd_b;
	y[2] = A2 * even_a + B2 * even_b;
	y[3] = m[5] + (A1 * A2) * odd_a + (B1 * B2) * odd_b;
}


// A d
INLINE void gradient_points(tvec t[WINO_IN], const tvec d[WINO_OUT])
{
	tvec even_a = d[0] + A2 * d[2];
	tvec odd_a = d[1] + A2 * d[3];
	tvec even_b = d[0] + B2 * d[2];
	tvec odd_b = d[1] + B2 * d[3];

	t[0] = d[0];
	t[1] = even_a + A1 * odd_a;
	t[2] = even_a - A1 * odd_a;
	t[3] = even_b + B1 * odd_b;
	t[4] = even_b - B1 * odd_b;
	t[5] = d[3];
}


INLINE void tile_input_c(float* V, long slot, const float* x, long xstr, long ystr, const bool relu)
{
	tvec tmp[WINO_IN][WINO_IN];

	for (int j = 0; j < WINO_IN; j++) {

		tvec d[WINO_IN];
		tvec t[WINO_IN];

		UNROLL
		for (int i = 0; i < WINO_IN; i++) {

			d[i] = tload(x + j * xstr + i * ystr);

			if (relu)
				d[i] = where_positive(d[i], d[i]);
		}

		input_points(t, d);

		UNROLL
		for (int i = 0; i < WINO_IN; i++)
			tmp[i][j] = t[i];
	}

	for (int i = 0; i < WINO_IN; i++) {

		tvec t[WINO_IN];

		input_points(t, tmp[i]);

		UNROLL
		for (int j = 0; j < WINO_IN; j++)
			tstore(V + (i * WINO_IN + j) * slot, t[j]);
	}
}


/* Fetches what the next tile to the right will need: rows of pixels far apart are
 * too many streams for the hardware to follow.
 */
INLINE void prefetch_tile(const float* x, long xstr, long ystr, const int rows, const bool write)
{
	UNROLL
	for (int i = 0; i < rows; i++) {

		UNROLL
		for (int j = 0; j < WINO_OUT; j++) {

			if (write)
				__builtin_prefetch(x + i * ystr + j * xstr, 1, 2);
			else
				__builtin_prefetch(x + i * ystr + j * xstr, 0, 2);
		}
	}
}


KERNEL void tile_input(long channels, float* V, long slot, const float* x, long xstr, long ystr, bool relu)
{
	if (relu) {

		for (long c = 0; c < channels; c += WINO_TILE_WIDTH) {

			if (0 == c % LINE)
				prefetch_tile(x + c + WINO_IN * xstr, xstr, ystr, WINO_IN, false);

			tile_input_c(V + c, slot, x + c, xstr, ystr, true);
		}

	} else {

		for (long c = 0; c < channels; c += WINO_TILE_WIDTH) {

			if (0 == c % LINE)
				prefetch_tile(x + c + WINO_IN * xstr, xstr, ystr, WINO_IN, false);

			tile_input_c(V + c, slot, x + c, xstr, ystr, false);
		}
	}
}


INLINE void finish_c(float* y, tvec v, const struct wino_finish_s* finish, long c, const float* mask)
{
	if (NULL != finish->bias)
		v += tload(finish->bias + c);

	if (NULL != mask)
		v = where_positive(tload(mask), v);

	if (finish->add)
		v += tload(y);

	tstore(y, v);
}


INLINE void tile_output_c(float* y, long xstr, long ystr, const float* M, long slot, const struct wino_finish_s* finish, long c)
{
	tvec tmp[WINO_OUT][WINO_IN];

	for (int j = 0; j < WINO_IN; j++) {

		tvec m[WINO_IN];
		tvec t[WINO_OUT];

		UNROLL
		for (int i = 0; i < WINO_IN; i++)
			m[i] = tload(M + (i * WINO_IN + j) * slot + c);

		output_points(t, m);

		UNROLL
		for (int i = 0; i < WINO_OUT; i++)
			tmp[i][j] = t[i];
	}

	for (int i = 0; i < WINO_OUT; i++) {

		tvec t[WINO_OUT];

		output_points(t, tmp[i]);

		UNROLL
		for (int j = 0; j < WINO_OUT; j++) {

			long off = i * ystr + j * xstr + c;

			finish_c(y + off, t[j], finish, c, (NULL == finish->mask) ? NULL : (finish->mask + off));
		}
	}
}


KERNEL void tile_output(long channels, float* y, long xstr, long ystr, const float* M, long slot,
		const struct wino_finish_s* finish)
{
	for (long c = 0; c < channels; c += WINO_TILE_WIDTH) {

		if (0 == c % LINE)
			prefetch_tile(y + c + WINO_OUT * xstr, xstr, ystr, WINO_OUT, true);

		if ((0 == c % LINE) && (NULL != finish->mask))
			prefetch_tile(finish->mask + c + WINO_OUT * xstr, xstr, ystr, WINO_OUT, false);

		tile_output_c(y, xstr, ystr, M, slot, finish, c);
	}
}


KERNEL void tile_gradient(long channels, float* D, long slot, const float* dy, long xstr, long ystr)
{
	for (long c = 0; c < channels; c += WINO_TILE_WIDTH) {

		if (0 == c % LINE)
			prefetch_tile(dy + c + WINO_OUT * xstr, xstr, ystr, WINO_OUT, false);

		tvec tmp[WINO_IN][WINO_OUT];

		for (int j = 0; j < WINO_OUT; j++) {

			tvec d[WINO_OUT];
			tvec t[WINO_IN];

			UNROLL
			for (int i = 0; i < WINO_OUT; i++)
				d[i] = tload(dy + j * xstr + i * ystr + c);

			gradient_points(t, d);

			UNROLL
			for (int i = 0; i < WINO_IN; i++)
				tmp[i][j] = t[i];
		}

		for (int i = 0; i < WINO_IN; i++) {

			tvec t[WINO_IN];

			gradient_points(t, tmp[i]);

			UNROLL
			for (int j = 0; j < WINO_IN; j++)
				tstore(D + (i * WINO_IN + j) * slot + c, t[j]);
		}
	}
}


#include "nn/winograd_lines.h"


KERNEL void pixel_finish(long channels, float* y, const float* v, const struct wino_finish_s* finish)
{
	for (long c = 0; c < channels; c += WINO_TILE_WIDTH)
		finish_c(y + c, tload(v + c), finish, c, (NULL == finish->mask) ? NULL : (finish->mask + c));
}


KERNEL void pixel_relu(long channels, float* y, const float* x)
{
	for (long c = 0; c < channels; c += WINO_TILE_WIDTH) {

		tvec v = tload(x + c);

		tstore(y + c, where_positive(v, v));
	}
}


const struct wino_kernels_s KERNELS = {

	.name = WINO_NAME,
	.supported = supported,
	.width = WINO_WIDTH,
	.rows = 3 * WINO_ROWS,
	.product = product,
	.product_transposed = product_transposed,
	.tile_input = tile_input,
	.tile_output = tile_output,
	.tile_gradient = tile_gradient,
	.line_input = line_input,
	.line_output = line_output,
	.line_gradient = line_gradient,
	.pixel_finish = pixel_finish,
	.pixel_relu = pixel_relu,
};
