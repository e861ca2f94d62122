/*
 * Samples on their way from files to the GPU: read by a thread of its own into
 * page-locked memory, copied to the device beside the computation, prepared there.
 * Only the batch (gleam/batch.c) uses it; without a GPU there is none of these.
 */
#ifndef _GLEAM_STAGE_H
#define _GLEAM_STAGE_H

#include <complex.h>
#include <stddef.h>

#include "gleam/data.h"

struct stage_s;

// dc: the data consistency of a part, gpu_dc_create
extern struct stage_s* stage_create(const struct gleam_data_s* data, void* dc, long size, long micro_batch);
extern void stage_free(struct stage_s* stage);

// bytes on the device
extern size_t stage_bytes(const struct gleam_data_s* data, long size, long micro_batch);

// begins to read these samples; returns at once
extern void stage_read(struct stage_s* stage, const long samples[]);

// waits until they have been read, and begins to copy them to the device
extern void stage_upload(struct stage_s* stage);

/* Takes these samples, waiting for them if stage_read was asked for them and
 * reading them now if not: operators of all parts, x0 = A^H y and the reference
 * (if there is one), both divided by the sample's scale, which is returned to the host
 * (1 for a sample of zeros).
 */
extern void stage_load(struct stage_s* stage, const long samples[], complex float* x0, complex float* ref, float scale[]);

// sets the operators for this part
extern void stage_select(struct stage_s* stage, long part);

#endif		// _GLEAM_STAGE_H
