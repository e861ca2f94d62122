/*
 * An opened data set from inside: for data.c and data_read.c.
 */
#ifndef _GLEAM_DATA_STRUCT_H
#define _GLEAM_DATA_STRUCT_H

#include <stdbool.h>

#include "misc/mri.h"

#include "gleam/input.h"

struct gleam_data_s {

	struct input_s kspace;
	struct input_s maps;
	struct input_s pattern;		// name NULL: estimated
	struct input_s reference;	// name NULL: none
	struct input_s trajectory;	// name NULL: cartesian

	bool ref_kspace;

	long samples;

	// of one sample
	long ksp_dims[DIMS];
	long map_dims[DIMS];
	long pat_dims[DIMS];
	long img_dims[DIMS];
	long trj_dims[DIMS];
	long ref_dims[DIMS];

	bool* empty;
};

#endif		// _GLEAM_DATA_STRUCT_H
