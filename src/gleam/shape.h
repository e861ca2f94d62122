/*
 * What the dimensions of an input may be, given those of another, and what to
 * say when they are not that.
 */
#ifndef _SHAPE_H
#define _SHAPE_H

#include <stdbool.h>

#include "misc/mri.h"

#include "gleam/input.h"

/* The dimensions of flags exact have the expected size, those of shared may also
 * have size one, those of any have any size, all others have size one.
 */
struct shape_s {

	unsigned long exact;
	unsigned long shared;
	unsigned long any;
	long expected[DIMS];
};

extern struct shape_s shape_kspace(void);
extern struct shape_s shape_maps(const long ksp_dims[DIMS]);
extern struct shape_s shape_pattern(const long ksp_dims[DIMS]);
// an image for each map, or one for all
extern struct shape_s shape_reference(const long ksp_dims[DIMS], long maps, bool ref_kspace);

extern bool shape_fits(const struct shape_s* shape, const long dims[DIMS]);

/* Calls error() when the file has not this shape. The way out is to exchange two
 * dimensions where that mends it, else the one given.
 *
 * @param like		NULL, or the file from which the shape comes
 */
extern void shape_check(const struct input_s* in, const struct shape_s* shape, const struct input_s* like, const char* way_out);

// the maps have the shape of k-space; if not, either may have its coils elsewhere
extern void shape_check_maps(const struct input_s* maps, const struct input_s* kspace);

#endif		// _SHAPE_H
