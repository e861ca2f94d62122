/*
 * Transforms along z, for winograd_kernels.h, which includes this: with its vectors and
 * its transforms of points.
 */
#ifndef _WINOGRAD_LINES_H
#define _WINOGRAD_LINES_H

/* Along z, element by element of arrays that hold all tiles of a point. The filter's
 * first point is not scaled here (see wino_volume_filter), so the input's is.
 */
KERNEL void line_input(long n, float* V, long slot, const float* const x[WINO_IN])
{
	for (long i = 0; i < n; i += WINO_TILE_WIDTH) {

		tvec d[WINO_IN];
		tvec t[WINO_IN];

		UNROLL
		for (int j = 0; j < WINO_IN; j++)
			d[j] = tload(x[j] + i);

		input_points(t, d);

		t[0] = d[0] + (1.f / (A2 * B2)) * (d[4] - (A2 + B2) * d[2]);

		UNROLL
		for (int j = 0; j < WINO_IN; j++)
			tstore(V + j * slot + i, t[j]);
	}
}


KERNEL void line_output(long n, float* const y[WINO_OUT], const float* M, long slot)
{
	for (long i = 0; i < n; i += WINO_TILE_WIDTH) {

		tvec m[WINO_IN];
		tvec t[WINO_OUT];

		UNROLL
		for (int j = 0; j < WINO_IN; j++)
			m[j] = tload(M + j * slot + i);

		output_points(t, m);

		UNROLL
		for (int j = 0; j < WINO_OUT; j++)
			tstore(y[j] + i, t[j]);
	}
}


KERNEL void line_gradient(long n, float* D, long slot, const float* const dy[WINO_OUT])
{
	for (long i = 0; i < n; i += WINO_TILE_WIDTH) {

		tvec d[WINO_OUT];
		tvec t[WINO_IN];

		UNROLL
		for (int j = 0; j < WINO_OUT; j++)
			d[j] = tload(dy[j] + i);

		gradient_points(t, d);

		UNROLL
		for (int j = 0; j < WINO_IN; j++)
			tstore(D + j * slot + i, t[j]);
	}
}

#endif		// _WINOGRAD_LINES_H
