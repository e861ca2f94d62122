#include <math.h>
#include <stdbool.h>
#include <string.h>

#include <criterion/criterion.h>

#include "misc/misc.h"

#include "gpu/bf16.h"

#include "nn/device.h"
#include "nn/tensor.h"

#include "nn_transfer.h"


// an element of a feature tensor that is not in its rim; images have none
static bool is_inside(const struct nn_tensor_s* tensor, long i)
{
	if (0 == tensor->offset)
		return true;

	i -= tensor->offset;

	for (int d = NN_DIMS - 1; 0 <= d; d--) {

		if ((i < 0) || (i >= tensor->dims[d] * tensor->strs[d]))
			return false;

		i %= tensor->strs[d];
	}

	return true;
}


static void replace_rim(const struct nn_tensor_s* tensor, float* data, float val)
{
	for (long i = 0; i < nn_tensor_size(tensor); i++)
		if (!is_inside(tensor, i))
			data[i] = val;
}


static void* new_memory(const struct nn_device_s* device, size_t bytes)
{
	void* p = device->alloc(bytes);

	cr_assert_not_null(p);

	return p;
}


static void transfer(const struct nn_device_s* device, const struct nn_tensor_s* tensor, void* dst, const float* src, float rim)
{
	long N = nn_tensor_size(tensor);
	float* val = xmalloc((size_t)N * sizeof(float));

	memcpy(val, src, (size_t)N * sizeof(float));
	replace_rim(tensor, val, rim);

	// narrower elements, in place
	if (NN_BFLOAT16 == tensor->type) {

		for (long i = 0; i < N; i++) {

			bf16_t h = bf16_from_float(val[i]);

			memcpy((char*)val + (size_t)i * sizeof(h), &h, sizeof(h));
		}
	}

	device->upload(dst, val, nn_tensor_bytes(tensor));
	device->sync();

	xfree(val);
}


void nn_transfer_to(const struct nn_device_s* device, const struct nn_tensor_s* tensor, void* dst, const float* src)
{
	transfer(device, tensor, dst, src, NAN);
}


void* nn_transfer_gradient(const struct nn_device_s* device, const struct nn_tensor_s* tensor, const float* src)
{
	void* p = new_memory(device, nn_tensor_bytes(tensor));

	transfer(device, tensor, p, src, 0.f);

	return p;
}


void* nn_transfer_new(const struct nn_device_s* device, const struct nn_tensor_s* tensor, const float* src)
{
	void* p = new_memory(device, nn_tensor_bytes(tensor));

	nn_transfer_to(device, tensor, p, src);

	return p;
}


static float* with_rim(const struct nn_device_s* device, const struct nn_tensor_s* tensor, const void* src)
{
	long N = nn_tensor_size(tensor);
	float* val = xmalloc((size_t)N * sizeof(float));

	device->download(val, src, nn_tensor_bytes(tensor));

	if (NN_BFLOAT16 == tensor->type) {

		for (long i = N - 1; 0 <= i; i--) {

			bf16_t h;

			memcpy(&h, (char*)val + (size_t)i * sizeof(h), sizeof(h));
			val[i] = bf16_to_float(h);
		}
	}

	return val;
}


float* nn_transfer_from(const struct nn_device_s* device, const struct nn_tensor_s* tensor, const void* src)
{
	float* val = with_rim(device, tensor, src);

	replace_rim(tensor, val, 0.f);

	return val;
}


bool nn_transfer_rim_is_zero(const struct nn_device_s* device, const struct nn_tensor_s* tensor, const void* src)
{
	float* val = with_rim(device, tensor, src);
	bool zero = true;

	for (long i = 0; i < nn_tensor_size(tensor); i++)
		if (!is_inside(tensor, i) && (0.f != val[i]))
			zero = false;

	xfree(val);

	return zero;
}


float* nn_transfer_floats(const struct nn_device_s* device, long N, const float src[N])
{
	float* p = new_memory(device, (size_t)N * sizeof(float));

	device->upload(p, src, (size_t)N * sizeof(float));
	device->sync();

	return p;
}


void nn_transfer_back(const struct nn_device_s* device, long N, float dst[N], const float* src)
{
	device->download(dst, src, (size_t)N * sizeof(float));
}
