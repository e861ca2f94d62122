/*
 * What a mini-batch on trajectories has in addition: point-spread functions, which
 * cost a gridding each and are computed once for a mini-batch, or once for all where
 * samples share trajectory and pattern; and the image that its samples start from.
 * On the CPU. Only the batch (gleam/batch.c) uses it.
 */
#ifndef _GLEAM_BATCH_TRAJ_H
#define _GLEAM_BATCH_TRAJ_H

#include <complex.h>
#include <stddef.h>

#include "gleam/data.h"
#include "gleam/dc.h"

struct batch_traj_s;

extern struct batch_traj_s* batch_traj_create(const struct gleam_data_s* data, struct gleam_dc_s* dc, long size, long micro_batch);
extern void batch_traj_free(struct batch_traj_s* traj);
extern size_t batch_traj_bytes(const struct gleam_data_s* data, long size, long micro_batch);

/* The point-spread functions of a part.
 *
 * @param samples	of the data, as many as are in a part
 * @param pattern	of these samples, one after the other
 */
extern void batch_traj_prepare(struct batch_traj_s* traj, long part, const long samples[], const complex float* pattern);

// sets the operators of a part, with the maps of its samples
extern void batch_traj_select(const struct batch_traj_s* traj, long part, const complex float* maps);

// x0 = A^H y of a part's samples, which was prepared last and is selected
extern void batch_traj_adjoint(const struct batch_traj_s* traj, long part, complex float* x0, const complex float* ksp, const complex float* pattern);

/* x of a part, which is selected: the image that A x = y has after ten iterations of
 * conjugate gradients from zero, of (A^H A + 0.01) x = x0.
 */
extern void batch_traj_start(const struct batch_traj_s* traj, complex float* x, const complex float* x0);

// the mean of a sample's frames
extern void batch_traj_mean(const struct batch_traj_s* traj, complex float* mean, const complex float* x);

#endif		// _GLEAM_BATCH_TRAJ_H
