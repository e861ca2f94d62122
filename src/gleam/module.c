#include <complex.h>

#include "num/multind.h"
#include "num/flpmath.h"

#include "misc/debug.h"
#include "misc/misc.h"

#include "gleam/clock.h"
#include "gleam/keep.h"
#include "gleam/place.h"
#include "gleam/unroll.h"

#include "gleam/module.h"
#include "gleam/module_struct.h"

// a single iteration needs no gradient with respect to its input
static int gradient_images(long length)
{
	return (1 == length) ? 1 : 2;
}

// the loss is of images, the norm of gradients
static size_t room_bytes(const struct gleam_place_s* place, long length, long P, long pixels)
{
	return place->loss_bytes(MAX(pixels, (length * P + 1) / 2));
}

// filled up to whole complex numbers, of which the norm is taken
static size_t gradient_bytes(long length, long P)
{
	return (size_t)((length * P + 1) / 2) * CFL_SIZE;
}

size_t gleam_module_bytes(const struct gleam_place_s* place, const struct gleam_keep_s* keep, long length, long P, long pixels)
{
	return gradient_bytes(length, P) + (size_t)((gleam_keep_images(keep, length) + gradient_images(length)) * pixels) * CFL_SIZE
		+ room_bytes(place, length, P, pixels);
}

static complex float* image_alloc(const struct gleam_module_s* m)
{
	return gleam_place_alloc(m->place, (size_t)m->pixels * CFL_SIZE);
}

static void images_alloc(struct gleam_module_s* m)
{
	bool all_stay = (0 == gleam_keep_restarts(&m->keep, m->length));

	m->x = xmalloc((size_t)m->length * sizeof(complex float*));

	for (long i = 0; i < m->length - 1; i++)
		m->x[i] = gleam_keep_image(&m->keep, m->length, i + 1) ? image_alloc(m) : NULL;

	for (int i = 0; i < 2; i++)
		m->work[i] = all_stay ? NULL : image_alloc(m);

	m->dx[0] = image_alloc(m);
	m->dx[1] = (2 == gradient_images(m->length)) ? image_alloc(m) : NULL;
}

struct gleam_module_s* gleam_module_create(struct gleam_unroll_s* unroll, const struct gleam_keep_s* keep,
		long length, long P, bool combined)
{
	PTR_ALLOC(struct gleam_module_s, m);

	*m = (struct gleam_module_s){

		.unroll = unroll,
		.place = gleam_unroll_place(unroll),
		.keep = *keep,
		.length = length,
		.P = P,
		.pixels = gleam_unroll_pixels(unroll),
		.combined = combined,
		.loaded = -1,
	};

	size_t room = room_bytes(m->place, length, P, m->pixels);

	m->grad = gleam_place_alloc(m->place, gradient_bytes(length, P));
	m->room = (0 < room) ? gleam_place_alloc(m->place, room) : NULL;

	images_alloc(m);

	return PTR_PASS(m);
}

void gleam_module_free(struct gleam_module_s* m)
{
	const struct nn_device_s* device = m->place->device;

	for (long i = 0; i < m->length - 1; i++)
		device->free(m->x[i]);

	for (int i = 0; i < 2; i++) {

		device->free(m->dx[i]);
		device->free(m->work[i]);
	}

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
	m->params = params;
	m->loaded = -1;

	if (GLEAM_KEEP_ALL != m->keep.what)
		return;

	for (long i = 0; i < m->length; i++)
		gleam_unroll_load(m->unroll, (int)i, params + i * m->P);
}

void gleam_module_clear(struct gleam_module_s* m)
{
	m->place->device->clear(m->grad, gradient_bytes(m->length, m->P));
}

void gleam_module_energy(struct gleam_module_s* m, double* sum)
{
	m->place->device->clear(sum, sizeof(double));
	m->place->add_energy((m->length * m->P + 1) / 2, sum, (const complex float*)m->grad, NULL, m->room);
}

static void kept_forward(struct gleam_module_s* m,
		complex float* out, const complex float* in, const complex float* x0)
{
	for (long i = 0; i < m->length; i++) {

		complex float* next = (i == m->length - 1) ? out : m->x[i];

		gleam_unroll_forward(m->unroll, (int)i, next, in, x0);

		in = next;
	}
}

// starts from the gradient of the loss in dx[0]
static void kept_backward(struct gleam_module_s* m,
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

void gleam_module_time(struct gleam_module_s* m)
{
	m->timed = true;
}

void gleam_module_seconds(struct gleam_module_s* m, double* forward, double* backward)
{
	*forward = m->seconds[0];
	*backward = m->seconds[1];

	m->seconds[0] = 0.;
	m->seconds[1] = 0.;
}

// 0 where nobody wants to know
static double time_of(const struct gleam_module_s* m)
{
	if (!m->timed)
		return 0.;

	m->place->device->sync();

	return gleam_clock();
}

void gleam_module_forward(struct gleam_module_s* m,
		complex float* out, const complex float* in, const complex float* x0)
{
	double begin = time_of(m);

	if (GLEAM_KEEP_ALL == m->keep.what)
		kept_forward(m, out, in, x0);
	else
		module_again_forward(m, out, in, x0);

	m->seconds[0] += time_of(m) - begin;
}

void gleam_module_backward(struct gleam_module_s* m, double count,
		const complex float* out, const complex float* in, const complex float* x0, const complex float* ref, double* loss, double* errors)
{
	double begin = time_of(m);

	module_loss(m, (float)(1. / count), out, ref, loss);

	if (GLEAM_KEEP_ALL == m->keep.what)
		kept_backward(m, out, in, x0);
	else
		module_again_backward(m, errors, out, in, x0);

	m->seconds[1] += time_of(m) - begin;
}

void gleam_module_train(struct gleam_module_s* m, double count,
		complex float* out, const complex float* in, const complex float* x0, const complex float* ref, double* loss, double* errors)
{
	gleam_module_forward(m, out, in, x0);
	gleam_module_backward(m, count, out, in, x0, ref, loss, errors);
}
