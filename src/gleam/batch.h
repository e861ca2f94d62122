/*
 * A mini-batch: the images of its samples, and the order in which samples are
 * drawn. It is worked through in parts (micro-batches) of a fixed number of
 * samples, for which the operators are set in turn. Images are on the device.
 */
#ifndef _GLEAM_BATCH_H
#define _GLEAM_BATCH_H

#include <complex.h>
#include <stddef.h>
#include <stdbool.h>

#include "gleam/data.h"
#include "gleam/unroll.h"

struct gleam_batch_s;

// dimensions of a part of that many samples
extern struct gleam_dims_s gleam_batch_dims(const struct gleam_data_s* data, long micro_batch);

/* @param size		samples in the mini-batch, a multiple of micro_batch
 * @param unroll	planned for gleam_batch_dims(data, micro_batch)
 */
extern struct gleam_batch_s* gleam_batch_create(const struct gleam_data_s* data, struct gleam_unroll_s* unroll, long size, long micro_batch);
extern void gleam_batch_free(struct gleam_batch_s* batch);

// others have checked that this data's references and k-space go together
extern void gleam_batch_trust(struct gleam_batch_s* batch);

extern size_t gleam_batch_bytes(const struct gleam_place_s* place, const struct gleam_data_s* data, long size, long micro_batch);

/* Reads these samples: x0 = A^H y, scaled by the 95th percentile of its
 * magnitude, the reference (if the data has one) by the same number, x = x0. On
 * trajectories x is an image of its own (gleam/batch_traj.h), which gives the scale.
 */
extern void gleam_batch_load(struct gleam_batch_s* batch, const long samples[]);

/* Where images lie on a GPU, what the next call of gleam_batch_load will ask for may
 * be read and uploaded while the device works on this one: ahead begins to read,
 * upload waits for that and begins to copy. On the CPU the system is told to read its
 * files ahead, and upload does nothing.
 */
extern void gleam_batch_ahead(struct gleam_batch_s* batch, const long samples[]);
extern void gleam_batch_upload(struct gleam_batch_s* batch);

// ahead for a data set that is worked through in its order, one sample at a time, after this one
extern void gleam_batch_ahead_next(struct gleam_batch_s* batch, long sample);

extern const struct gleam_data_s* gleam_batch_data(const struct gleam_batch_s* batch);

extern long gleam_batch_parts(const struct gleam_batch_s* batch);

// sets the operators for this part
extern void gleam_batch_select(struct gleam_batch_s* batch, long part);

extern const complex float* gleam_batch_x0(const struct gleam_batch_s* batch, long part);
extern const complex float* gleam_batch_ref(const struct gleam_batch_s* batch, long part);
// elements of the references of the whole mini-batch
extern long gleam_batch_ref_elements(const struct gleam_batch_s* batch);

extern complex float* gleam_batch_x(struct gleam_batch_s* batch, long part);

// the number that sample i of the mini-batch was divided by
extern float gleam_batch_scale(const struct gleam_batch_s* batch, long i);


/* Samples in the order of training: a permutation for each epoch, a pure
 * function of seed and epoch. Samples whose k-space is all zero are left out,
 * with a warning.
 */
struct gleam_order_s;

extern struct gleam_order_s* gleam_order_create(const struct gleam_data_s* data, unsigned long long seed, bool shuffle);
extern void gleam_order_free(struct gleam_order_s* order);

extern long gleam_order_epoch(const struct gleam_order_s* order);	// samples in an epoch

// the sample at a position that counts on from epoch to epoch
extern long gleam_order_sample(struct gleam_order_s* order, long position);

#endif		// _GLEAM_BATCH_H
