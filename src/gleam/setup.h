/*
 * What training and inference check alike before they begin.
 */
#ifndef _GLEAM_SETUP_H
#define _GLEAM_SETUP_H

#include <stdbool.h>

#include "nn/backend.h"

// what computes, as options say it
struct gleam_compute_s {

	bool gpu;			// or BART_GPU in the environment
	const char* backend;
	const char* precision;		// fp32, tf32 or bf16
	bool autotune;			// GPU: convolutions by measured speed
	bool fast_math;			// GPU: also those whose sums have no fixed order
};

#define GLEAM_COMPUTE_DEFAULTS { .backend = "auto", .precision = "fp32" }

/* The backend that these options ask for; a GPU is made ready and told of.
 * error() when there is none or it cannot run here.
 */
extern const struct nn_backend_s* gleam_setup_backend(const struct gleam_compute_s* conf);

// error() where this backend's device cannot work on trajectories; the file may be NULL
extern void gleam_setup_trajectory(const struct nn_backend_s* backend, const char* trajectory);

#endif		// _GLEAM_SETUP_H
