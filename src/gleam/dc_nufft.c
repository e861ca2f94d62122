
#include <complex.h>
#include <math.h>

#include <fftw3.h>
#ifdef _OPENMP
#include <omp.h>
#endif

#include "num/multind.h"
#include "num/flpmath.h"
#include "num/fft.h"
#include "num/fft_plan.h"

#include "linops/linop.h"

#include "noncart/nufft.h"

#include "misc/misc.h"
#include "misc/mri.h"

#include "dc_nufft.h"

struct dc_nufft_s {

	long img_dims[DIMS];
	long ksp_dims[DIMS];
	long trj_dims[DIMS];

	// to the even size, with which positions and scale change
	complex float traj_scale[3];
	double weight_scale;

	complex float* traj;
	complex float* weights;

	struct linop_s* linop;
};


int dc_nufft_serial_begin(void)
{
	int threads = 1;

#ifdef FFTWTHREADS
	threads = fftwf_planner_nthreads();
#endif
	fft_set_num_threads(1);

	return threads;
}


void dc_nufft_serial_end(int threads)
{
	fft_set_num_threads(threads);
}


// BART's loops in what this thread calls from now on
static int loops_serial(void)
{
	int threads = 1;

#ifdef _OPENMP
	threads = omp_get_max_threads();
	omp_set_num_threads(1);
#endif
	return threads;
}


static void loops_restore(int threads)
{
#ifdef _OPENMP
	omp_set_num_threads(threads);
#else
	(void)threads;
#endif
}


static void set_dims(struct dc_nufft_s* n, const long dims[3], long samples, long spokes)
{
	md_singleton_dims(DIMS, n->img_dims);
	md_singleton_dims(DIMS, n->ksp_dims);

	md_copy_dims(3, n->img_dims, dims);

	n->ksp_dims[PHS1_DIM] = samples;
	n->ksp_dims[PHS2_DIM] = spokes;

	md_copy_dims(DIMS, n->trj_dims, n->ksp_dims);

	n->trj_dims[READ_DIM] = 3;
}


void dc_nufft_even(long even[3], const long dims[3])
{
	for (int i = 0; i < 3; i++)
		even[i] = (1 < dims[i]) ? (dims[i] + dims[i] % 2) : 1;
}


static void set_even(struct dc_nufft_s* n)
{
	long even[3];
	double ratio = 1.;

	dc_nufft_even(even, n->img_dims);

	for (int i = 0; i < 3; i++) {

		n->traj_scale[i] = (float)((double)even[i] / (double)n->img_dims[i]);
		ratio *= (double)even[i] / (double)n->img_dims[i];
	}

	n->weight_scale = sqrt(ratio);

	md_copy_dims(3, n->img_dims, even);
}


struct dc_nufft_bytes_s dc_nufft_bytes(const long _dims[3], long samples, long spokes)
{
	long dims[3];

	dc_nufft_even(dims, _dims);

	long K = samples * spokes;
	long N = dims[0] * dims[1] * dims[2];
	long N2 = N;		// of the grid, of twice the size

	for (int i = 0; i < 3; i++)
		N2 *= (1 < dims[i]) ? 2 : 1;

	return (struct dc_nufft_bytes_s){

		// phases of the grid's parts, modulation; trajectory and weights, scaled and BART's
		.held = sizeof(struct dc_nufft_s) + (size_t)(N2 + N + 8 * K) * CFL_SIZE,

		// grid, and as much for its transform; weighted k-space
		.apply = (size_t)(2 * N2 + K) * CFL_SIZE,

		// result, a part of its grid, its transform; trajectory twice, weights twice, ones and their product
		.psf = (size_t)(3 * N2 + 10 * K) * CFL_SIZE,
	};
}


struct dc_nufft_s* dc_nufft_create(const long dims[3], long samples, long spokes)
{
	PTR_ALLOC(struct dc_nufft_s, n);

	set_dims(n, dims, samples, spokes);
	set_even(n);

	struct nufft_conf_s conf = nufft_conf_defaults;

	conf.toeplitz = false;

	/* As BART's point-spread functions are: without it what a position at the edge of
	 * k-space puts beyond the grid is lost, and the two would not belong together.
	 */
	conf.periodic = true;

	n->traj = md_calloc(DIMS, n->trj_dims, CFL_SIZE);
	n->weights = md_calloc(DIMS, n->ksp_dims, CFL_SIZE);

	int threads = dc_nufft_serial_begin();

	n->linop = nufft_create2(DIMS, n->ksp_dims, n->img_dims, n->trj_dims, n->traj, n->ksp_dims, n->weights, NULL, NULL, conf);

	dc_nufft_serial_end(threads);

	return PTR_PASS(n);
}


void dc_nufft_free(struct dc_nufft_s* n)
{
	linop_free(n->linop);
	md_free(n->traj);
	md_free(n->weights);
	xfree(n);
}


void dc_nufft_set(struct dc_nufft_s* n, const complex float* traj, const complex float* weights)
{
	long dims[DIMS];

	md_select_dims(DIMS, READ_FLAG, dims, n->trj_dims);

	md_zmul2(DIMS, n->trj_dims, MD_STRIDES(DIMS, n->trj_dims, CFL_SIZE), n->traj,
			MD_STRIDES(DIMS, n->trj_dims, CFL_SIZE), traj, MD_STRIDES(DIMS, dims, CFL_SIZE), n->traj_scale);
	md_zsmul(DIMS, n->ksp_dims, n->weights, weights, n->weight_scale);

	nufft_update_traj(n->linop, DIMS, n->trj_dims, n->traj, n->ksp_dims, n->weights, NULL, NULL);
}


void dc_nufft_forward(const struct dc_nufft_s* n, complex float* ksp, const complex float* img)
{
	int threads = loops_serial();

	linop_forward_unchecked(n->linop, ksp, img);

	loops_restore(threads);
}


void dc_nufft_adjoint(const struct dc_nufft_s* n, complex float* img, const complex float* ksp)
{
	int threads = loops_serial();

	linop_adjoint_unchecked(n->linop, img, ksp);

	loops_restore(threads);
}


complex float* dc_nufft_psf(const long dims[3], long samples, long spokes, const complex float* traj, const complex float* weights)
{
	struct dc_nufft_s n;

	set_dims(&n, dims, samples, spokes);

	double scale = 1. / sqrt((double)md_calc_size(DIMS, n.img_dims));

	for (int i = 0; i < 3; i++) {

		if (1 == n.img_dims[i])
			continue;

		n.img_dims[i] *= 2;
		scale *= sqrt(2.);
	}

	int threads = loops_serial();

	// on twice the field of view positions are twice as far apart
	complex float* traj2 = md_alloc(DIMS, n.trj_dims, CFL_SIZE);

	md_zsmul(DIMS, n.trj_dims, traj2, traj, 2.);

	complex float* psf = compute_psf(DIMS, n.img_dims, n.trj_dims, traj2, NULL, NULL, n.ksp_dims, weights, true, true);

	md_free(traj2);

	md_zsmul(DIMS, n.img_dims, psf, psf, scale);

	loops_restore(threads);

	return psf;
}
