/*
 * The forward model A = P F S of one sample at a time, on the CPU: the one place
 * where coils are looped over, Fourier transforms are made and threads are used.
 */
#ifndef _GLEAM_DC_SENSE_H
#define _GLEAM_DC_SENSE_H

#include <complex.h>
#include <stddef.h>

#include "misc/mri.h"

struct dc_sense_s;

// as gleam_dc_create
extern struct dc_sense_s* dc_sense_create(const long ksp_dims[DIMS], const long map_dims[DIMS], const long pat_dims[DIMS]);
extern void dc_sense_free(struct dc_sense_s* op);
extern size_t dc_sense_bytes(const long ksp_dims[DIMS], const long map_dims[DIMS], const long pat_dims[DIMS]);

/* The same for trajectories: only the normal operator, S^H T S with Toeplitz matrices T
 * (gleam/dc_toeplitz.h).
 *
 * @param cim_dims	coil images
 * @param psf_dims	TIME_DIM and BATCH_DIM: which frames and samples have a T of their own
 */
extern struct dc_sense_s* dc_sense_toeplitz_create(const long cim_dims[DIMS], const long map_dims[DIMS], const long psf_dims[DIMS]);
extern size_t dc_sense_toeplitz_bytes(const long cim_dims[DIMS], const long map_dims[DIMS], const long psf_dims[DIMS]);

// maps are copied, weights are not
extern void dc_sense_toeplitz_set(struct dc_sense_s* op, const complex float* maps, const float* weights);

// maps and pattern of all samples
extern void dc_sense_set(struct dc_sense_s* op, const complex float* maps, const complex float* pattern);

// pointers are those of the sample; dst may be src in the normal operator
extern void dc_sense_forward(struct dc_sense_s* op, long sample, complex float* ksp, const complex float* img);
extern void dc_sense_adjoint(struct dc_sense_s* op, long sample, complex float* img, const complex float* ksp);
extern void dc_sense_normal(struct dc_sense_s* op, long sample, complex float* dst, const complex float* src);

// as gleam_dc_average
extern void dc_sense_average(struct dc_sense_s* op, long sample, complex float* img, const complex float* ksp);

#endif		// _GLEAM_DC_SENSE_H
