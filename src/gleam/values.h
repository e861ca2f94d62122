/*
 * What the numbers of an input file may be, its dimensions being right. The
 * checks call error() with file, found, expected and a way out.
 */
#ifndef _VALUES_H
#define _VALUES_H

#include <complex.h>
#include <stdbool.h>

#include "gleam/input.h"

// stops at the first number that is not
extern bool values_all_zero(long N, const complex float src[N]);

/* Finite, and no sample all zero. Maps of a single coil have magnitude one; maps
 * whose sum of squares is not about one are warned of.
 */
extern void values_check_maps(const struct input_s* maps);

// finite, not negative, and no sample all zero; of cartesian data weights of much more than one are warned of
extern void values_check_pattern(const struct input_s* pattern, bool cartesian);

#endif		// _VALUES_H
