/*
 * What a mini-batch needs crosses the bus once, in one block of page-locked memory
 * for each sample: maps, pattern, k-space, reference. While the device computes one
 * mini-batch, the next lies in a second block of device memory. Everything that
 * is computed from it (operators, x0, scale) is computed on the device.
 */
#ifdef GLEAM_GPU

#include <complex.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include "num/multind.h"
#include "num/flpmath.h"

#include "misc/misc.h"
#include "misc/mri.h"

#include "gpu/gpu.h"

#include "gleam/batch.h"
#include "gleam/data.h"
#include "gleam/gpu_dc.h"
#include "gleam/gpu_ops.h"
#include "gleam/place.h"
#include "gleam/stage.h"
#include "gleam/unroll.h"

#include "gleam/gpu_stage.h"

// elements of one sample
struct sizes_s { long map; long pat; long ksp; long img; long ref; };

/* One memory, sample after sample within each kind, so that a part's maps are as
 * data consistency wants them.
 */
struct block_s {

	complex float* maps;
	complex float* pattern;
	complex float* ksp;
	complex float* ref;
};

struct stage_s {

	const struct gleam_data_s* data;
	void* dc;

	long size;
	long micro_batch;

	struct sizes_s sizes;
	long weights_size;	// of a part
	long averaged;		// elements of the image that samples are scaled by, 0: x0

	size_t bytes;		// of a block
	void* host_memory;
	void* device_memory;
	struct block_s host;	// being read, or on its way
	struct block_s device;	// arrived

	// of the mini-batch that is being worked on
	complex float* maps;
	float* weights;
	float* scale;
	float* host_scale;

	complex float* coils;	// room for k-space references
	long* samples;		// that have been asked for
	bool reading;		// the thread is running, or has not been waited for
	bool read;		// samples are in host memory
	bool uploaded;

	pthread_t thread;
	cudaEvent_t arrived;
	cudaEvent_t taken;	// the device's block may be overwritten
};


static struct sizes_s sizes_of(const struct gleam_data_s* data)
{
	struct gleam_dims_s dims = gleam_batch_dims(data, 1);
	long img_dims[DIMS];

	gleam_dims_image(&dims, img_dims);

	struct sizes_s sizes = {

		.map = md_calc_size(DIMS, dims.map),
		.pat = md_calc_size(DIMS, dims.pat),
		.ksp = md_calc_size(DIMS, dims.ksp),
		.img = md_calc_size(DIMS, img_dims),
	};

	gleam_data_ref_dims(data, img_dims);

	sizes.ref = gleam_data_has_reference(data) ? md_calc_size(DIMS, img_dims) : 0;

	return sizes;
}

// aligned as kernels want it that read several elements at once
static long aligned(long N)
{
	return (N + 31) / 32 * 32;
}

// returns the bytes of a block and, where there is one, what lies where in it
static size_t block_layout(const struct sizes_s* s, long size, complex float* memory, struct block_s* block)
{
	long pattern = aligned(size * s->map);
	long ksp = pattern + aligned(size * s->pat);
	long ref = ksp + aligned(size * s->ksp);

	if (NULL != memory)
		*block = (struct block_s){ .maps = memory, .pattern = memory + pattern, .ksp = memory + ksp, .ref = memory + ref };

	return (size_t)(ref + aligned(size * s->ref)) * CFL_SIZE;
}

static size_t stage_bytes(const struct gleam_data_s* data, long size, long micro_batch)
{
	struct sizes_s sizes = sizes_of(data);
	struct gleam_dims_s dims = gleam_batch_dims(data, micro_batch);

	return block_layout(&sizes, size, NULL, NULL)
		+ (size_t)(size * sizes.map) * CFL_SIZE
		+ (size_t)(size / micro_batch * gpu_dc_weights_size(dims.ksp, dims.pat)) * sizeof(float)
		+ (size_t)size * sizeof(float);
}

static void* device_alloc(size_t bytes)
{
	return gleam_place_alloc(&gleam_place_gpu, bytes);
}

static void* host_alloc(size_t bytes)
{
	void* ptr = gpu_malloc_host(bytes);

	if (NULL == ptr)
		error("Out of memory: no %.1f MiB of page-locked memory for a mini-batch. A smaller --batch-size needs less.\n",
			(double)bytes / 1048576.);

	return ptr;
}

static struct stage_s* stage_create(const struct gleam_data_s* data, void* dc, long size, long micro_batch, long averaged)
{
	PTR_ALLOC(struct stage_s, s);

	*s = (struct stage_s){ .data = data, .dc = dc, .size = size, .micro_batch = micro_batch, .sizes = sizes_of(data),
		.averaged = averaged };

	struct gleam_dims_s dims = gleam_batch_dims(data, micro_batch);

	s->weights_size = gpu_dc_weights_size(dims.ksp, dims.pat);
	s->bytes = block_layout(&s->sizes, size, NULL, NULL);

	s->host_memory = host_alloc(s->bytes);
	s->device_memory = device_alloc(s->bytes);

	block_layout(&s->sizes, size, s->host_memory, &s->host);
	block_layout(&s->sizes, size, s->device_memory, &s->device);

	s->maps = device_alloc((size_t)(size * s->sizes.map) * CFL_SIZE);
	s->weights = device_alloc((size_t)(size / micro_batch * s->weights_size) * sizeof(float));
	s->scale = device_alloc((size_t)size * sizeof(float));
	s->host_scale = host_alloc((size_t)size * sizeof(float));

	s->coils = xmalloc((size_t)s->sizes.ksp * CFL_SIZE);
	s->samples = xmalloc((size_t)size * sizeof(long));

	GPU_CHECK(cudaEventCreateWithFlags(&s->arrived, cudaEventDisableTiming));
	GPU_CHECK(cudaEventCreateWithFlags(&s->taken, cudaEventDisableTiming));

	return PTR_PASS(s);
}

static void wait_read(struct stage_s* s)
{
	if (!s->reading)
		return;

	pthread_join(s->thread, NULL);

	s->reading = false;
	s->read = true;
}

static void stage_free(struct stage_s* s)
{
	wait_read(s);

	GPU_CHECK(cudaStreamSynchronize(gpu_copy_stream()));
	gpu_sync();

	GPU_CHECK(cudaEventDestroy(s->arrived));
	GPU_CHECK(cudaEventDestroy(s->taken));

	gpu_free(s->device_memory);
	gpu_free(s->maps);
	gpu_free(s->weights);
	gpu_free(s->scale);

	gpu_free_host(s->host_memory);
	gpu_free_host(s->host_scale);

	xfree(s->coils);
	xfree(s->samples);
	xfree(s);
}


// files have been checked when they were opened: nothing here calls error(), which a thread must not
static void read_sample(struct stage_s* s, long i)
{
	long sample = s->samples[i];
	complex float* pattern = s->host.pattern + i * s->sizes.pat;

	gleam_data_maps(s->data, sample, s->host.maps + i * s->sizes.map);
	gleam_data_pattern(s->data, sample, pattern);
	gleam_data_kspace(s->data, sample, pattern, s->host.ksp + i * s->sizes.ksp);

	if (0 < s->sizes.ref)
		gleam_data_reference(s->data, sample, s->host.ref + i * s->sizes.ref, s->coils);
}

static void* read_all(void* ptr)
{
	struct stage_s* s = ptr;

	for (long i = 0; i < s->size; i++)
		read_sample(s, i);

	return NULL;
}

static void stage_read(struct stage_s* s, const long samples[])
{
	wait_read(s);

	// what was read before may still be on its way
	GPU_CHECK(cudaEventSynchronize(s->arrived));

	memcpy(s->samples, samples, (size_t)s->size * sizeof(long));

	s->read = false;
	s->uploaded = false;

	if (0 == pthread_create(&s->thread, NULL, read_all, s)) {

		s->reading = true;
		return;
	}

	// no thread to be had: slower, but the same
	read_all(s);
	s->read = true;
}

static void stage_upload(struct stage_s* s)
{
	wait_read(s);

	if (!s->read || s->uploaded)
		return;

	GPU_CHECK(cudaStreamWaitEvent(gpu_copy_stream(), s->taken, 0));
	GPU_CHECK(cudaMemcpyAsync(s->device_memory, s->host_memory, s->bytes, cudaMemcpyHostToDevice, gpu_copy_stream()));
	GPU_CHECK(cudaEventRecord(s->arrived, gpu_copy_stream()));

	s->uploaded = true;
}


static void prepare_part(struct stage_s* s, long part, complex float* x0)
{
	long first = part * s->micro_batch;

	complex float* maps = s->maps + first * s->sizes.map;
	float* weights = s->weights + part * s->weights_size;
	const complex float* pattern = s->device.pattern + first * s->sizes.pat;

	gpu_dc_prepare(s->dc, maps, weights, s->device.maps + first * s->sizes.map, pattern);
	gpu_dc_select(s->dc, maps, weights);

	complex float* x = x0 + first * s->sizes.img;
	complex float* ksp = s->device.ksp + first * s->sizes.ksp;

	// where x0 is going to be there is room for the average
	if (0 < s->averaged) {

		gpu_dc_average(s->dc, x, ksp, pattern);
		gpu_scaling(s->micro_batch, s->averaged, s->sizes.img, x, s->scale + first);
	}

	gpu_dc_adjoint(s->dc, x, ksp, pattern);
}

static bool has_read(const struct stage_s* s, const long samples[])
{
	return (s->reading || s->read) && (0 == memcmp(s->samples, samples, (size_t)s->size * sizeof(long)));
}

static void stage_load(struct stage_s* s, const long samples[], complex float* x0, complex float* ref, float scale[])
{
	if (!has_read(s, samples))
		stage_read(s, samples);

	stage_upload(s);

	GPU_CHECK(cudaStreamWaitEvent(gpu_stream(), s->arrived, 0));

	for (long part = 0; part < s->size / s->micro_batch; part++)
		prepare_part(s, part, x0);

	if (0 == s->averaged)
		gpu_scaling(s->size, s->sizes.img, s->sizes.img, x0, s->scale);

	gpu_unscale(s->size, s->sizes.img, x0, x0, s->scale);

	if (0 < s->sizes.ref)
		gpu_unscale(s->size, s->sizes.ref, ref, s->device.ref, s->scale);

	GPU_CHECK(cudaEventRecord(s->taken, gpu_stream()));

	gpu_download(s->host_scale, s->scale, (size_t)s->size * sizeof(float));
	gpu_sync();

	memcpy(scale, s->host_scale, (size_t)s->size * sizeof(float));

	s->read = false;
}

static void stage_select(struct stage_s* s, long part)
{
	gpu_dc_select(s->dc, s->maps + part * s->micro_batch * s->sizes.map, s->weights + part * s->weights_size);
}

const struct stage_ops_s gpu_stage_ops = {

	.create = stage_create,
	.free = stage_free,
	.bytes = stage_bytes,
	.read = stage_read,
	.upload = stage_upload,
	.load = stage_load,
	.select = stage_select,
};

#endif		// GLEAM_GPU
