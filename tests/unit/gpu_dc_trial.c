#ifdef GLEAM_GPU

#include <complex.h>

#include "num/multind.h"
#include "num/flpmath.h"

#include "gpu/gpu.h"

#include "dc_dense.h"
#include "dc_help.h"
#include "gpu_dc_help.h"
#include "gpu_dc_trial.h"


void gpu_dc_trial_upload(struct gpu_dc_trial_s* t)
{
	size_t bytes = (size_t)t->g.N * CFL_SIZE;

	gpu_upload(t->x0, t->m.x0, bytes);
	gpu_upload(t->z, t->m.z, bytes);
	gpu_upload(t->u, t->m.u, bytes);
	gpu_upload(t->du, t->m.du, bytes);
	gpu_sync();
}


struct gpu_dc_trial_s gpu_dc_trial_create(const struct dc_case_s* c, unsigned int seed, float mu)
{
	struct gpu_dc_trial_s t = { .g = gpu_dc_problem_create(c, seed) };

	t.m = dc_modl_create(&t.g.p);

	t.mu = gpu_put_floats(1, &mu);
	t.dmu = gpu_put_floats(1, (float[1]){ 0. });

	t.x0 = gpu_poison(t.g.N);
	t.z = gpu_poison(t.g.N);
	t.u = gpu_poison(t.g.N);
	t.du = gpu_poison(t.g.N);
	t.dz = gpu_poison(t.g.N);

	gpu_dc_trial_upload(&t);

	return t;
}


void gpu_dc_trial_free(struct gpu_dc_trial_s* t)
{
	gpu_free(t->mu);
	gpu_free(t->dmu);
	gpu_free(t->x0);
	gpu_free(t->z);
	gpu_free(t->u);
	gpu_free(t->du);
	gpu_free(t->dz);

	dc_modl_free(&t->m);
	gpu_dc_problem_free(&t->g);
}

#endif		// GLEAM_GPU
