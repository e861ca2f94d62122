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
#include "nn_transfer.h"
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
	const struct nn_device_s* device = backend->device;

	struct result_s r = {

		.N = { nn_tensor_size(&c->conf.out), nn_tensor_size(&c->conf.in), d->NW, c->shape->out },
		.val = { NULL, NULL, nn_case_dweights(c->shape), nn_case_dbias(c->shape) },
	};

	void* y = nn_case_tensor(device, &c->conf.out, d->NO, d->dy);
	void* dx = nn_case_tensor(device, &c->conf.in, d->NI, d->x);
	float* dweights = nn_transfer_floats(device, r.N[2], r.val[2]);
	float* dbias = nn_transfer_floats(device, r.N[3], r.val[3]);

	backend->conv_forward(c->plan, y, NULL, c->x, c->weights, c->bias, c->ws);
	backend->conv_backward_data(c->plan, dx, false, c->dy, c->x, c->weights, c->ws);
	backend->conv_backward_weights(c->plan, dweights, dbias, c->x, c->dy, c->ws);

	r.val[0] = nn_transfer_from(device, &c->conf.out, y);
	r.val[1] = nn_transfer_from(device, &c->conf.in, dx);
	nn_transfer_back(device, r.N[2], r.val[2], dweights);
	nn_transfer_back(device, r.N[3], r.val[3], dbias);

	void* all[] = { y, dx, dweights, dbias };

	for (unsigned int i = 0; i < ARRAY_SIZE(all); i++)
		device->free(all[i]);

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

		struct case_conv_s c = nn_case_conv_create(s, d, backend, (struct case_mode_s){ .bias = true });
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

static void check_places(const struct nn_backend_s* backend, long N, const double val[N], const double ref[N], const char* what)
{
	float v[N];

	for (long i = 0; i < N; i++)
		v[i] = (float)val[i];

	double distance = nn_test_distance_double(N, v, ref);

	cr_assert(nn_test_tolerance(backend) > distance, "full size, %s: %s %g", backend->name, what, distance);
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

	check_places(c->backend, PLACES * CHANNELS, val, ref, "forward");
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

	check_places(c->backend, PLACES, val, ref, "data gradient");
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

	check_places(c->backend, WEIGHTS, val, ref, "weight gradient");

	xfree(before);
}


static void check_full(const struct case_data_s* d, const struct nn_backend_s* backend)
{
	struct case_conv_s c = nn_case_conv_create(&nn_case_full_size, d, backend, (struct case_mode_s){ .bias = true });
	struct result_s r = all_operations(&c, d);

	check_full_forward(&c, d, r.val[0]);
	check_full_data(&c, d, r.val[1]);
	check_full_weights(&c, d, r.val[2]);

	for (int i = 0; i < 4; i++)
		xfree(r.val[i]);

	nn_case_conv_free(&c);
}


static bool takes_long(const struct nn_backend_s* backend)
{
#ifdef GLEAM_EMULATE
	if (!backend->device->host)
		return true;
#endif
	return (&nn_backend_ref == backend);
}


Test(backend, full_size)
{
	struct case_data_s d = nn_case_data_create(&nn_case_full_size);

	for (int i = 0; NULL != nn_backends[i]; i++) {

		if (takes_long(nn_backends[i]))
			fprintf(stderr, "SKIP backend full size on backend %s: takes a minute\n", nn_backends[i]->name);
		else if (nn_test_can_run(nn_backends[i], "backend full size"))
			check_full(&d, nn_test_spoiled(nn_backends[i]));
	}

	nn_test_absent("backend full size");
	nn_case_data_free(&d);
}


// --- the registry, and the layouts


Test(backend, find)
{
	cr_assert_eq(&nn_backend_ref, nn_backend_find("ref", NN_FP32));
	cr_assert_null(nn_backend_find("ref", NN_TF32));
	cr_assert_null(nn_backend_find("re", NN_FP32));
	cr_assert_null(nn_backend_find("abacus", NN_FP32));

	const struct nn_backend_s* fastest = nn_backend_find("auto", NN_FP32);

	cr_assert_not_null(fastest);
	cr_assert_null(fastest->missing());
	cr_assert(fastest->device->host);

	for (int i = 0; fastest != nn_backends[i]; i++)
		cr_assert(!nn_backends[i]->device->host || (NULL != nn_backends[i]->missing()));
}


Test(backend, find_precision)
{
#ifdef GLEAM_GPU
	cr_assert_eq(&nn_backend_cudnn, nn_backend_find("cudnn", NN_FP32));
	cr_assert_eq(&nn_backend_cudnn_tf32, nn_backend_find("cudnn", NN_TF32));
	cr_assert_eq(&nn_backend_cudnn_bf16, nn_backend_find("cudnn", NN_BF16));
#else
	cr_assert_null(nn_backend_find("cudnn", NN_FP32));
#endif
	cr_assert_null(nn_backend_find("auto", NN_BF16));
}


Test(backend, layouts)
{
	long dims[NN_DIMS] = { 5, 4, 3, 2 };
	long strs[NN_DIMS] = { 1, 5, 20, 120 };

	struct nn_backend_s eights = { .channel_multiple = 8 };
	struct nn_tensor_s feature = nn_tensor_feature(&eights, 17, dims, 2);

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


Test(backend, layouts_with_a_rim)
{
	long dims[NN_DIMS] = { 5, 4, 3, 2 };
	long first[NN_DIMS] = { 0, 0, 0, 0 };
	long last[NN_DIMS] = { 4, 3, 2, 1 };

	struct nn_backend_s rim = { .channel_multiple = 4, .rim = 1, .feature = NN_BFLOAT16 };

	struct nn_tensor_s plane = nn_tensor_feature(&rim, 6, dims, 2);

	// 3 x 2 planes of (5 + 2) x (4 + 2) pixels each; second row, second pixel
	cr_assert_eq(8 * (7 + 1), nn_test_offset(&plane, 0, first));
	cr_assert_eq(8 * (7 * 6 * 5 + 7 * 4 + 5) + 5, nn_test_offset(&plane, 5, last));
	cr_assert_eq(8 * 7 * 6 * 3 * 2, nn_tensor_size(&plane));
	cr_assert_eq(2 * 8 * 7 * 6 * 3 * 2, nn_tensor_bytes(&plane));

	struct nn_tensor_s volume = nn_tensor_feature(&rim, 6, dims, 3);

	cr_assert_eq(8 * (7 * 6 + 7 + 1), nn_test_offset(&volume, 0, first));
	cr_assert_eq(8 * 7 * 6 * 5 * 2, nn_tensor_size(&volume));
	cr_assert_eq(8 * (7 * 6 * (5 + 3) + 7 * 4 + 5) + 5, nn_test_offset(&volume, 5, last));
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
