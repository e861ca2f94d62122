/*
 * Rows of complex numbers, of which data consistency on the CPU is made.
 */
#ifndef _DC_ROWS_H
#define _DC_ROWS_H

#include <complex.h>
#include <stdbool.h>

// a b, or conj(a) b with sign -1; spelled out because C's own product checks for NaN
static inline __attribute__((always_inline)) void row_product(const bool add, long X, complex float _d[X],
		float sign, const complex float _a[X], const complex float _b[X])
{
	float* d = (float*)_d;
	const float* a = (const float*)_a;
	const float* b = (const float*)_b;

#pragma omp simd
	for (long i = 0; i < X; i++) {

		float ai = sign * a[2 * i + 1];

		d[2 * i + 0] = (add ? d[2 * i + 0] : 0.f) + a[2 * i] * b[2 * i] - ai * b[2 * i + 1];
		d[2 * i + 1] = (add ? d[2 * i + 1] : 0.f) + a[2 * i] * b[2 * i + 1] + ai * b[2 * i];
	}
}


// d = a b
static inline void row_mul(long X, complex float d[X], float sign, const complex float a[X], const complex float b[X])
{
	row_product(false, X, d, sign, a, b);
}


// d += a b
static inline void row_fmac(long X, complex float d[X], float sign, const complex float a[X], const complex float b[X])
{
	row_product(true, X, d, sign, a, b);
}


// d += a
static inline void row_add(long X, float d[X], const float a[X])
{
#pragma omp simd
	for (long i = 0; i < X; i++)
		d[i] += a[i];
}


// d *= a
static inline void row_scale(long X, complex float d[X], float a)
{
	for (long i = 0; i < X; i++)
		d[i] *= a;
}

#endif		// _DC_ROWS_H
