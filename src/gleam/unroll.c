#include <assert.h>
#include <complex.h>
#include <stdbool.h>

#include "num/multind.h"
#include "num/flpmath.h"

#include "misc/mri.h"
#include "misc/misc.h"
#include "misc/types.h"

#include "nn/prox_net.h"

#include "gleam/conf.h"
#include "gleam/place.h"

#include "gleam/unroll.h"

struct gleam_unroll_s {

	struct gleam_net_s net;
	long P;

	const struct gleam_place_s* place;
	void* dc;
	const void* owner;	// of what dc has been set to
	struct nn_prox_s* prox;

	long img_dims[DIMS];
	size_t img_bytes;
	int slots;

	const float** params;	// of each slot
	complex float** mid;	// between the two halves of an iteration: PGD's v, MoDL's z
	complex float* dmid;
};


static const int spatial_dims[] = { READ_DIM, PHS1_DIM, PHS2_DIM, TIME_DIM };

void gleam_dims_image(const struct gleam_dims_s* dims, long img_dims[DIMS])
{
	md_copy_dims(DIMS, img_dims, dims->ksp);

	if (gleam_dims_trajectory(dims))
		md_copy_dims(3, img_dims, dims->map);

	img_dims[COIL_DIM] = 1;
	img_dims[MAPS_DIM] = dims->map[MAPS_DIM];
}

struct nn_tensor_s gleam_dims_tensor(const struct gleam_dims_s* dims)
{
	long img_dims[DIMS];
	long img_strs[DIMS];

	gleam_dims_image(dims, img_dims);
	md_calc_strides(DIMS, img_strs, img_dims, 1);

	long tdims[NN_DIMS] = { 1, 1, 1, img_dims[BATCH_DIM] };
	long tstrs[NN_DIMS] = { 0, 0, 0, img_strs[BATCH_DIM] };

	int n = 0;

	for (int i = 0; i < (int)ARRAY_SIZE(spatial_dims); i++) {

		if (1 == img_dims[spatial_dims[i]])
			continue;

		assert(n < NN_SPATIAL);

		tdims[n] = img_dims[spatial_dims[i]];
		tstrs[n] = img_strs[spatial_dims[i]];
		n++;
	}

	return nn_tensor_image(img_dims[MAPS_DIM], img_strs[MAPS_DIM], tdims, tstrs);
}


static struct nn_prox_s* prox_create(const struct gleam_net_s* net, const struct nn_backend_s* backend,
		const struct gleam_dims_s* dims, int slots)
{
	struct nn_tensor_s image = gleam_dims_tensor(dims);

	return nn_prox_create(backend, &net->prox, &image, slots);
}

static long image_buffers(int slots)
{
	return (0 == slots) ? 1 : (slots + 1);
}

struct gleam_unroll_bytes_s gleam_unroll_bytes(const struct gleam_net_s* net, const struct nn_backend_s* backend,
		const struct gleam_dims_s* dims, int slots)
{
	long img_dims[DIMS];
	gleam_dims_image(dims, img_dims);

	auto prox = prox_create(net, backend, dims, slots);

	struct gleam_unroll_bytes_s bytes = {

		.activations = nn_prox_activations(prox),
		.workspace = nn_prox_bytes(prox) - nn_prox_activations(prox),
		.dc = gleam_place(backend->device)->dc_bytes(dims),
		.images = (size_t)(image_buffers(slots) * md_calc_size(DIMS, img_dims)) * CFL_SIZE,
	};

	nn_prox_free(prox);

	return bytes;
}

struct gleam_unroll_s* gleam_unroll_create(const struct gleam_net_s* net, const struct nn_backend_s* backend,
		const struct gleam_dims_s* dims, int slots)
{
	PTR_ALLOC(struct gleam_unroll_s, u);

	u->net = *net;
	u->P = gleam_net_params(net);
	u->place = gleam_place(backend->device);
	u->slots = slots;

	gleam_dims_image(dims, u->img_dims);

	u->img_bytes = (size_t)md_calc_size(DIMS, u->img_dims) * CFL_SIZE;

	u->dc = u->place->dc_create(dims);
	u->owner = NULL;
	u->prox = prox_create(net, backend, dims, slots);

	nn_prox_alloc(u->prox);

	u->params = xmalloc((size_t)MAX(1, slots) * sizeof(const float*));
	u->mid = xmalloc((size_t)MAX(1, slots) * sizeof(complex float*));

	for (int i = 0; i < MAX(1, slots); i++)
		u->mid[i] = gleam_place_alloc(u->place, u->img_bytes);

	u->dmid = (0 < slots) ? gleam_place_alloc(u->place, u->img_bytes) : NULL;

	return PTR_PASS(u);
}

void gleam_unroll_free(struct gleam_unroll_s* u)
{
	const struct nn_device_s* device = u->place->device;

	nn_prox_free(u->prox);
	u->place->dc_free(u->dc);

	for (int i = 0; i < MAX(1, u->slots); i++)
		device->free(u->mid[i]);

	device->free(u->dmid);
	xfree(u->params);
	xfree(u->mid);
	xfree(u);
}

bool gleam_unroll_claim(struct gleam_unroll_s* u, const void* owner)
{
	bool same = (owner == u->owner);

	u->owner = owner;

	return same;
}

void* gleam_unroll_dc(struct gleam_unroll_s* u)
{
	return u->dc;
}

const struct gleam_place_s* gleam_unroll_place(const struct gleam_unroll_s* u)
{
	return u->place;
}

long gleam_unroll_pixels(const struct gleam_unroll_s* u)
{
	return md_calc_size(DIMS, u->img_dims);
}

void gleam_unroll_layout(const struct gleam_unroll_s* u, long* frames, long* maps, long* pixels)
{
	*pixels = md_calc_size(MAPS_DIM, u->img_dims);
	*maps = u->img_dims[MAPS_DIM];
	*frames = gleam_unroll_pixels(u) / (*pixels * *maps);
}

long gleam_unroll_averaged(const struct gleam_unroll_s* u)
{
	long frames = u->img_dims[TIME_DIM];

	if ((1 == frames) || (GLEAM_SCALING_AVERAGE != u->net.scaling))
		return 0;

	return gleam_unroll_pixels(u) / (frames * u->img_dims[BATCH_DIM]);
}


void gleam_unroll_load(struct gleam_unroll_s* u, int slot, const float* params)
{
	u->params[slot] = params;

	nn_prox_load(u->prox, slot, params);
}


void gleam_unroll_forward(struct gleam_unroll_s* u, int slot,
		complex float* out, const complex float* in, const complex float* x0)
{
	complex float* mid = u->mid[slot];
	const float* dc_param = u->params[slot] + u->P - 1;

	switch (u->net.type) {

	case GLEAM_PGD:

		u->place->dc_step(u->dc, dc_param, mid, in, x0);
		nn_prox_forward(u->prox, slot, (float*)out, (const float*)mid);
		break;

	case GLEAM_MODL:

		nn_prox_forward(u->prox, slot, (float*)mid, (const float*)in);
		u->place->device->copy(out, in, u->img_bytes);		// warm start
		u->place->dc_solve(u->dc, dc_param, (int)u->net.cg_iter, out, mid, x0);
		break;
	}
}

void gleam_unroll_network(struct gleam_unroll_s* u, int slot, const complex float* in)
{
	nn_prox_forward(u->prox, slot, (float*)u->mid[slot], (const float*)in);
}

void gleam_unroll_invert(struct gleam_unroll_s* u, int slot, int iterations,
		complex float* in, const complex float* out, const complex float* x0, complex float* room)
{
	complex float* z = u->mid[slot];

	u->place->dc_invert(u->dc, u->params[slot] + u->P - 1, z, out, x0);
	u->place->device->copy(in, z, u->img_bytes);

	for (int i = 0; i < iterations; i++) {

		nn_prox_forward(u->prox, slot, (float*)room, (const float*)in);
		u->place->add_difference(gleam_unroll_pixels(u), in, z, room);
	}
}

static void backward_pgd(struct gleam_unroll_s* u, int slot, float* dparams,
		complex float* din, const complex float* dout,
		const complex float* in, const complex float* x0)
{
	// the first iteration of a module stops here, unless its step size is learned
	complex float* dmid = ((NULL != din) || u->net.learn_dc) ? u->dmid : NULL;

	nn_prox_backward(u->prox, slot, (float*)dmid, dparams, (const float*)dout, (const float*)u->mid[slot]);

	if (u->net.learn_dc)
		u->place->dc_step_gradient(u->dc, dparams + u->P - 1, dmid, in, x0);

	if (NULL != din)
		u->place->dc_step_adjoint(u->dc, u->params[slot] + u->P - 1, din, dmid);
}

static void backward_modl(struct gleam_unroll_s* u, int slot, float* dparams,
		complex float* din, const complex float* dout,
		const complex float* out, const complex float* in)
{
	const float* mu = u->params[slot] + u->P - 1;

	u->place->dc_solve_adjoint(u->dc, mu, (int)u->net.cg_iter, u->dmid, dout);

	if (u->net.learn_dc)
		u->place->dc_solve_gradient(u->dc, mu, dparams + u->P - 1, u->dmid, u->mid[slot], out);

	nn_prox_backward(u->prox, slot, (float*)din, dparams, (const float*)u->dmid, (const float*)in);
}

void gleam_unroll_backward(struct gleam_unroll_s* u, int slot, float* dparams,
		complex float* din, const complex float* dout,
		const complex float* out, const complex float* in, const complex float* x0)
{
	switch (u->net.type) {

	case GLEAM_PGD:

		backward_pgd(u, slot, dparams, din, dout, in, x0);
		break;

	case GLEAM_MODL:

		backward_modl(u, slot, dparams, din, dout, out, in);
		break;
	}
}
