/*
 * Speed of the convolutions of a prox network for each backend.
 *
 *	gleam_bench_conv [backend ...]
 *
 * GFLOP/s count a direct convolution (2 x kernel x channels in x out x pixels)
 * and the fastest of several runs. Beforehand each backend's results are
 * compared with those of the backend "ref" on a small image; the column says the
 * largest difference of the three operations, relative to the largest value.
 */

#include <stddef.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <math.h>
#include <time.h>

#include "nn/backend.h"


#define MIN_SECONDS 0.7
#define MIN_RUNS 5

struct shape_s {

	long in;
	long out;
	long kernel;
	bool in_image;
	bool out_image;
};

static const struct shape_s shapes[] = {

	{ 100, 100, 3, false, false },
	{ 96, 96, 3, false, false },
	{ 70, 70, 3, false, false },
	{ 32, 32, 3, false, false },
	{ 2, 100, 3, true, false },
	{ 100, 2, 3, false, true },
	{ 2, 100, 1, true, false },
	{ 2, 32, 3, true, false },
	{ 32, 2, 3, false, true },
	{ 2, 32, 1, true, false },
};

#define SHAPES (sizeof(shapes) / sizeof(shapes[0]))

enum operation { FORWARD, DATA, WEIGHTS, OPERATIONS };


// tensors of one convolution; the first three are inputs
struct problem_s {

	const struct nn_backend_s* backend;
	struct nn_conv_s conf;
	struct nn_plan_s* plan;
	void* ws;

	float* x;
	float* dy;
	float* weights;

	float* y;
	float* dx;
	float* dweights;
};


static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);

	return (double)t.tv_sec + 1.e-9 * (double)t.tv_nsec;
}


static long weights_size(const struct nn_conv_s* conf)
{
	return conf->in.channels * conf->out.channels * conf->kernel[0] * conf->kernel[1] * conf->kernel[2];
}


static struct nn_tensor_s layout(const struct nn_backend_s* backend, long channels, bool image, const long dims[NN_DIMS])
{
	long strs[NN_DIMS] = { 1, dims[0], dims[0] * dims[1], dims[0] * dims[1] * dims[2] };

	return image ? nn_tensor_image(channels / 2, strs[3], dims, strs) : nn_tensor_feature(backend, channels, dims, 2);
}


static float* aligned_zeros(size_t bytes)
{
	size_t size = (bytes + 63) / 64 * 64;
	float* p = aligned_alloc(64, size);

	if (NULL == p)
		abort();

	memset(p, 0, size);

	return p;
}


static float* tensor_zeros(const struct nn_tensor_s* t)
{
	return aligned_zeros((size_t)nn_tensor_size(t) * sizeof(float));
}


static long pixel_count(const struct nn_tensor_s* t)
{
	return t->dims[0] * t->dims[1] * t->dims[2] * t->dims[3];
}


static float* value(const struct nn_tensor_s* t, float* data, long pixel, long c)
{
	long off = (c % t->group) + (c / t->group) * t->group_str;

	for (int i = 0; i < NN_DIMS; i++) {

		off += (pixel % t->dims[i]) * t->strs[i];
		pixel /= t->dims[i];
	}

	return data + off;
}


// the same values for every layout
static float some_value(long i)
{
	return (float)((double)((unsigned long)(i + 1) * 2654435761UL % 4294967296UL) / 2147483648. - 1.);
}


static void fill(const struct nn_tensor_s* t, float* data)
{
	for (long i = 0; i < pixel_count(t); i++)
		for (long c = 0; c < t->channels; c++)
			*value(t, data, i, c) = some_value(i * t->channels + c);
}


static struct problem_s problem_create(const struct nn_backend_s* backend, const struct shape_s* shape, const long dims[NN_DIMS])
{
	struct problem_s p = {

		.backend = backend,
		.conf = {

			.in = layout(backend, shape->in, shape->in_image, dims),
			.out = layout(backend, shape->out, shape->out_image, dims),
			.kernel = { shape->kernel, shape->kernel, 1 },
			.padding = NN_PAD_REFLECT,
			.relu = !shape->in_image,
		},
	};

	p.plan = backend->conv_create(&p.conf);
	p.ws = aligned_zeros(backend->conv_workspace(p.plan, false));

	p.x = tensor_zeros(&p.conf.in);
	p.dx = tensor_zeros(&p.conf.in);
	p.y = tensor_zeros(&p.conf.out);
	p.dy = tensor_zeros(&p.conf.out);
	p.weights = aligned_zeros((size_t)weights_size(&p.conf) * sizeof(float));
	p.dweights = aligned_zeros((size_t)weights_size(&p.conf) * sizeof(float));

	fill(&p.conf.in, p.x);
	fill(&p.conf.out, p.dy);

	for (long i = 0; i < weights_size(&p.conf); i++)
		p.weights[i] = some_value(i);

	return p;
}


static void problem_free(struct problem_s* p)
{
	p->backend->conv_free(p->plan);

	free(p->ws);
	free(p->x);
	free(p->dx);
	free(p->y);
	free(p->dy);
	free(p->weights);
	free(p->dweights);
}


static void run(struct problem_s* p, enum operation operation)
{
	switch (operation) {

	case FORWARD:
		p->backend->conv_forward(p->plan, p->y, NULL, p->x, p->weights, NULL, p->ws);
		break;

	case DATA:
		p->backend->conv_backward_data(p->plan, p->dx, false, p->dy, p->x, p->weights, p->ws);
		break;

	default:
		p->backend->conv_backward_weights(p->plan, p->dweights, NULL, p->x, p->dy, p->ws);
	}
}


static double tensor_error(const struct nn_tensor_s* ta, float* a, const struct nn_tensor_s* tb, float* b)
{
	double diff = 0.;
	double max = 0.;

	for (long i = 0; i < pixel_count(ta); i++) {

		for (long c = 0; c < ta->channels; c++) {

			double ref = (double)*value(tb, b, i, c);
			double d = fabs((double)*value(ta, a, i, c) - ref);

			diff = (d >= 0.) ? fmax(diff, d) : INFINITY;
			max = fmax(max, fabs(ref));
		}
	}

	return diff / max;
}


static double weights_error(long n, const float a[n], const float b[n])
{
	double diff = 0.;
	double max = 0.;

	for (long i = 0; i < n; i++) {

		double d = fabs((double)a[i] - (double)b[i]);

		diff = (d >= 0.) ? fmax(diff, d) : INFINITY;
		max = fmax(max, fabs((double)b[i]));
	}

	return diff / max;
}


static double error_against_ref(const struct nn_backend_s* backend, const struct shape_s* shape)
{
	const long dims[NN_DIMS] = { 23, 18, 1, 1 };

	struct problem_s p = problem_create(backend, shape, dims);
	struct problem_s ref = problem_create(&nn_backend_ref, shape, dims);

	for (int i = 0; i < OPERATIONS; i++) {

		run(&p, (enum operation)i);
		run(&ref, (enum operation)i);
	}

	double error = tensor_error(&p.conf.out, p.y, &ref.conf.out, ref.y);

	error = fmax(error, tensor_error(&p.conf.in, p.dx, &ref.conf.in, ref.dx));
	error = fmax(error, weights_error(weights_size(&p.conf), p.dweights, ref.dweights));

	problem_free(&p);
	problem_free(&ref);

	return error;
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


static void measure(const struct nn_backend_s* backend, const struct shape_s* shape)
{
	const long dims[NN_DIMS] = { 320, 256, 1, 1 };

	double error = error_against_ref(backend, shape);
	struct problem_s p = problem_create(backend, shape, dims);
	double flop = 2. * (double)(weights_size(&p.conf) * pixel_count(&p.conf.out));

	printf("%-10s %3ld -> %3ld  %ldx%ld ", backend->name, shape->in, shape->out, shape->kernel, shape->kernel);

	for (int i = 0; i < OPERATIONS; i++) {

		double s = fastest(&p, (enum operation)i);

		printf("  %7.1f (%6.2f ms)", 1.e-9 * flop / s, 1.e3 * s);
		fflush(stdout);
	}

	printf("  %6.1f MiB  %.1e\n", (double)backend->conv_workspace(p.plan, false) / 1048576., error);

	problem_free(&p);
}


static bool wanted(const struct nn_backend_s* backend, int argc, char* argv[])
{
	for (int i = 1; i < argc; i++)
		if (0 == strcmp(backend->name, argv[i]))
			return true;

	return (1 == argc);
}


static void measure_backend(const struct nn_backend_s* backend)
{
	const char* reason = backend->missing();

	if (NULL != reason) {

		printf("SKIP %s: %s\n", backend->name, reason);
		return;
	}

	for (size_t i = 0; i < SHAPES; i++)
		measure(backend, &shapes[i]);
}


int main(int argc, char* argv[argc])
{
	printf("320x256, GFLOP/s of direct convolution (time): forward, data gradient, weight gradient; "
		"workspace; error against ref\n");

	for (int i = 0; NULL != nn_backends[i]; i++)
		if (wanted(nn_backends[i], argc, argv))
			measure_backend(nn_backends[i]);

	return 0;
}
