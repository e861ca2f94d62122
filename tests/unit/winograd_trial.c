/*
 * Tensors of all layouts, and a naive convolution in double precision.
 */

#include <stddef.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <math.h>

#include "nn/backend.h"
#include "nn/winograd.h"

#include "winograd_trial.h"


static uint64_t random_state = 88172645463325252ULL;

static float uniform(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;

	return (float)((double)(random_state >> 11) / 4503599627370496. - 1.);
}


static struct nn_tensor_s trial_tensor_layout(long channels, enum layout layout, const long dims[NN_DIMS])
{
	struct nn_tensor_s tensor = { .channels = channels };
	long pixels = dims[0] * dims[1] * dims[2];

	tensor.group = (FEATURE == layout) ? ((channels + 7) / 8 * 8) : 2;
	tensor.group_str = (FEATURE == layout) ? tensor.group : (2 * pixels + ((APART == layout) ? 6 : 0));

	for (int i = 0; i < NN_DIMS; i++) {

		tensor.dims[i] = dims[i];
		tensor.strs[i] = (0 == i) ? tensor.group : (tensor.strs[i - 1] * dims[i - 1]);
	}

	if (FEATURE != layout)
		tensor.strs[3] = channels / 2 * tensor.group_str;

	return tensor;
}


long trial_tensor_floats(const struct nn_tensor_s* t)
{
	return t->dims[3] * ((t->group >= t->channels) ? wino_max(t->strs[3], t->group_str) : t->strs[3]);
}


struct nn_conv_s trial_case_conf(const struct case_s* c, enum nn_padding padding, bool relu)
{
	return (struct nn_conv_s){

		.in = trial_tensor_layout(c->in, c->in_layout, c->dims),
		.out = trial_tensor_layout(c->out, c->out_layout, c->dims),
		.kernel = { c->kernel[0], c->kernel[1], c->kernel[2] },
		.padding = padding,
		.relu = relu,
	};
}


long trial_weights_floats(const struct nn_conv_s* conf)
{
	return conf->in.channels * conf->out.channels * conf->kernel[0] * conf->kernel[1] * conf->kernel[2];
}


static long channel_offset(const struct nn_tensor_s* t, long c)
{
	return c % t->group + c / t->group * t->group_str;
}


long trial_at(const struct nn_tensor_s* t, long c, const long pos[NN_DIMS])
{
	return channel_offset(t, c) + wino_offset(t, pos[0], pos[1], pos[2], pos[3]);
}


long trial_pixel_count(const struct nn_tensor_s* t)
{
	return t->dims[0] * t->dims[1] * t->dims[2] * t->dims[3];
}


void trial_pixel_pos(const struct nn_tensor_s* t, long i, long pos[NN_DIMS])
{
	for (int d = 0; d < NN_DIMS; d++) {

		pos[d] = i % t->dims[d];
		i /= t->dims[d];
	}
}


// all floats are of this value, but those that belong to the tensor are random, or zero in the channels of padding
float* trial_tensor_create(const struct nn_tensor_s* t, float rest, bool fill)
{
	float* data = malloc((size_t)trial_tensor_floats(t) * sizeof(float));

	for (long i = 0; i < trial_tensor_floats(t); i++)
		data[i] = rest;

	for (long i = 0; fill && (i < trial_pixel_count(t)); i++) {

		long pos[NN_DIMS];

		trial_pixel_pos(t, i, pos);

		for (long c = 0; c < wino_max(t->channels, wino_min(t->group, wino_padded(t))); c++)
			data[trial_at(t, c, pos)] = (c < t->channels) ? uniform() : 0.f;
	}

	return data;
}


float* trial_vector_create(long n)
{
	float* data = malloc((size_t)n * sizeof(float));

	for (long i = 0; i < n; i++)
		data[i] = uniform();

	return data;
}


double* trial_zeros(long n)
{
	return calloc((size_t)n, sizeof(double));
}


// position in -1 .. n to pixel, written anew on purpose: the pattern of the edge as a picture
static long naive_pad(enum nn_padding padding, long i, long n)
{
	if ((0 <= i) && (i < n))
		return i;

	if (NN_PAD_ZERO == padding)
		return -1;

	if (NN_PAD_REPLICATE == padding)
		return (i < 0) ? 0 : (n - 1);

	return (i < 0) ? 1 : (n - 2);
}


// the pixel that tap k sees from pos, or false
static bool naive_tap(const struct nn_conv_s* conf, long k, const long pos[NN_DIMS], long from[NN_DIMS])
{
	from[3] = pos[3];

	for (int d = 0; d < NN_SPATIAL; d++) {

		long i = pos[d] + k % conf->kernel[d] - 1;

		from[d] = (1 == conf->kernel[d]) ? pos[d] : naive_pad(conf->padding, i, conf->in.dims[d]);
		k /= conf->kernel[d];

		if (-1 == from[d])
			return false;
	}

	return true;
}


/* y += conv(x), dx += conv^T(dy), dw += correlation: one loop, each product
 * o = (pixel, out, in, tap) of the definition in turn.
 */
static void naive(const struct nn_conv_s* conf, const float* x, const float* w, const float* dy, double* y, double* dx, double* dw)
{
	long taps = conf->kernel[0] * conf->kernel[1] * conf->kernel[2];
	long channel[conf->out.channels];

	for (long o = 0; o < conf->out.channels; o++)
		channel[o] = channel_offset(&conf->out, o);

	for (long i = 0; i < trial_pixel_count(&conf->out) * taps; i++) {

		long pos[NN_DIMS];
		long from[NN_DIMS];
		long k = i % taps;

		trial_pixel_pos(&conf->out, i / taps, pos);

		if (!naive_tap(conf, k, pos, from))
			continue;

		long pixel = wino_offset(&conf->out, pos[0], pos[1], pos[2], pos[3]);

		for (long c = 0; c < conf->in.channels; c++) {

			long ix = trial_at(&conf->in, c, from);
			double v = (conf->relu && !(0.f < x[ix])) ? 0. : (double)x[ix];

			for (long o = 0; o < conf->out.channels; o++) {

				long iw = (o * conf->in.channels + c) * taps + k;
				long iy = pixel + channel[o];

				y[iy] += v * (double)w[iw];
				dx[ix] += (double)dy[iy] * (double)w[iw];
				dw[iw] += (double)dy[iy] * v;
			}
		}
	}
}


void trial_poison(struct trial_s* t)
{
	memset(t->ws, 0xFF, t->ws_size);
}


void trial_alloc_workspace(struct trial_s* t)
{
	t->ws_size = nn_backend_winograd.conv_workspace(t->plan, false);
	t->ws = aligned_alloc(64, (t->ws_size + 63) / 64 * 64);
	trial_poison(t);
}


struct trial_s trial_create(const struct wino_kernels_s* kernels, const struct nn_conv_s* conf)
{
	struct trial_s t = {

		.conf = *conf,
		.plan = wino_plan_create(kernels, conf),
		.x = trial_tensor_create(&conf->in, NAN, true),
		.dy = trial_tensor_create(&conf->out, NAN, true),
		.w = trial_vector_create(trial_weights_floats(conf)),
		.bias = trial_vector_create(conf->out.channels),
		.y = trial_zeros(trial_tensor_floats(&conf->out)),
		.dx = trial_zeros(trial_tensor_floats(&conf->in)),
		.dw = trial_zeros(trial_weights_floats(conf)),
	};

	trial_alloc_workspace(&t);
	naive(conf, t.x, t.w, t.dy, t.y, t.dx, t.dw);

	return t;
}


void trial_free(struct trial_s* t)
{
	nn_backend_winograd.conv_free(t->plan);

	free(t->ws);
	free(t->x);
	free(t->dy);
	free(t->w);
	free(t->bias);
	free(t->y);
	free(t->dx);
	free(t->dw);
}
