/*
 * What MoDL's functions take, on the CPU and on the GPU.
 */
#ifndef _GPU_DC_TRIAL_H
#define _GPU_DC_TRIAL_H

#include <complex.h>

#include "dc_dense.h"
#include "dc_help.h"
#include "gpu_dc_help.h"

struct gpu_dc_trial_s {

	struct gpu_dc_problem_s g;
	struct dc_modl_s m;

	// on the device
	float* mu;
	float* dmu;
	complex float* x0;
	complex float* z;
	complex float* u;
	complex float* du;
	complex float* dz;
};

// random, the same on both; the derivative with respect to mu is zero, results are NaN on the device
extern struct gpu_dc_trial_s gpu_dc_trial_create(const struct dc_case_s* c, unsigned int seed, float mu);
extern void gpu_dc_trial_free(struct gpu_dc_trial_s* t);

// x0, z, u and du once more to the device; waits
extern void gpu_dc_trial_upload(struct gpu_dc_trial_s* t);

#endif		// _GPU_DC_TRIAL_H
