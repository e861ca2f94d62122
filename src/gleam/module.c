#include <complex.h>

#include "num/multind.h"
#include "num/flpmath.h"

#include "misc/misc.h"

#include "gleam/place.h"
#include "gleam/unroll.h"

#include "gleam/module.h"

struct gleam_module_s {

	struct gleam_unroll_s* unroll;
	const struct gleam_place_s* place;

	long length;
	long P;
	long pixels;
	bool combined;

	float* grad;		// [length][P]
	complex float** x;	// outputs of all iterations but the last
	complex float* dx[2];	// gradient with respect to an image, before and after
	void* room;		// for parts of the loss
};

// a single iteration needs no gradient with respect to its input
static int gradient_images(long length)
{
	return (1 == length) ? 1 : 2;
}

size_t gleam_module_bytes(const struct gleam_place_s* place, long length, long P, long pixels)
{
	return (size_t)(length * P) * sizeof(float) + (size_t)((length - 1 + gradient_images(length)) * pixels) * CFL_SIZE
		+ place->loss_bytes(pixels);
}

static complex float* image_alloc(const struct gleam_module_s* m)
{
	return gleam_place_alloc(m->place, (size_t)m->pixels * CFL_SIZE);
}

struct gleam_module_s* gleam_module_create(struct gleam_unroll_s* unroll, long length, long P, bool combined)
{
	PTR_ALLOC(struct gleam_module_s, m);

	m->unroll = unroll;
	m->place = gleam_unroll_place(unroll);
	m->length = length;
	m->P = P;
	m->pixels = gleam_unroll_pixels(unroll);
	m->combined = combined;

	size_t room = m->place->loss_bytes(m->pixels);

	m->grad = gleam_place_alloc(m->place, (size_t)(length * P) * sizeof(float));
	m->room = (0 < room) ? gleam_place_alloc(m->place, room) : NULL;
	m->x = xmalloc((size_t)length * sizeof(complex float*));

	for (long i = 0; i < length - 1; i++)
		m->x[i] = image_alloc(m);

	m->dx[0] = image_alloc(m);
	m->dx[1] = (2 == gradient_images(length)) ? image_alloc(m) : NULL;

	return PTR_PASS(m);
}

void gleam_module_free(struct gleam_module_s* m)
{
	const struct nn_device_s* device = m->place->device;

	for (long i = 0; i < m->length - 1; i++)
		device->free(m->x[i]);

	device->free(m->dx[0]);
	device->free(m->dx[1]);
	device->free(m->grad);
	device->free(m->room);

	xfree(m->x);
	xfree(m);
}

float* gleam_module_gradient(struct gleam_module_s* m)
{
	return m->grad;
}

void gleam_module_load(struct gleam_module_s* m, const float* params)
{
	for (long i = 0; i < m->length; i++)
		gleam_unroll_load(m->unroll, (int)i, params + i * m->P);
}

void gleam_module_clear(struct gleam_module_s* m)
{
	m->place->device->clear(m->grad, (size_t)(m->length * m->P) * sizeof(float));
}

static void module_forward(struct gleam_module_s* m,
		complex float* out, const complex float* in, const complex float* x0)
{
	for (long i = 0; i < m->length; i++) {

		complex float* next = (i == m->length - 1) ? out : m->x[i];

		gleam_unroll_forward(m->unroll, (int)i, next, in, x0);

		in = next;
	}
}

// starts from the gradient of the loss in dx[0]
static void module_backward(struct gleam_module_s* m,
		const complex float* out, const complex float* in, const complex float* x0)
{
	for (long i = m->length - 1; 0 <= i; i--) {

		const complex float* prev = (0 == i) ? in : m->x[i - 1];
		complex float* dprev = (0 == i) ? NULL : m->dx[1];

		gleam_unroll_backward(m->unroll, (int)i, m->grad + i * m->P,
				dprev, m->dx[0], out, prev, x0);

		out = prev;

		if (0 < i)
			SWAP(m->dx[0], m->dx[1]);
	}
}

static void module_loss(struct gleam_module_s* m, float scale, const complex float* out, const complex float* ref, double* loss)
{
	if (!m->combined) {

		m->place->loss_l1(m->pixels, scale, m->dx[0], out, ref, loss, m->room);
		return;
	}

	long frames;
	long maps;
	long pixels;

	gleam_unroll_layout(m->unroll, &frames, &maps, &pixels);

	m->place->loss_combined(frames, maps, pixels, scale, m->dx[0], out, ref, loss, m->room);
}

void gleam_module_train(struct gleam_module_s* m, double count,
		complex float* out, const complex float* in, const complex float* x0, const complex float* ref, double* loss)
{
	module_forward(m, out, in, x0);

	module_loss(m, (float)(1. / count), out, ref, loss);

	module_backward(m, out, in, x0);
}
