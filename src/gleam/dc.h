/*
 * Data consistency for multi-coil data on BART's operators: the only place that
 * knows coils, patterns, trajectories and Fourier transforms.
 *
 * Dimensions are BART's 16. With A = P F S (pattern, centered unitary FFT, coil
 * maps), k-space has COIL_DIM and no MAPS_DIM, images have MAPS_DIM and no
 * COIL_DIM. The last dimension that enumerates samples is BATCH_DIM; every
 * operation works on all samples of the batch, and nothing is mixed between them.
 */
#ifndef _GLEAM_DC_H
#define _GLEAM_DC_H

#include <complex.h>
#include <stddef.h>

#include "misc/mri.h"

struct gleam_dc_s;
struct linop_s;

/* @param ksp_dims	k-space of one batch (dimension BATCH_DIM = samples worked on at once)
 * @param map_dims	maps; BATCH_DIM is 1 when all samples share them
 * @param pat_dims	pattern (COIL_DIM 1); BATCH_DIM likewise
 * All plans and buffers are made here.
 */
extern struct gleam_dc_s* gleam_dc_create(const long ksp_dims[DIMS], const long map_dims[DIMS], const long pat_dims[DIMS]);
extern void gleam_dc_free(struct gleam_dc_s* dc);

// bytes that gleam_dc_create would take for these dimensions (FFTW's tables, some
// kilobytes, come on top)
extern size_t gleam_dc_bytes(const long ksp_dims[DIMS], const long map_dims[DIMS], const long pat_dims[DIMS]);

/* The same on trajectories: A = P F S / sqrt(L), F BART's nuFFT, L the largest
 * eigenvalue of F^H |P|^2 F of the sample (the largest one of its frames), so that
 * the eigenvalues of A^H A are at most about one, as those of cartesian data are.
 *
 * @param ksp_dims	[1, samples, spokes, coils, ...]; images have the size of the maps
 * @param pat_dims	as k-space, without coils
 * @param trj_dims	[3, samples, spokes, 1, ...]; TIME_DIM may be one, and BATCH_DIM is one when
 *			all samples share trajectory and pattern
 */
extern struct gleam_dc_s* gleam_dc_create_traj(const long ksp_dims[DIMS], const long map_dims[DIMS],
		const long pat_dims[DIMS], const long trj_dims[DIMS]);
extern size_t gleam_dc_bytes_traj(const long ksp_dims[DIMS], const long map_dims[DIMS],
		const long pat_dims[DIMS], const long trj_dims[DIMS]);

/* What a trajectory comes down to for the normal operator: weights of its Toeplitz
 * matrices, frame after frame, divided by L; gleam_dc_psf_size floats for one sample,
 * from its trajectory and its pattern. Returns 1 / L.
 */
extern long gleam_dc_psf_size(const long map_dims[DIMS], const long pat_dims[DIMS], const long trj_dims[DIMS]);
extern float gleam_dc_psf(struct gleam_dc_s* dc, float* psf, const complex float* traj, const complex float* pattern);

// change to another batch: maps are copied, the samples' psf, one after the other, must stay
extern void gleam_dc_set_traj(struct gleam_dc_s* dc, const complex float* maps, const float* psf);

/* A^H (y / sqrt(L)), which is x0 in the units of y, and sqrt(L) A x, of one sample of the batch;
 * scale is the 1 / L of gleam_dc_psf. gleam_dc_adjoint and gleam_dc_forward are not for trajectories.
 */
extern void gleam_dc_adjoint_traj(struct gleam_dc_s* dc, long sample, float scale, complex float* x, const complex float* ksp,
		const complex float* traj, const complex float* pattern);
extern void gleam_dc_forward_traj(struct gleam_dc_s* dc, long sample, complex float* ksp, const complex float* x,
		const complex float* traj, const complex float* pattern);

/* A as an operator of BART, with forward, adjoint and normal operator, for whatever
 * takes one; belongs to dc and lives as long. NULL for trajectories.
 */
extern const struct linop_s* gleam_dc_linop(const struct gleam_dc_s* dc);

// change to another batch: copies what it needs
extern void gleam_dc_set(struct gleam_dc_s* dc, const complex float* maps, const complex float* pattern);

// A^H y
extern void gleam_dc_adjoint(struct gleam_dc_s* dc, complex float* x, const complex float* ksp);

/* For samples of several frames (TIME_DIM): the image of the k-space averaged over
 * them, S^H F^H (sum conj(P) y) / (sum |P|^2), zero where nothing is sampled, S the mean
 * of the maps over frames. It becomes the first frame of each sample's image in x;
 * the others are not touched.
 */
extern void gleam_dc_average(struct gleam_dc_s* dc, complex float* x, const complex float* ksp);

// y = A x
extern void gleam_dc_forward(struct gleam_dc_s* dc, complex float* ksp, const complex float* x);

// A^H A x; dst may be src
extern void gleam_dc_normal(struct gleam_dc_s* dc, complex float* dst, const complex float* src);

/* PGD step (paper eq. 3): v = x - 2 t (A^H A x - x0), with x0 = A^H y. v is not x.
 * Its adjoint with respect to x, dx = dv - 2 t A^H A dv, and the gradient of a
 * real loss with respect to t, -2 Re <dv, A^H A x - x0>. dx may be dv.
 */
extern void gleam_dc_step(struct gleam_dc_s* dc, float t, complex float* v, const complex float* x, const complex float* x0);
extern void gleam_dc_step_adjoint(struct gleam_dc_s* dc, float t, complex float* dx, const complex float* dv);
extern float gleam_dc_step_gradient(struct gleam_dc_s* dc, const complex float* dv, const complex float* x, const complex float* x0);

/* MoDL step (paper eq. 7): u = (A^H A + mu)^-1 (x0 + mu z) by iter conjugate
 * gradient iterations from the initial value in u, each sample with its own
 * step sizes. The adjoint of z -> u is dz = mu (A^H A + mu)^-1 du, the same
 * solve from zero; the gradient with respect to mu, from q = dz / mu, is
 * Re <q, z - u>. Both are those of the exact solution: see doc/method.md for
 * their distance to the gradient of the truncated iteration. mu is positive; dz
 * may be du. A sample of zeros gives zeros.
 */
extern void gleam_dc_solve(struct gleam_dc_s* dc, float mu, int iter, complex float* u, const complex float* z, const complex float* x0);
extern void gleam_dc_solve_adjoint(struct gleam_dc_s* dc, float mu, int iter, complex float* dz, const complex float* du);
extern float gleam_dc_solve_gradient(struct gleam_dc_s* dc, float mu, const complex float* dz, const complex float* z, const complex float* u);

/* The inverse of z -> u (paper, eq. 11): z = ((A^H A + mu) u - x0) / mu, exact where u solves
 * the equation; else off by its residual over mu. z is not u.
 */
extern void gleam_dc_invert(struct gleam_dc_s* dc, float mu, complex float* z, const complex float* u, const complex float* x0);

#endif		// _GLEAM_DC_H
