/*
 * BART's nuFFT, of one coil image and one frame at a time, so that results are the
 * same with any number of threads: BART's gridding adds up in whatever order its
 * threads come. Here each transform is one thread's, and several run side by side.
 */
#ifndef _GLEAM_DC_NUFFT_H
#define _GLEAM_DC_NUFFT_H

#include <complex.h>
#include <stddef.h>

struct dc_nufft_s;

/* @param dims		of the image
 * @param samples	along a spoke
 */
extern struct dc_nufft_s* dc_nufft_create(const long dims[3], long samples, long spokes);
extern void dc_nufft_free(struct dc_nufft_s* nufft);

/* BART's periodic grid is exact for even sizes only: an image of odd size is worked on
 * as one with a row more in front (its pixel n is n + 1 there). dims of what forward
 * takes and adjoint gives.
 */
extern void dc_nufft_even(long even[3], const long dims[3]);

// held, and taken for a moment by one transform, and by one dc_nufft_psf
struct dc_nufft_bytes_s { size_t held; size_t apply; size_t psf; };
extern struct dc_nufft_bytes_s dc_nufft_bytes(const long dims[3], long samples, long spokes);

/* The frame to be transformed, which is copied.
 *
 * @param traj		[3][samples][spokes], in units of 1/FOV
 * @param weights	[samples][spokes], of samples, not of their energies
 */
extern void dc_nufft_set(struct dc_nufft_s* nufft, const complex float* traj, const complex float* weights);

// images of even size; y = P F x with (F x)(k) = sum_n x(n) exp(-2 pi i k (n - n_center) / N) / sqrt(N), and its adjoint
extern void dc_nufft_forward(const struct dc_nufft_s* nufft, complex float* ksp, const complex float* img);
extern void dc_nufft_adjoint(const struct dc_nufft_s* nufft, complex float* img, const complex float* ksp);

/* The element of F^H P^H P F between pixels of difference d, which is
 * p(d) = sum_k |P(k)|^2 exp(2 pi i k d / N) / N, for d from -N to N - 1 (along dimensions of
 * size one only 0), in this order. Free it with md_free.
 */
extern complex float* dc_nufft_psf(const long dims[3], long samples, long spokes, const complex float* traj, const complex float* weights);

/* Between the two BART's plans, which it makes for every transform, are those of one
 * thread: FFTW takes another algorithm for more. Around whatever is parallel.
 */
extern int dc_nufft_serial_begin(void);
extern void dc_nufft_serial_end(int threads);

#endif		// _GLEAM_DC_NUFFT_H
