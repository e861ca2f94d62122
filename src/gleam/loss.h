/*
 * Local loss of a module: the complex l1 norm (doc/method.md).
 */
#ifndef _GLEAM_LOSS_H
#define _GLEAM_LOSS_H

#include <complex.h>

/* sum of |x - ref| over N pixels; grad = scale (x - ref) / |x - ref|, zero where
 * they are equal. With scale = 1 / pixels of the mini-batch, grad is that of the
 * mean (real and imaginary part as two real variables).
 */
extern double gleam_loss_l1(long N, float scale, complex float grad[N], const complex float x[N], const complex float ref[N]);

#endif		// _GLEAM_LOSS_H
