#include <stddef.h>
#include <stdint.h>

#include "nn/tensor.h"


struct nn_tensor_s nn_tensor_image(long maps, long maps_str, const long dims[NN_DIMS], const long strs[NN_DIMS])
{
	struct nn_tensor_s tensor = {

		.type = NN_FLOAT,
		.channels = 2 * maps,
		.group = 2,
		.group_str = 2 * maps_str,
	};

	for (int i = 0; i < NN_DIMS; i++) {

		tensor.dims[i] = dims[i];
		tensor.strs[i] = 2 * strs[i];
	}

	return tensor;
}


size_t nn_type_bytes(enum nn_type type)
{
	return (NN_BFLOAT16 == type) ? sizeof(uint16_t) : sizeof(float);
}


long nn_tensor_size(const struct nn_tensor_s* tensor)
{
	long groups = (tensor->channels + tensor->group - 1) / tensor->group;
	long size = 2 * tensor->offset + tensor->group + (groups - 1) * tensor->group_str;

	for (int i = 0; i < NN_DIMS; i++)
		size += (tensor->dims[i] - 1) * tensor->strs[i];

	return size;
}


size_t nn_tensor_bytes(const struct nn_tensor_s* tensor)
{
	return (size_t)nn_tensor_size(tensor) * nn_type_bytes(tensor->type);
}
