/*
 * What can be wrong with a trajectory, its k-space and its maps. All functions call
 * error() with file, found, expected and a way out.
 */
#ifndef _TRAJECTORY_H
#define _TRAJECTORY_H

#include "gleam/input.h"

/* Dimensions: k-space [1, samples, spokes, coils, ...], trajectory [3, samples, spokes, 1, ...],
 * maps of any size with as many coils; pattern (its name may be NULL) as k-space.
 */
extern void trajectory_check_shapes(const struct input_s* trajectory, const struct input_s* kspace,
		const struct input_s* maps, const struct input_s* pattern);

// k-space that needs a trajectory, but has none
extern void trajectory_check_missing(const struct input_s* kspace, const struct input_s* maps);

/* Finite, within the grid of the maps and in its units; zero along dimensions of size
 * one. Warned of: positions where k-space is zero in all coils, without a pattern.
 */
extern void trajectory_check_values(const struct input_s* trajectory, const struct input_s* maps);
extern void trajectory_check_zeros(const struct input_s* kspace);

#endif		// _TRAJECTORY_H
