/*
 * The reference backend: convolution by its definition, one pixel at a time,
 * sums in double precision. Slow; what the others are held against.
 */

#include <stddef.h>

#include "misc/misc.h"

#include "nn/padding.h"

#include "nn/backend.h"

struct nn_plan_s {

	struct nn_conv_s conf;

	long taps;
	long pixels;
};


static const char* ref_missing(void)
{
	return NULL;
}


static struct nn_plan_s* ref_create(const struct nn_conv_s* conf)
{
	PTR_ALLOC(struct nn_plan_s, plan);

	plan->conf = *conf;
	plan->taps = 1;
	plan->pixels = 1;

	for (int i = 0; i < NN_SPATIAL; i++)
		plan->taps *= conf->kernel[i];

	for (int i = 0; i < NN_DIMS; i++)
		plan->pixels *= conf->in.dims[i];

	return PTR_PASS(plan);
}


static void ref_free(struct nn_plan_s* plan)
{
	xfree(plan);
}


static size_t ref_workspace(const struct nn_plan_s* /*plan*/, bool /*forward_only*/)
{
	return 0;
}


static void unravel(long pos[NN_DIMS], long p, const long dims[NN_DIMS])
{
	for (int i = 0; i < NN_DIMS; i++) {

		pos[i] = p % dims[i];
		p /= dims[i];
	}
}


static long channel_offset(const struct nn_tensor_s* tensor, long c)
{
	return (c % tensor->group) + (c / tensor->group) * tensor->group_str;
}


static long pixel_offset(const struct nn_tensor_s* tensor, const long pos[NN_DIMS])
{
	long offset = 0;

	for (int i = 0; i < NN_DIMS; i++)
		offset += pos[i] * tensor->strs[i];

	return offset;
}


// the input pixel that a tap of the kernel sees from the output pixel at pos; false if it sees a zero
static bool seen_pixel(const struct nn_conv_s* conf, long tap, long seen[NN_DIMS], const long pos[NN_DIMS])
{
	for (int i = 0; i < NN_SPATIAL; i++) {

		long k = conf->kernel[i];

		seen[i] = nn_pad_index(conf->padding, pos[i] + tap % k - k / 2, conf->in.dims[i]);

		if (-1 == seen[i])
			return false;

		tap /= k;
	}

	seen[NN_SPATIAL] = pos[NN_SPATIAL];

	return true;
}


// a NaN passes
static double activation(const struct nn_conv_s* conf, float x)
{
	return (conf->relu && (0.f > x)) ? 0. : x;
}


static double activation_slope(const struct nn_conv_s* conf, float x)
{
	return (conf->relu && !(0.f < x)) ? 0. : 1.;
}


static void store_pixel(const struct nn_tensor_s* tensor, const long pos[NN_DIMS], float* dst, bool add, const double val[])
{
	dst += pixel_offset(tensor, pos);

	for (long c = 0; c < tensor->channels; c++) {

		float* d = dst + channel_offset(tensor, c);

		*d = (float)((add ? *d : 0.) + val[c]);
	}

	for (long c = tensor->channels; c < tensor->group; c++)
		dst[c] = 0.f;
}


static void forward_pixel(const struct nn_plan_s* plan, const long pos[NN_DIMS], float* y, bool add,
		const float* x, const float* weights, const float* bias)
{
	const struct nn_conv_s* conf = &plan->conf;

	long I = conf->in.channels;
	long O = conf->out.channels;

	double sum[O];

	for (long o = 0; o < O; o++)
		sum[o] = (NULL == bias) ? 0. : bias[o];

	for (long tap = 0; tap < plan->taps; tap++) {

		long seen[NN_DIMS];

		if (!seen_pixel(conf, tap, seen, pos))
			continue;

		const float* src = x + pixel_offset(&conf->in, seen);

		for (long i = 0; i < I; i++) {

			double val = activation(conf, src[channel_offset(&conf->in, i)]);

			for (long o = 0; o < O; o++)
				sum[o] += val * weights[(o * I + i) * plan->taps + tap];
		}
	}

	store_pixel(&conf->out, pos, y, add, sum);
}


static void ref_forward(struct nn_plan_s* plan, void* y, const void* res,
		const void* x, const void* weights, const float* bias, void* /*ws*/)
{
#pragma omp parallel for
	for (long p = 0; p < plan->pixels; p++) {

		long pos[NN_DIMS];
		unravel(pos, p, plan->conf.out.dims);

		forward_pixel(plan, pos, y, NULL != res, x, weights, bias);
	}
}


// sum += what the output pixel at pos, seen through one tap, gives back to its input pixel
static void gather_tap(const struct nn_plan_s* plan, double sum[], const long pos[NN_DIMS], long tap,
		const float* dy, const float* weights)
{
	const struct nn_conv_s* conf = &plan->conf;

	long I = conf->in.channels;
	long O = conf->out.channels;

	dy += pixel_offset(&conf->out, pos);

	for (long o = 0; o < O; o++) {

		double val = dy[channel_offset(&conf->out, o)];

		for (long i = 0; i < I; i++)
			sum[i] += val * weights[(o * I + i) * plan->taps + tap];
	}
}


/* Only the output pixels beside pos (and itself) can see pos: a reflected or
 * replicated edge is seen from there, too.
 */
static void backward_pixel(const struct nn_plan_s* plan, const long pos[NN_DIMS], float* dx, bool add,
		const float* dy, const float* x, const float* weights)
{
	const struct nn_conv_s* conf = &plan->conf;

	long I = conf->in.channels;

	double sum[I];

	for (long i = 0; i < I; i++)
		sum[i] = 0.;

	for (long near = 0; near < 27; near++) {

		long out[NN_DIMS] = { pos[0] + near % 3 - 1, pos[1] + near / 3 % 3 - 1, pos[2] + near / 9 - 1, pos[3] };
		bool inside = true;

		for (int i = 0; i < NN_SPATIAL; i++)
			inside = inside && (0 <= out[i]) && (out[i] < conf->out.dims[i]);

		for (long tap = 0; inside && (tap < plan->taps); tap++) {

			long seen[NN_DIMS];

			if (   seen_pixel(conf, tap, seen, out)
			    && (pixel_offset(&conf->in, seen) == pixel_offset(&conf->in, pos)))
				gather_tap(plan, sum, out, tap, dy, weights);
		}
	}

	for (long i = 0; conf->relu && (i < I); i++)
		sum[i] *= activation_slope(conf, x[pixel_offset(&conf->in, pos) + channel_offset(&conf->in, i)]);

	store_pixel(&conf->in, pos, dx, add, sum);
}


static void ref_backward_data(struct nn_plan_s* plan, void* dx, bool add,
		const void* dy, const void* x, const void* weights, void* /*ws*/)
{
#pragma omp parallel for
	for (long p = 0; p < plan->pixels; p++) {

		long pos[NN_DIMS];
		unravel(pos, p, plan->conf.in.dims);

		backward_pixel(plan, pos, dx, add, dy, x, weights);
	}
}


// sum over all pixels for one input channel, one tap and all output channels
static void weights_tap(const struct nn_plan_s* plan, double sum[], long i, long tap, const float* x, const float* dy)
{
	const struct nn_conv_s* conf = &plan->conf;

	x += channel_offset(&conf->in, i);

	for (long p = 0; p < plan->pixels; p++) {

		long pos[NN_DIMS];
		unravel(pos, p, conf->out.dims);

		long seen[NN_DIMS];

		if (!seen_pixel(conf, tap, seen, pos))
			continue;

		double val = activation(conf, x[pixel_offset(&conf->in, seen)]);
		const float* src = dy + pixel_offset(&conf->out, pos);

		for (long o = 0; o < conf->out.channels; o++)
			sum[o] += val * src[channel_offset(&conf->out, o)];
	}
}


static void bias_gradient(const struct nn_plan_s* plan, float* dbias, const float* dy)
{
	const struct nn_tensor_s* out = &plan->conf.out;

	for (long o = 0; o < out->channels; o++) {

		double sum = 0.;

		for (long p = 0; p < plan->pixels; p++) {

			long pos[NN_DIMS];
			unravel(pos, p, out->dims);

			sum += dy[pixel_offset(out, pos) + channel_offset(out, o)];
		}

		dbias[o] = (float)(dbias[o] + sum);
	}
}


static void ref_backward_weights(struct nn_plan_s* plan, float* dweights, float* dbias,
		const void* x, const void* dy, void* /*ws*/)
{
	long I = plan->conf.in.channels;
	long O = plan->conf.out.channels;

#pragma omp parallel for collapse(2)
	for (long i = 0; i < I; i++) {

		for (long tap = 0; tap < plan->taps; tap++) {

			double sum[O];

			for (long o = 0; o < O; o++)
				sum[o] = 0.;

			weights_tap(plan, sum, i, tap, x, dy);

			for (long o = 0; o < O; o++) {

				float* d = &dweights[(o * I + i) * plan->taps + tap];

				*d = (float)(*d + sum[o]);
			}
		}
	}

	if (NULL != dbias)
		bias_gradient(plan, dbias, dy);
}


const struct nn_backend_s nn_backend_ref = {

	.name = "ref",
	.device = &nn_device_cpu,
	.missing = ref_missing,
	.channel_multiple = 1,
	.conv_create = ref_create,
	.conv_free = ref_free,
	.conv_workspace = ref_workspace,
	.conv_forward = ref_forward,
	.conv_backward_data = ref_backward_data,
	.conv_backward_weights = ref_backward_weights,
};
