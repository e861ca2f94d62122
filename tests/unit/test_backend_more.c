/*
 * What else a backend promises: the same bits with any number of threads, full
 * size; and the registry.
 */

#include <stdio.h>
#include <string.h>

#include <omp.h>

#include <criterion/criterion.h>

#include "misc/misc.h"

#include "nn/backend.h"
#include "nn/padding.h"

#include "nn_test.h"
#include "nn_oracle.h"
#include "nn_case.h"


// --- the same bits, twice and with any number of threads

struct result_s {

	long N[4];
	float* val[4];
};


static struct result_s all_operations(const struct case_conv_s* c, const struct case_data_s* d)
{
	const struct nn_backend_s* backend = c->backend;

	float* x = nn_case_tensor(&c->conf.in, d->NI, d->x);
	float* dy = nn_case_tensor(&c->conf.out, d->NO, d->dy);

	struct result_s r = {

		.N = { nn_tensor_size(&c->conf.out), nn_tensor_size(&c->conf.in), d->NW, c->shape->out },
		.val = {
			nn_case_tensor(&c->conf.out, d->NO, d->dy),
			nn_case_tensor(&c->conf.in, d->NI, d->x),
			nn_case_dweights(c->shape),
			nn_case_dbias(c->shape),
		},
	};

	backend->conv_forward(c->plan, r.val[0], false, x, d->weights, d->bias, c->ws);
	backend->conv_backward_data(c->plan, r.val[1], false, dy, x, d->weights, c->ws);
	backend->conv_backward_weights(c->plan, r.val[2], r.val[3], x, dy, c->ws);

	xfree(x);
	xfree(dy);

	return r;
}


static void check_bits(const struct shape_s* s, const struct case_data_s* d, const struct nn_backend_s* backend)
{
	static const char* const what[4] = { "forward", "data gradient", "weight gradient", "bias gradient" };
	static const int threads[] = { 1, 1, 2, 3 };

	struct result_s r[ARRAY_SIZE(threads)];

	int before = omp_get_max_threads();

	for (unsigned int t = 0; t < ARRAY_SIZE(threads); t++) {

		omp_set_num_threads(threads[t]);

		struct case_conv_s c = nn_case_conv_create(s, backend, false);
		r[t] = all_operations(&c, d);
		nn_case_conv_free(&c);
	}

	omp_set_num_threads(before);

	for (unsigned int t = 0; t < ARRAY_SIZE(threads); t++)
		for (int i = 0; i < 4; i++)
			cr_assert_eq(0, memcmp(r[0].val[i], r[t].val[i], (size_t)r[0].N[i] * sizeof(float)),
				"%s, %s: %s with %d threads", s->name, backend->name, what[i], threads[t]);

	for (unsigned int t = 0; t < ARRAY_SIZE(threads); t++)
		for (int i = 0; i < 4; i++)
			xfree(r[t].val[i]);
}


Test(backend, same_bits)
{
	nn_case_all("backend threads", NULL, check_bits);
}


// --- full size, probed at some places

static void check_places(long N, const double val[N], const double ref[N], const char* what, const char* name)
{
	float v[N];

	for (long i = 0; i < N; i++)
		v[i] = (float)val[i];

	double distance = nn_test_distance_double(N, v, ref);

	cr_assert(NN_CASE_TOLERANCE > distance, "full size, %s: %s %g", name, what, distance);
}


static long place(long i, long n)
{
	return (i * 7919) % n;
}


// corners, edges, and pixels in between
static void place_pixel(long pos[NN_DIMS], long i)
{
	pos[0] = (0 == i % 3) ? 0 : ((1 == i % 3) ? 319 : place(i, 320));
	pos[1] = (0 == i / 3 % 3) ? 0 : ((1 == i / 3 % 3) ? 255 : place(i, 256));
	pos[2] = 0;
	pos[3] = 0;
}


enum { CHANNELS = 100, PLACES = 18, WEIGHTS = 90 };


static void check_full_forward(const struct case_conv_s* c, const struct case_data_s* d, const float* y)
{
	double val[PLACES * CHANNELS];
	double ref[PLACES * CHANNELS];

	for (long i = 0; i < PLACES; i++) {

		long pos[NN_DIMS];
		place_pixel(pos, i);

		oracle_forward_at(c->shape, ref + i * CHANNELS, pos, d->x_d, d->weights_d);

		for (long o = 0; o < CHANNELS; o++) {

			val[i * CHANNELS + o] = y[nn_test_offset(&c->conf.out, o, pos)];
			ref[i * CHANNELS + o] += d->bias_d[o];
		}
	}

	check_places(PLACES * CHANNELS, val, ref, "forward", c->backend->name);
}


static void check_full_data(const struct case_conv_s* c, const struct case_data_s* d, const float* dx)
{
	double val[PLACES];
	double ref[PLACES];

	for (long i = 0; i < PLACES; i++) {

		long pos[NN_DIMS];
		place_pixel(pos, i);

		val[i] = dx[nn_test_offset(&c->conf.in, place(i, CHANNELS), pos)];
		ref[i] = oracle_backward_data_at(c->shape, place(i, CHANNELS), pos, d->dy_d, d->x_d, d->weights_d);
	}

	check_places(PLACES, val, ref, "data gradient", c->backend->name);
}


static void check_full_weights(const struct case_conv_s* c, const struct case_data_s* d, const float* dweights)
{
	float* before = nn_case_dweights(c->shape);

	double val[WEIGHTS];
	double ref[WEIGHTS];

	for (long i = 0; i < WEIGHTS; i++) {

		long w = place(i, d->NW);

		val[i] = dweights[w];
		ref[i] = before[w] + oracle_backward_weights_at(c->shape, w, d->x_d, d->dy_d);
	}

	check_places(WEIGHTS, val, ref, "weight gradient", c->backend->name);

	xfree(before);
}


static void check_full(const struct case_data_s* d, const struct nn_backend_s* backend)
{
	struct case_conv_s c = nn_case_conv_create(&nn_case_full_size, backend, false);
	struct result_s r = all_operations(&c, d);

	check_full_forward(&c, d, r.val[0]);
	check_full_data(&c, d, r.val[1]);
	check_full_weights(&c, d, r.val[2]);

	for (int i = 0; i < 4; i++)
		xfree(r.val[i]);

	nn_case_conv_free(&c);
}


Test(backend, full_size)
{
	struct case_data_s d = nn_case_data_create(&nn_case_full_size);

	for (int i = 0; NULL != nn_backends[i]; i++) {

		if (&nn_backend_ref == nn_backends[i])
			fprintf(stderr, "SKIP backend full size on backend ref: takes a minute\n");
		else if (nn_test_can_run(nn_backends[i], "backend full size"))
			check_full(&d, nn_test_spoiled(nn_backends[i]));
	}

	nn_case_data_free(&d);
}


// --- the registry, and the layouts


Test(backend, find)
{
	cr_assert_eq(&nn_backend_ref, nn_backend_find("ref"));
	cr_assert_null(nn_backend_find("abacus"));

	const struct nn_backend_s* fastest = nn_backend_find("auto");

	cr_assert_not_null(fastest);
	cr_assert_null(fastest->missing());

	for (int i = 0; fastest != nn_backends[i]; i++)
		cr_assert_not_null(nn_backends[i]->missing());
}


Test(backend, layouts)
{
	long dims[NN_DIMS] = { 5, 4, 3, 2 };
	long strs[NN_DIMS] = { 1, 5, 20, 120 };

	struct nn_backend_s eights = { .channel_multiple = 8 };
	struct nn_tensor_s feature = nn_tensor_feature(&eights, 17, dims);

	cr_assert_eq(24 * 5 * 4 * 3 * 2, nn_tensor_size(&feature));
	cr_assert_eq(17, feature.channels);
	cr_assert_eq(24, feature.strs[0]);
	cr_assert_eq(24 * 60, feature.strs[3]);

	// two maps in between slices and batches
	struct nn_tensor_s image = nn_tensor_image(2, 60, dims, strs);
	long last[NN_DIMS] = { 4, 3, 2, 1 };

	cr_assert_eq(4, image.channels);
	cr_assert_eq(2 * 120 * 2, nn_tensor_size(&image));
	cr_assert_eq(nn_tensor_size(&image) - 1, nn_test_offset(&image, 3, last));
}


Test(backend, paddings)
{
	for (long i = 0; i < 4; i++)
		for (enum nn_padding p = NN_PAD_ZERO; p <= NN_PAD_REPLICATE; p++)
			cr_assert_eq(i, nn_pad_index(p, i, 4));

	cr_assert_eq(-1, nn_pad_index(NN_PAD_ZERO, -1, 4));
	cr_assert_eq(-1, nn_pad_index(NN_PAD_ZERO, 4, 4));
	cr_assert_eq(1, nn_pad_index(NN_PAD_REFLECT, -1, 4));
	cr_assert_eq(2, nn_pad_index(NN_PAD_REFLECT, 4, 4));
	cr_assert_eq(0, nn_pad_index(NN_PAD_REPLICATE, -1, 4));
	cr_assert_eq(3, nn_pad_index(NN_PAD_REPLICATE, 4, 4));
}
