
#include <complex.h>
#include <stdbool.h>
#include <string.h>

#include "num/multind.h"
#include "num/flpmath.h"

#include "misc/misc.h"
#include "misc/mri.h"

#include "gleam/batch.h"
#include "gleam/data.h"
#include "gleam/dc.h"
#include "gleam/place.h"
#include "gleam/unroll.h"

#include "gleam/batch_traj.h"

static const float START_MU = 0.01;
static const int START_ITERATIONS = 10;

struct batch_traj_s {

	const struct gleam_data_s* data;
	struct gleam_dc_s* dc;

	long micro_batch;
	bool shared;		// one point-spread function for all samples ...
	bool ready;		// ... which is there

	long img_dims[DIMS];	// of a part
	long img_size;		// elements of one sample
	long ksp_size;
	long pat_size;
	long trj_size;
	long psf_size;

	complex float* traj;	// of the samples of a part
	float* psf;		// of all samples, or one
	float* scale;		// 1 / L of each of these
};


static long psf_count(const struct gleam_data_s* data, long size)
{
	return gleam_data_trajectory_shared(data) ? 1 : size;
}


static size_t psf_bytes(long count, long psf_size)
{
	return (size_t)(count * psf_size) * sizeof(float);
}


size_t batch_traj_bytes(const struct gleam_data_s* data, long size, long micro_batch)
{
	struct gleam_dims_s dims = gleam_batch_dims(data, micro_batch);
	long trj_dims[DIMS];

	gleam_data_trj_dims(data, trj_dims);

	return psf_bytes(psf_count(data, size), gleam_dc_psf_size(dims.map, dims.pat, dims.trj))
		+ (size_t)(micro_batch * md_calc_size(DIMS, trj_dims)) * CFL_SIZE;
}


static void set_sizes(struct batch_traj_s* t, const struct gleam_data_s* data)
{
	struct gleam_dims_s dims = gleam_batch_dims(data, t->micro_batch);
	long trj_dims[DIMS];

	gleam_data_trj_dims(data, trj_dims);
	gleam_dims_image(&dims, t->img_dims);

	t->img_size = md_calc_size(DIMS, t->img_dims) / t->micro_batch;
	t->ksp_size = md_calc_size(DIMS, dims.ksp) / t->micro_batch;
	t->pat_size = md_calc_size(DIMS, dims.pat) / t->micro_batch;
	t->trj_size = md_calc_size(DIMS, trj_dims);
	t->psf_size = gleam_dc_psf_size(dims.map, dims.pat, dims.trj);
}


struct batch_traj_s* batch_traj_create(const struct gleam_data_s* data, struct gleam_dc_s* dc, long size, long micro_batch)
{
	PTR_ALLOC(struct batch_traj_s, t);

	*t = (struct batch_traj_s){

		.data = data,
		.dc = dc,
		.micro_batch = micro_batch,
		.shared = gleam_data_trajectory_shared(data),
	};

	set_sizes(t, data);

	long count = psf_count(data, size);

	t->traj = gleam_place_alloc(&gleam_place_cpu, (size_t)(micro_batch * t->trj_size) * CFL_SIZE);
	t->psf = gleam_place_alloc(&gleam_place_cpu, psf_bytes(count, t->psf_size));
	t->scale = xmalloc((size_t)count * sizeof(float));

	return PTR_PASS(t);
}


void batch_traj_free(struct batch_traj_s* t)
{
	gleam_place_cpu.device->free(t->traj);
	gleam_place_cpu.device->free(t->psf);

	xfree(t->scale);
	xfree(t);
}


static long psf_index(const struct batch_traj_s* t, long part, long i)
{
	return t->shared ? 0 : (part * t->micro_batch + i);
}


void batch_traj_prepare(struct batch_traj_s* t, long part, const long samples[], const complex float* pattern)
{
	for (long i = 0; i < t->micro_batch; i++) {

		complex float* traj = t->traj + i * t->trj_size;
		long n = psf_index(t, part, i);

		gleam_data_trajectory(t->data, samples[i], traj);

		if (!t->shared || !t->ready)
			t->scale[n] = gleam_dc_psf(t->dc, t->psf + n * t->psf_size, traj, pattern + i * t->pat_size);

		t->ready = true;
	}
}


void batch_traj_select(const struct batch_traj_s* t, long part, const complex float* maps)
{
	gleam_dc_set_traj(t->dc, maps, t->psf + psf_index(t, part, 0) * t->psf_size);
}


void batch_traj_adjoint(const struct batch_traj_s* t, long part, complex float* x0, const complex float* ksp, const complex float* pattern)
{
	for (long i = 0; i < t->micro_batch; i++)
		gleam_dc_adjoint_traj(t->dc, i, t->scale[psf_index(t, part, i)], x0 + i * t->img_size,
				ksp + i * t->ksp_size, t->traj + i * t->trj_size, pattern + i * t->pat_size);
}


void batch_traj_start(const struct batch_traj_s* t, complex float* x, const complex float* x0)
{
	memset(x, 0, (size_t)(t->micro_batch * t->img_size) * CFL_SIZE);

	// towards zero, which x is
	gleam_dc_solve(t->dc, START_MU, START_ITERATIONS, x, x, x0);
}


void batch_traj_mean(const struct batch_traj_s* t, complex float* mean, const complex float* x)
{
	long dims[DIMS];
	long mean_dims[DIMS];

	md_select_dims(DIMS, ~BATCH_FLAG, dims, t->img_dims);
	md_select_dims(DIMS, ~TIME_FLAG, mean_dims, dims);

	md_zavg(DIMS, dims, TIME_FLAG, mean, x);
}
