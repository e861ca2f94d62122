/*
 * Data consistency steps of unrolled networks on the forward model of
 * dc_sense.c. Samples are worked on one after the other, so that the vectors of
 * the conjugate gradient method are those of one sample.
 *
 * BART's conjgrad allocates its vectors in every call, sums in single precision
 * and has one step size for all; conjgrad_batch has one per sample but needs all
 * samples at once. Hence a method of our own.
 */

#include <complex.h>
#include <stdlib.h>
#include <string.h>

#include "num/multind.h"
#include "num/flpmath.h"

#include "linops/linop.h"

#include "misc/misc.h"
#include "misc/mri.h"
#include "misc/types.h"

#include "dc_sense.h"
#include "dc_toeplitz.h"
#include "dc_traj.h"
#include "dc_vec.h"

#include "dc.h"

struct gleam_dc_s {

	long ksp_dims[DIMS];
	long img_dims[DIMS];

	long samples;
	long N;		// elements of one sample's image
	long K;		// ... and k-space

	struct dc_sense_s* sense;
	struct dc_traj_s* traj;		// or NULL
	const struct linop_s* linop;	// or NULL

	// vectors of one sample
	complex float* r;
	complex float* p;
	complex float* q;

	double* partial;
};


static void image_dims(long img_dims[DIMS], const long ksp_dims[DIMS], const long map_dims[DIMS])
{
	md_select_dims(DIMS, ~COIL_FLAG, img_dims, ksp_dims);
	img_dims[MAPS_DIM] = map_dims[MAPS_DIM];
}


static size_t vector_bytes(long N)
{
	return ((size_t)N * CFL_SIZE + 63) / 64 * 64;
}


static size_t vectors_bytes(long N)
{
	return 3 * vector_bytes(N) + (size_t)dc_vec_blocks(N) * sizeof(double);
}


size_t gleam_dc_bytes(const long ksp_dims[DIMS], const long map_dims[DIMS], const long pat_dims[DIMS])
{
	long img_dims[DIMS];
	image_dims(img_dims, ksp_dims, map_dims);

	long N = md_calc_size(DIMS, img_dims) / img_dims[BATCH_DIM];

	return sizeof(struct gleam_dc_s) + dc_sense_bytes(ksp_dims, map_dims, pat_dims) + vectors_bytes(N);
}


size_t gleam_dc_bytes_traj(const long ksp_dims[DIMS], const long map_dims[DIMS], const long pat_dims[DIMS], const long trj_dims[DIMS])
{
	long cim_dims[DIMS];
	long psf_dims[DIMS];
	long img_dims[DIMS];

	dc_traj_image_dims(cim_dims, ksp_dims, map_dims);
	dc_traj_psf_dims(psf_dims, pat_dims, trj_dims);
	image_dims(img_dims, cim_dims, map_dims);

	return sizeof(struct gleam_dc_s) + dc_sense_toeplitz_bytes(cim_dims, map_dims, psf_dims)
		+ vectors_bytes(md_calc_size(DIMS, img_dims) / img_dims[BATCH_DIM]) + dc_traj_bytes(ksp_dims, map_dims, psf_dims);
}


long gleam_dc_psf_size(const long map_dims[DIMS], const long pat_dims[DIMS], const long trj_dims[DIMS])
{
	long psf_dims[DIMS];

	dc_traj_psf_dims(psf_dims, pat_dims, trj_dims);

	return psf_dims[TIME_DIM] * dc_toeplitz_layout(map_dims).size;
}


struct dc_linop_s {

	linop_data_t super;

	struct gleam_dc_s* dc;
};

static DEF_TYPEID(dc_linop_s);

static void linop_fun_forward(const linop_data_t* data, complex float* dst, const complex float* src)
{
	gleam_dc_forward(CAST_DOWN(dc_linop_s, data)->dc, dst, src);
}

static void linop_fun_adjoint(const linop_data_t* data, complex float* dst, const complex float* src)
{
	gleam_dc_adjoint(CAST_DOWN(dc_linop_s, data)->dc, dst, src);
}

static void linop_fun_normal(const linop_data_t* data, complex float* dst, const complex float* src)
{
	gleam_dc_normal(CAST_DOWN(dc_linop_s, data)->dc, dst, src);
}

static void linop_fun_free(const linop_data_t* data)
{
	xfree(CAST_DOWN(dc_linop_s, data));
}


static const struct linop_s* linop_of(struct gleam_dc_s* dc)
{
	PTR_ALLOC(struct dc_linop_s, data);
	SET_TYPEID(dc_linop_s, data);

	data->dc = dc;

	return linop_create(DIMS, dc->ksp_dims, DIMS, dc->img_dims, CAST_UP(PTR_PASS(data)),
			linop_fun_forward, linop_fun_adjoint, linop_fun_normal, NULL, linop_fun_free);
}


static complex float* vector_alloc(long N)
{
	complex float* v = aligned_alloc(64, vector_bytes(N));

	if (NULL == v)
		error("Out of memory: data consistency needs three images of %zu bytes.\n", vector_bytes(N));

	return v;
}


static struct gleam_dc_s* create(const long ksp_dims[DIMS], const long map_dims[DIMS], struct dc_sense_s* sense, struct dc_traj_s* traj)
{
	PTR_ALLOC(struct gleam_dc_s, dc);

	md_copy_dims(DIMS, dc->ksp_dims, ksp_dims);
	image_dims(dc->img_dims, ksp_dims, map_dims);

	dc->samples = ksp_dims[BATCH_DIM];
	dc->N = md_calc_size(DIMS, dc->img_dims) / dc->samples;
	dc->K = md_calc_size(DIMS, dc->ksp_dims) / dc->samples;

	dc->sense = sense;
	dc->traj = traj;
	dc->linop = (NULL == traj) ? linop_of(dc) : NULL;

	dc->r = vector_alloc(dc->N);
	dc->p = vector_alloc(dc->N);
	dc->q = vector_alloc(dc->N);
	dc->partial = xmalloc((size_t)dc_vec_blocks(dc->N) * sizeof(double));

	return PTR_PASS(dc);
}


struct gleam_dc_s* gleam_dc_create(const long ksp_dims[DIMS], const long map_dims[DIMS], const long pat_dims[DIMS])
{
	return create(ksp_dims, map_dims, dc_sense_create(ksp_dims, map_dims, pat_dims), NULL);
}


struct gleam_dc_s* gleam_dc_create_traj(const long ksp_dims[DIMS], const long map_dims[DIMS], const long pat_dims[DIMS], const long trj_dims[DIMS])
{
	long cim_dims[DIMS];
	long psf_dims[DIMS];

	dc_traj_image_dims(cim_dims, ksp_dims, map_dims);
	dc_traj_psf_dims(psf_dims, pat_dims, trj_dims);

	struct dc_sense_s* sense = dc_sense_toeplitz_create(cim_dims, map_dims, psf_dims);

	return create(cim_dims, map_dims, sense, dc_traj_create(sense, ksp_dims, map_dims, pat_dims, trj_dims));
}


void gleam_dc_free(struct gleam_dc_s* dc)
{
	if (NULL != dc->linop)
		linop_free(dc->linop);

	if (NULL != dc->traj)
		dc_traj_free(dc->traj);

	dc_sense_free(dc->sense);

	free(dc->r);
	free(dc->p);
	free(dc->q);

	xfree(dc->partial);
	xfree(dc);
}


const struct linop_s* gleam_dc_linop(const struct gleam_dc_s* dc)
{
	return dc->linop;
}


void gleam_dc_set(struct gleam_dc_s* dc, const complex float* maps, const complex float* pattern)
{
	dc_sense_set(dc->sense, maps, pattern);
}


void gleam_dc_set_traj(struct gleam_dc_s* dc, const complex float* maps, const float* psf)
{
	dc_sense_toeplitz_set(dc->sense, maps, psf);
}


float gleam_dc_psf(struct gleam_dc_s* dc, float* psf, const complex float* traj, const complex float* pattern)
{
	return dc_traj_psf(dc->traj, psf, traj, pattern);
}


void gleam_dc_adjoint_traj(struct gleam_dc_s* dc, long sample, float scale, complex float* x, const complex float* ksp,
		const complex float* traj, const complex float* pattern)
{
	dc_traj_adjoint(dc->traj, sample, x, ksp, traj, pattern);

	md_zsmul(1, MD_DIMS(dc->N), x, x, scale);
}


void gleam_dc_forward_traj(struct gleam_dc_s* dc, long sample, complex float* ksp, const complex float* x,
		const complex float* traj, const complex float* pattern)
{
	dc_traj_forward(dc->traj, sample, ksp, x, traj, pattern);
}


void gleam_dc_adjoint(struct gleam_dc_s* dc, complex float* x, const complex float* ksp)
{
	for (long i = 0; i < dc->samples; i++)
		dc_sense_adjoint(dc->sense, i, x + i * dc->N, ksp + i * dc->K);
}


void gleam_dc_average(struct gleam_dc_s* dc, complex float* x, const complex float* ksp)
{
	for (long i = 0; i < dc->samples; i++)
		dc_sense_average(dc->sense, i, x + i * dc->N, ksp + i * dc->K);
}


void gleam_dc_forward(struct gleam_dc_s* dc, complex float* ksp, const complex float* x)
{
	for (long i = 0; i < dc->samples; i++)
		dc_sense_forward(dc->sense, i, ksp + i * dc->K, x + i * dc->N);
}


void gleam_dc_normal(struct gleam_dc_s* dc, complex float* dst, const complex float* src)
{
	for (long i = 0; i < dc->samples; i++)
		dc_sense_normal(dc->sense, i, dst + i * dc->N, src + i * dc->N);
}


void gleam_dc_step(struct gleam_dc_s* dc, float t, complex float* v, const complex float* x, const complex float* x0)
{
	gleam_dc_normal(dc, v, x);

	dc_vec_step(dc->samples * dc->N, v, x, 2.f * t, v, x0);
}


void gleam_dc_step_adjoint(struct gleam_dc_s* dc, float t, complex float* dx, const complex float* dv)
{
	for (long i = 0; i < dc->samples; i++) {

		dc_sense_normal(dc->sense, i, dc->q, dv + i * dc->N);
		dc_vec_step(dc->N, dx + i * dc->N, dv + i * dc->N, 2.f * t, dc->q, NULL);
	}
}


float gleam_dc_step_gradient(struct gleam_dc_s* dc, const complex float* dv, const complex float* x, const complex float* x0)
{
	double sum = 0.;

	for (long i = 0; i < dc->samples; i++) {

		dc_sense_normal(dc->sense, i, dc->q, x + i * dc->N);
		sum += dc_vec_dot_diff(dc->N, dv + i * dc->N, dc->q, x0 + i * dc->N, dc->partial);
	}

	return (float)(-2. * sum);
}


/* Conjugate gradients (Hestenes and Stiefel, 1952) for (A^H A + mu) x = b of one
 * sample. On entry r = b - (A^H A + mu) x and rr = <r, r>.
 *
 * A residual that is zero ends it: nothing is divided by it. So does one that
 * can no longer change x, before it reaches denormal numbers. A NaN does not end
 * it, but gets into x, where it will be seen.
 */
static void conjgrad(struct gleam_dc_s* dc, long sample, float mu, int iter, complex float* x, double rr)
{
	double end = 1.e-20 * rr;

	memcpy(dc->p, dc->r, (size_t)dc->N * CFL_SIZE);

	for (int i = 0; i < iter; i++) {

		if (rr <= end)
			break;

		dc_sense_normal(dc->sense, sample, dc->q, dc->p);

		double pq = dc_vec_axpy_dot(dc->N, dc->q, mu, dc->p, dc->partial);

		if (0. == pq)
			break;

		double rr_new = dc_vec_update(dc->N, x, dc->r, (float)(rr / pq), dc->p, dc->q, dc->partial);

		dc_vec_xpay(dc->N, dc->p, (float)(rr_new / rr), dc->r);

		rr = rr_new;
	}
}


void gleam_dc_solve(struct gleam_dc_s* dc, float mu, int iter, complex float* u, const complex float* z, const complex float* x0)
{
	for (long i = 0; i < dc->samples; i++) {

		complex float* ui = u + i * dc->N;

		dc_sense_normal(dc->sense, i, dc->q, ui);
		dc_vec_step(dc->N, dc->r, x0 + i * dc->N, 1.f, dc->q, NULL);

		double rr = dc_vec_residual(dc->N, dc->r, mu, z + i * dc->N, ui, dc->partial);

		conjgrad(dc, i, mu, iter, ui, rr);
	}
}


void gleam_dc_solve_adjoint(struct gleam_dc_s* dc, float mu, int iter, complex float* dz, const complex float* du)
{
	for (long i = 0; i < dc->samples; i++) {

		complex float* dzi = dz + i * dc->N;

		double rr = dc_vec_scale(dc->N, dc->r, mu, du + i * dc->N, dc->partial);

		memset(dzi, 0, (size_t)dc->N * CFL_SIZE);

		conjgrad(dc, i, mu, iter, dzi, rr);
	}
}


float gleam_dc_solve_gradient(struct gleam_dc_s* dc, float mu, const complex float* dz, const complex float* z, const complex float* u)
{
	double sum = 0.;

	for (long i = 0; i < dc->samples; i++)
		sum += dc_vec_dot_diff(dc->N, dz + i * dc->N, z + i * dc->N, u + i * dc->N, dc->partial);

	return (float)(sum / mu);
}


void gleam_dc_invert(struct gleam_dc_s* dc, float mu, complex float* z, const complex float* u, const complex float* x0)
{
	gleam_dc_normal(dc, z, u);

	dc_vec_step(dc->samples * dc->N, z, u, -1.f / mu, z, x0);
}
