/*
 * What a device does beside convolutions, on the CPU and on the GPU, against its
 * definition in double.
 */

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

#include "misc/misc.h"

#ifdef GLEAM_GPU
#include "gpu/gpu.h"
#endif

#include "nn/adam.h"
#include "nn/device.h"
#include "nn/tensor.h"

#include "nn_test.h"
#include "nn_transfer.h"


typedef void (*device_fun)(const struct nn_device_s* device);


static void for_devices(const char* test, device_fun fun)
{
	fun(&nn_device_cpu);

#ifdef GLEAM_GPU
	if (NULL == gpu_missing())
		fun(&nn_device_gpu);
	else
		fprintf(stderr, "SKIP %s on the GPU: %s\n", test, gpu_missing());
#else
	fprintf(stderr, "SKIP %s on the GPU: not in this binary\n", test);
#endif
}


// --- memory


static void check_memory(const struct nn_device_s* device)
{
	enum { N = 100003 };

	static char host[N];
	static char back[N];

	for (long i = 0; i < N; i++)
		host[i] = (char)(i * 7 % 251);

	char* a = device->alloc(N);
	char* b = device->alloc(N);

	cr_assert_eq(0, (uintptr_t)a % 64);

	device->upload(a, host, N);
	device->clear(b, N);
	device->copy(b + 16, a + 16, N - 16);
	device->sync();
	device->download(back, b, N);

	memset(host, 0, 16);

	cr_assert_eq(0, memcmp(host, back, N), "%s", device->name);

	device->free(a);
	device->free(b);
}


Test(device, memory)
{
	for_devices("device memory", check_memory);
}


// --- images


static void check_image_copy(const struct nn_device_s* device)
{
	// two maps, gaps between rows, slices, maps and batches
	long dims[NN_DIMS] = { 5, 4, 3, 2 };
	long strs[NN_DIMS] = { 1, 6, 25, 160 };

	struct nn_tensor_s image = nn_tensor_image(2, 76, dims, strs);

	long N = nn_tensor_size(&image);
	float src[N];
	float dst[N];
	float expected[N];

	nn_test_random(N, src, 1);
	nn_test_random(N, dst, 2);
	memcpy(expected, dst, sizeof(expected));

	for (long i = 0; i < 4 * 5 * 4 * 3 * 2; i++) {

		long pos[NN_DIMS] = { i / 4 % 5, i / 20 % 4, i / 80 % 3, i / 240 };
		long o = nn_test_offset(&image, i % 4, pos);

		expected[o] = src[o];
	}

	float* a = nn_transfer_floats(device, N, src);
	float* b = nn_transfer_floats(device, N, dst);

	device->image_copy(&image, b, a);
	device->image_copy(&image, b, b);
	nn_transfer_back(device, N, dst, b);

	cr_assert_eq(0, memcmp(expected, dst, sizeof(expected)), "%s", device->name);

	device->free(a);
	device->free(b);
}


Test(device, image_copy)
{
	for_devices("device image copy", check_image_copy);
}


// --- ReLU with signs; lengths that fill no word, no block

struct line_s {

	const struct nn_device_s* device;
	struct nn_tensor_s tensor;		// N pixels of one channel
	long N;
};


static struct line_s line(const struct nn_device_s* device, enum nn_type type, long N)
{
	return (struct line_s){

		.device = device,
		.N = N,
		.tensor = { .type = type, .channels = 1, .group = 1, .group_str = 1, .dims = { N, 1, 1, 1 }, .strs = { 1, N, N, N } },
	};
}


// values that bfloat16 holds, some of them zero
static void fill(long N, float x[N], unsigned int seed)
{
	nn_test_random(N, x, seed);

	for (long i = 0; i < N; i++)
		x[i] = (0 == i % 7) ? 0.f : (roundf(64.f * x[i]) / 64.f);
}


static void check_relu_line(const struct line_s* l, bool shortcut, bool signs)
{
	long N = l->N;
	float h[N];
	float s[N];

	fill(N, h, 1);
	fill(N, s, 2);

	void* d_h = nn_transfer_new(l->device, &l->tensor, h);
	void* d_s = nn_transfer_new(l->device, &l->tensor, s);
	uint32_t* d_signs = l->device->alloc((size_t)nn_sign_words(N) * sizeof(uint32_t));

	l->device->relu_add(l->tensor.type, N, d_h, signs ? d_signs : NULL, shortcut ? d_s : NULL);

	float* val = nn_transfer_from(l->device, &l->tensor, d_h);

	for (long i = 0; i < N; i++)
		cr_assert_eq(val[i], ((0.f < h[i]) ? h[i] : 0.f) + (shortcut ? s[i] : 0.f), "%s, %ld of %ld", l->device->name, i, N);

	xfree(val);

	if (signs) {

		l->device->relu_gradient(l->tensor.type, N, d_s, d_s, d_signs);

		val = nn_transfer_from(l->device, &l->tensor, d_s);

		for (long i = 0; i < N; i++)
			cr_assert_eq(val[i], (0.f < h[i]) ? s[i] : 0.f, "%s, gradient, %ld of %ld", l->device->name, i, N);

		xfree(val);
	}

	l->device->free(d_h);
	l->device->free(d_s);
	l->device->free(d_signs);
}


static void check_relu(const struct nn_device_s* device)
{
	static const long lengths[] = { 1, 31, 32, 33, 1000, 1024, 5000 };

	for (unsigned int i = 0; i < ARRAY_SIZE(lengths); i++) {

		for (int type = 0; type < (device->host ? 1 : 2); type++) {

			struct line_s l = line(device, (0 == type) ? NN_FLOAT : NN_BFLOAT16, lengths[i]);

			check_relu_line(&l, false, true);
			check_relu_line(&l, true, true);
			check_relu_line(&l, true, false);
		}
	}
}


Test(device, relu)
{
	for_devices("device ReLU", check_relu);
}


// --- Adam


static void definition(const struct nn_adam_conf_s* conf, double decay, long step, double* p, double* m, double* v, double grad)
{
	double g = grad + decay * *p;

	*m = (double)conf->beta1 * *m + (1. - (double)conf->beta1) * g;
	*v = (double)conf->beta2 * *v + (1. - (double)conf->beta2) * g * g;

	double rate = conf->lr / (1. - pow((double)conf->beta1, (double)step));
	double root = sqrt(*v / (1. - pow((double)conf->beta2, (double)step)));

	*p -= rate * *m / (root + (double)conf->eps);
}


enum { NETWORKS = 3, P = 217, ALL = NETWORKS * P, STEPS = 3 };

static const struct nn_adam_conf_s adam = { .lr = 0.01, .beta1 = 0.9, .beta2 = 0.999, .eps = 1.E-8, .weight_decay = 0.1 };


// the last of each network's parameters is another kind if there is a tail
static void adam_expected(const struct nn_adam_tail_s* tail, double params[ALL], const float grad[STEPS][ALL])
{
	double m[ALL] = { 0. };
	double v[ALL] = { 0. };

	for (int t = 0; t < STEPS; t++) {

		for (int i = 0; i < ALL; i++) {

			bool last = (NULL != tail) && (P - 1 == i % P);

			if (last && !tail->trained)
				continue;

			definition(&adam, last ? 0. : adam.weight_decay, t + 1, &params[i], &m[i], &v[i], grad[t][i]);

			if (last)
				params[i] = MAX(params[i], (double)tail->min);
		}
	}
}


static void adam_steps(const struct nn_device_s* device, const struct nn_adam_tail_s* tail, float params[ALL], const float grad[STEPS][ALL])
{
	const float zeros[ALL] = { 0.f };

	float* p = nn_transfer_floats(device, ALL, params);
	float* m = nn_transfer_floats(device, ALL, zeros);
	float* v = nn_transfer_floats(device, ALL, zeros);

	for (int t = 0; t < STEPS; t++) {

		float rates[2];
		nn_adam_rates(&adam, t + 1, rates);

		float* r = nn_transfer_floats(device, 2, rates);
		float* g = nn_transfer_floats(device, ALL, grad[t]);

		device->adam(&adam, tail, r, NULL, NETWORKS, P, p, m, v, g);
		device->sync();

		device->free(r);
		device->free(g);
	}

	nn_transfer_back(device, ALL, params, p);

	device->free(p);
	device->free(m);
	device->free(v);
}


static void check_adam_tail(const struct nn_device_s* device, const struct nn_adam_tail_s* tail)
{
	float params[ALL];
	float grad[STEPS][ALL];
	double expected[ALL];

	nn_test_random(ALL, params, 1);

	for (int t = 0; t < STEPS; t++)
		nn_test_random(ALL, grad[t], 2 + (unsigned int)t);

	// one tail goes below its minimum
	params[P - 1] = 0.505f;

	for (int t = 0; t < STEPS; t++)
		grad[t][P - 1] = 1.f;

	for (int i = 0; i < ALL; i++)
		expected[i] = params[i];

	adam_expected(tail, expected, grad);
	adam_steps(device, tail, params, grad);

	for (int i = 0; i < ALL; i++)
		cr_assert_float_eq(params[i], expected[i], 1.E-6, "%s, parameter %d: %.8f, expected %.8f", device->name, i, (double)params[i], expected[i]);

	if ((NULL != tail) && tail->trained)
		cr_assert_eq(tail->min, params[P - 1]);
}


static void check_adam(const struct nn_device_s* device)
{
	struct nn_adam_tail_s trained = { .trained = true, .min = 0.5 };
	struct nn_adam_tail_s fixed = { .trained = false, .min = 0.7 };

	check_adam_tail(device, NULL);
	check_adam_tail(device, &trained);
	check_adam_tail(device, &fixed);
}


Test(device, cosine)
{
	const float first = 1.E-3, last = 1.E-5;

	cr_assert_eq(first, nn_adam_cosine(first, last, 1, 9));
	cr_assert_eq(last, nn_adam_cosine(first, last, 9, 9));
	cr_assert_eq(last, nn_adam_cosine(first, last, 10, 9));
	cr_assert_eq(last, nn_adam_cosine(first, last, 1, 1));

	// half way, and after a third of the way: cos(pi / 3) = 1 / 2
	cr_assert_float_eq(nn_adam_cosine(first, last, 5, 9), 0.5 * (first + last), 1.E-9);
	cr_assert_float_eq(nn_adam_cosine(first, last, 2, 4), last + 0.75 * (first - last), 1.E-9);
}

Test(device, adam)
{
	for_devices("device Adam", check_adam);
}
