/*
 * Fourier transforms of many images at once on the GPU: cuFFT behind a small door.
 */
#ifndef _GLEAM_GPU_DC_FFT_H
#define _GLEAM_GPU_DC_FFT_H

#include <stdbool.h>
#include <stddef.h>

#include "gleam/gpu_ops.h"

struct gpu_dc_fft_s;

// in-place transforms of batch images of dims[0] x dims[1] x dims[2] pixels that lie one behind the other
extern struct gpu_dc_fft_s* gpu_dc_fft_create(const long dims[3], long batch);
extern void gpu_dc_fft_free(struct gpu_dc_fft_s* fft);

// device memory that it works in, aligned to 256 bytes; of nobody else while a transform runs
extern size_t gpu_dc_fft_bytes(const struct gpu_dc_fft_s* fft);
extern void gpu_dc_fft_work(struct gpu_dc_fft_s* fft, void* work);

// neither scaled nor centered; backward is the adjoint of forward
extern void gpu_dc_fft_forward(const struct gpu_dc_fft_s* fft, gpu_complex_t* images);
extern void gpu_dc_fft_backward(const struct gpu_dc_fft_s* fft, gpu_complex_t* images);

#endif		// _GLEAM_GPU_DC_FFT_H
