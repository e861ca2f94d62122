/*
 * Problems of data consistency on the CPU and on the GPU at the same time.
 */
#ifndef _GPU_DC_HELP_H
#define _GPU_DC_HELP_H

#include <complex.h>
#include <stdbool.h>

#include "gleam/dc.h"
#include "gleam/gpu_dc.h"

#include "dc_dense.h"

// says so where there is no GPU; the first lines of a test
#define GPU_OR_SKIP(test) do { if (gpu_skips(test)) return; } while (0)

extern bool gpu_skips(const char* test);

// memory on the device; freed by gpu_free
extern complex float* gpu_put(long N, const complex float src[N]);
extern complex float* gpu_poison(long N);			// NaN
extern float* gpu_put_floats(long N, const float src[N]);

// waits
extern complex float* gpu_get(long N, const complex float* src);	// freed by md_free
extern float gpu_get_float(const float* src);

#define GPU_DC_CASES 20
extern const struct dc_case_s* gpu_dc_case(int i);

struct gpu_dc_problem_s {

	struct dc_problem_s p;
	long N;		// of all samples
	long K;

	struct gleam_dc_s* cpu;
	struct gpu_dc_s* gpu;

	// on the device
	complex float* maps;
	complex float* pattern;
	float* weights;
};

extern struct gpu_dc_problem_s gpu_dc_problem_create(const struct dc_case_s* c, unsigned int seed);
extern void gpu_dc_problem_free(struct gpu_dc_problem_s* g);

/* The largest error of a sample, || gpu - cpu || / || cpu ||, of samples of size elements.
 * Not a number counts as infinite.
 */
extern double gpu_dc_error(long samples, long size, const complex float* cpu, const complex float* gpu);

#endif		// _GPU_DC_HELP_H
