/*
 * Samples from cfl files: everything that can be wrong with them is found here,
 * before any work starts, and told (which file, found, expected, way out).
 */
#ifndef _GLEAM_DATA_H
#define _GLEAM_DATA_H

#include <complex.h>
#include <stddef.h>
#include <stdbool.h>
#include <stdio.h>

#include "misc/mri.h"

struct gleam_files_s {

	const char* kspace;
	const char* maps;
	const char* reference;	// NULL for inference without one
	const char* pattern;	// NULL: estimated from the zeros of k-space; with a trajectory, ones
	const char* trajectory;	// NULL: cartesian
	bool ref_kspace;	// the reference is fully sampled k-space
};

struct gleam_data_s;

/* Opens (mmap) and checks the files; calls error(). Samples are enumerated by
 * SLICE_DIM, AVG_DIM and BATCH_DIM of k-space, SLICE fastest; a dimension of size
 * one in maps or pattern is shared. The names in files must outlive the data.
 */
extern struct gleam_data_s* gleam_data_open(const struct gleam_files_s* files);
extern void gleam_data_close(struct gleam_data_s* data);

// the file of k-space, for messages
extern const char* gleam_data_name(const struct gleam_data_s* data);

extern long gleam_data_samples(const struct gleam_data_s* data);

// two or three: how many of READ_DIM, PHS1_DIM, PHS2_DIM and TIME_DIM are larger than one
extern int gleam_data_spatial(const struct gleam_data_s* data);

// calls error() when weights (their file's name is told) are for other maps or dimensions
extern void gleam_data_expect(const struct gleam_data_s* data, const char* weights, long maps, int spatial);

// dimensions of one sample (all of SLICE_DIM, AVG_DIM, BATCH_DIM are 1)
extern void gleam_data_ksp_dims(const struct gleam_data_s* data, long dims[DIMS]);
extern void gleam_data_map_dims(const struct gleam_data_s* data, long dims[DIMS]);
extern void gleam_data_pat_dims(const struct gleam_data_s* data, long dims[DIMS]);
extern void gleam_data_img_dims(const struct gleam_data_s* data, long dims[DIMS]);

// of the reference: those of an image, but of size one along MAPS_DIM where it is combined
extern void gleam_data_ref_dims(const struct gleam_data_s* data, long dims[DIMS]);

// several maps, but a reference that is one image for all of them
extern bool gleam_data_combined(const struct gleam_data_s* data);

// with several maps, once: how images are compared with the reference
extern void gleam_data_tell_reference(const struct gleam_data_s* data);

// SLICE_DIM, AVG_DIM and BATCH_DIM of the files (all others are 1), and a sample's place in them
extern void gleam_data_loop_dims(const struct gleam_data_s* data, long dims[DIMS]);
extern void gleam_data_position(const struct gleam_data_s* data, long sample, long pos[DIMS]);

/* Copies one sample, unscaled, to memory of the host. Calls for different samples
 * may run at the same time; nothing is allocated.
 */
extern void gleam_data_maps(const struct gleam_data_s* data, long sample, complex float* dst);
extern void gleam_data_pattern(const struct gleam_data_s* data, long sample, complex float* dst);

// [3, samples, spokes] of a frame; all dimensions are one when the data are cartesian
extern void gleam_data_trj_dims(const struct gleam_data_s* data, long dims[DIMS]);
extern void gleam_data_trajectory(const struct gleam_data_s* data, long sample, complex float* dst);
extern bool gleam_data_cartesian(const struct gleam_data_s* data);

// what stage 0 is called: x0 of cartesian data, the image that trajectories start from
extern const char* gleam_data_start(const struct gleam_data_s* data);

// all samples have the same trajectory and the same pattern
extern bool gleam_data_trajectory_shared(const struct gleam_data_s* data);

// multiplied with this sample's pattern, as gleam_data_pattern gives it
extern void gleam_data_kspace(const struct gleam_data_s* data, long sample, const complex float* pattern, complex float* dst);

// the reference image: as given, or S^H F^H y of fully sampled k-space; coils is room for k-space
extern void gleam_data_reference(const struct gleam_data_s* data, long sample, complex float* dst, complex float* coils);

// false for inference without a reference
extern bool gleam_data_has_reference(const struct gleam_data_s* data);

// is every reference all zero?
extern bool gleam_data_no_reference(const struct gleam_data_s* data);

// is there a sample that is not empty, and its reference not all zero: one whose nRMSE is a number?
extern bool gleam_data_comparable(const struct gleam_data_s* data);

// what is asked for soon: the system reads it from its files meanwhile
extern void gleam_data_ahead(const struct gleam_data_s* data, long N, const long samples[]);

// k-space of this sample, multiplied with the pattern, is all zero: it cannot be scaled
extern bool gleam_data_empty(const struct gleam_data_s* data, long sample);

// the first sample from this one on that is not empty, or the number of samples
extern long gleam_data_next(const struct gleam_data_s* data, long sample);

/* Files that change under a long run: watch remembers what they are, changed returns the
 * name of one that is no longer that, and what became of it, or NULL.
 */
extern void gleam_data_watch(struct gleam_data_s* data);
extern const char* gleam_data_changed(struct gleam_data_s* data, const char** how);

// what was watched, a line "<what> <role>: ..." for each file there can be
extern void gleam_data_print(struct gleam_data_s* data, const char* what, FILE* fp);

/* The one number a sample is divided by: the 95th percentile of |x0|, with
 * linear interpolation between ranks as numpy.percentile does. 0 if N is 0; x0
 * holds no NaN. abs is room for the magnitudes.
 */
extern float gleam_data_scaling(long N, const complex float x0[N], float abs[N]);

#endif		// _GLEAM_DATA_H
