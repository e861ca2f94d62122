/*
 * Time of one normal operator A^H A of cartesian multi-coil MRI on the GPU:
 *
 *	ours		gpu_dc_normal, recorded as a graph and launched one by one
 *	BART		linop_normal of the operator that pics and reconet use
 *
 * of an iteration of conjugate gradients, and of a copy of much memory. Against them
 * stands the time in which the floor of bytes is moved at the speed of that copy: each
 * coil image read and written twice by each of two Fourier transforms, and maps read
 * twice. Runs alternate; medians.
 *
 *	gleam_bench_gpu_dc [X Y coils [samples [rounds]]]
 */
#include <complex.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "misc/misc.h"

#ifndef GLEAM_GPU

int main(void)
{
	printf("SKIP gpu_dc: this binary has no code for the GPU (make CUDA=1 CUDNN=1)\n");

	return 0;
}

#else

#include "num/multind.h"
#include "num/flpmath.h"
#include "num/init.h"
#include "num/rand.h"

#ifdef USE_CUDA
#include "num/gpuops.h"
#endif

#include "linops/linop.h"
#include "linops/someops.h"

#include "sense/model.h"

#include "misc/debug.h"
#include "misc/mri.h"

#include "gpu/gpu.h"

#include "gleam/gpu_dc.h"

#define REPEAT 10
#define CG_ITER 10
#define ACCELERATION 8

struct bench_s {

	long ksp_dims[DIMS];
	long map_dims[DIMS];
	long pat_dims[DIMS];
	long img_dims[DIMS];

	// on the host
	complex float* maps;
	complex float* pattern;
	complex float* x;

	// for us, on the device
	struct gpu_dc_s* dc;
	complex float* gmaps;
	complex float* gx;
	complex float* gy;
	float* weights;
	float* mu;

	struct gpu_graph_s* graph;
	struct gpu_graph_s* cg_graph;

	size_t copy_bytes;
	char* copy[2];

	const struct linop_s* bart;
	complex float* bart_x;
	complex float* bart_y;
};


static void run_copy(struct bench_s* b) { gpu_copy(b->copy[0], b->copy[1], b->copy_bytes); }
static void run_graph(struct bench_s* b) { gpu_graph_launch(b->graph); }
static void run_ours(struct bench_s* b) { gpu_dc_normal(b->dc, b->gy, b->gx); }
static void run_cg(struct bench_s* b) { gpu_graph_launch(b->cg_graph); }

#ifdef USE_CUDA
static void run_bart(struct bench_s* b) { linop_normal_unchecked(b->bart, b->bart_y, b->bart_x); }
#endif


static const struct method_s {

	const char* name;
	void (*run)(struct bench_s* b);
	int count;	// of operators

} methods[] = {

	{ "copy", run_copy, 1 },
	{ "ours, recorded", run_graph, 1 },
	{ "ours, launched one by one", run_ours, 1 },
	{ "ours, iteration of CG, recorded", run_cg, CG_ITER },
#ifdef USE_CUDA
	{ "BART, linop_normal", run_bart, 1 },
#endif
};

enum { METHODS = ARRAY_SIZE(methods), ROUNDS_MAX = 1000 };


static void wait_for_all(void)
{
	gpu_sync();
#ifdef USE_CUDA
	cuda_sync_device();
#endif
}


static double time_of(struct bench_s* b, const struct method_s* m)
{
	m->run(b);
	wait_for_all();

	double start = timestamp();

	for (int i = 0; i < REPEAT; i++)
		m->run(b);

	wait_for_all();

	return (timestamp() - start) / (REPEAT * m->count);
}


static void set_dims(struct bench_s* b, const long arg[4])
{
	md_singleton_dims(DIMS, b->ksp_dims);

	b->ksp_dims[0] = arg[0];
	b->ksp_dims[1] = arg[1];
	b->ksp_dims[COIL_DIM] = arg[2];
	b->ksp_dims[BATCH_DIM] = arg[3];

	md_copy_dims(DIMS, b->map_dims, b->ksp_dims);
	md_select_dims(DIMS, ~COIL_FLAG, b->pat_dims, b->ksp_dims);
	md_select_dims(DIMS, ~COIL_FLAG, b->img_dims, b->ksp_dims);
}


static void set_data(struct bench_s* b)
{
	b->maps = md_alloc(DIMS, b->map_dims, CFL_SIZE);
	b->pattern = md_alloc(DIMS, b->pat_dims, CFL_SIZE);
	b->x = md_alloc(DIMS, b->img_dims, CFL_SIZE);

	md_gaussian_rand(DIMS, b->map_dims, b->maps);
	md_gaussian_rand(DIMS, b->img_dims, b->x);
	md_uniform_rand(DIMS, b->pat_dims, b->pattern);
	md_zsmul(DIMS, b->map_dims, b->maps, b->maps, 1. / sqrt((double)b->map_dims[COIL_DIM]));

	for (long i = 0; i < md_calc_size(DIMS, b->pat_dims); i++)
		b->pattern[i] = (crealf(b->pattern[i]) < 1. / ACCELERATION) ? 1. : 0.;
}


static void* on_gpu(size_t bytes, const void* src)
{
	void* dst = gpu_malloc(bytes);

	if (NULL == dst)
		error("Not enough memory on the GPU for %zu bytes\n", bytes);

	if (NULL != src)
		gpu_upload(dst, src, bytes);
	else
		gpu_clear(dst, bytes);

	gpu_sync();

	return dst;
}


static size_t bytes_of(const long dims[DIMS])
{
	return (size_t)md_calc_size(DIMS, dims) * CFL_SIZE;
}


static void set_ours(struct bench_s* b)
{
	b->dc = gpu_dc_create(b->ksp_dims, b->map_dims, b->pat_dims);

	b->gmaps = on_gpu(bytes_of(b->map_dims), b->maps);
	b->gx = on_gpu(bytes_of(b->img_dims), b->x);
	b->gy = on_gpu(bytes_of(b->img_dims), NULL);
	b->weights = on_gpu((size_t)gpu_dc_weights_size(b->ksp_dims, b->pat_dims) * FL_SIZE, NULL);
	b->mu = on_gpu(FL_SIZE, (float[1]){ 0.05 });

	complex float* pattern = on_gpu(bytes_of(b->pat_dims), b->pattern);

	gpu_dc_prepare(b->dc, b->gmaps, b->weights, b->gmaps, pattern);
	gpu_sync();
	gpu_free(pattern);

	gpu_dc_select(b->dc, b->gmaps, b->weights);

	// what is loaded at the first call cannot be recorded
	run_ours(b);
	gpu_dc_solve_adjoint(b->dc, b->mu, CG_ITER, b->gy, b->gx);

	gpu_graph_begin();
	run_ours(b);
	b->graph = gpu_graph_end();

	gpu_graph_begin();
	gpu_dc_solve_adjoint(b->dc, b->mu, CG_ITER, b->gy, b->gx);
	b->cg_graph = gpu_graph_end();

#ifdef GLEAM_EMULATE
	b->copy_bytes = 1 << 20;
#else
	b->copy_bytes = 1 << 30;
#endif
	for (int i = 0; i < 2; i++)
		b->copy[i] = on_gpu(b->copy_bytes, NULL);
}


static void set_bart(struct bench_s* b)
{
#ifdef USE_CUDA
	b->bart = linop_chain_FF(sense_init(0, b->map_dims, FFT_FLAGS | SENS_FLAGS, b->maps),
			linop_sampling_create(b->ksp_dims, b->pat_dims, b->pattern));

	b->bart_x = md_gpu_move(DIMS, b->img_dims, b->x, CFL_SIZE);
	b->bart_y = md_gpu_move(DIMS, b->img_dims, b->x, CFL_SIZE);

	complex float* ours = md_alloc(DIMS, b->img_dims, CFL_SIZE);
	complex float* theirs = md_alloc(DIMS, b->img_dims, CFL_SIZE);

	run_ours(b);
	run_bart(b);

	gpu_download(ours, b->gy, bytes_of(b->img_dims));
	gpu_sync();
	md_copy(DIMS, b->img_dims, theirs, b->bart_y, CFL_SIZE);

	if (1.E-6 < md_znrmse(DIMS, b->img_dims, theirs, ours))
		error("BART computes something else\n");

	md_free(ours);
	md_free(theirs);
#else
	(void)b;
#endif
}


static void bench_free(struct bench_s* b)
{
	gpu_graph_free(b->graph);
	gpu_graph_free(b->cg_graph);
	gpu_dc_free(b->dc);

	gpu_free(b->gmaps);
	gpu_free(b->gx);
	gpu_free(b->gy);
	gpu_free(b->weights);
	gpu_free(b->mu);
	gpu_free(b->copy[0]);
	gpu_free(b->copy[1]);

	// without CUDA there are none
	if (NULL != b->bart) {

		linop_free(b->bart);
		md_free(b->bart_x);
		md_free(b->bart_y);
	}

	md_free(b->maps);
	md_free(b->pattern);
	md_free(b->x);
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

	double bandwidth = 2. * (double)b->copy_bytes / times[0][rounds / 2];
	double floor = (8. + 2.) * (double)bytes_of(b->ksp_dims) / bandwidth;

	printf("%s\n%ld x %ld, %ld coils, %ld samples, R = %d, %ld rounds; copy %.0f GB/s; floor %.1f us\n", gpu_describe(),
			b->ksp_dims[0], b->ksp_dims[1], b->ksp_dims[COIL_DIM], b->ksp_dims[BATCH_DIM], ACCELERATION, rounds,
			1.E-9 * bandwidth, 1.E6 * floor);

	printf("%-32s %10s %10s %10s\n", "", "median us", "least us", "of floor");

	for (int m = 1; m < METHODS; m++)
		printf("%-32s %10.1f %10.1f %10.2f\n", methods[m].name, 1.E6 * times[m][rounds / 2], 1.E6 * times[m][0], times[m][rounds / 2] / floor);

	printf("\n");
}


static void bench(const long arg[5])
{
	static double times[METHODS][ROUNDS_MAX];

	struct bench_s b = { };

	set_dims(&b, arg);
	set_data(&b);
	set_ours(&b);
	set_bart(&b);

	for (long r = 0; r < arg[4]; r++)
		for (int m = 0; m < METHODS; m++)
			times[m][r] = time_of(&b, &methods[m]);

	print(&b, arg[4], times);
	bench_free(&b);
}


int main(int argc, char* argv[argc])
{
	const char* missing = gpu_missing();

	if (NULL != missing) {

		printf("SKIP gpu_dc: %s\n", missing);
		return 0;
	}

#ifdef USE_CUDA
	bart_use_gpu = true;
#endif
	num_init_gpu_support();

	long arg[5] = { 320, 256, 8, 4, (NULL != getenv("BENCH_QUICK")) ? 3 : 41 };

	for (int i = 1; (i < argc) && (i <= 5); i++)
		arg[i - 1] = atol(argv[i]);

	arg[4] = CLAMP(arg[4], 1, (long)ROUNDS_MAX);

	bench(arg);

	// in the second level cache, and far from it
	if (1 == argc) {

		bench((long[5]){ 320, 256, 8, 1, arg[4] });
		bench((long[5]){ 320, 256, 32, 16, arg[4] });
	}

	return 0;
}

#endif		// GLEAM_GPU
