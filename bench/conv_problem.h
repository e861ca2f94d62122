/*
 * One convolution of a prox network for conv.c: its tensors on the backend's
 * device, filled with values that do not depend on the layout, and how far its
 * results are from those of another backend.
 */
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gpu/bf16.h"

#include "nn/backend.h"

struct shape_s {

	long in;
	long out;
	long kernel;
	bool in_image;
	bool out_image;
	bool linear;	// no ReLU at a hidden input: the first convolution of a block in three dimensions
};

enum operation { FORWARD, DATA, WEIGHTS, OPERATIONS };

// tensors of one convolution; the first three are inputs
struct problem_s {

	const struct nn_backend_s* backend;
	struct nn_conv_s conf;
	struct nn_plan_s* plan;
	void* ws;

	void* x;
	void* dy;
	float* weights;
	void* packed;		// ... as the backend wants them

	void* y;
	void* dx;
	float* dweights;
};


static long weights_size(const struct nn_conv_s* conf)
{
	return conf->in.channels * conf->out.channels * conf->kernel[0] * conf->kernel[1] * conf->kernel[2];
}


static struct nn_tensor_s layout(const struct nn_backend_s* backend, long channels, bool image, const long dims[NN_DIMS])
{
	long strs[NN_DIMS] = { 1, dims[0], dims[0] * dims[1], dims[0] * dims[1] * dims[2] };

	int spatial = (1 < dims[2]) ? 3 : 2;

	return image ? nn_tensor_image(channels / 2, strs[3], dims, strs) : nn_tensor_feature(backend, channels, dims, spatial);
}


static void* device_zeros(const struct nn_device_s* device, size_t bytes)
{
	void* p = device->alloc((0 < bytes) ? bytes : 64);

	if (NULL == p) {

		fprintf(stderr, "not enough memory\n");
		exit(1);
	}

	device->clear(p, bytes);

	return p;
}


static float* host_zeros(long N)
{
	float* p = calloc((size_t)N, sizeof(float));

	if (NULL == p)
		abort();

	return p;
}


static void* tensor_zeros(const struct nn_device_s* device, const struct nn_tensor_s* t)
{
	return device_zeros(device, nn_tensor_bytes(t));
}


// narrower elements are written in place
static void tensor_upload(const struct nn_device_s* device, const struct nn_tensor_s* t, void* dst, float* values)
{
	if (NN_BFLOAT16 == t->type) {

		for (long i = 0; i < nn_tensor_size(t); i++) {

			bf16_t h = bf16_from_float(values[i]);

			memcpy((char*)values + (size_t)i * sizeof(h), &h, sizeof(h));
		}
	}

	device->upload(dst, values, nn_tensor_bytes(t));
	device->sync();
}


static float* tensor_download(const struct nn_device_s* device, const struct nn_tensor_s* t, const void* src)
{
	float* values = host_zeros(nn_tensor_size(t));

	device->download(values, src, nn_tensor_bytes(t));

	if (NN_BFLOAT16 == t->type) {

		for (long i = nn_tensor_size(t) - 1; 0 <= i; i--) {

			bf16_t h;

			memcpy(&h, (char*)values + (size_t)i * sizeof(h), sizeof(h));
			values[i] = bf16_to_float(h);
		}
	}

	return values;
}


static long pixel_count(const struct nn_tensor_s* t)
{
	return t->dims[0] * t->dims[1] * t->dims[2] * t->dims[3];
}


static float* value(const struct nn_tensor_s* t, float* data, long pixel, long c)
{
	long off = t->offset + (c % t->group) + (c / t->group) * t->group_str;

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


static void fill(const struct nn_device_s* device, const struct nn_tensor_s* t, void* dst, bool relu)
{
	float* values = host_zeros(nn_tensor_size(t));

	for (long i = 0; i < pixel_count(t); i++) {

		for (long c = 0; c < t->channels; c++) {

			float v = some_value(i * t->channels + c);

			*value(t, values, i, c) = relu ? fmaxf(v, 0.f) : v;
		}
	}

	tensor_upload(device, t, dst, values);
	free(values);
}


static void fill_weights(const struct nn_device_s* device, long N, float* dst)
{
	float* values = host_zeros(N);

	for (long i = 0; i < N; i++)
		values[i] = some_value(i);

	device->upload(dst, values, (size_t)N * sizeof(float));
	device->sync();
	free(values);
}


static void pack_weights(struct problem_s* p)
{
	const struct nn_backend_s* backend = p->backend;

	p->packed = p->weights;

	if (NULL == backend->conv_pack)
		return;

	p->packed = device_zeros(backend->device, backend->conv_packed(p->plan, false));
	backend->conv_pack(p->plan, p->packed, false, p->weights, NULL);
}


static struct problem_s problem_create(const struct nn_backend_s* backend, const struct shape_s* shape, const long dims[NN_DIMS])
{
	bool volume = (1 < dims[2]);
	bool relu = !shape->in_image && !shape->linear;

	struct problem_s p = {

		.backend = backend,
		.conf = {

			.in = layout(backend, shape->in, shape->in_image, dims),
			.out = layout(backend, shape->out, shape->out_image, dims),
			.kernel = { shape->kernel, shape->kernel, volume ? shape->kernel : 1 },
			.padding = volume ? NN_PAD_REPLICATE : NN_PAD_REFLECT,
			.relu = relu,
			.relu_in_done = relu,
			.relu_out = !shape->out_image,
		},
	};

	const struct nn_device_s* device = backend->device;

	p.plan = backend->conv_create(&p.conf);
	p.ws = device_zeros(device, backend->conv_workspace(p.plan, false));

	p.x = tensor_zeros(device, &p.conf.in);
	p.dx = tensor_zeros(device, &p.conf.in);
	p.y = tensor_zeros(device, &p.conf.out);
	p.dy = tensor_zeros(device, &p.conf.out);
	p.weights = device_zeros(device, (size_t)weights_size(&p.conf) * sizeof(float));
	p.dweights = device_zeros(device, (size_t)weights_size(&p.conf) * sizeof(float));

	fill(device, &p.conf.in, p.x, p.conf.relu_in_done);
	fill(device, &p.conf.out, p.dy, false);
	fill_weights(device, weights_size(&p.conf), p.weights);
	pack_weights(&p);

	// what it leaves of its input is what the gradient of weights reads
	backend->conv_forward(p.plan, p.y, NULL, p.x, p.packed, NULL, p.ws);

	return p;
}


static void problem_free(struct problem_s* p)
{
	const struct nn_device_s* device = p->backend->device;

	p->backend->conv_free(p->plan);

	device->free(p->ws);
	device->free(p->x);
	device->free(p->dx);
	device->free(p->y);
	device->free(p->dy);
	if (p->packed != p->weights)
		device->free(p->packed);

	device->free(p->weights);
	device->free(p->dweights);
}


static void run(struct problem_s* p, enum operation operation)
{
	switch (operation) {

	case FORWARD:
		p->backend->conv_forward(p->plan, p->y, NULL, p->x, p->packed, NULL, p->ws);
		break;

	case DATA:
		p->backend->conv_backward_data(p->plan, p->dx, false, p->dy, p->x, p->packed, p->ws);
		break;

	default:
		p->backend->conv_backward_weights(p->plan, p->dweights, NULL, p->x, p->dy, p->ws);
	}
}


// a ReLU may have been stored in either
static double tensor_error(const struct problem_s* pa, const struct problem_s* pb, bool out)
{
	const struct nn_tensor_s* ta = out ? &pa->conf.out : &pa->conf.in;
	const struct nn_tensor_s* tb = out ? &pb->conf.out : &pb->conf.in;
	float* a = tensor_download(pa->backend->device, ta, out ? pa->y : pa->dx);
	float* b = tensor_download(pb->backend->device, tb, out ? pb->y : pb->dx);
	float least = (out && pa->conf.relu_out) ? 0.f : -INFINITY;
	double diff = 0.;
	double max = 0.;

	for (long i = 0; i < pixel_count(ta); i++) {

		for (long c = 0; c < ta->channels; c++) {

			double ref = (double)fmaxf(*value(tb, b, i, c), least);
			double val = (double)*value(ta, a, i, c);
			double d = fabs(fmax(val, (double)least) - ref);

			diff = ((d >= 0.) && !isnan(val)) ? fmax(diff, d) : INFINITY;
			max = fmax(max, fabs(ref));
		}
	}

	free(a);
	free(b);

	return diff / max;
}


static double weights_error(const struct problem_s* pa, const struct problem_s* pb)
{
	long N = weights_size(&pa->conf);
	float* a = host_zeros(N);
	float* b = host_zeros(N);
	double diff = 0.;
	double max = 0.;

	pa->backend->device->download(a, pa->dweights, (size_t)N * sizeof(float));
	pb->backend->device->download(b, pb->dweights, (size_t)N * sizeof(float));

	for (long i = 0; i < N; i++) {

		double d = fabs((double)a[i] - (double)b[i]);

		diff = (d >= 0.) ? fmax(diff, d) : INFINITY;
		max = fmax(max, fabs((double)b[i]));
	}

	free(a);
	free(b);

	return diff / max;
}


static double error_against_ref(const struct nn_backend_s* backend, const struct shape_s* shape, bool volume)
{
	const long dims[NN_DIMS] = { volume ? 11 : 23, volume ? 10 : 18, volume ? 9 : 1, 2 };

	struct problem_s p = problem_create(backend, shape, dims);
	struct problem_s ref = problem_create(&nn_backend_ref, shape, dims);

	for (int i = 0; i < OPERATIONS; i++) {

		run(&p, (enum operation)i);
		run(&ref, (enum operation)i);
	}

	double error = tensor_error(&p, &ref, true);

	error = fmax(error, tensor_error(&p, &ref, false));
	error = fmax(error, weights_error(&p, &ref));

	problem_free(&p);
	problem_free(&ref);

	return error;
}
