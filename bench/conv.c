/*
 * Speed of the convolutions of a prox network for each backend.
 *
 *	gleam_bench_conv [-3] [-b <batch>] [backend ...]
 *
 * -3 measures the 3D networks' convolutions of 128x128x20 instead of the 2D ones' of 320x256.
 * A backend is one of ref, winograd, dnnl, cudnn (fp32), cudnn-tf32, cudnn-bf16.
 * Rates count a direct convolution (2 x kernel x channels in x out x pixels, no
 * channels of padding). On the CPU the fastest of several runs counts, on a GPU the
 * median by events, with the share of the fastest matrix product and the bytes
 * that the operation cannot do without (each tensor once) per second. Beforehand
 * each backend's results are compared with those of the backend "ref" on a small
 * image; the column says the largest difference of the three operations, relative
 * to the largest value.
 *
 * Hidden tensors are as in the networks: a ReLU may have been stored already. "linear"
 * is without a ReLU at the input, as in the first convolution of a block in 3D.
 */

#include <stddef.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <math.h>
#include <time.h>

#include "nn/backend.h"

#include "conv_problem.h"

#ifdef GLEAM_GPU
#include "conv_device.h"
#endif


#define MIN_SECONDS 0.7
#define MIN_RUNS 5

static const struct shape_s shapes_2d[] = {

	{ 100, 100, 3, false, false, false },
	{ 96, 96, 3, false, false, false },
	{ 70, 70, 3, false, false, false },
	{ 32, 32, 3, false, false, false },
	{ 2, 100, 3, true, false, false },
	{ 100, 2, 3, false, true, false },
	{ 2, 100, 1, true, false, false },
	{ 2, 32, 3, true, false, false },
	{ 32, 2, 3, false, true, false },
	{ 2, 32, 1, true, false, false },
	{ .in = 0 },
};

static const struct shape_s shapes_3d[] = {

	{ 60, 60, 3, false, false, true },
	{ 60, 60, 3, false, false, false },
	{ 50, 50, 3, false, false, false },
	{ 2, 60, 3, true, false, false },
	{ 60, 2, 3, false, true, false },
	{ 2, 60, 1, true, false, false },
	{ 2, 50, 3, true, false, false },
	{ 50, 2, 3, false, true, false },
	{ .in = 0 },
};

static const long dims_2d[NN_SPATIAL] = { 320, 256, 1 };
static const long dims_3d[NN_SPATIAL] = { 128, 128, 20 };

struct bench_s { bool volume; long batch; };


static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);

	return (double)t.tv_sec + 1.e-9 * (double)t.tv_nsec;
}


static double fastest(struct problem_s* p, enum operation operation)
{
	double best = INFINITY;
	double begin = seconds();

	for (int i = 0; (i < MIN_RUNS) || (seconds() - begin < MIN_SECONDS); i++) {

		double start = seconds();

		run(p, operation);
		best = fmin(best, seconds() - start);
	}

	return best;
}


static double flops(const struct problem_s* p)
{
	return 2. * (double)(weights_size(&p->conf) * pixel_count(&p->conf.out));
}


static void measure_host(struct problem_s* p)
{
	for (int i = 0; i < OPERATIONS; i++) {

		double s = fastest(p, (enum operation)i);

		printf("  %7.1f (%6.2f ms)", 1.e-9 * flops(p) / s, 1.e3 * s);
		fflush(stdout);
	}
}


#ifdef GLEAM_GPU
struct launch_s { struct problem_s* p; enum operation operation; };

static void launch(void* data)
{
	struct launch_s* l = data;

	run(l->p, l->operation);
}


// each tensor once: the data gradient reads x for the mask of a ReLU
static double least_bytes(const struct problem_s* p, enum operation operation)
{
	double in = (double)(pixel_count(&p->conf.in) * p->conf.in.channels) * (double)nn_type_bytes(p->conf.in.type);
	double out = (double)(pixel_count(&p->conf.out) * p->conf.out.channels) * (double)nn_type_bytes(p->conf.out.type);

	return out + (((DATA == operation) && p->conf.relu) ? 2. : 1.) * in;
}


static void measure_device(struct problem_s* p, double peak)
{
	for (int i = 0; i < OPERATIONS; i++) {

		struct launch_s l = { p, (enum operation)i };
		double s = device_seconds(launch, &l);

		printf("  %6.1f (", 1.e-12 * flops(p) / s);

		if (!isnan(peak))
			printf("%3.0f %%, ", 100. * flops(p) / s / peak);

		printf("%6.3f ms, %5.0f GB/s)", 1.e3 * s, 1.e-9 * least_bytes(p, l.operation) / s);
		fflush(stdout);
	}
}
#else
static void measure_device(struct problem_s* p, double peak)
{
	(void)p;
	(void)peak;
}
#endif


static void measure(const struct nn_backend_s* backend, const struct shape_s* shape, const struct bench_s* bench, double peak)
{
	const long* n = bench->volume ? dims_3d : dims_2d;
	const long dims[NN_DIMS] = { n[0], n[1], n[2], bench->batch };

	double error = error_against_ref(backend, shape, bench->volume);
	struct problem_s p = problem_create(backend, shape, dims);

	printf("%-10s %3ld -> %3ld  %ldx%ld%s%s ", backend->name, shape->in, shape->out, shape->kernel, shape->kernel,
		!bench->volume ? "" : (1 == shape->kernel) ? "x1" : "x3", shape->linear ? ", linear" : "");

	if (backend->device->host)
		measure_host(&p);
	else
		measure_device(&p, peak);

	printf("  %6.1f MiB  %.1e\n", (double)backend->conv_workspace(p.plan, false) / 1048576., error);

	problem_free(&p);
}


static bool wanted(const struct nn_backend_s* backend, int argc, char* argv[])
{
	for (int i = 0; i < argc; i++)
		if (0 == strcmp(backend->name, argv[i]))
			return true;

	return (0 == argc);
}


static double ceiling(const struct nn_backend_s* backend)
{
	if (backend->device->host)
		return NAN;

#ifdef GLEAM_GPU
	gpu_init();
	printf("%s; a copy moves %.0f GB/s, read and written\n", gpu_describe(), 1.e-9 * device_bandwidth());

	return device_peak(backend->precision);
#else
	return NAN;
#endif
}


static void measure_backend(const struct nn_backend_s* backend, const struct bench_s* bench)
{
	const char* reason = backend->missing();

	if (NULL != reason) {

		printf("SKIP %s: %s\n", backend->name, reason);
		return;
	}

	double peak = ceiling(backend);

	for (const struct shape_s* s = bench->volume ? shapes_3d : shapes_2d; 0 < s->in; s++)
		measure(backend, s, bench, peak);
}


// the first argument that names a backend, or -1
static int options(int argc, char* argv[argc], struct bench_s* bench)
{
	int i = 1;

	for (; (i < argc) && ('-' == argv[i][0]); i++) {

		if (0 == strcmp("-3", argv[i]))
			bench->volume = true;
		else if ((0 == strcmp("-b", argv[i])) && (i + 1 < argc))
			bench->batch = strtol(argv[++i], NULL, 10);
		else
			return -1;
	}

	return (1 <= bench->batch) ? i : -1;
}


int main(int argc, char* argv[argc])
{
	struct bench_s bench = { false, 1 };
	int first = options(argc, argv, &bench);

	if (0 > first) {

		fprintf(stderr, "gleam_bench_conv [-3] [-b <batch>] [backend ...]\n");
		return 1;
	}

	printf("%s, batch %ld; GFLOP/s (GPU: TFLOP/s) of direct convolution (time): forward, data gradient, "
		"weight gradient; workspace; error against ref\n", bench.volume ? "128x128x20" : "320x256", bench.batch);

	for (int i = 0; NULL != nn_backends[i]; i++)
		if (wanted(nn_backends[i], argc - first, argv + first))
			measure_backend(nn_backends[i], &bench);

	return 0;
}
