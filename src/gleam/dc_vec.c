/*
 * Not BART's md_ functions: these sum in single precision or in an order that
 * follows the number of threads, and each is a pass of its own over memory.
 */

#include <complex.h>

#include "misc/misc.h"

#include "dc_vec.h"

#define BLOCK 8192L	// floats; a block of five vectors fits into the second level cache

long dc_vec_blocks(long N)
{
	return (2 * N + BLOCK - 1) / BLOCK;
}


static long block_end(long N, long b)
{
	return MIN(2 * N, (b + 1) * BLOCK);
}


static double sum(long B, const double partial[B])
{
	double s = 0.;

	for (long b = 0; b < B; b++)
		s += partial[b];

	return s;
}


double dc_vec_dot_diff(long N, const complex float _a[N], const complex float _b[N], const complex float _c[N], double partial[])
{
	const float* a = (const float*)_a;
	const float* b = (const float*)_b;
	const float* c = (const float*)_c;
	long B = dc_vec_blocks(N);

#pragma omp parallel for schedule(static) if (1 < B)
	for (long k = 0; k < B; k++) {

		double s = 0.;

#pragma 	omp simd reduction(+:s)
		for (long i = k * BLOCK; i < block_end(N, k); i++)
			s += (double)a[i] * ((double)b[i] - (double)c[i]);

		partial[k] = s;
	}

	return sum(B, partial);
}


double dc_vec_scale(long N, complex float _dst[N], float a, const complex float _x[N], double partial[])
{
	float* dst = (float*)_dst;
	const float* x = (const float*)_x;
	long B = dc_vec_blocks(N);

#pragma omp parallel for schedule(static) if (1 < B)
	for (long k = 0; k < B; k++) {

		double s = 0.;

#pragma 	omp simd reduction(+:s)
		for (long i = k * BLOCK; i < block_end(N, k); i++) {

			dst[i] = a * x[i];
			s += (double)dst[i] * (double)dst[i];
		}

		partial[k] = s;
	}

	return sum(B, partial);
}


void dc_vec_xpay(long N, complex float _y[N], float b, const complex float _x[N])
{
	float* y = (float*)_y;
	const float* x = (const float*)_x;
	long B = dc_vec_blocks(N);

#pragma omp parallel for schedule(static) if (1 < B)
	for (long k = 0; k < B; k++) {

#pragma 	omp simd
		for (long i = k * BLOCK; i < block_end(N, k); i++)
			y[i] = b * y[i] + x[i];
	}
}


void dc_vec_step(long N, complex float _dst[N], const complex float _x[N], float a, const complex float _y[N], const complex float _z[N])
{
	float* dst = (float*)_dst;
	const float* x = (const float*)_x;
	const float* y = (const float*)_y;
	const float* z = (const float*)_z;
	long B = dc_vec_blocks(N);

#pragma omp parallel for schedule(static) if (1 < B)
	for (long k = 0; k < B; k++) {

		if (NULL == z) {

#pragma 		omp simd
			for (long i = k * BLOCK; i < block_end(N, k); i++)
				dst[i] = x[i] - a * y[i];

		} else {

#pragma 		omp simd
			for (long i = k * BLOCK; i < block_end(N, k); i++)
				dst[i] = x[i] - a * (y[i] - z[i]);
		}
	}
}


double dc_vec_axpy_dot(long N, complex float _y[N], float a, const complex float _x[N], double partial[])
{
	float* y = (float*)_y;
	const float* x = (const float*)_x;
	long B = dc_vec_blocks(N);

#pragma omp parallel for schedule(static) if (1 < B)
	for (long k = 0; k < B; k++) {

		double s = 0.;

#pragma 	omp simd reduction(+:s)
		for (long i = k * BLOCK; i < block_end(N, k); i++) {

			y[i] += a * x[i];
			s += (double)x[i] * (double)y[i];
		}

		partial[k] = s;
	}

	return sum(B, partial);
}


double dc_vec_update(long N, complex float _x[N], complex float _r[N], float a, const complex float _p[N], const complex float _q[N], double partial[])
{
	float* x = (float*)_x;
	float* r = (float*)_r;
	const float* p = (const float*)_p;
	const float* q = (const float*)_q;
	long B = dc_vec_blocks(N);

#pragma omp parallel for schedule(static) if (1 < B)
	for (long k = 0; k < B; k++) {

		double s = 0.;

#pragma 	omp simd reduction(+:s)
		for (long i = k * BLOCK; i < block_end(N, k); i++) {

			x[i] += a * p[i];
			r[i] -= a * q[i];
			s += (double)r[i] * (double)r[i];
		}

		partial[k] = s;
	}

	return sum(B, partial);
}


double dc_vec_residual(long N, complex float _r[N], float a, const complex float _z[N], const complex float _x[N], double partial[])
{
	float* r = (float*)_r;
	const float* z = (const float*)_z;
	const float* x = (const float*)_x;
	long B = dc_vec_blocks(N);

#pragma omp parallel for schedule(static) if (1 < B)
	for (long k = 0; k < B; k++) {

		double s = 0.;

#pragma 	omp simd reduction(+:s)
		for (long i = k * BLOCK; i < block_end(N, k); i++) {

			r[i] += a * (z[i] - x[i]);
			s += (double)r[i] * (double)r[i];
		}

		partial[k] = s;
	}

	return sum(B, partial);
}
