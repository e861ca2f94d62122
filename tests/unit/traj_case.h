/*
 * The forward model on a trajectory as a matrix in double precision, element by
 * element from its definition, for the functions of dc_dense.h.
 */
#ifndef _TRAJ_CASE_H
#define _TRAJ_CASE_H

#include <complex.h>
#include <stdbool.h>

#include "misc/mri.h"

#include "gleam/dc.h"

#include "dc_dense.h"

// BART's interpolation kernel is good for about this, relative to the largest element
#define NUFFT_ACCURACY 2.e-4

struct traj_case_s {

	const char* name;
	long space[3];
	long samples;		// along a spoke
	long spokes;
	long coils;
	long maps;
	long frames;
	long batch;
	unsigned long map_shared;
	unsigned long trj_shared;
	bool weights;		// pattern of positive weights, else all one
};

#define TRAJ_CASES 6
extern const struct traj_case_s traj_cases[TRAJ_CASES];

struct traj_problem_s {

	struct dc_problem_s dense;	// A without the division by the root of L

	long trj_dims[DIMS];
	complex float* traj;

	long psf_size;
	float* psf;		// of all samples
	float scale[8];		// 1 / L of all samples
};

extern struct traj_problem_s traj_problem_create(const struct traj_case_s* c, unsigned int seed);
extern void traj_problem_free(struct traj_problem_s* p);

// A of one sample, for xfree
extern complex double* traj_matrix(const struct traj_problem_s* p, long sample);

// with point-spread functions and maps set; a sample's trajectory and pattern
extern struct gleam_dc_s* traj_problem_dc(struct traj_problem_s* p);
extern const complex float* traj_of(const struct traj_problem_s* p, long sample);
extern const complex float* traj_pattern_of(const struct traj_problem_s* p, long sample);

// with each of the cases
extern void traj_for_all(void (*fun)(struct traj_problem_s* p, struct gleam_dc_s* dc));

// a is b, up to NUFFT_ACCURACY
extern void traj_expect_close(const struct traj_problem_s* p, const char* what, long N, const complex float a[N], const complex double b[N]);

#endif		// _TRAJ_CASE_H
