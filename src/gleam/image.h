/*
 * Arithmetic on images, on the CPU.
 */
#ifndef _GLEAM_IMAGE_H
#define _GLEAM_IMAGE_H

#include <complex.h>

// x += a - b
extern void gleam_image_add_difference(long N, complex float x[N], const complex float a[N], const complex float b[N]);

// sum of |a - b|^2, in a fixed order; b may be NULL, which is zero
extern double gleam_image_energy(long N, const complex float a[N], const complex float b[N]);

#endif		// _GLEAM_IMAGE_H
