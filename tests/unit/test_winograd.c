/*
 * The Winograd backend against a naive convolution in double precision, with
 * every instruction set that this machine has.
 */

#include <stddef.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <math.h>

#ifdef _OPENMP
#include <omp.h>
#endif

#include <criterion/criterion.h>

#include "nn/backend.h"
#include "nn/winograd.h"

#include "winograd_trial.h"


/* Errors are relative to the largest value of a result. A sum of n products has
 * a rounding error of about sqrt(n) eps / 2 for random signs; the transforms
 * of F(4x4, 3x3) amplify it by about ten.
 */
#define TOLERANCE 4.e-6

// ... and those of F(4x4x4, 3x3x3) by about twenty
#define TOLERANCE_VOLUME 8.e-6

static const struct case_s cases[] = {

	// tiles: odd sizes, channels around the multiple
	{ 8, 8, FEATURE, FEATURE, { 16, 16, 1, 1 }, { 3, 3, 1 } },
	{ 1, 1, FEATURE, FEATURE, { 6, 6, 1, 1 }, { 3, 3, 1 } },
	{ 2, 3, FEATURE, FEATURE, { 7, 13, 1, 1 }, { 3, 3, 1 } },
	{ 16, 20, FEATURE, FEATURE, { 9, 8, 1, 3 }, { 3, 3, 1 } },
	{ 20, 16, FEATURE, FEATURE, { 10, 11, 2, 3 }, { 3, 3, 1 } },
	{ 24, 40, FEATURE, FEATURE, { 31, 29, 1, 1 }, { 3, 3, 1 } },
	{ 64, 64, FEATURE, FEATURE, { 12, 21, 1, 1 }, { 3, 3, 1 } },
	{ 100, 100, FEATURE, FEATURE, { 19, 13, 1, 1 }, { 3, 3, 1 } },
	{ 100, 8, FEATURE, FEATURE, { 22, 23, 1, 1 }, { 3, 3, 1 } },
	{ 8, 100, FEATURE, FEATURE, { 23, 22, 1, 1 }, { 3, 3, 1 } },
	// three planes
	{ 8, 8, FEATURE, FEATURE, { 9, 10, 2, 1 }, { 3, 3, 3 } },
	{ 20, 12, FEATURE, FEATURE, { 11, 8, 5, 2 }, { 3, 3, 3 } },
	// volumes: one tile along z, several that overlap, and fewer planes than a tile has
	{ 8, 8, FEATURE, FEATURE, { 7, 6, 3, 1 }, { 3, 3, 3 } },
	{ 8, 8, FEATURE, FEATURE, { 6, 7, 4, 2 }, { 3, 3, 3 } },
	{ 3, 5, FEATURE, FEATURE, { 6, 6, 6, 1 }, { 3, 3, 3 } },
	{ 12, 20, FEATURE, FEATURE, { 9, 6, 7, 1 }, { 3, 3, 3 } },
	{ 20, 12, FEATURE, FEATURE, { 6, 9, 8, 1 }, { 3, 3, 3 } },
	{ 60, 60, FEATURE, FEATURE, { 10, 9, 9, 1 }, { 3, 3, 3 } },
	{ 8, 40, FEATURE, FEATURE, { 7, 8, 14, 1 }, { 3, 3, 3 } },
	// ... of several blocks of tiles
	{ 8, 4, FEATURE, FEATURE, { 33, 31, 10, 2 }, { 3, 3, 3 } },
	// small
	{ 8, 16, FEATURE, FEATURE, { 2, 2, 1, 1 }, { 3, 3, 1 } },
	{ 20, 8, FEATURE, FEATURE, { 3, 5, 1, 2 }, { 3, 3, 1 } },
	{ 8, 8, FEATURE, FEATURE, { 40, 4, 3, 1 }, { 3, 3, 3 } },
	// few channels of input
	{ 2, 32, IMAGE, FEATURE, { 19, 17, 1, 1 }, { 3, 3, 1 } },
	{ 4, 20, APART, FEATURE, { 70, 9, 1, 3 }, { 3, 3, 1 } },
	{ 2, 100, IMAGE, FEATURE, { 50, 10, 1, 1 }, { 3, 3, 1 } },
	{ 2, 16, IMAGE, FEATURE, { 3, 2, 1, 1 }, { 3, 3, 1 } },
	{ 4, 16, APART, FEATURE, { 9, 8, 4, 1 }, { 3, 3, 3 } },
	// few channels of output
	{ 32, 2, FEATURE, IMAGE, { 19, 17, 1, 1 }, { 3, 3, 1 } },
	{ 20, 4, FEATURE, APART, { 70, 9, 1, 3 }, { 3, 3, 1 } },
	{ 100, 2, FEATURE, IMAGE, { 30, 40, 1, 1 }, { 3, 3, 1 } },
	{ 16, 2, FEATURE, IMAGE, { 3, 2, 1, 1 }, { 3, 3, 1 } },
	{ 16, 4, FEATURE, APART, { 9, 8, 4, 1 }, { 3, 3, 3 } },
	// image to image, and kernels of size 1
	{ 2, 4, IMAGE, APART, { 9, 8, 1, 2 }, { 3, 3, 1 } },
	{ 2, 100, IMAGE, FEATURE, { 50, 10, 1, 1 }, { 1, 1, 1 } },
	{ 4, 20, APART, FEATURE, { 9, 7, 2, 3 }, { 1, 1, 1 } },
	{ 20, 2, FEATURE, IMAGE, { 9, 7, 2, 3 }, { 1, 1, 1 } },
	{ 20, 12, FEATURE, FEATURE, { 9, 7, 1, 2 }, { 1, 1, 1 } },
	{ 8, 8, FEATURE, FEATURE, { 9, 7, 4, 2 }, { 1, 1, 3 } },
};

#define CASES (sizeof(cases) / sizeof(cases[0]))

// where padding allows a dimension of a single pixel
static const struct case_s single[] = {

	{ 8, 8, FEATURE, FEATURE, { 1, 1, 1, 1 }, { 3, 3, 1 } },
	{ 8, 8, FEATURE, FEATURE, { 1, 9, 1, 1 }, { 3, 3, 1 } },
	{ 8, 8, FEATURE, FEATURE, { 8, 9, 1, 1 }, { 3, 3, 3 } },
	{ 8, 8, FEATURE, FEATURE, { 1, 9, 5, 1 }, { 3, 3, 3 } },
	{ 2, 8, IMAGE, FEATURE, { 1, 9, 1, 1 }, { 3, 3, 1 } },
	{ 8, 2, FEATURE, IMAGE, { 1, 9, 1, 1 }, { 3, 3, 1 } },
	{ 8, 2, FEATURE, IMAGE, { 9, 1, 1, 2 }, { 3, 3, 1 } },
};

#define SINGLE (sizeof(single) / sizeof(single[0]))



static double max_abs(long n, const double* x)
{
	double max = 0.;

	for (long i = 0; i < n; i++)
		max = fmax(max, fabs(x[i]));

	return max;
}


static double worst = 0.;

static void note(const struct trial_s* t, const char* what, double error, double scale)
{
	worst = fmax(worst, error / scale);

	const struct nn_conv_s* c = &t->conf;
	const long* dims = c->in.dims;

	bool volume = (3 == c->kernel[2]) && (WINO_OUT <= dims[2]);

	cr_expect(error <= (volume ? TOLERANCE_VOLUME : TOLERANCE) * scale,
		"%s: %ld -> %ld channels, %ldx%ldx%ldx%ld, kernel %ldx%ldx%ld, padding %d, relu %d: error %g",
		what, c->in.channels, c->out.channels, dims[0], dims[1], dims[2], dims[3],
		c->kernel[0], c->kernel[1], c->kernel[2], c->padding, c->relu, error / scale);
}


/* Each value must be ref + added, those of padding zero (plus added), all others
 * untouched (NaN or as before).
 */
static void compare_tensor(const struct trial_s* t, const char* what, const struct nn_tensor_s* tensor,
		const float* data, const double* ref, const float* before)
{
	long n = trial_tensor_floats(tensor);
	double error = 0.;
	bool* seen = calloc((size_t)n, sizeof(bool));

	for (long i = 0; i < trial_pixel_count(tensor); i++) {

		long pos[NN_DIMS];

		trial_pixel_pos(tensor, i, pos);

		for (long c = 0; c < wino_max(tensor->channels, wino_min(tensor->group, wino_padded(tensor))); c++) {

			long j = trial_at(tensor, c, pos);
			double added = (NULL == before) ? 0. : (double)before[j];
			double diff = fabs((double)data[j] - ref[j] - added);

			seen[j] = true;
			error = (diff >= 0.) ? fmax(error, diff) : INFINITY;
		}
	}

	note(t, what, error, max_abs(n, ref));

	for (long i = 0; i < n; i++)
		cr_assert(seen[i] || isnan(data[i]), "%s: wrote outside of the tensor", what);

	free(seen);
}


static void check_forward(struct trial_s* t)
{
	for (int add = 0; add < 2; add++) {

		float* y = trial_tensor_create(&t->conf.out, NAN, 1 == add);
		float* before = malloc((size_t)trial_tensor_floats(&t->conf.out) * sizeof(float));

		memcpy(before, y, (size_t)trial_tensor_floats(&t->conf.out) * sizeof(float));
		trial_poison(t);

		nn_backend_winograd.conv_forward(t->plan, y, (1 == add) ? y : NULL, t->x, t->w, NULL, t->ws);
		compare_tensor(t, "forward", &t->conf.out, y, t->y, (1 == add) ? before : NULL);

		free(y);
		free(before);
	}
}


static void check_bias(struct trial_s* t)
{
	float* y = trial_tensor_create(&t->conf.out, NAN, false);
	double* ref = trial_zeros(trial_tensor_floats(&t->conf.out));

	memcpy(ref, t->y, (size_t)trial_tensor_floats(&t->conf.out) * sizeof(double));

	for (long i = 0; i < trial_pixel_count(&t->conf.out) * t->conf.out.channels; i++) {

		long pos[NN_DIMS];
		long c = i % t->conf.out.channels;

		trial_pixel_pos(&t->conf.out, i / t->conf.out.channels, pos);
		ref[trial_at(&t->conf.out, c, pos)] += (double)t->bias[c];
	}

	trial_poison(t);
	nn_backend_winograd.conv_forward(t->plan, y, NULL, t->x, t->w, t->bias, t->ws);
	compare_tensor(t, "forward with bias", &t->conf.out, y, ref, NULL);

	free(y);
	free(ref);
}


static void check_backward_data(struct trial_s* t)
{
	const struct nn_tensor_s* in = &t->conf.in;
	size_t bytes = (size_t)trial_tensor_floats(in) * sizeof(float);
	float* before = malloc(bytes);

	for (long i = 0; t->conf.relu && (i < trial_tensor_floats(in)); i++)
		if (!(0.f < t->x[i]))
			t->dx[i] = 0.;

	for (int add = 0; add < 2; add++) {

		float* dx = trial_tensor_create(in, NAN, 1 == add);

		memcpy(before, dx, bytes);
		trial_poison(t);

		nn_backend_winograd.conv_backward_data(t->plan, dx, 1 == add, t->dy, t->conf.relu ? t->x : NULL, t->w, t->ws);
		compare_tensor(t, "data gradient", in, dx, t->dx, (1 == add) ? before : NULL);

		free(dx);
	}

	// in place
	memcpy(before, t->x, bytes);
	trial_poison(t);

	nn_backend_winograd.conv_backward_data(t->plan, before, false, t->dy, before, t->w, t->ws);
	compare_tensor(t, "data gradient in place", in, before, t->dx, NULL);

	free(before);
}


static void reference_bias(const struct trial_s* t, long n, double dbias[n])
{
	for (long c = 0; c < n; c++)
		dbias[c] = 0.;

	for (long i = 0; i < trial_pixel_count(&t->conf.out) * n; i++) {

		long pos[NN_DIMS];

		trial_pixel_pos(&t->conf.out, i / n, pos);
		dbias[i % n] += (double)t->dy[trial_at(&t->conf.out, i % n, pos)];
	}
}


static double difference(long n, const float* x, const double* ref, const float* before)
{
	double error = 0.;

	for (long i = 0; i < n; i++) {

		double diff = fabs((double)x[i] - ref[i] - (double)before[i]);

		error = (diff >= 0.) ? fmax(error, diff) : INFINITY;
	}

	return error;
}


static void check_backward_weights(struct trial_s* t)
{
	long n = trial_weights_floats(&t->conf);
	long channels = t->conf.out.channels;
	double ref[channels];

	float* before = trial_vector_create(n + channels);
	float* dw = malloc((size_t)(n + channels) * sizeof(float));

	memcpy(dw, before, (size_t)(n + channels) * sizeof(float));
	trial_poison(t);

	nn_backend_winograd.conv_backward_weights(t->plan, dw, dw + n, t->x, t->dy, t->ws);
	reference_bias(t, channels, ref);

	note(t, "weight gradient", difference(n, dw, t->dw, before), fmax(1., max_abs(n, t->dw)));
	note(t, "bias gradient", difference(channels, dw + n, ref, before + n), fmax(1., max_abs(channels, ref)));

	memcpy(dw, before, (size_t)n * sizeof(float));
	trial_poison(t);

	nn_backend_winograd.conv_backward_weights(t->plan, dw, NULL, t->x, t->dy, t->ws);
	note(t, "weight gradient without bias", difference(n, dw, t->dw, before), fmax(1., max_abs(n, t->dw)));

	free(before);
	free(dw);
}


static void check_case(const struct wino_kernels_s* kernels, const struct case_s* c, enum nn_padding padding, bool relu)
{
	struct nn_conv_s conf = trial_case_conf(c, padding, relu);
	struct trial_s t = trial_create(kernels, &conf);

	check_forward(&t);
	check_bias(&t);
	check_backward_weights(&t);
	check_backward_data(&t);

	trial_free(&t);
}


/* Small problems: several threads would mostly wait for each other. What depends
 * on their number is tested below.
 */
static void use_one_thread(void)
{
#ifdef _OPENMP
	omp_set_num_threads(1);
#endif
}


// the index is of wino_kernels; false if this machine cannot run them, or if there are none
static bool available(int i)
{
	for (int j = 0; j <= i; j++)
		if (NULL == wino_kernels[j])
			return false;

	if (!wino_kernels[i]->supported())
		printf("SKIP: this machine does not have %s\n", wino_kernels[i]->name);

	return wino_kernels[i]->supported();
}


static void check_all(int i)
{
	if (!available(i))
		cr_skip_test("instruction set not available");

	use_one_thread();

	for (size_t j = 0; j < CASES * 6; j++)
		check_case(wino_kernels[i], &cases[j / 6], (enum nn_padding)(j % 3), 0 == (j / 3) % 2);

	for (size_t j = 0; j < SINGLE * 2; j++)
		check_case(wino_kernels[i], &single[j / 2], (0 == j % 2) ? NN_PAD_ZERO : NN_PAD_REPLICATE, true);

	printf("winograd, %s: largest relative error %.1e\n", wino_kernels[i]->name, worst);
}

Test(winograd, kernels0)
{
	check_all(0);
}

Test(winograd, kernels1)
{
	check_all(1);
}

Test(winograd, kernels2)
{
	check_all(2);
}


static double inner(const struct nn_tensor_s* t, const float* a, const float* b)
{
	double sum = 0.;

	for (long i = 0; i < trial_pixel_count(t); i++) {

		long pos[NN_DIMS];

		trial_pixel_pos(t, i, pos);

		for (long c = 0; c < t->channels; c++)
			sum += (double)a[trial_at(t, c, pos)] * (double)b[trial_at(t, c, pos)];
	}

	return sum;
}


static double norm(const struct nn_tensor_s* t, const float* a)
{
	return sqrt(inner(t, a, a));
}


// <A x, dy> = <x, A^T dy> = <w, dw>
static void check_adjoint(const struct case_s* c, enum nn_padding padding)
{
	struct nn_conv_s conf = trial_case_conf(c, padding, false);
	struct trial_s t = trial_create(wino_kernels_best(), &conf);

	float* y = trial_tensor_create(&conf.out, NAN, false);
	float* dx = trial_tensor_create(&conf.in, NAN, false);
	float* dw = calloc((size_t)trial_weights_floats(&conf), sizeof(float));

	nn_backend_winograd.conv_forward(t.plan, y, NULL, t.x, t.w, NULL, t.ws);
	nn_backend_winograd.conv_backward_data(t.plan, dx, false, t.dy, NULL, t.w, t.ws);
	nn_backend_winograd.conv_backward_weights(t.plan, dw, NULL, t.x, t.dy, t.ws);

	double forward = inner(&conf.out, y, t.dy);
	double adjoint = inner(&conf.in, t.x, dx);
	double weights = 0.;
	double scale = norm(&conf.out, y) * norm(&conf.out, t.dy);

	for (long i = 0; i < trial_weights_floats(&conf); i++)
		weights += (double)dw[i] * (double)t.w[i];

	cr_expect(fabs(forward - adjoint) < 1.e-6 * scale, "adjoint: %g", fabs(forward - adjoint) / scale);
	cr_expect(fabs(forward - weights) < 1.e-6 * scale, "weights: %g", fabs(forward - weights) / scale);

	free(y);
	free(dx);
	free(dw);
	trial_free(&t);
}

Test(winograd, adjoint)
{
	use_one_thread();

	for (size_t j = 0; j < CASES * 3; j++)
		check_adjoint(&cases[j / 3], (enum nn_padding)(j % 3));
}
