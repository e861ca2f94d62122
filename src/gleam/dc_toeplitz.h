/*
 * The normal operator of a nuFFT, F^H |P|^2 F, is a Toeplitz matrix: the convolution
 * with the point-spread function. It is the corner of a circulant matrix of twice
 * the size, which Fourier transforms make diagonal (Wajer and Pruessmann, ISMRM 2001;
 * Fessler et al., IEEE TSP 2005): the image is put into the corner of a larger one,
 * transformed, multiplied with weights, transformed back. Weights are real, since
 * the matrix is Hermitian. The larger image is FFTW's and in the layout of dc_fft.h.
 */
#ifndef _GLEAM_DC_TOEPLITZ_H
#define _GLEAM_DC_TOEPLITZ_H

#include <complex.h>

#include "dc_fft.h"

struct dc_sense_s;

// of the larger image; weights have as many elements
extern struct dc_layout_s dc_toeplitz_layout(const long dims[3]);

/* Weights from the point-spread function as dc_nufft_psf gives it. They include the
 * scale of both transforms.
 *
 * @param op		for its plans, and one of its buffers (below op->group)
 */
extern void dc_toeplitz_weights(const struct dc_sense_s* op, long buffer, float* weights, const complex float* psf);

/* The largest eigenvalue of the matrix that these weights stand for: 15 power
 * iterations, from the wave whose weight is largest, come close from below.
 */
extern double dc_toeplitz_eigenvalue(const struct dc_sense_s* op, long buffer, const float* weights);

#endif		// _GLEAM_DC_TOEPLITZ_H
