
#include <complex.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "num/multind.h"
#include "num/flpmath.h"

#include "misc/misc.h"
#include "misc/mri.h"

#include "dc_dense.h"

const struct dc_case_s dc_cases[DC_CASES] = {

	{ "two maps, two samples", { 6, 5, 1 }, 3, 2, 1, 2, 0, 0, false },
	{ "shared maps", { 7, 9, 1 }, 4, 1, 1, 3, BATCH_FLAG, 0, false },
	{ "shared pattern, lines", { 8, 6, 1 }, 2, 1, 1, 2, 0, BATCH_FLAG | READ_FLAG, false },
	{ "weights", { 5, 6, 1 }, 3, 1, 1, 1, 0, 0, true },
	{ "volume", { 4, 5, 3 }, 2, 2, 1, 1, 0, READ_FLAG, false },
	{ "cine", { 6, 5, 1 }, 3, 1, 4, 2, TIME_FLAG, 0, false },
	{ "cine, two maps, one pattern", { 5, 4, 1 }, 3, 2, 3, 2, TIME_FLAG | BATCH_FLAG, TIME_FLAG | READ_FLAG, false },
	{ "cine, maps of every frame", { 4, 5, 1 }, 3, 2, 3, 1, 0, 0, false },
	{ "cine across the readout, weights", { 1, 6, 4 }, 2, 1, 3, 2, TIME_FLAG, 0, true },
	{ "slice across the readout", { 1, 6, 5 }, 3, 1, 1, 2, BATCH_FLAG, 0, false },
	{ "many coils", { 5, 4, 1 }, 37, 2, 1, 2, 0, 0, false },
};


static float uniform(unsigned int* seed)
{
	return 2.f * (float)rand_r(seed) / (float)RAND_MAX - 1.f;
}


complex float* dc_random(long N, unsigned int seed)
{
	complex float* x = md_alloc(1, MD_DIMS(N), CFL_SIZE);

	for (long i = 0; i < N; i++) {

		float im = uniform(&seed);

		x[i] = uniform(&seed) + 1.if * im;
	}

	return x;
}


struct dc_problem_s dc_problem_create(const struct dc_case_s* c, unsigned int seed)
{
	struct dc_problem_s p = { .name = c->name, .samples = c->samples };

	md_singleton_dims(DIMS, p.ksp_dims);
	md_copy_dims(3, p.ksp_dims, c->space);

	p.ksp_dims[COIL_DIM] = c->coils;
	p.ksp_dims[TIME_DIM] = c->frames;
	p.ksp_dims[BATCH_DIM] = c->samples;

	md_select_dims(DIMS, ~c->map_shared, p.map_dims, p.ksp_dims);
	p.map_dims[MAPS_DIM] = c->maps;

	md_select_dims(DIMS, ~(c->pat_shared | COIL_FLAG), p.pat_dims, p.ksp_dims);
	md_select_dims(DIMS, ~COIL_FLAG, p.img_dims, p.ksp_dims);
	p.img_dims[MAPS_DIM] = c->maps;

	p.N = md_calc_size(DIMS, p.img_dims) / p.samples;
	p.K = md_calc_size(DIMS, p.ksp_dims) / p.samples;

	p.maps = dc_random(md_calc_size(DIMS, p.map_dims), seed);
	p.pattern = dc_random(md_calc_size(DIMS, p.pat_dims), seed + 1);

	p.matrix = xmalloc((size_t)p.samples * sizeof(complex double*));

	for (long i = 0; i < p.samples; i++)
		p.matrix[i] = NULL;

	// eigenvalues of A^H A about one, as those of normalised maps
	md_zsmul(DIMS, p.map_dims, p.maps, p.maps, 1. / sqrt((double)c->coils));

	for (long i = 0; !c->weights && (i < md_calc_size(DIMS, p.pat_dims)); i++)
		p.pattern[i] = (-0.2 < crealf(p.pattern[i])) ? 1. : 0.;

	return p;
}


void dc_problem_free(struct dc_problem_s* p)
{
	for (long i = 0; i < p->samples; i++)
		xfree(p->matrix[i]);

	xfree(p->matrix);
	md_free(p->maps);
	md_free(p->pattern);
}


// centered unitary discrete Fourier transform: one factor of the kernel
static complex double kernel(long n, long k, long x)
{
	return cexp(-2.i * M_PI * (double)((k - n / 2) * (x - n / 2)) / (double)n) / sqrt((double)n);
}


// the element of A between two positions
static complex double element(const struct dc_problem_s* p, const long kpos[DIMS], const long xpos[DIMS])
{
	complex double val = 1.;

	if (kpos[TIME_DIM] != xpos[TIME_DIM])
		return 0.;

	for (int i = 0; i < 3; i++)
		val *= kernel(p->ksp_dims[i], kpos[i], xpos[i]);

	long mpos[DIMS];

	md_copy_dims(DIMS, mpos, xpos);
	mpos[COIL_DIM] = kpos[COIL_DIM];

	val *= MD_ACCESS(DIMS, MD_STRIDES(DIMS, p->map_dims, CFL_SIZE), mpos, p->maps);
	val *= MD_ACCESS(DIMS, MD_STRIDES(DIMS, p->pat_dims, CFL_SIZE), kpos, p->pattern);

	return val;
}


// A of one sample, row by row
static const complex double* matrix(const struct dc_problem_s* p, long sample)
{
	if (NULL != p->matrix[sample])
		return p->matrix[sample];

	p->matrix[sample] = xmalloc((size_t)(p->K * p->N) * sizeof(complex double));

	complex double* a = p->matrix[sample];

	long kpos[DIMS] = { [BATCH_DIM] = sample };

	do {
		long xpos[DIMS] = { [BATCH_DIM] = sample };

		do {
			*a++ = element(p, kpos, xpos);

		} while (md_next(DIMS, p->img_dims, ~BATCH_FLAG, xpos));

	} while (md_next(DIMS, p->ksp_dims, ~BATCH_FLAG, kpos));

	return p->matrix[sample];
}


static void multiply(long K, long N, complex double y[K], const complex double A[K][N], const complex double x[N])
{
	for (long k = 0; k < K; k++) {

		y[k] = 0.;

		for (long n = 0; n < N; n++)
			y[k] += A[k][n] * x[n];
	}
}


static void multiply_adjoint(long K, long N, complex double x[N], const complex double A[K][N], const complex double y[K])
{
	for (long n = 0; n < N; n++) {

		x[n] = 0.;

		for (long k = 0; k < K; k++)
			x[n] += conj(A[k][n]) * y[k];
	}
}


void dc_dense_forward(const struct dc_problem_s* p, long sample, complex double* y, const complex double* x)
{
	multiply(p->K, p->N, y, (const complex double (*)[p->N])matrix(p, sample), x);
}


void dc_dense_adjoint(const struct dc_problem_s* p, long sample, complex double* x, const complex double* y)
{
	multiply_adjoint(p->K, p->N, x, (const complex double (*)[p->N])matrix(p, sample), y);
}


void dc_dense_normal(const struct dc_problem_s* p, long sample, complex double* dst, const complex double* src)
{
	complex double y[p->K];

	dc_dense_forward(p, sample, y, src);
	dc_dense_adjoint(p, sample, dst, y);
}


// Gaussian elimination; the matrix is positive definite and needs no pivoting
static void eliminate(long N, complex double H[N][N], complex double x[N])
{
	for (long i = 0; i < N; i++) {

		for (long j = i + 1; j < N; j++) {

			complex double f = H[j][i] / H[i][i];

			for (long k = i; k < N; k++)
				H[j][k] -= f * H[i][k];

			x[j] -= f * x[i];
		}
	}

	for (long i = N - 1; i >= 0; i--) {

		for (long k = i + 1; k < N; k++)
			x[i] -= H[i][k] * x[k];

		x[i] /= H[i][i];
	}
}


void dc_dense_solve(const struct dc_problem_s* p, long sample, double mu, complex double* x, const complex double* b)
{
	long N = p->N;

	const complex double (*A)[N] = (const void*)matrix(p, sample);
	complex double (*H)[N] = xmalloc((size_t)(N * N) * sizeof(complex double));

	for (long i = 0; i < N; i++) {

		for (long j = 0; j < N; j++)
			H[i][j] = (i == j) ? mu : 0.;

		for (long k = 0; k < p->K; k++)
			for (long j = 0; j < N; j++)
				H[i][j] += conj(A[k][i]) * A[k][j];

		x[i] = b[i];
	}

	eliminate(N, H, x);

	xfree(H);
}


double dc_distance(long N, const complex float a[N], const complex double b[N])
{
	double err = 0.;
	double ref = 0.;

	for (long i = 0; i < N; i++) {

		err += pow(cabs(a[i] - b[i]), 2.);
		ref += pow(cabs(b[i]), 2.);
	}

	return sqrt(err / ref);
}


complex double* dc_double(long N, const complex float src[N])
{
	complex double* dst = xmalloc((size_t)N * sizeof(complex double));

	for (long i = 0; i < N; i++)
		dst[i] = src[i];

	return dst;
}
