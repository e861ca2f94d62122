#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

#include "misc/misc.h"

#include "nn/backend.h"

#include "nn_test.h"


void nn_test_random(long N, float dst[N], unsigned int seed)
{
	uint32_t state = 2463534242u ^ (seed * 2654435761u);

	for (long i = -10; i < N; i++) {

		state ^= state << 13;
		state ^= state >> 17;
		state ^= state << 5;

		if (0 <= i)
			dst[i] = (float)((double)state / 2147483648. - 1.);
	}
}


double nn_test_distance_double(long N, const float a[N], const double b[N])
{
	double diff = 0.;
	double norm = 0.;

	for (long i = 0; i < N; i++) {

		diff += pow(a[i] - b[i], 2.);
		norm += pow(b[i], 2.);
	}

	return (0. == diff) ? 0. : sqrt(diff / norm);
}


double nn_test_distance(long N, const float a[N], const float b[N])
{
	double* d = xmalloc((size_t)N * sizeof(double));

	for (long i = 0; i < N; i++)
		d[i] = b[i];

	double distance = nn_test_distance_double(N, a, d);

	xfree(d);

	return distance;
}


bool nn_test_can_run(const struct nn_backend_s* backend, const char* test)
{
	const char* reason = backend->missing();

	if (NULL != reason)
		fprintf(stderr, "SKIP %s on backend %s: %s\n", test, backend->name, reason);

	return (NULL == reason);
}


long nn_test_offset(const struct nn_tensor_s* tensor, long c, const long pos[NN_DIMS])
{
	long offset = (c % tensor->group) + (c / tensor->group) * tensor->group_str;

	for (int i = 0; i < NN_DIMS; i++)
		offset += pos[i] * tensor->strs[i];

	return offset;
}


void nn_test_each(const struct nn_tensor_s* tensor, float* data, bool padding, void (*fun)(float* element))
{
	long from = padding ? tensor->channels : 0;
	long to = padding ? tensor->group : tensor->channels;

	const long* d = tensor->dims;

	for (long p = 0; p < d[0] * d[1] * d[2] * d[3]; p++) {

		long pos[NN_DIMS] = { p % d[0], p / d[0] % d[1], p / d[0] / d[1] % d[2], p / d[0] / d[1] / d[2] };

		for (long c = from; c < to; c++)
			fun(data + nn_test_offset(tensor, c, pos));
	}
}


// --- the spoiling backend

struct nn_plan_s {

	struct nn_conv_s conf;
	struct nn_plan_s* inner;
};

static const struct nn_backend_s* inside = NULL;


static void set_nan(float* element)
{
	*element = NAN;
}


static void check_zero(float* element)
{
	cr_assert(0.f == *element, "padding of %s is %g", inside->name, (double)*element);
}


static void spoil(const struct nn_tensor_s* tensor, float* data)
{
	nn_test_each(tensor, data, false, set_nan);
	nn_test_each(tensor, data, true, set_nan);
}


static void spoil_workspace(const struct nn_plan_s* plan, bool forward_only, void* ws)
{
	memset(ws, 0xff, inside->conv_workspace(plan->inner, forward_only));
}


static struct nn_plan_s* spoiled_create(const struct nn_conv_s* conf)
{
	PTR_ALLOC(struct nn_plan_s, plan);

	plan->conf = *conf;
	plan->inner = inside->conv_create(conf);

	return PTR_PASS(plan);
}


static void spoiled_free(struct nn_plan_s* plan)
{
	inside->conv_free(plan->inner);
	xfree(plan);
}


static size_t spoiled_workspace(const struct nn_plan_s* plan, bool forward_only)
{
	return inside->conv_workspace(plan->inner, forward_only);
}


static void spoiled_forward(struct nn_plan_s* plan, float* y, bool add,
		const float* x, const float* weights, const float* bias, void* ws)
{
	if (!add)
		spoil(&plan->conf.out, y);

	spoil_workspace(plan, true, ws);

	inside->conv_forward(plan->inner, y, add, x, weights, bias, ws);

	nn_test_each(&plan->conf.out, y, true, check_zero);
}


static void spoiled_backward_data(struct nn_plan_s* plan, float* dx, bool add,
		const float* dy, const float* x, const float* weights, void* ws)
{
	if (!add && (dx != x))
		spoil(&plan->conf.in, dx);

	spoil_workspace(plan, false, ws);

	inside->conv_backward_data(plan->inner, dx, add, dy, x, weights, ws);

	nn_test_each(&plan->conf.in, dx, true, check_zero);
}


static void spoiled_backward_weights(struct nn_plan_s* plan, float* dweights, float* dbias,
		const float* x, const float* dy, void* ws)
{
	spoil_workspace(plan, false, ws);

	inside->conv_backward_weights(plan->inner, dweights, dbias, x, dy, ws);
}


const struct nn_backend_s* nn_test_spoiled(const struct nn_backend_s* backend)
{
	static struct nn_backend_s spoiled;

	inside = backend;

	spoiled = *backend;
	spoiled.conv_create = spoiled_create;
	spoiled.conv_free = spoiled_free;
	spoiled.conv_workspace = spoiled_workspace;
	spoiled.conv_forward = spoiled_forward;
	spoiled.conv_backward_data = spoiled_backward_data;
	spoiled.conv_backward_weights = spoiled_backward_weights;

	return &spoiled;
}
