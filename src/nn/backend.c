/*
 * The backends of this binary.
 */

#include <stddef.h>
#include <stdbool.h>
#include <string.h>

#include "nn/backend.h"

// the fastest first, those on the CPU before the others
const struct nn_backend_s* const nn_backends[] = {

	&nn_backend_winograd,
#ifdef USE_DNNL
	&nn_backend_dnnl,
#endif
	&nn_backend_ref,
#ifdef GLEAM_GPU
	&nn_backend_cudnn,
	&nn_backend_cudnn_tf32,
	&nn_backend_cudnn_bf16,
#endif
	NULL,
};


// "cudnn-tf32" is called by that name, or by "cudnn"
static bool is_called(const struct nn_backend_s* backend, const char* name)
{
	size_t length = strlen(name);

	return (0 == strncmp(backend->name, name, length))
		&& (('\0' == backend->name[length]) || ('-' == backend->name[length]));
}


static bool is_wanted(const struct nn_backend_s* backend, const char* name, enum nn_precision precision)
{
	if (precision != backend->precision)
		return false;

	if (0 == strcmp("auto", name))
		return backend->device->host && (NULL == backend->missing());

	return is_called(backend, name);
}


const struct nn_backend_s* nn_backend_find(const char* name, enum nn_precision precision)
{
	for (int i = 0; NULL != nn_backends[i]; i++)
		if (is_wanted(nn_backends[i], name, precision))
			return nn_backends[i];

	return NULL;
}


struct nn_tensor_s nn_tensor_feature(const struct nn_backend_s* backend, long channels, const long dims[NN_DIMS], int spatial)
{
	long m = backend->channel_multiple;
	long padded = (channels + m - 1) / m * m;

	struct nn_tensor_s tensor = {

		.type = backend->feature,
		.channels = channels,
		.group = padded,
		.group_str = padded,
	};

	long str = padded;

	for (int i = 0; i < NN_DIMS; i++) {

		long rim = (i < spatial) ? backend->rim : 0;

		tensor.dims[i] = dims[i];
		tensor.strs[i] = str;
		tensor.offset += rim * str;
		str *= dims[i] + 2 * rim;
	}

	return tensor;
}
