/*
 * What a training iteration does to images on the GPU besides networks and data
 * consistency. All pointers are device memory; everything is done in gpu_stream(),
 * and the functions return at once.
 */
#ifndef _GLEAM_GPU_OPS_H
#define _GLEAM_GPU_OPS_H

#include "gpu/gpu.h"

// an element of an image, as C and as CUDA C see it; aligned to 8 bytes
#ifdef __cplusplus
typedef float2 gpu_complex_t;
#else
#include <complex.h>
typedef complex float gpu_complex_t;
#endif

#ifdef __cplusplus
extern "C" {
#endif

// doubles that the losses need for partial sums
extern long gpu_loss_partials(long N);

/* As gleam_loss_l1: grad = scale (x - ref) / |x - ref|, zero where they are equal;
 * the sum of |x - ref| over N pixels is added to *sum. grad may be x.
 */
extern void gpu_loss_l1(long N, float scale, gpu_complex_t* grad, const gpu_complex_t* x, const gpu_complex_t* ref,
		double* sum, double* partial);

// as gleam_loss_combined; partial is for all elements of x. grad may be x
extern void gpu_loss_combined(long frames, long maps, long pixels, float scale, gpu_complex_t* grad, const gpu_complex_t* x,
		const gpu_complex_t* ref, double* sum, double* partial);

// as gleam_image_add_difference, and gleam_image_energy, which is added to *sum
extern void gpu_add_difference(long N, gpu_complex_t* x, const gpu_complex_t* a, const gpu_complex_t* b);
extern void gpu_energy(long N, const gpu_complex_t* a, const gpu_complex_t* b, double* sum, double* partial);

/* The 95th percentile of the magnitude of each sample (N elements, of which the first of
 * samples are stride elements apart), with the same bits as gleam_data_scaling, see there.
 * 0 if N is 0.
 */
extern void gpu_scaling(long samples, long N, long stride, const gpu_complex_t* x0, float* scale);

/* dst = src / scale of its sample (as a product with the reciprocal); a scale that is
 * not positive, that of an empty sample, changes nothing. dst may be src.
 */
extern void gpu_unscale(long samples, long N, gpu_complex_t* dst, const gpu_complex_t* src, const float* scale);

#ifdef __cplusplus
}
#endif

#endif		// _GLEAM_GPU_OPS_H
