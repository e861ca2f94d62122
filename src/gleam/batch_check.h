/*
 * What is wrong with a sample that only its images show. The name is that of the file of k-space.
 */
#ifndef _BATCH_CHECK_H
#define _BATCH_CHECK_H

#include <complex.h>
#include <stdbool.h>

// of an image before it is scaled: error() where it cannot be
extern void batch_check_scale(const char* name, long sample, float scale);

/* A warning where k-space and reference have other units. Both scaled by the same number.
 * @param image		what has the units of the reference
 */
extern void batch_check_units(const char* name, long sample, long ref_size, const complex float* ref, long img_size, const complex float* image, bool cartesian);

// a warning where the frames of a series cancel that is scaled by their average
extern void batch_check_average(const char* name, long sample, long img_size, const complex float* x0);

#endif		// _BATCH_CHECK_H
