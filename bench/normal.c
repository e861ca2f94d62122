/*
 * Time of one normal operator A^H A of cartesian multi-coil MRI:
 *
 *	ours		gleam_dc_normal
 *	BART		linop_normal of the operator that pics and reconet use
 *	FFTW		FFTW's own two-dimensional plans on the maps with the shifts
 *			folded in, each coil by one thread; with FFTW_MEASURE and with
 *			FFTW_ESTIMATE
 *
 * and of the parts of BART's. Runs alternate; medians.
 *
 *	gleam_bench_normal [X Y coils [maps [rounds]]]
 *
 * BENCH_CLOCK=cpu measures the time of the processor, not of the clock on the
 * wall: for one thread on a machine that is busy with something else.
 */
#include <complex.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <fftw3.h>

#ifdef _OPENMP
#include <omp.h>
#endif

#include "num/multind.h"
#include "num/flpmath.h"
#include "num/fft.h"
#include "num/init.h"
#include "num/rand.h"

#include "linops/linop.h"
#include "linops/someops.h"

#include "sense/model.h"

#include "misc/debug.h"
#include "misc/misc.h"
#include "misc/mri.h"

#include "gleam/dc.h"

struct bench_s {

	long ksp_dims[DIMS];
	long map_dims[DIMS];
	long pat_dims[DIMS];
	long img_dims[DIMS];

	complex float* maps;
	complex float* pattern;
	complex float* x;
	complex float* y;	// result of A^H A
	complex float* coils;

	struct gleam_dc_s* dc;
	const struct linop_s* bart;
	const struct linop_s* bart_maps;
	const struct linop_s* bart_fft;
	const struct linop_s* bart_pattern;

	// of FFTW alone
	complex float* smap;
	float* weights;
	fftwf_plan plans[2][2];
};


static void run_ours(struct bench_s* b)
{
	gleam_dc_normal(b->dc, b->y, b->x);
}

static void run_bart(struct bench_s* b)
{
	linop_normal_unchecked(b->bart, b->y, b->x);
}

static void run_bart_maps(struct bench_s* b)
{
	linop_forward_unchecked(b->bart_maps, b->coils, b->x);
}

static void run_bart_maps_adjoint(struct bench_s* b)
{
	linop_adjoint_unchecked(b->bart_maps, b->y, b->coils);
}

// as the chain calls it: into another array, which copies first
static void run_bart_fft(struct bench_s* b)
{
	complex float* tmp = md_alloc(DIMS, b->ksp_dims, CFL_SIZE);

	linop_forward_unchecked(b->bart_fft, tmp, b->coils);
	md_free(tmp);
}

static void run_bart_fft_only(struct bench_s* b)
{
	fft(DIMS, b->ksp_dims, FFT_FLAGS, b->coils, b->coils);
}

static void run_bart_pattern(struct bench_s* b)
{
	linop_normal_unchecked(b->bart_pattern, b->coils, b->coils);
}


static void fftw_coil(struct bench_s* b, fftwf_plan plan[2], long n, complex float* w, const complex float* smap)
{
	long E = b->img_dims[MAPS_DIM];
	long str = n * b->ksp_dims[COIL_DIM];

	for (long i = 0; i < n; i++) {

		float re = 0.;
		float im = 0.;

		for (long e = 0; e < E; e++) {

			complex float s = smap[e * str + i];
			complex float x = b->x[e * n + i];

			re += crealf(s) * crealf(x) - cimagf(s) * cimagf(x);
			im += crealf(s) * cimagf(x) + cimagf(s) * crealf(x);
		}

		w[i] = CMPLXF(re, im);
	}

	fftwf_execute_dft(plan[0], w, w);

	for (long i = 0; i < n; i++)
		w[i] *= b->weights[i];

	fftwf_execute_dft(plan[1], w, w);
}


static void run_fftw(struct bench_s* b, fftwf_plan plan[2])
{
	long n = b->ksp_dims[0] * b->ksp_dims[1];
	long C = b->ksp_dims[COIL_DIM];
	long E = b->img_dims[MAPS_DIM];

#pragma omp parallel
	{
#pragma 	omp for
		for (long c = 0; c < C; c++)
			fftw_coil(b, plan, n, b->coils + c * n, b->smap + c * n);

#pragma 	omp for collapse(2)
		for (long e = 0; e < E; e++) {

			for (long i = 0; i < n; i++) {

				float re = 0.;
				float im = 0.;

				for (long c = 0; c < C; c++) {

					complex float s = b->smap[(e * C + c) * n + i];
					complex float w = b->coils[c * n + i];

					re += crealf(s) * crealf(w) + cimagf(s) * cimagf(w);
					im += crealf(s) * cimagf(w) - cimagf(s) * crealf(w);
				}

				b->y[e * n + i] = CMPLXF(re, im);
			}
		}
	}
}

static void run_fftw_measure(struct bench_s* b)
{
	run_fftw(b, b->plans[0]);
}

static void run_fftw_estimate(struct bench_s* b)
{
	run_fftw(b, b->plans[1]);
}

static void run_fftw_transforms(struct bench_s* b)
{
	long n = b->ksp_dims[0] * b->ksp_dims[1];

#pragma omp parallel for
	for (long c = 0; c < b->ksp_dims[COIL_DIM]; c++)
		for (int i = 0; i < 2; i++)
			fftwf_execute_dft(b->plans[0][i], b->coils + c * n, b->coils + c * n);
}


static const struct method_s {

	const char* name;
	void (*run)(struct bench_s* b);

} methods[] = {

	{ "ours", run_ours },
	{ "BART, linop_normal", run_bart },
	{ "FFTW (measure), shifts folded", run_fftw_measure },
	{ "FFTW (estimate), shifts folded", run_fftw_estimate },
	{ "FFTW (measure), transforms only", run_fftw_transforms },
	{ "BART: maps", run_bart_maps },
	{ "BART: copy, one FFT", run_bart_fft },
	{ "BART: one FFT, in place", run_bart_fft_only },
	{ "BART: |P|^2", run_bart_pattern },
	{ "BART: maps, adjoint", run_bart_maps_adjoint },
};

enum { METHODS = ARRAY_SIZE(methods), ROUNDS_MAX = 1000 };


static void set_dims(struct bench_s* b, long X, long Y, long coils, long maps)
{
	md_singleton_dims(DIMS, b->ksp_dims);
	b->ksp_dims[0] = X;
	b->ksp_dims[1] = Y;
	b->ksp_dims[COIL_DIM] = coils;

	md_copy_dims(DIMS, b->map_dims, b->ksp_dims);
	b->map_dims[MAPS_DIM] = maps;

	md_select_dims(DIMS, ~COIL_FLAG, b->pat_dims, b->ksp_dims);
	md_select_dims(DIMS, ~COIL_FLAG, b->img_dims, b->map_dims);
}


static void set_data(struct bench_s* b)
{
	b->maps = md_alloc(DIMS, b->map_dims, CFL_SIZE);
	b->pattern = md_alloc(DIMS, b->pat_dims, CFL_SIZE);
	b->x = md_alloc(DIMS, b->img_dims, CFL_SIZE);
	b->y = md_alloc(DIMS, b->img_dims, CFL_SIZE);
	b->coils = fftwf_malloc((size_t)md_calc_size(DIMS, b->ksp_dims) * CFL_SIZE);

	md_gaussian_rand(DIMS, b->map_dims, b->maps);
	md_gaussian_rand(DIMS, b->img_dims, b->x);
	md_uniform_rand(DIMS, b->pat_dims, b->pattern);
	md_zsmul(DIMS, b->map_dims, b->maps, b->maps, 1. / sqrt((double)b->map_dims[COIL_DIM]));
	md_clear(DIMS, b->ksp_dims, b->coils, CFL_SIZE);

	// one in four
	for (long i = 0; i < md_calc_size(DIMS, b->pat_dims); i++)
		b->pattern[i] = (crealf(b->pattern[i]) < 0.25) ? 1. : 0.;
}


static void set_bart(struct bench_s* b)
{
	b->bart_maps = maps_create(0, b->map_dims, FFT_FLAGS | SENS_FLAGS, b->maps);
	b->bart_fft = linop_fft_create(DIMS, b->ksp_dims, FFT_FLAGS);
	b->bart_pattern = linop_sampling_create(b->ksp_dims, b->pat_dims, b->pattern);

	b->bart = linop_chain_FF(sense_init(0, b->map_dims, FFT_FLAGS | SENS_FLAGS, b->maps),
			linop_sampling_create(b->ksp_dims, b->pat_dims, b->pattern));
}


static void set_fftw(struct bench_s* b)
{
	int X = (int)b->ksp_dims[0];
	int Y = (int)b->ksp_dims[1];

	b->smap = md_alloc(DIMS, b->map_dims, CFL_SIZE);
	b->weights = md_alloc(DIMS, b->pat_dims, FL_SIZE);

	fftscale(DIMS, b->map_dims, FFT_FLAGS, b->smap, b->maps);
	fftmod(DIMS, b->map_dims, FFT_FLAGS, b->smap, b->smap);
	md_real(DIMS, b->pat_dims, b->weights, b->pattern);

	int threads = fftwf_planner_nthreads();

	fftwf_plan_with_nthreads(1);

	// estimated plans first: afterwards FFTW remembers what it has measured
	for (int i = 1; i >= 0; i--) {

		unsigned int flags = (0 == i) ? FFTW_MEASURE : FFTW_ESTIMATE;

		b->plans[i][0] = fftwf_plan_dft_2d(Y, X, b->coils, b->coils, FFTW_FORWARD, flags);
		b->plans[i][1] = fftwf_plan_dft_2d(Y, X, b->coils, b->coils, FFTW_BACKWARD, flags);
	}

	fftwf_plan_with_nthreads(threads);

	md_clear(DIMS, b->ksp_dims, b->coils, CFL_SIZE);
}


static void bench_free(struct bench_s* b)
{
	gleam_dc_free(b->dc);

	linop_free(b->bart);
	linop_free(b->bart_maps);
	linop_free(b->bart_fft);
	linop_free(b->bart_pattern);

	for (int i = 0; i < 2; i++)
		for (int j = 0; j < 2; j++)
			fftwf_destroy_plan(b->plans[i][j]);

	md_free(b->maps);
	md_free(b->pattern);
	md_free(b->x);
	md_free(b->y);
	md_free(b->smap);
	md_free(b->weights);
	fftwf_free(b->coils);
}


static double now(void)
{
	const char* name = getenv("BENCH_CLOCK");

	if ((NULL == name) || (0 != strcmp(name, "cpu")))
		return timestamp();

	return (double)clock() / (double)CLOCKS_PER_SEC;
}


static int compare(const void* a, const void* b)
{
	double x = *(const double*)a;
	double y = *(const double*)b;

	return (x > y) - (x < y);
}


static void print(const struct bench_s* b, long rounds, double times[METHODS][ROUNDS_MAX])
{
	for (int m = 0; m < METHODS; m++)
		qsort(times[m], (size_t)rounds, sizeof(double), compare);

	double ours = times[0][rounds / 2];

	printf("%ld x %ld, %ld coils, %ld maps, %d threads, %ld rounds\n", b->ksp_dims[0], b->ksp_dims[1],
			b->ksp_dims[COIL_DIM], b->map_dims[MAPS_DIM], omp_get_max_threads(), rounds);

	printf("%-32s %10s %10s %10s\n", "", "median ms", "least ms", "of ours");

	for (int m = 0; m < METHODS; m++)
		printf("%-32s %10.2f %10.2f %10.2f\n", methods[m].name, 1.E3 * times[m][rounds / 2], 1.E3 * times[m][0], times[m][rounds / 2] / ours);

	printf("\n");
}


// all must compute the same
static void check(struct bench_s* b)
{
	complex float* ref = md_alloc(DIMS, b->img_dims, CFL_SIZE);

	run_bart(b);
	md_copy(DIMS, b->img_dims, ref, b->y, CFL_SIZE);

	for (int m = 0; m < 4; m++) {

		methods[m].run(b);

		if (1.E-6 < md_znrmse(DIMS, b->img_dims, ref, b->y))
			error("%s computes something else\n", methods[m].name);
	}

	md_free(ref);
}


static void bench(long X, long Y, long coils, long maps, long rounds)
{
	static double times[METHODS][ROUNDS_MAX];

	struct bench_s b;

	set_dims(&b, X, Y, coils, maps);
	set_data(&b);
	set_bart(&b);

	b.dc = gleam_dc_create(b.ksp_dims, b.map_dims, b.pat_dims);
	gleam_dc_set(b.dc, b.maps, b.pattern);
	run_bart(&b);

	set_fftw(&b);

	check(&b);

	for (long r = 0; r < rounds; r++) {

		for (int m = 0; m < METHODS; m++) {

			// the first brings what it needs into the caches
			methods[m].run(&b);

			double start = now();

			for (int i = 0; i < 3; i++)
				methods[m].run(&b);

			times[m][r] = (now() - start) / 3.;
		}

		md_clear(DIMS, b.ksp_dims, b.coils, CFL_SIZE);
	}

	print(&b, rounds, times);
	bench_free(&b);
}


int main(int argc, char* argv[argc])
{
	num_init();

	long arg[5] = { 320, 256, 8, 1, (NULL != getenv("BENCH_QUICK")) ? 3 : 41 };

	for (int i = 1; (i < argc) && (i <= 5); i++)
		arg[i - 1] = atol(argv[i]);

	arg[4] = CLAMP(arg[4], 1, (long)ROUNDS_MAX);

	bench(arg[0], arg[1], arg[2], arg[3], arg[4]);

	if (1 == argc) {

		bench(270, 256, 8, 1, arg[4]);
		bench(230, 180, 8, 1, arg[4]);
	}

	return 0;
}
