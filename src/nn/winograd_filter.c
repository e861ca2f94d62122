/*
 * Filters of the Winograd backend: to the 36 points and, their gradients, back.
 * In double: it costs little, and errors of the filters would be in all pixels.
 */

#include <stddef.h>
#include <stdbool.h>

#include "nn/backend.h"
#include "nn/winograd.h"


#define SQ(x) ((double)(x) * (double)(x))
#define SCALE_0 (1. / (SQ(WINO_A) * SQ(WINO_B)))
#define SCALE_A (1. / (2. * SQ(WINO_A) * (SQ(WINO_A) - SQ(WINO_B))))
#define SCALE_B (1. / (2. * SQ(WINO_B) * (SQ(WINO_B) - SQ(WINO_A))))


// G w: the polynomial's values at the points, with the weights of Lagrange's interpolation
static void filter_points(double g[WINO_IN], const double w[3])
{
	double even_a = SCALE_A * (w[0] + SQ(WINO_A) * w[2]);
	double odd_a = SCALE_A * ((double)WINO_A * w[1]);
	double even_b = SCALE_B * (w[0] + SQ(WINO_B) * w[2]);
	double odd_b = SCALE_B * ((double)WINO_B * w[1]);

	g[0] = SCALE_0 * w[0];
	g[1] = even_a + odd_a;
	g[2] = even_a - odd_a;
	g[3] = even_b + odd_b;
	g[4] = even_b - odd_b;
	g[5] = w[2];
}


// G^T g
static void filter_points_transposed(double w[3], const double g[WINO_IN])
{
	double even_a = SCALE_A * (g[1] + g[2]);
	double odd_a = SCALE_A * (g[1] - g[2]);
	double even_b = SCALE_B * (g[3] + g[4]);
	double odd_b = SCALE_B * (g[3] - g[4]);

	w[0] = SCALE_0 * g[0] + even_a + even_b;
	w[1] = (double)WINO_A * odd_a + (double)WINO_B * odd_b;
	w[2] = SQ(WINO_A) * even_a + SQ(WINO_B) * even_b + g[5];
}


// G w G^T
static void filter_square(double U[WINO_IN][WINO_IN], const double w[3][3])
{
	double tmp[3][WINO_IN];

	for (int i = 0; i < 3; i++)
		filter_points(tmp[i], w[i]);

	for (int j = 0; j < WINO_IN; j++) {

		double g[WINO_IN];

		filter_points(g, (const double[3]){ tmp[0][j], tmp[1][j], tmp[2][j] });

		for (int i = 0; i < WINO_IN; i++)
			U[i][j] = g[i];
	}
}


// G^T U G
static void filter_square_transposed(double w[3][3], const double U[WINO_IN][WINO_IN])
{
	double tmp[WINO_IN][3];

	for (int i = 0; i < WINO_IN; i++)
		filter_points_transposed(tmp[i], U[i]);

	for (int j = 0; j < 3; j++) {

		double column[WINO_IN];
		double g[3];

		for (int i = 0; i < WINO_IN; i++)
			column[i] = tmp[i][j];

		filter_points_transposed(g, column);

		for (int i = 0; i < 3; i++)
			w[i][j] = g[i];
	}
}


static void filter_load(const struct wino_op_s* op, double w[3][3], const float* weights, long dst, long src, long kz)
{
	bool present = (dst < op->dst.channels) && (src < op->src.channels);

	for (long i = 0; i < 9; i++)
		w[i / 3][i % 3] = present ? (double)weights[wino_weight(op, dst, src, 9 * kz + i)] : 0.;
}


// the columns n .. n + w - 1 of row src; a column is a channel of dst
static void filter_panel_row(const struct wino_op_s* op, float* U, long slot, const float* weights, long src,
		long n, long w, long kz)
{
	for (long i = 0; i < w; i++) {

		double g[3][3];
		double u[WINO_IN][WINO_IN];

		filter_load(op, g, weights, n + i, src, kz);
		filter_square(u, g);

		for (long p = 0; p < WINO_POINTS; p++)
			U[p * slot + i] = (float)u[p / WINO_IN][p % WINO_IN];
	}
}


void wino_filter_transform(const struct wino_op_s* op, float* U, const float* weights, long kz)
{
	long rows = wino_padded(&op->src);
	long columns = wino_columns(op, wino_padded(&op->dst));

#pragma omp parallel for num_threads(op->threads)
	for (long c = 0; c < rows; c++) {

		long w = 0;

		for (long n = 0; n < columns; n += w) {

			w = wino_panel(op->kernels, columns - n);
			filter_panel_row(op, U + n * rows + c * w, rows * columns, weights, c, n, w, kz);
		}
	}
}


// one input channel: a row of the 36 matrices
static void filter_gradient_row(const struct wino_op_s* op, float* dweights, long c, const float* dU, long kz)
{
	long columns = wino_columns(op, wino_padded(&op->dst));
	long slot = wino_padded(&op->src) * columns;

	for (long k = 0; k < op->dst.channels; k++) {

		double u[WINO_IN][WINO_IN];
		double g[3][3];

		for (long p = 0; p < WINO_POINTS; p++)
			u[p / WINO_IN][p % WINO_IN] = (double)dU[p * slot + c * columns + k];

		filter_square_transposed(g, u);

		for (long i = 0; i < 9; i++)
			dweights[wino_weight(op, k, c, 9 * kz + i)] += (float)g[i / 3][i % 3];
	}
}


void wino_filter_gradient(const struct wino_op_s* op, float* dweights, const float* dU, long kz)
{
#pragma omp parallel for num_threads(op->threads)
	for (long c = 0; c < op->src.channels; c++)
		filter_gradient_row(op, dweights, c, dU, kz);
}


// the three planes of a kernel to six along z, then each to 36 points
static void volume_points(double u[WINO_IN][WINO_IN][WINO_IN], const double w[3][3][3])
{
	double z[WINO_IN][3][3];

	for (int i = 0; i < 9; i++) {

		double g[WINO_IN];

		filter_points(g, (const double[3]){ w[0][i / 3][i % 3], w[1][i / 3][i % 3], w[2][i / 3][i % 3] });

		g[0] /= SCALE_0;

		for (int q = 0; q < WINO_IN; q++)
			z[q][i / 3][i % 3] = g[q];
	}

	for (int q = 0; q < WINO_IN; q++)
		filter_square(u[q], z[q]);
}


static void volume_points_transposed(double w[3][3][3], const double u[WINO_IN][WINO_IN][WINO_IN])
{
	double z[WINO_IN][3][3];

	for (int q = 0; q < WINO_IN; q++)
		filter_square_transposed(z[q], u[q]);

	for (int i = 0; i < 9; i++) {

		double g[WINO_IN];
		double k[3];

		for (int q = 0; q < WINO_IN; q++)
			g[q] = z[q][i / 3][i % 3];

		g[0] /= SCALE_0;

		filter_points_transposed(k, g);

		for (int q = 0; q < 3; q++)
			w[q][i / 3][i % 3] = k[q];
	}
}


static void volume_panel_row(const struct wino_op_s* op, float* U, long slot, const float* weights, long src, long n, long w)
{
	for (long i = 0; i < w; i++) {

		double g[3][3][3];
		double u[WINO_IN][WINO_IN][WINO_IN];

		for (long kz = 0; kz < 3; kz++)
			filter_load(op, g[kz], weights, n + i, src, kz);

		volume_points(u, g);

		for (long p = 0; p < WINO_POINTS; p++)
			for (long q = 0; q < WINO_IN; q++)
				U[(p * WINO_IN + q) * slot + i] = (float)u[q][p / WINO_IN][p % WINO_IN];
	}
}


void wino_volume_filter(const struct wino_op_s* op, float* U, const float* weights)
{
	long rows = op->src.channels;
	long columns = wino_columns(op, wino_padded(&op->dst));

#pragma omp parallel for num_threads(op->threads)
	for (long c = 0; c < rows; c++) {

		long w = 0;

		for (long n = 0; n < columns; n += w) {

			w = wino_panel(op->kernels, columns - n);
			volume_panel_row(op, U + n * rows + c * w, rows * columns, weights, c, n, w);
		}
	}
}


// one input channel: a row of the 216 matrices
static void volume_gradient_row(const struct wino_op_s* op, float* dweights, long c, const float* dU)
{
	long columns = wino_columns(op, wino_padded(&op->dst));
	long slot = wino_padded(&op->src) * columns;

	for (long k = 0; k < op->dst.channels; k++) {

		double u[WINO_IN][WINO_IN][WINO_IN];
		double g[3][3][3];

		for (long p = 0; p < WINO_POINTS; p++)
			for (long q = 0; q < WINO_IN; q++)
				u[q][p / WINO_IN][p % WINO_IN] = (double)dU[(p * WINO_IN + q) * slot + c * columns + k];

		volume_points_transposed(g, u);

		for (long i = 0; i < 27; i++)
			dweights[wino_weight(op, k, c, i)] += (float)g[i / 9][i / 3 % 3][i % 3];
	}
}


void wino_volume_filter_gradient(const struct wino_op_s* op, float* dweights, const float* dU)
{
#pragma omp parallel for num_threads(op->threads)
	for (long c = 0; c < op->src.channels; c++)
		volume_gradient_row(op, dweights, c, dU);
}
