/*
 * The forward model as a matrix in double precision, element by element from its
 * definition, and problems small enough for it.
 */
#ifndef _DC_DENSE_H
#define _DC_DENSE_H

#include <complex.h>
#include <stdbool.h>

#include "misc/mri.h"

struct dc_problem_s {

	const char* name;

	long ksp_dims[DIMS];
	long map_dims[DIMS];
	long pat_dims[DIMS];
	long img_dims[DIMS];

	long samples;
	long N;		// elements of an image, per sample
	long K;		// ... of k-space

	complex float* maps;
	complex float* pattern;

	complex double** matrix;	// of each sample, made when it is needed
};

// name, then space, coils, maps, frames, samples; which dimensions of maps and pattern are shared
struct dc_case_s {

	const char* name;
	long space[3];
	long coils;
	long maps;
	long frames;
	long samples;
	unsigned long map_shared;
	unsigned long pat_shared;
	bool weights;	// pattern of complex weights, not zeros and ones
};

#define DC_CASES 11
extern const struct dc_case_s dc_cases[DC_CASES];

extern struct dc_problem_s dc_problem_create(const struct dc_case_s* c, unsigned int seed);
extern void dc_problem_free(struct dc_problem_s* p);

extern complex float* dc_random(long N, unsigned int seed);

// y = A x, x = A^H y, x = (A^H A + mu)^-1 b of one sample
extern void dc_dense_forward(const struct dc_problem_s* p, long sample, complex double* y, const complex double* x);
extern void dc_dense_adjoint(const struct dc_problem_s* p, long sample, complex double* x, const complex double* y);
extern void dc_dense_normal(const struct dc_problem_s* p, long sample, complex double* dst, const complex double* src);
extern void dc_dense_solve(const struct dc_problem_s* p, long sample, double mu, complex double* x, const complex double* b);

// || a - b || / || b ||
extern double dc_distance(long N, const complex float a[N], const complex double b[N]);

extern complex double* dc_double(long N, const complex float src[N]);

#endif		// _DC_DENSE_H
