/*
 * The forward model A = P F S on a trajectory, of one sample: F is BART's nuFFT, and
 * F^H |P|^2 F a Toeplitz matrix for each frame.
 */
#ifndef _GLEAM_DC_TRAJ_H
#define _GLEAM_DC_TRAJ_H

#include <complex.h>
#include <stddef.h>

#include "misc/mri.h"

struct dc_sense_s;
struct dc_traj_s;

/* Dimensions as gleam_dc_create_traj has them.
 *
 * @param sense		made by dc_sense_toeplitz_create for dc_traj_image_dims, dc_traj_psf_dims
 */
extern struct dc_traj_s* dc_traj_create(struct dc_sense_s* sense, const long ksp_dims[DIMS], const long map_dims[DIMS],
		const long pat_dims[DIMS], const long trj_dims[DIMS]);
extern void dc_traj_free(struct dc_traj_s* traj);
extern size_t dc_traj_bytes(const long ksp_dims[DIMS], const long map_dims[DIMS], const long psf_dims[DIMS]);

// coil images: size of the maps, all else of k-space
extern void dc_traj_image_dims(long cim_dims[DIMS], const long ksp_dims[DIMS], const long map_dims[DIMS]);

// along TIME_DIM and BATCH_DIM: which frames and samples have a point-spread function of their own
extern void dc_traj_psf_dims(long psf_dims[DIMS], const long pat_dims[DIMS], const long trj_dims[DIMS]);

// as gleam_dc_psf, gleam_dc_adjoint_traj, gleam_dc_forward_traj
extern float dc_traj_psf(struct dc_traj_s* traj, float* weights, const complex float* trj, const complex float* pattern);
extern void dc_traj_adjoint(struct dc_traj_s* traj, long sample, complex float* img,
		const complex float* ksp, const complex float* trj, const complex float* pattern);
extern void dc_traj_forward(struct dc_traj_s* traj, long sample, complex float* ksp,
		const complex float* img, const complex float* trj, const complex float* pattern);

#endif		// _GLEAM_DC_TRAJ_H
