/*
 * The Winograd backend: the same bits for any number of threads, and a workspace
 * that does not grow with the image.
 */

#include <stddef.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#ifdef _OPENMP
#include <omp.h>
#endif

#include <criterion/criterion.h>

#include "nn/backend.h"
#include "nn/winograd.h"

#include "winograd_trial.h"


#ifdef _OPENMP
static const struct case_s large[] = {

	{ 20, 24, FEATURE, FEATURE, { 90, 70, 1, 2 }, { 3, 3, 1 } },
	{ 2, 24, IMAGE, FEATURE, { 90, 70, 1, 2 }, { 3, 3, 1 } },
	{ 24, 2, FEATURE, IMAGE, { 90, 70, 1, 2 }, { 3, 3, 1 } },
	{ 2, 24, IMAGE, FEATURE, { 90, 70, 1, 2 }, { 1, 1, 1 } },
	{ 16, 8, FEATURE, FEATURE, { 20, 22, 3, 1 }, { 3, 3, 3 } },
	{ 16, 8, FEATURE, FEATURE, { 20, 22, 5, 1 }, { 3, 3, 3 } },
	{ 8, 8, FEATURE, FEATURE, { 40, 32, 11, 2 }, { 3, 3, 3 } },
};

#define LARGE (sizeof(large) / sizeof(large[0]))

// all results of one case, with this number of threads
static float* with_threads(const struct trial_s* t, int threads, size_t* bytes)
{
	omp_set_num_threads(threads);

	struct trial_s s = *t;

	s.plan = wino_plan_create(wino_kernels_best(), &t->conf);
	trial_alloc_workspace(&s);

	long ny = trial_tensor_floats(&t->conf.out);
	long nx = trial_tensor_floats(&t->conf.in);
	long nw = trial_weights_floats(&t->conf);
	long nb = t->conf.out.channels;

	*bytes = (size_t)(ny + nx + nw + nb) * sizeof(float);

	float* out = calloc(*bytes, 1);

	nn_backend_winograd.conv_forward(s.plan, out, NULL, t->x, t->w, t->bias, s.ws);
	nn_backend_winograd.conv_backward_data(s.plan, out + ny, false, t->dy, t->x, t->w, s.ws);
	nn_backend_winograd.conv_backward_weights(s.plan, out + ny + nx, out + ny + nx + nw, t->x, t->dy, s.ws);

	nn_backend_winograd.conv_free(s.plan);
	free(s.ws);

	return out;
}


static void check_threads(const struct case_s* c, enum nn_padding padding)
{
	struct nn_conv_s conf = trial_case_conf(c, padding, true);
	struct trial_s t = trial_create(wino_kernels_best(), &conf);
	size_t bytes;

	float* one = with_threads(&t, 1, &bytes);

	for (int threads = 2; threads < 4; threads++) {

		float* more = with_threads(&t, threads, &bytes);

		cr_expect(0 == memcmp(one, more, bytes), "%d threads: other bits", threads);
		free(more);
	}

	free(one);
	trial_free(&t);
}
#endif

Test(winograd_threads, threads)
{
#ifdef _OPENMP
	for (size_t j = 0; j < LARGE; j++)
		check_threads(&large[j], (1 == large[j].kernel[2]) ? NN_PAD_REFLECT : NN_PAD_REPLICATE);
#else
	cr_skip_test("built without OpenMP");
#endif
}


static void check_workspace(const struct case_s* hidden, size_t mib)
{
	size_t size[2];

#ifdef _OPENMP
	omp_set_num_threads(2);
#endif

	for (int i = 0; i < 2; i++) {

		struct case_s c = *hidden;

		for (int d = 0; d < NN_SPATIAL; d++)
			c.dims[d] <<= (1 < c.dims[d]) ? i : 0;

		struct nn_conv_s conf = trial_case_conf(&c, NN_PAD_REFLECT, true);
		struct nn_plan_s* plan = wino_plan_create(wino_kernels_best(), &conf);

		size[i] = nn_backend_winograd.conv_workspace(plan, false);
		nn_backend_winograd.conv_free(plan);
	}

	cr_expect(size[0] == size[1]);
	cr_expect(size[0] < (mib << 20), "%zu bytes", size[0]);
}

// the workspace of a hidden layer does not grow with the image, but with the threads
Test(winograd_threads, workspace)
{
	const struct case_s plane = { 100, 100, FEATURE, FEATURE, { 320, 256, 1, 1 }, { 3, 3, 1 } };
	const struct case_s volume = { 60, 60, FEATURE, FEATURE, { 128, 128, 20, 1 }, { 3, 3, 3 } };

	check_workspace(&plane, 20);
	check_workspace(&volume, 24);
}
