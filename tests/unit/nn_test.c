#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

#include "misc/misc.h"

#include "nn/backend.h"

#include "nn_transfer.h"

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


double nn_test_tolerance(const struct nn_backend_s* backend)
{
	switch (backend->precision) {

	case NN_FP32:
		return 1.e-5;

	case NN_TF32:
		return 2.e-3;

	case NN_BF16:
		break;
	}

	return 2.e-2;
}


bool nn_test_can_run(const struct nn_backend_s* backend, const char* test)
{
	const char* reason = backend->missing();

	if (NULL != reason)
		fprintf(stderr, "SKIP %s on backend %s: %s\n", test, backend->name, reason);

	return (NULL == reason);
}


void nn_test_absent(const char* test)
{
#ifdef GLEAM_GPU
	(void)test;
#else
	fprintf(stderr, "SKIP %s on backend cudnn: it is not in this binary\n", test);
#endif
}


long nn_test_offset(const struct nn_tensor_s* tensor, long c, const long pos[NN_DIMS])
{
	long offset = tensor->offset + (c % tensor->group) + (c / tensor->group) * tensor->group_str;

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


// the rim, which is nobody's, and with all what an operation overwrites
static void spoil(const struct nn_tensor_s* tensor, void* data, bool all)
{
	if (!all && (0 == tensor->offset))
		return;

	float* val = nn_transfer_from(inside->device, tensor, data);

	if (all) {

		nn_test_each(tensor, val, false, set_nan);
		nn_test_each(tensor, val, true, set_nan);
	}

	nn_transfer_to(inside->device, tensor, data, val);
	xfree(val);
}


// tests may give tensors that are only read
static void spoil_rim(const struct nn_tensor_s* tensor, const void* data)
{
	spoil(tensor, (void*)data, false);
}


static void check_padding(const struct nn_tensor_s* tensor, const void* data)
{
	if (tensor->group <= tensor->channels)
		return;

	float* val = nn_transfer_from(inside->device, tensor, data);

	nn_test_each(tensor, val, true, check_zero);
	xfree(val);
}


static void spoil_workspace(const struct nn_plan_s* plan, bool forward_only, void* ws)
{
	size_t bytes = inside->conv_workspace(plan->inner, forward_only);
	void* ones = xmalloc(bytes + 1);

	memset(ones, 0xff, bytes);
	inside->device->upload(ws, ones, bytes);
	inside->device->sync();

	xfree(ones);
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


static size_t spoiled_packed(const struct nn_plan_s* plan, bool forward_only)
{
	return inside->conv_packed(plan->inner, forward_only);
}


static void spoiled_pack(const struct nn_plan_s* plan, void* packed, bool forward_only, const float* weights, const float* bias)
{
	inside->conv_pack(plan->inner, packed, forward_only, weights, bias);
}


static void spoiled_forward(struct nn_plan_s* plan, void* y, const void* res,
		const void* x, const void* weights, const float* bias, void* ws)
{
	cr_assert_eq(plan->conf.bias, NULL != bias);
	cr_assert_eq(plan->conf.res, NULL != res);
	cr_assert((NULL == res) || (y == res) || inside->res_elsewhere);

	spoil(&plan->conf.out, y, y != res);
	spoil_rim(&plan->conf.in, x);

	if ((NULL != res) && (y != res))
		spoil_rim(&plan->conf.out, res);

	spoil_workspace(plan, true, ws);

	inside->conv_forward(plan->inner, y, res, x, weights, bias, ws);

	check_padding(&plan->conf.out, y);
}


static void spoiled_backward_data(struct nn_plan_s* plan, void* dx, bool add,
		const void* dy, const void* x, const void* weights, void* ws)
{
	// to a gradient that is added to belongs its rim of zeros
	if (!add)
		spoil(&plan->conf.in, dx, dx != x);

	if ((NULL != x) && (dx != x))
		spoil_rim(&plan->conf.in, x);

	spoil_workspace(plan, false, ws);

	inside->conv_backward_data(plan->inner, dx, add, dy, x, weights, ws);

	check_padding(&plan->conf.in, dx);

	cr_assert(nn_transfer_rim_is_zero(inside->device, &plan->conf.in, dx), "%s: the rim of a gradient is not zero", inside->name);
}


static void spoiled_backward_weights(struct nn_plan_s* plan, float* dweights, float* dbias,
		const void* x, const void* dy, void* ws)
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
	spoiled.conv_packed = (NULL == backend->conv_pack) ? NULL : spoiled_packed;
	spoiled.conv_pack = (NULL == backend->conv_pack) ? NULL : spoiled_pack;
	spoiled.conv_forward = spoiled_forward;
	spoiled.conv_backward_data = spoiled_backward_data;
	spoiled.conv_backward_weights = spoiled_backward_weights;

	return &spoiled;
}
