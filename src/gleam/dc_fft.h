/*
 * Fourier transforms of one coil image, in place and in a padded layout that
 * suits the caches. Plain FFTW behind a small door: see dc_fft.c for why not
 * BART's own operators.
 */
#ifndef _GLEAM_DC_FFT_H
#define _GLEAM_DC_FFT_H

#include <complex.h>

/* An image of dims[0] x dims[1] x dims[2] pixels (singleton dimensions moved to
 * the end) is stored as rows of dims[0] pixels, pitch elements apart. The rim is
 * zero and stays zero.
 */
struct dc_layout_s {

	long dims[3];
	long rows;	// dims[1] * dims[2]
	long pitch;
	long size;	// elements of a padded image, a multiple of 64
};

extern struct dc_layout_s dc_layout(const long dims[3]);

struct dc_fft_s;

// mem: any image of the layout, aligned to 64 bytes as all images must be; not touched
extern struct dc_fft_s* dc_fft_create(const struct dc_layout_s* layout, complex float* mem);
extern void dc_fft_free(struct dc_fft_s* fft);

// neither is scaled nor centered; backward is the adjoint of forward
extern void dc_fft_forward(const struct dc_fft_s* fft, complex float* image);
extern void dc_fft_backward(const struct dc_fft_s* fft, complex float* image);

/* Forward, multiply with real weights of the same layout, backward.
 *
 * @param rows		all of the layout's, or fewer: rows behind the first ones are zero, and
 *			what becomes of them is of no interest
 */
extern void dc_fft_filter(const struct dc_fft_s* fft, complex float* image, const float* weights, long rows);

#endif		// _GLEAM_DC_FFT_H
