#ifdef GLEAM_GPU

#include <complex.h>

#include "misc/misc.h"

#include "gpu/gpu.h"
#include "nn/device.h"

#include "gleam/gpu_dc.h"
#include "gleam/gpu_ops.h"
#include "gleam/gpu_stage.h"

#include "gleam/place.h"


static void* dc_create(const struct gleam_dims_s* dims)
{
	return gpu_dc_create(dims->ksp, dims->map, dims->pat);
}

static void dc_free(void* dc)
{
	gpu_dc_free(dc);
}

static size_t dc_bytes(const struct gleam_dims_s* dims)
{
	return gpu_dc_bytes(dims->ksp, dims->map, dims->pat);
}

static void dc_step(void* dc, const float* t, complex float* v, const complex float* x, const complex float* x0)
{
	gpu_dc_step(dc, t, v, x, x0);
}

static void dc_step_adjoint(void* dc, const float* t, complex float* dx, const complex float* dv)
{
	gpu_dc_step_adjoint(dc, t, dx, dv);
}

static void dc_step_gradient(void* dc, float* dt, const complex float* dv, const complex float* x, const complex float* x0)
{
	gpu_dc_step_gradient(dc, dt, dv, x, x0);
}

static void dc_solve(void* dc, const float* mu, int iter, complex float* u, const complex float* z, const complex float* x0)
{
	gpu_dc_solve(dc, mu, iter, u, z, x0);
}

static void dc_solve_adjoint(void* dc, const float* mu, int iter, complex float* dz, const complex float* du)
{
	gpu_dc_solve_adjoint(dc, mu, iter, dz, du);
}

static void dc_solve_gradient(void* dc, const float* mu, float* dmu, const complex float* dz, const complex float* z, const complex float* u)
{
	gpu_dc_solve_gradient(dc, mu, dmu, dz, z, u);
}


/* The first run is a plain one: libraries load kernels when they are first
 * launched, which a recording does not allow.
 */
struct repeat_s {

	struct gpu_graph_s* graph;
};

static void repeat(void** state, void (*fun)(void* data), void* data)
{
	struct repeat_s* r = *state;

	if (NULL == r) {

		PTR_ALLOC(struct repeat_s, n);

		n->graph = NULL;
		*state = PTR_PASS(n);

		fun(data);
		return;
	}

	if (NULL == r->graph) {

		gpu_graph_begin();
		fun(data);
		r->graph = gpu_graph_end();
	}

	gpu_graph_launch(r->graph);
}

static void repeat_free(void* state)
{
	struct repeat_s* r = state;

	if (NULL == r)
		return;

	if (NULL != r->graph)
		gpu_graph_free(r->graph);

	xfree(r);
}


static size_t available(void)
{
	return gpu_memory().free;
}

static size_t taken(void)
{
	return gpu_memory().taken;
}

static size_t peak(void)
{
	return gpu_memory().peak;
}


// they take devices in turn
static long shared(long processes)
{
	long devices = MAX(1, (long)gpu_count());

	return (processes + devices - 1) / devices;
}

static void dc_invert(void* dc, const float* mu, complex float* z, const complex float* u, const complex float* x0)
{
	gpu_dc_invert(dc, mu, z, u, x0);
}

static void add_difference(long N, complex float* x, const complex float* a, const complex float* b)
{
	gpu_add_difference(N, x, a, b);
}

static void add_energy(long N, double* sum, const complex float* a, const complex float* b, void* room)
{
	gpu_energy(N, a, b, sum, room);
}

static size_t loss_bytes(long N)
{
	return (size_t)gpu_loss_partials(N) * sizeof(double);
}

static void loss_l1(long N, float scale, complex float* grad, const complex float* x, const complex float* ref, double* sum, void* room)
{
	gpu_loss_l1(N, scale, grad, x, ref, sum, room);
}

static void loss_combined(long frames, long maps, long pixels, float scale,
		complex float* grad, const complex float* x, const complex float* ref, double* sum, void* room)
{
	gpu_loss_combined(frames, maps, pixels, scale, grad, x, ref, sum, room);
}

const struct gleam_place_s gleam_place_gpu = {

	.device = &nn_device_gpu,
	.stage = &gpu_stage_ops,

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

	/* Kernels of cuDNN, cuFFT and ours are loaded when they are first launched, and a
	 * recorded iteration takes memory of its own.
	 */
	.margin = 512 << 20,
	.available = available,
	.taken = taken,
	.peak = peak,
	.shared = shared,

	.loss_bytes = loss_bytes,
	.loss_l1 = loss_l1,
	.loss_combined = loss_combined,
};

#endif		// GLEAM_GPU
