
#include <complex.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include <criterion/criterion.h>

#include "num/multind.h"
#include "num/flpmath.h"

#include "misc/misc.h"
#include "misc/mri.h"

#include "gleam/dc.h"

#include "dc_dense.h"
#include "traj_case.h"

const struct traj_case_s traj_cases[TRAJ_CASES] = {

	{ "plain", { 10, 12, 1 }, 12, 9, 3, 1, 1, 1, 0, 0, false },
	{ "two maps, two samples", { 10, 8, 1 }, 10, 7, 3, 2, 1, 2, 0, 0, false },
	{ "odd size, weights", { 9, 11, 1 }, 11, 10, 4, 1, 1, 2, BATCH_FLAG, 0, true },
	{ "volume", { 8, 6, 7 }, 9, 30, 2, 1, 1, 1, 0, 0, true },
	{ "series", { 8, 9, 1 }, 9, 5, 3, 1, 3, 2, TIME_FLAG, 0, false },
	{ "series on one trajectory", { 8, 9, 1 }, 9, 8, 2, 1, 2, 3, TIME_FLAG | BATCH_FLAG, TIME_FLAG | BATCH_FLAG, false },
};


// spokes through the centre, at random angles; not beyond the grid
static void fill_traj(const struct traj_case_s* c, struct traj_problem_s* p, unsigned int seed)
{
	long pos[DIMS] = { };

	do {
		// a direction for each spoke
		long spoke = md_calc_offset(DIMS, MD_STRIDES(DIMS, p->trj_dims, 1), pos) / (3 * c->samples);
		unsigned int s = seed + 77 * (unsigned int)spoke;
		double r = ((double)pos[PHS1_DIM] / (double)(c->samples - 1) - 0.5) * 0.98;
		double dir[3];
		double norm = 0.;

		for (int i = 0; i < 3; i++) {

			dir[i] = (1 < c->space[i]) ? ((double)rand_r(&s) / (double)RAND_MAX - 0.5) : 0.;
			norm += dir[i] * dir[i];
		}

		int i = (int)pos[READ_DIM];

		MD_ACCESS(DIMS, MD_STRIDES(DIMS, p->trj_dims, CFL_SIZE), pos, p->traj) = (float)(r * (double)c->space[i] * dir[i] / sqrt(norm));

	} while (md_next(DIMS, p->trj_dims, ~0UL, pos));
}


// the element of A between a position of k-space and one of the image
static complex double element(const struct traj_problem_s* p, const long kpos[DIMS], const long xpos[DIMS])
{
	const struct dc_problem_s* d = &p->dense;

	if (kpos[TIME_DIM] != xpos[TIME_DIM])
		return 0.;

	complex double val = 1. / sqrt((double)(d->img_dims[0] * d->img_dims[1] * d->img_dims[2]));

	for (int i = 0; i < 3; i++) {

		long tpos[DIMS];

		md_copy_dims(DIMS, tpos, kpos);
		tpos[READ_DIM] = i;
		tpos[COIL_DIM] = 0;

		double k = (double)crealf(MD_ACCESS(DIMS, MD_STRIDES(DIMS, p->trj_dims, CFL_SIZE), tpos, p->traj));
		long n = d->img_dims[i];

		val *= cexp(-2.i * M_PI * k * (double)(xpos[i] - n / 2) / (double)n);
	}

	long mpos[DIMS];

	md_copy_dims(DIMS, mpos, xpos);
	mpos[COIL_DIM] = kpos[COIL_DIM];

	val *= MD_ACCESS(DIMS, MD_STRIDES(DIMS, d->map_dims, CFL_SIZE), mpos, d->maps);
	val *= MD_ACCESS(DIMS, MD_STRIDES(DIMS, d->pat_dims, CFL_SIZE), kpos, d->pattern);

	return val;
}


complex double* traj_matrix(const struct traj_problem_s* p, long sample)
{
	const struct dc_problem_s* d = &p->dense;

	complex double* A = xmalloc((size_t)(d->K * d->N) * sizeof(complex double));
	complex double* a = A;

	long kpos[DIMS] = { [BATCH_DIM] = sample };

	do {
		long xpos[DIMS] = { [BATCH_DIM] = sample };

		do {
			*a++ = element(p, kpos, xpos);

		} while (md_next(DIMS, d->img_dims, ~BATCH_FLAG, xpos));

	} while (md_next(DIMS, d->ksp_dims, ~BATCH_FLAG, kpos));

	return A;
}


static void set_dims(const struct traj_case_s* c, struct traj_problem_s* p)
{
	struct dc_problem_s* d = &p->dense;

	md_singleton_dims(DIMS, d->ksp_dims);

	d->ksp_dims[PHS1_DIM] = c->samples;
	d->ksp_dims[PHS2_DIM] = c->spokes;
	d->ksp_dims[COIL_DIM] = c->coils;
	d->ksp_dims[TIME_DIM] = c->frames;
	d->ksp_dims[BATCH_DIM] = c->batch;

	md_select_dims(DIMS, ~c->map_shared, d->map_dims, d->ksp_dims);
	md_copy_dims(3, d->map_dims, c->space);
	d->map_dims[MAPS_DIM] = c->maps;

	md_select_dims(DIMS, ~(c->trj_shared | COIL_FLAG), d->pat_dims, d->ksp_dims);

	md_copy_dims(DIMS, p->trj_dims, d->pat_dims);
	p->trj_dims[READ_DIM] = 3;

	md_select_dims(DIMS, ~COIL_FLAG, d->img_dims, d->ksp_dims);
	md_copy_dims(3, d->img_dims, c->space);
	d->img_dims[MAPS_DIM] = c->maps;

	d->N = md_calc_size(DIMS, d->img_dims) / d->samples;
	d->K = md_calc_size(DIMS, d->ksp_dims) / d->samples;
}


struct traj_problem_s traj_problem_create(const struct traj_case_s* c, unsigned int seed)
{
	struct traj_problem_s p = { .dense = { .name = c->name, .samples = c->batch } };
	struct dc_problem_s* d = &p.dense;

	set_dims(c, &p);

	d->maps = dc_random(md_calc_size(DIMS, d->map_dims), seed);
	d->pattern = dc_random(md_calc_size(DIMS, d->pat_dims), seed + 1);

	md_zsmul(DIMS, d->map_dims, d->maps, d->maps, 1. / sqrt((double)c->coils));

	for (long i = 0; i < md_calc_size(DIMS, d->pat_dims); i++)
		d->pattern[i] = c->weights ? (1.f + 0.9f * crealf(d->pattern[i])) : 1.f;

	p.traj = md_calloc(DIMS, p.trj_dims, CFL_SIZE);

	fill_traj(c, &p, seed + 2);

	d->matrix = xmalloc((size_t)d->samples * sizeof(complex double*));

	for (long i = 0; i < d->samples; i++)
		d->matrix[i] = traj_matrix(&p, i);

	return p;
}


void traj_problem_free(struct traj_problem_s* p)
{
	md_free(p->traj);
	free(p->psf);

	dc_problem_free(&p->dense);
}


static long offset(const long dims[DIMS], long sample)
{
	return (1 < dims[BATCH_DIM]) ? (sample * md_calc_size(DIMS, dims) / dims[BATCH_DIM]) : 0;
}


const complex float* traj_of(const struct traj_problem_s* p, long sample)
{
	return p->traj + offset(p->trj_dims, sample);
}


const complex float* traj_pattern_of(const struct traj_problem_s* p, long sample)
{
	return p->dense.pattern + offset(p->dense.pat_dims, sample);
}


struct gleam_dc_s* traj_problem_dc(struct traj_problem_s* p)
{
	struct dc_problem_s* d = &p->dense;
	struct gleam_dc_s* dc = gleam_dc_create_traj(d->ksp_dims, d->map_dims, d->pat_dims, p->trj_dims);

	p->psf_size = gleam_dc_psf_size(d->map_dims, d->pat_dims, p->trj_dims);

	if (NULL == p->psf)
		p->psf = aligned_alloc(64, (size_t)(d->samples * p->psf_size) * sizeof(float));

	for (long i = 0; i < d->samples; i++)
		p->scale[i] = gleam_dc_psf(dc, p->psf + i * p->psf_size, traj_of(p, i), traj_pattern_of(p, i));

	gleam_dc_set_traj(dc, d->maps, p->psf);

	return dc;
}


void traj_for_all(void (*fun)(struct traj_problem_s* p, struct gleam_dc_s* dc))
{
	for (int i = 0; i < TRAJ_CASES; i++) {

		struct traj_problem_s p = traj_problem_create(&traj_cases[i], 31);
		struct gleam_dc_s* dc = traj_problem_dc(&p);

		fun(&p, dc);

		gleam_dc_free(dc);
		traj_problem_free(&p);
	}
}


void traj_expect_close(const struct traj_problem_s* p, const char* what, long N, const complex float a[N], const complex double b[N])
{
	double err = dc_distance(N, a, b);

	cr_expect(err < NUFFT_ACCURACY, "%s, %s: %e", p->dense.name, what, err);
}
