/*
 * What the tests of data consistency share.
 */
#ifndef _DC_HELP_H
#define _DC_HELP_H

#include <complex.h>
#include <float.h>
#include <stdbool.h>

#include "gleam/dc.h"

#include "dc_dense.h"

/* Tolerances are multiples of the precision of float: a transform of n points
 * has a relative error of about EPS times the square root of log2(n), the
 * solution of a system one of EPS times its condition.
 */
#define EPS ((double)FLT_EPSILON / 2.)

// with maps and pattern set
extern struct gleam_dc_s* dc_problem_dc(const struct dc_problem_s* p);

// Re <a, b>
extern double dc_dot(long N, const complex float a[N], const complex float b[N]);

// x + a y
extern complex float* dc_plus(long N, const complex float x[N], float a, const complex float y[N]);

extern complex float* dc_zeros(long N);
extern bool dc_same_bits(long N, const complex float a[N], const complex float b[N]);

// what the steps of MoDL work on; everything is linear in it
struct dc_modl_s {

	long N;
	complex float* x0;
	complex float* z;
	complex float* u;	// initial value, then the result
	complex float* du;
	complex float* dz;
};

extern struct dc_modl_s dc_modl_create(const struct dc_problem_s* p);
extern void dc_modl_free(struct dc_modl_s* m);

// exact solution in double of one sample
extern void dc_exact_solve(const struct dc_problem_s* p, long s, double mu, complex double* u, const complex float* z, const complex float* x0);

#endif		// _DC_HELP_H
