/*
 * Samples on their way from files to a device that is not the CPU: read by a
 * thread of its own into page-locked memory, copied to the device beside the
 * computation, prepared there. Only the batch (gleam/batch.c) uses it.
 */
#ifndef _GLEAM_STAGE_H
#define _GLEAM_STAGE_H

#include <complex.h>
#include <stddef.h>

#include "gleam/data.h"

struct stage_s;

struct stage_ops_s {

	// dc: the data consistency of a part, of the same place; averaged as gleam_unroll_averaged
	struct stage_s* (*create)(const struct gleam_data_s* data, void* dc, long size, long micro_batch, long averaged);
	void (*free)(struct stage_s* stage);

	// bytes on the device
	size_t (*bytes)(const struct gleam_data_s* data, long size, long micro_batch);

	// begins to read these samples; returns at once
	void (*read)(struct stage_s* stage, const long samples[]);

	// waits until they have been read, and begins to copy them to the device
	void (*upload)(struct stage_s* stage);

	/* Takes these samples, waiting for them if read was asked for them and reading
	 * them now if not: operators of all parts, x0 = A^H y and the reference (if
	 * there is one), both divided by the sample's scale, which is returned to the
	 * host and is 0 for a sample of zeros, which stays as it is.
	 */
	void (*load)(struct stage_s* stage, const long samples[], complex float* x0, complex float* ref, float scale[]);

	// sets the operators for this part
	void (*select)(struct stage_s* stage, long part);
};

#endif		// _GLEAM_STAGE_H
