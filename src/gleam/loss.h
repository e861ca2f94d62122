/*
 * Local loss of a module: the l1 norm (doc/method.md).
 */
#ifndef _GLEAM_LOSS_H
#define _GLEAM_LOSS_H

#include <complex.h>

/* sum of |x - ref| over N pixels; grad = scale (x - ref) / |x - ref|, zero where
 * they are equal. With scale = 1 / pixels of the mini-batch, grad is that of the
 * mean (real and imaginary part as two real variables).
 */
extern double gleam_loss_l1(long N, float scale, complex float grad[N], const complex float x[N], const complex float ref[N]);

/* Against one reference for several maps, [frames][pixels], x [frames][maps][pixels]: the
 * sum of |r - |ref|| with r the root of the sum of squares over maps; grad is scale times
 * its gradient, sign(r - |ref|) x / r, zero where r or the difference is.
 */
extern double gleam_loss_combined(long frames, long maps, long pixels, float scale,
		complex float grad[frames][maps][pixels], const complex float x[frames][maps][pixels], const complex float ref[frames][pixels]);

#endif		// _GLEAM_LOSS_H
