/*
 * The kernels of data consistency on the GPU, each a launch. For C and CUDA C; all
 * pointers but the shape are device memory.
 */
#ifndef _GLEAM_GPU_DC_KERNELS_H
#define _GLEAM_GPU_DC_KERNELS_H

#include <stdbool.h>

#include "gleam/gpu_ops.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Images are [samples][frames][maps][pixels], coil images [samples][frames][coils][pixels],
 * both complex. Maps [.][maps][coils][pixels] (the modulated ones, s M S) and weights
 * (|P|^2, real) [.][pixels] have as many frames as are not shared.
 */
struct gpu_dc_shape_s {

	long dims[3];
	long pixels;
	long coils;
	long maps;
	long frames;		// of a sample
	long samples;

	long map_frames;	// of all samples
	long pat_frames;

	long pat_strs[3];	// of the pattern, in elements, 0 where it is shared
	long pat_pixels;

	int width;		// pixels that a thread works on at the same time
	long slots;		// blocks that work on a sample

	const int* map_frame;		// for each frame of all samples
	const int* pat_frame;
	const gpu_complex_t* mod[3];	// the diagonal of M is their outer product
};

// sets width and slots from the rest
extern void gpu_dc_set_launches(struct gpu_dc_shape_s* shape);

// partial sums for each sample
extern long gpu_dc_partials(const struct gpu_dc_shape_s* shape);

// maps to s M S (dst may be src); and |P|^2
extern void gpu_dc_modulate_maps(const struct gpu_dc_shape_s* shape, gpu_complex_t* dst, const gpu_complex_t* src);
extern void gpu_dc_pattern_weights(const struct gpu_dc_shape_s* shape, float* weights, const gpu_complex_t* pattern);

// k-space, in place: multiplied with P M, or its conjugate
extern void gpu_dc_apply_pattern(const struct gpu_dc_shape_s* shape, gpu_complex_t* ksp, const gpu_complex_t* pattern, bool conj);

// k-space (sum conj(P) M y) / (sum |P|^2) over the frames of a sample, in all its frames
extern void gpu_dc_average_kspace(const struct gpu_dc_shape_s* shape, gpu_complex_t* coils, const gpu_complex_t* ksp, const gpu_complex_t* pattern);

// the mean of all frames of an image, in its first
extern void gpu_dc_average_frames(const struct gpu_dc_shape_s* shape, gpu_complex_t* x);

// coil images between the two transforms of the normal operator, in place
extern void gpu_dc_weight(const struct gpu_dc_shape_s* shape, gpu_complex_t* coils, const float* weights);

// coils = S x
extern void gpu_dc_expand(const struct gpu_dc_shape_s* shape, gpu_complex_t* coils, const gpu_complex_t* maps, const gpu_complex_t* x);

/* With y = S^H coils
 *	dst = y
 *	v = x - 2 t (y - x0); x0 may be NULL; v may be x
 *	z = u + (y - x0) / mu; z may be u
 *	partial sums of Re <dv, y - x0>
 */
extern void gpu_dc_combine(const struct gpu_dc_shape_s* shape, gpu_complex_t* dst,
		const gpu_complex_t* maps, const gpu_complex_t* coils);
extern void gpu_dc_combine_step(const struct gpu_dc_shape_s* shape, gpu_complex_t* v,
		const gpu_complex_t* maps, const gpu_complex_t* coils,
		const float* t, const gpu_complex_t* x, const gpu_complex_t* x0);
extern void gpu_dc_combine_inverse(const struct gpu_dc_shape_s* shape, gpu_complex_t* z,
		const gpu_complex_t* maps, const gpu_complex_t* coils,
		const float* mu, const gpu_complex_t* u, const gpu_complex_t* x0);
extern void gpu_dc_combine_gradient(const struct gpu_dc_shape_s* shape, double* partial,
		const gpu_complex_t* maps, const gpu_complex_t* coils,
		const gpu_complex_t* dv, const gpu_complex_t* x0);

// partial sums of Re <a, b - c>
extern void gpu_dc_dot_diff(const struct gpu_dc_shape_s* shape, double* partial,
		const gpu_complex_t* a, const gpu_complex_t* b, const gpu_complex_t* c);

// dst += factor times the sum of all partial sums; divided by *divisor if there is one
extern void gpu_dc_total(const struct gpu_dc_shape_s* shape, float* dst, double factor, const float* divisor, const double* partial);


// of a sample, while the conjugate gradient method runs
struct gpu_dc_cg_scalars_s {

	double rr;	// <r, r>
	double end;	// no updates when rr is not larger
	double stop;	// not 0: no more updates
};

struct gpu_dc_cg_s {

	gpu_complex_t* r;
	gpu_complex_t* p;
	gpu_complex_t* q;

	struct gpu_dc_cg_scalars_s* scalars[2];	// those of even and odd iterations, [samples]
	double* pq;				// <p, q>, [samples]

	double* partial_rr;
	double* partial_pq;
};

/* The four of an iteration of conjugate gradients, beside gpu_dc_weight and the transforms:
 *	p = r + beta p (first: p = r), coils = S p
 *	q = S^H coils + mu p
 *	x += alpha p, r -= alpha q
 * The first needs r and partial sums of <r, r>, which are left by either of
 *	r = x0 - S^H coils + mu (z - u)
 *	r = mu b, x = 0; x may be b
 * and by the last of the iteration before.
 */
extern void gpu_dc_cg_expand(const struct gpu_dc_shape_s* shape, const struct gpu_dc_cg_s* cg, int iteration,
		gpu_complex_t* coils, const gpu_complex_t* maps);
extern void gpu_dc_cg_combine(const struct gpu_dc_shape_s* shape, const struct gpu_dc_cg_s* cg, const float* mu,
		const gpu_complex_t* maps, const gpu_complex_t* coils);
extern void gpu_dc_cg_update(const struct gpu_dc_shape_s* shape, const struct gpu_dc_cg_s* cg, int iteration, gpu_complex_t* x);

extern void gpu_dc_cg_residual(const struct gpu_dc_shape_s* shape, const struct gpu_dc_cg_s* cg, const float* mu,
		const gpu_complex_t* maps, const gpu_complex_t* coils,
		const gpu_complex_t* x0, const gpu_complex_t* z, const gpu_complex_t* u);
extern void gpu_dc_cg_from_zero(const struct gpu_dc_shape_s* shape, const struct gpu_dc_cg_s* cg, const float* mu,
		gpu_complex_t* x, const gpu_complex_t* b);

#ifdef __cplusplus
}
#endif

#endif		// _GLEAM_GPU_DC_KERNELS_H
