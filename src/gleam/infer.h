/*
 * Reconstruction with trained weights.
 */
#ifndef _GLEAM_INFER_H
#define _GLEAM_INFER_H

#include <stdbool.h>

#include "gleam/conf.h"
#include "gleam/data.h"
#include "gleam/setup.h"

struct gleam_infer_s {

	const char* weights;
	const char* output;
	struct gleam_files_s files;	// with a reference: metrics of every stage are printed

	struct gleam_compute_s compute;
	long iterations;		// N_inf, GLEAM_UNSET is all
	bool stages;			// all of them along ITER_DIM
	float tol;			// stop when |x_n - x_(n-1)| < tol |x_n|, 0 is never
	bool memory;			// only print the plan
};

extern const struct gleam_infer_s gleam_infer_defaults;

// calls error() when something is wrong with options, weights or data
extern void gleam_infer(const struct gleam_infer_s* conf);

#endif		// _GLEAM_INFER_H
