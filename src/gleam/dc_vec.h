/*
 * Vector operations of the conjugate gradient method, on the CPU. Sums are in
 * double precision and over blocks of fixed size in a fixed order: they do not
 * depend on the number of threads.
 */
#ifndef _GLEAM_DC_VEC_H
#define _GLEAM_DC_VEC_H

#include <complex.h>

// number of partial sums that a vector of N elements needs
extern long dc_vec_blocks(long N);

// Re <a, b - c>
extern double dc_vec_dot_diff(long N, const complex float a[N], const complex float b[N], const complex float c[N], double partial[]);

// dst = a x, returns <dst, dst>
extern double dc_vec_scale(long N, complex float dst[N], float a, const complex float x[N], double partial[]);

// y = b y + x
extern void dc_vec_xpay(long N, complex float y[N], float b, const complex float x[N]);

// dst = x - a (y - z); z may be NULL, dst any of them
extern void dc_vec_step(long N, complex float dst[N], const complex float x[N], float a, const complex float y[N], const complex float z[N]);

// y += a x, returns Re <x, y>
extern double dc_vec_axpy_dot(long N, complex float y[N], float a, const complex float x[N], double partial[]);

// x += a p, r -= a q, returns <r, r>
extern double dc_vec_update(long N, complex float x[N], complex float r[N], float a, const complex float p[N], const complex float q[N], double partial[]);

// r += a (z - x), returns <r, r>
extern double dc_vec_residual(long N, complex float r[N], float a, const complex float z[N], const complex float x[N], double partial[]);

#endif		// _GLEAM_DC_VEC_H
