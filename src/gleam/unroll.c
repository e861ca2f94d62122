#include <assert.h>
#include <complex.h>

#include "num/multind.h"
#include "num/flpmath.h"

#include "misc/mri.h"
#include "misc/misc.h"
#include "misc/types.h"

#include "nn/prox_net.h"

#include "gleam/conf.h"
#include "gleam/dc.h"

#include "gleam/unroll.h"

struct gleam_unroll_s {

	struct gleam_net_s net;
	long P;

	struct gleam_dc_s* dc;
	struct nn_prox_s* prox;

	long img_dims[DIMS];
	int slots;

	complex float** mid;	// between the two halves of an iteration: PGD's v, MoDL's z
	complex float* dmid;
};


static const int spatial_dims[] = { READ_DIM, PHS1_DIM, PHS2_DIM, TIME_DIM };

void gleam_dims_image(const struct gleam_dims_s* dims, long img_dims[DIMS])
{
	md_copy_dims(DIMS, img_dims, dims->ksp);

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

		.prox = nn_prox_bytes(prox),
		.dc = gleam_dc_bytes(dims->ksp, dims->map, dims->pat),
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
	u->slots = slots;

	gleam_dims_image(dims, u->img_dims);

	u->dc = gleam_dc_create(dims->ksp, dims->map, dims->pat);
	u->prox = prox_create(net, backend, dims, slots);

	nn_prox_alloc(u->prox);

	u->mid = xmalloc((size_t)MAX(1, slots) * sizeof(complex float*));

	for (int i = 0; i < MAX(1, slots); i++)
		u->mid[i] = md_alloc(DIMS, u->img_dims, CFL_SIZE);

	u->dmid = (0 < slots) ? md_alloc(DIMS, u->img_dims, CFL_SIZE) : NULL;

	return PTR_PASS(u);
}

void gleam_unroll_free(struct gleam_unroll_s* u)
{
	nn_prox_free(u->prox);
	gleam_dc_free(u->dc);

	for (int i = 0; i < MAX(1, u->slots); i++)
		md_free(u->mid[i]);

	md_free(u->dmid);
	xfree(u->mid);
	xfree(u);
}

struct gleam_dc_s* gleam_unroll_dc(struct gleam_unroll_s* u)
{
	return u->dc;
}

long gleam_unroll_pixels(const struct gleam_unroll_s* u)
{
	return md_calc_size(DIMS, u->img_dims);
}


void gleam_unroll_forward(struct gleam_unroll_s* u, int slot, const float* params,
		complex float* out, const complex float* in, const complex float* x0)
{
	complex float* mid = u->mid[slot];
	float dc_param = params[u->P - 1];

	switch (u->net.type) {

	case GLEAM_PGD:

		gleam_dc_step(u->dc, dc_param, mid, in, x0);
		nn_prox_forward(u->prox, slot, (float*)out, (const float*)mid, params);
		break;

	case GLEAM_MODL:

		nn_prox_forward(u->prox, slot, (float*)mid, (const float*)in, params);
		md_copy(DIMS, u->img_dims, out, in, CFL_SIZE);		// warm start
		gleam_dc_solve(u->dc, dc_param, (int)u->net.cg_iter, out, mid, x0);
		break;
	}
}

static void backward_pgd(struct gleam_unroll_s* u, int slot, const float* params, float* dparams,
		complex float* din, const complex float* dout,
		const complex float* in, const complex float* x0)
{
	// the first iteration of a module stops here, unless its step size is learned
	complex float* dmid = ((NULL != din) || u->net.learn_dc) ? u->dmid : NULL;

	nn_prox_backward(u->prox, slot, (float*)dmid, dparams, (const float*)dout, (const float*)u->mid[slot], params);

	if (u->net.learn_dc)
		dparams[u->P - 1] += gleam_dc_step_gradient(u->dc, dmid, in, x0);

	if (NULL != din)
		gleam_dc_step_adjoint(u->dc, params[u->P - 1], din, dmid);
}

static void backward_modl(struct gleam_unroll_s* u, int slot, const float* params, float* dparams,
		complex float* din, const complex float* dout,
		const complex float* out, const complex float* in)
{
	float mu = params[u->P - 1];

	gleam_dc_solve_adjoint(u->dc, mu, (int)u->net.cg_iter, u->dmid, dout);

	if (u->net.learn_dc)
		dparams[u->P - 1] += gleam_dc_solve_gradient(u->dc, mu, u->dmid, u->mid[slot], out);

	nn_prox_backward(u->prox, slot, (float*)din, dparams, (const float*)u->dmid, (const float*)in, params);
}

void gleam_unroll_backward(struct gleam_unroll_s* u, int slot, const float* params, float* dparams,
		complex float* din, const complex float* dout,
		const complex float* out, const complex float* in, const complex float* x0)
{
	switch (u->net.type) {

	case GLEAM_PGD:

		backward_pgd(u, slot, params, dparams, din, dout, in, x0);
		break;

	case GLEAM_MODL:

		backward_modl(u, slot, params, dparams, din, dout, out, in);
		break;
	}
}
