/*
 * Data consistency on the GPU: what gleam/dc.h does, for all samples of a part at
 * once. The mathematics, dimensions and layouts are those of dc.h; all pointers but
 * dimensions are device memory, aligned to 16 bytes.
 *
 * Everything is done in gpu_stream(), and no function but create and free allocates,
 * makes a plan, copies from or to the host, or waits: all others can be recorded in
 * a graph. The same input gives the same bits.
 */
#ifndef _GLEAM_GPU_DC_H
#define _GLEAM_GPU_DC_H

#include <complex.h>
#include <stddef.h>

#include "misc/mri.h"

struct gpu_dc_s;

// as gleam_dc_create; error() when there is not enough memory
extern struct gpu_dc_s* gpu_dc_create(const long ksp_dims[DIMS], const long map_dims[DIMS], const long pat_dims[DIMS]);
extern void gpu_dc_free(struct gpu_dc_s* dc);

/* What gpu_dc_create takes by gpu_malloc, to the byte, with the work area that cuFFT
 * asks for. For that a plan is made, and so a GPU is needed; tables that cuFFT has of
 * its own come on top.
 */
extern size_t gpu_dc_bytes(const long ksp_dims[DIMS], const long map_dims[DIMS], const long pat_dims[DIMS]);

/* What depends on the samples is prepared once when they are loaded, in memory of
 * the caller: maps (of the dimensions of those in src, which may be the same memory;
 * they are multiplied with a modulation and a scale) and weights, for which this
 * many floats are needed.
 */
extern long gpu_dc_weights_size(const long ksp_dims[DIMS], const long pat_dims[DIMS]);
extern void gpu_dc_prepare(struct gpu_dc_s* dc, complex float* maps, float* weights,
		const complex float* src, const complex float* pattern);

// from now on these are used, which must stay
extern void gpu_dc_select(struct gpu_dc_s* dc, const complex float* maps, const float* weights);

/* A^H y and A x, with the selected maps; ksp is overwritten. The pattern is as for
 * gpu_dc_prepare.
 */
extern void gpu_dc_adjoint(struct gpu_dc_s* dc, complex float* x, complex float* ksp, const complex float* pattern);
extern void gpu_dc_forward(struct gpu_dc_s* dc, complex float* ksp, const complex float* x, const complex float* pattern);

// as gleam_dc_average, but the other frames of x are overwritten; ksp is not
extern void gpu_dc_average(struct gpu_dc_s* dc, complex float* x, const complex float* ksp, const complex float* pattern);

// A^H A x; dst may be src
extern void gpu_dc_normal(struct gpu_dc_s* dc, complex float* dst, const complex float* src);

/* The step of PGD, its adjoint, its gradient (added to *dt). v may be x, dx may be dv.
 */
extern void gpu_dc_step(struct gpu_dc_s* dc, const float* t, complex float* v, const complex float* x, const complex float* x0);
extern void gpu_dc_step_adjoint(struct gpu_dc_s* dc, const float* t, complex float* dx, const complex float* dv);
extern void gpu_dc_step_gradient(struct gpu_dc_s* dc, float* dt, const complex float* dv, const complex float* x, const complex float* x0);

/* The solve of MoDL, its adjoint, its gradient (added to *dmu). Each sample has its
 * own step sizes. Where the CPU ends the iteration, because a residual is zero or
 * can no longer change the result, the sample's updates end, too. dz may be du.
 */
extern void gpu_dc_solve(struct gpu_dc_s* dc, const float* mu, int iter, complex float* u, const complex float* z, const complex float* x0);
extern void gpu_dc_solve_adjoint(struct gpu_dc_s* dc, const float* mu, int iter, complex float* dz, const complex float* du);
extern void gpu_dc_solve_gradient(struct gpu_dc_s* dc, const float* mu, float* dmu, const complex float* dz, const complex float* z, const complex float* u);

// as gleam_dc_invert; z may be u
extern void gpu_dc_invert(struct gpu_dc_s* dc, const float* mu, complex float* z, const complex float* u, const complex float* x0);

#endif		// _GLEAM_GPU_DC_H
