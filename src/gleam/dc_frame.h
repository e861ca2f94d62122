/*
 * The forward model on the CPU from inside, and its frames one by one: for
 * dc_sense.c, dc_average.c, dc_toeplitz.c and dc_traj.c only.
 */
#ifndef _DC_FRAME_H
#define _DC_FRAME_H

#include <complex.h>
#include <stdbool.h>
#include <stddef.h>

#include "num/multind.h"
#include "num/flpmath.h"

#include "misc/mri.h"

#include "dc_fft.h"

#define SPACE_FLAGS FFT_FLAGS
#define FRAME_FLAGS (~(SPACE_FLAGS | COIL_FLAG | MAPS_FLAG))

struct dc_sense_s {

	struct dc_layout_s layout;
	long dims[3];	// of an image, as in the layout; where that is larger, the image is its corner
	long rows;
	long pixels;
	long coils;
	long maps;
	long group;	// coils worked on at the same time
	bool parallel;
	bool toeplitz;	// as dc_toeplitz.h says

	long frame_dims[DIMS];

	long map_dims[DIMS];
	long pat_dims[DIMS];
	long pm_dims[DIMS];	// pattern, each frame of full size

	// in bytes, 0 where a dimension is shared
	long img_strs[DIMS];
	long ksp_strs[DIMS];
	long map_strs[DIMS];
	long pm_strs[DIMS];
	long weight_strs[DIMS];

	complex float* smap;	// s M S
	complex float* pm;	// P M
	const float* weights;	// |P|^2, or those of a Toeplitz matrix, which lie elsewhere
	float* squares;		// |P|^2, padded
	complex float* coil;	// padded coil images
	complex float* sum;	// of groups of coils so far, NULL if there is one group

	void* mem;
	size_t bytes;

	struct dc_fft_s* fft;
};


// one frame of one sample, and what belongs to it
struct frame_s {

	const complex float* smap;
	const complex float* pm;
	const float* weights;
	long img;	// offsets in elements
	long ksp;
};

static inline struct frame_s frame_at(const struct dc_sense_s* op, long sample, const long pos[DIMS])
{
	long spos[DIMS];

	md_copy_dims(DIMS, spos, pos);
	spos[BATCH_DIM] = sample;

	return (struct frame_s){

		.smap = &MD_ACCESS(DIMS, op->map_strs, spos, op->smap),
		.pm = &MD_ACCESS(DIMS, op->pm_strs, spos, op->pm),
		.weights = &MD_ACCESS(DIMS, op->weight_strs, spos, op->weights),
		.img = md_calc_offset(DIMS, op->img_strs, pos) / (long)CFL_SIZE,
		.ksp = md_calc_offset(DIMS, op->ksp_strs, pos) / (long)CFL_SIZE,
	};
}


static inline bool frame_next(const struct dc_sense_s* op, long pos[DIMS])
{
	return md_next(DIMS, op->frame_dims, FRAME_FLAGS & ~BATCH_FLAG, pos);
}


static inline complex float* coil_row(const struct dc_sense_s* op, long coil, long y)
{
	long pos = y + (y / op->dims[1]) * (op->layout.dims[1] - op->dims[1]);

	return op->coil + (coil % op->group) * op->layout.size + pos * op->layout.pitch;
}


// rows of the buffer up to the last one of the image
static inline long corner_rows(const struct dc_sense_s* op)
{
	return (op->dims[2] - 1) * op->layout.dims[1] + op->dims[1];
}


static inline const complex float* map_row(const struct dc_sense_s* op, const struct frame_s* f, long coil, long map, long y)
{
	return f->smap + (map * op->coils + coil) * op->pixels + y * op->dims[0];
}


/* The two halves of a frame's operator, coils in parallel: an image from coil images
 * that get writes to their buffer (coil_row), and coil images, which put reads there.
 * In both, data is what these work on; they are called by several threads at a time.
 */
typedef void (*dc_coil_fun_t)(const struct dc_sense_s* op, const struct frame_s* f, long coil, void* data);

extern void dc_frame_combine(struct dc_sense_s* op, const struct frame_s* f, complex float* img, dc_coil_fun_t get, void* data);
extern void dc_frame_expand(struct dc_sense_s* op, const struct frame_s* f, const complex float* img, dc_coil_fun_t put, void* data);

#endif		// _DC_FRAME_H
