#include <complex.h>

#include "misc/misc.h"

#include "nn/device.h"

#include "gleam/dc.h"
#include "gleam/image.h"
#include "gleam/loss.h"
#include "gleam/memory.h"

#include "gleam/place.h"


static void* dc_create(const struct gleam_dims_s* dims)
{
	if (gleam_dims_trajectory(dims))
		return gleam_dc_create_traj(dims->ksp, dims->map, dims->pat, dims->trj);

	return gleam_dc_create(dims->ksp, dims->map, dims->pat);
}

static void dc_free(void* dc)
{
	gleam_dc_free(dc);
}

static size_t dc_bytes(const struct gleam_dims_s* dims)
{
	if (gleam_dims_trajectory(dims))
		return gleam_dc_bytes_traj(dims->ksp, dims->map, dims->pat, dims->trj);

	return gleam_dc_bytes(dims->ksp, dims->map, dims->pat);
}

static void dc_step(void* dc, const float* t, complex float* v, const complex float* x, const complex float* x0)
{
	gleam_dc_step(dc, *t, v, x, x0);
}

static void dc_step_adjoint(void* dc, const float* t, complex float* dx, const complex float* dv)
{
	gleam_dc_step_adjoint(dc, *t, dx, dv);
}

static void dc_step_gradient(void* dc, float* dt, const complex float* dv, const complex float* x, const complex float* x0)
{
	*dt += gleam_dc_step_gradient(dc, dv, x, x0);
}

static void dc_solve(void* dc, const float* mu, int iter, complex float* u, const complex float* z, const complex float* x0)
{
	gleam_dc_solve(dc, *mu, iter, u, z, x0);
}

static void dc_solve_adjoint(void* dc, const float* mu, int iter, complex float* dz, const complex float* du)
{
	gleam_dc_solve_adjoint(dc, *mu, iter, dz, du);
}

static void dc_solve_gradient(void* dc, const float* mu, float* dmu, const complex float* dz, const complex float* z, const complex float* u)
{
	*dmu += gleam_dc_solve_gradient(dc, *mu, dz, z, u);
}

static void dc_invert(void* dc, const float* mu, complex float* z, const complex float* u, const complex float* x0)
{
	gleam_dc_invert(dc, *mu, z, u, x0);
}

static void add_difference(long N, complex float* x, const complex float* a, const complex float* b)
{
	gleam_image_add_difference(N, x, a, b);
}

static void add_energy(long N, double* sum, const complex float* a, const complex float* b, void*)
{
	*sum += gleam_image_energy(N, a, b);
}

static size_t loss_bytes(long)
{
	return 0;
}

static void loss_l1(long N, float scale, complex float* grad, const complex float* x, const complex float* ref, double* sum, void*)
{
	*sum += gleam_loss_l1(N, scale, grad, x, ref);
}

static void loss_combined(long frames, long maps, long pixels, float scale,
		complex float* grad, const complex float* x, const complex float* ref, double* sum, void*)
{
	*sum += gleam_loss_combined(frames, maps, pixels, scale, (void*)grad, (const void*)x, (const void*)ref);
}

static long shared(long processes)
{
	return processes;
}

static void repeat(void**, void (*fun)(void* data), void* data)
{
	fun(data);
}

static void repeat_free(void*)
{
}

const struct gleam_place_s gleam_place_cpu = {

	.device = &nn_device_cpu,

	.dc_create = dc_create,
	.dc_free = dc_free,
	.dc_bytes = dc_bytes,
	.dc_step = dc_step,
	.dc_step_adjoint = dc_step_adjoint,
	.dc_step_gradient = dc_step_gradient,
	.dc_solve = dc_solve,
	.dc_solve_adjoint = dc_solve_adjoint,
	.dc_solve_gradient = dc_solve_gradient,
	.dc_invert = dc_invert,

	.add_difference = add_difference,
	.add_energy = add_energy,

	.repeat = repeat,
	.repeat_free = repeat_free,

	.available = gleam_memory_available,
	.taken = gleam_memory_resident,
	.peak = gleam_memory_peak,
	.shared = shared,

	.loss_bytes = loss_bytes,
	.loss_l1 = loss_l1,
	.loss_combined = loss_combined,
};

bool gleam_dims_trajectory(const struct gleam_dims_s* dims)
{
	return (3 == dims->trj[READ_DIM]);
}

const struct gleam_place_s* gleam_place(const struct nn_device_s* device)
{
#ifdef GLEAM_GPU
	if (&nn_device_gpu == device)
		return &gleam_place_gpu;
#endif
	return (&nn_device_cpu == device) ? &gleam_place_cpu : NULL;
}

const void* gleam_place_on_host(const struct gleam_place_s* place, void* room, const void* ptr, size_t bytes)
{
	if (place->device->host)
		return ptr;

	place->device->download(room, ptr, bytes);

	return room;
}

void* gleam_place_alloc(const struct gleam_place_s* place, size_t bytes)
{
	void* ptr = place->device->alloc(bytes);

	if (NULL == ptr)
		error("Out of memory on the %s: no %.1f MiB more. --memory prints what is needed for what.\n",
			place->device->name, (double)bytes / 1048576.);

	return ptr;
}
