/*
 * The backends of this binary, and the layouts of tensors.
 */

#include <stddef.h>
#include <string.h>

#include "nn/backend.h"

// the fastest first
const struct nn_backend_s* const nn_backends[] = {

	&nn_backend_winograd,
#ifdef USE_DNNL
	&nn_backend_dnnl,
#endif
	&nn_backend_ref,
	NULL,
};


static bool is_wanted(const struct nn_backend_s* backend, const char* name)
{
	if (0 == strcmp("auto", name))
		return (NULL == backend->missing());

	return (0 == strcmp(backend->name, name));
}


const struct nn_backend_s* nn_backend_find(const char* name)
{
	for (int i = 0; NULL != nn_backends[i]; i++)
		if (is_wanted(nn_backends[i], name))
			return nn_backends[i];

	return NULL;
}


struct nn_tensor_s nn_tensor_image(long maps, long maps_str, const long dims[NN_DIMS], const long strs[NN_DIMS])
{
	struct nn_tensor_s tensor = {

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


struct nn_tensor_s nn_tensor_feature(const struct nn_backend_s* backend, long channels, const long dims[NN_DIMS])
{
	long m = backend->channel_multiple;
	long padded = (channels + m - 1) / m * m;

	struct nn_tensor_s tensor = {

		.channels = channels,
		.group = padded,
		.group_str = padded,
	};

	long str = padded;

	for (int i = 0; i < NN_DIMS; i++) {

		tensor.dims[i] = dims[i];
		tensor.strs[i] = str;
		str *= dims[i];
	}

	return tensor;
}


long nn_tensor_size(const struct nn_tensor_s* tensor)
{
	long groups = (tensor->channels + tensor->group - 1) / tensor->group;
	long size = tensor->group + (groups - 1) * tensor->group_str;

	for (int i = 0; i < NN_DIMS; i++)
		size += (tensor->dims[i] - 1) * tensor->strs[i];

	return size;
}
