/*
 * Where the images of an iteration lie, and what is computed on them there beside
 * the networks: on the CPU or on the GPU. All pointers but those to dimensions are
 * to memory of that device; t, mu and sums too, so that nothing has to cross.
 */
#ifndef _GLEAM_PLACE_H
#define _GLEAM_PLACE_H

#include <complex.h>
#include <stdbool.h>
#include <stddef.h>

#include "misc/mri.h"

#include "nn/device.h"

struct gleam_dims_s {

	long ksp[DIMS];
	long map[DIMS];
	long pat[DIMS];
	long trj[DIMS];		// all one, or 3 along dimension 0: images have the size of the maps then
};

extern bool gleam_dims_trajectory(const struct gleam_dims_s* dims);

struct stage_ops_s;

struct gleam_place_s {

	const struct nn_device_s* device;
	const struct stage_ops_s* stage;	// NULL where samples are prepared where they are read

	// data consistency of a part: gleam/dc.h says what each of these computes
	void* (*dc_create)(const struct gleam_dims_s* dims);
	void (*dc_free)(void* dc);
	size_t (*dc_bytes)(const struct gleam_dims_s* dims);

	void (*dc_step)(void* dc, const float* t, complex float* v, const complex float* x, const complex float* x0);
	void (*dc_step_adjoint)(void* dc, const float* t, complex float* dx, const complex float* dv);
	void (*dc_solve)(void* dc, const float* mu, int iter, complex float* u, const complex float* z, const complex float* x0);
	void (*dc_solve_adjoint)(void* dc, const float* mu, int iter, complex float* dz, const complex float* du);

	void (*dc_invert)(void* dc, const float* mu, complex float* z, const complex float* u, const complex float* x0);

	// added to dt and dmu
	void (*dc_step_gradient)(void* dc, float* dt, const complex float* dv, const complex float* x, const complex float* x0);
	void (*dc_solve_gradient)(void* dc, const float* mu, float* dmu, const complex float* dz, const complex float* z, const complex float* u);

	/* Runs fun(data), which launches the same work on the same memory every time and
	 * neither waits nor allocates. On a GPU the second run is recorded and from
	 * then on replayed, which costs one launch. state begins as NULL.
	 */
	void (*repeat)(void** state, void (*fun)(void* data), void* data);
	void (*repeat_free)(void* state);

	size_t margin;		// bytes that libraries may take beside the plan; 0 on the CPU, which can swap

	// bytes of this device's memory: free, taken by this process now, and at most
	size_t (*available)(void);
	size_t (*taken)(void);
	size_t (*peak)(void);

	// how many processes have one device's memory among them, of that many on this machine
	long (*shared)(long processes);

	// x += a - b
	void (*add_difference)(long N, complex float* x, const complex float* a, const complex float* b);

	// sum of |a - b|^2, added to sum; b may be NULL, room is as for the loss
	void (*add_energy)(long N, double* sum, const complex float* a, const complex float* b, void* room);

	// local loss (gleam/loss.h) of N elements of images, added to sum; room for its parts is the caller's
	size_t (*loss_bytes)(long N);
	void (*loss_l1)(long N, float scale, complex float* grad, const complex float* x, const complex float* ref, double* sum, void* room);
	void (*loss_combined)(long frames, long maps, long pixels, float scale,
			complex float* grad, const complex float* x, const complex float* ref, double* sum, void* room);
};

extern const struct gleam_place_s gleam_place_cpu;
#ifdef GLEAM_GPU
extern const struct gleam_place_s gleam_place_gpu;
#endif

extern const struct gleam_place_s* gleam_place(const struct nn_device_s* device);

// these bytes on the host: where they are, or a copy in room
extern const void* gleam_place_on_host(const struct gleam_place_s* place, void* room, const void* ptr, size_t bytes);

// memory on that device; error() where there is not enough
extern void* gleam_place_alloc(const struct gleam_place_s* place, size_t bytes);

#endif		// _GLEAM_PLACE_H
