#ifdef GLEAM_GPU

#include "gpu/gpu.h"

#include "nn/device_kernels.h"

#include "nn/device.h"


static void gpu_download_all(void* host, const void* src, size_t bytes)
{
	gpu_download(host, src, bytes);
	gpu_sync();
}


const struct nn_device_s nn_device_gpu = {

	.name = "GPU",
	.host = false,
	.alloc = gpu_malloc,
	.free = gpu_free,
	.clear = gpu_clear,
	.copy = gpu_copy,
	.upload = gpu_upload,
	.download = gpu_download_all,
	.sync = gpu_sync,
	.host_alloc = gpu_malloc_host,
	.host_free = gpu_free_host,
	.fetch = gpu_download,
	.mark = gpu_mark,
	.reach = gpu_reach,
	.image_copy = nn_gpu_image_copy,
	.relu_add = nn_gpu_relu_add,
	.relu_gradient = nn_gpu_relu_gradient,
	.adam = nn_gpu_adam,
};

#endif		// GLEAM_GPU
