/*
 * Data consistency on a radial trajectory: what a sample costs once (point-spread
 * function and its largest eigenvalue, adjoint), what each application of A^H A costs,
 * and the same of BART's own Toeplitz operator.
 *
 *	trajectory [pixels [spokes [coils]]]
 */
#include <complex.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "num/multind.h"
#include "num/flpmath.h"
#include "num/init.h"

#include "linops/linop.h"
#include "linops/fmac.h"

#include "noncart/nufft.h"

#include "misc/debug.h"
#include "misc/misc.h"
#include "misc/mri.h"

#include "gleam/dc.h"

struct bench_s {

	long ksp_dims[DIMS];
	long map_dims[DIMS];
	long cim_dims[DIMS];
	long img_dims[DIMS];
	long pat_dims[DIMS];
	long trj_dims[DIMS];

	complex float* traj;
	complex float* ones;
	complex float* maps;
	complex float* ksp;
	complex float* x;
	complex float* y;
};


static complex float* fill(const long dims[DIMS], complex float val)
{
	complex float* x = md_alloc(DIMS, dims, CFL_SIZE);

	md_zfill(DIMS, dims, x, val);

	return x;
}


static void setup(struct bench_s* b, long N, long spokes, long coils)
{
	md_singleton_dims(DIMS, b->ksp_dims);

	b->ksp_dims[PHS1_DIM] = N;
	b->ksp_dims[PHS2_DIM] = spokes;
	b->ksp_dims[COIL_DIM] = coils;

	md_copy_dims(DIMS, b->map_dims, b->ksp_dims);
	b->map_dims[0] = b->map_dims[1] = N;
	b->map_dims[2] = 1;

	md_copy_dims(DIMS, b->cim_dims, b->map_dims);
	md_select_dims(DIMS, ~COIL_FLAG, b->img_dims, b->map_dims);
	md_select_dims(DIMS, ~COIL_FLAG, b->pat_dims, b->ksp_dims);
	md_copy_dims(DIMS, b->trj_dims, b->pat_dims);
	b->trj_dims[READ_DIM] = 3;

	b->traj = fill(b->trj_dims, 0.);

	for (long i = 0; i < N * spokes; i++) {

		double r = (double)(i % N) - (double)(N / 2);
		double phi = M_PI * (double)(i / N) / (double)spokes;

		b->traj[3 * i + 0] = (float)(r * cos(phi));
		b->traj[3 * i + 1] = (float)(r * sin(phi));
	}

	b->ones = fill(b->pat_dims, 1.);
	b->maps = fill(b->map_dims, 1. / sqrt((double)coils));
	b->ksp = fill(b->ksp_dims, 1.);
	b->x = fill(b->img_dims, 1.);
	b->y = fill(b->img_dims, 0.);
}


static void print(const char* what, double start, int n)
{
	printf("%-40s %8.1f ms\n", what, 1.e3 * (timestamp() - start) / (double)n);
}


static void bench_ours(const struct bench_s* b)
{
	struct gleam_dc_s* dc = gleam_dc_create_traj(b->ksp_dims, b->map_dims, b->pat_dims, b->trj_dims);
	float* psf = aligned_alloc(64, (size_t)gleam_dc_psf_size(b->map_dims, b->pat_dims, b->trj_dims) * sizeof(float));
	float scale = gleam_dc_psf(dc, psf, b->traj, b->ones);

	double start = timestamp();

	for (int i = 0; i < 3; i++)
		gleam_dc_psf(dc, psf, b->traj, b->ones);

	print("point-spread function, eigenvalue", start, 3);
	printf("%-40s %8.4f\n", "largest eigenvalue", 1. / (double)scale);

	gleam_dc_set_traj(dc, b->maps, psf);
	start = timestamp();

	for (int i = 0; i < 3; i++)
		gleam_dc_adjoint_traj(dc, 0, scale, b->y, b->ksp, b->traj, b->ones);

	print("A^H y", start, 3);
	start = timestamp();

	for (int i = 0; i < 10; i++)
		gleam_dc_normal(dc, b->y, b->x);

	print("A^H A x", start, 10);

	free(psf);
	gleam_dc_free(dc);
}


static void bench_bart(const struct bench_s* b)
{
	double start = timestamp();

	const struct linop_s* nufft = nufft_create2(DIMS, b->ksp_dims, b->cim_dims, b->trj_dims, b->traj,
			b->pat_dims, b->ones, NULL, NULL, nufft_conf_defaults);

	print("BART: operator", start, 1);

	long max_dims[DIMS];

	md_copy_dims(DIMS, max_dims, b->cim_dims);

	const struct linop_s* op = linop_chain_FF(linop_fmac_create(DIMS, max_dims, 0, COIL_FLAG, 0, b->maps), nufft);

	linop_normal_unchecked(op, b->y, b->x);
	start = timestamp();

	for (int i = 0; i < 10; i++)
		linop_normal_unchecked(op, b->y, b->x);

	print("BART: A^H A x", start, 10);
	linop_free(op);
}


int main(int argc, char* argv[argc])
{
	struct bench_s b;

	num_init();
	setup(&b, (1 < argc) ? atol(argv[1]) : 256, (2 < argc) ? atol(argv[2]) : 64, (3 < argc) ? atol(argv[3]) : 8);

	bench_ours(&b);
	bench_bart(&b);

	return 0;
}
