#include <complex.h>
#include <stdbool.h>

#include "num/multind.h"
#include "num/flpmath.h"

#include "misc/mri.h"
#include "misc/misc.h"

#include "gleam/batch_check.h"
#include "gleam/batch_traj.h"
#include "gleam/data.h"
#include "gleam/dc.h"
#include "gleam/place.h"
#include "gleam/stage.h"
#include "gleam/unroll.h"

#include "gleam/batch.h"

struct gleam_batch_s {

	const struct gleam_data_s* data;
	struct gleam_unroll_s* unroll;
	const struct gleam_place_s* place;
	struct stage_s* stage;	// NULL on the CPU
	struct batch_traj_s* traj;	// NULL for cartesian data

	long size;
	long micro_batch;
	long* samples;
	float* scale;
	long selected;		// part whose operators are set, or -1
	bool checked;		// that references have the units of k-space, with the first samples

	long ksp_size;		// elements of one sample
	long map_size;
	long pat_size;
	long img_size;
	long ref_size;		// smaller than an image where it is one for all maps
	long avg_size;		// of the image averaged over time, 0 where samples are scaled by x0

	// on the CPU: k-space and maps of a part, and what a sample needs for a moment, in turn
	complex float* buffer;
	complex float* pattern;

	complex float* x0;	// on the device
	complex float* ref;
	complex float* x;
};


struct gleam_dims_s gleam_batch_dims(const struct gleam_data_s* data, long micro_batch)
{
	struct gleam_dims_s dims;

	gleam_data_ksp_dims(data, dims.ksp);
	gleam_data_map_dims(data, dims.map);
	gleam_data_pat_dims(data, dims.pat);

	dims.ksp[BATCH_DIM] = micro_batch;
	dims.map[BATCH_DIM] = micro_batch;
	dims.pat[BATCH_DIM] = micro_batch;

	gleam_data_trj_dims(data, dims.trj);

	if (gleam_dims_trajectory(&dims) && !gleam_data_trajectory_shared(data))
		dims.trj[BATCH_DIM] = micro_batch;

	return dims;
}

static void sizes_of_one(const struct gleam_data_s* data, long* ksp, long* map, long* pat, long* img, long* ref)
{
	struct gleam_dims_s dims = gleam_batch_dims(data, 1);
	long img_dims[DIMS];

	gleam_dims_image(&dims, img_dims);

	*ksp = md_calc_size(DIMS, dims.ksp);
	*map = md_calc_size(DIMS, dims.map);
	*pat = md_calc_size(DIMS, dims.pat);
	*img = md_calc_size(DIMS, img_dims);

	gleam_data_ref_dims(data, img_dims);

	*ref = md_calc_size(DIMS, img_dims);
}

// k-space on a trajectory may be smaller than its image
static long buffer_size(const struct gleam_data_s* data, long ksp, long map, long img)
{
	return MAX(MAX(ksp, map), gleam_data_cartesian(data) ? 0 : img);
}

size_t gleam_batch_bytes(const struct gleam_place_s* place, const struct gleam_data_s* data, long size, long micro_batch)
{
	long ksp;
	long map;
	long pat;
	long img;
	long ref;

	sizes_of_one(data, &ksp, &map, &pat, &img, &ref);

	size_t images = (size_t)(size * (2 * img + ref)) * CFL_SIZE;

	if (NULL != place->stage)
		return images + place->stage->bytes(data, size, micro_batch);

	size_t traj = gleam_data_cartesian(data) ? 0 : batch_traj_bytes(data, size, micro_batch);

	return images + traj + (size_t)(micro_batch * (buffer_size(data, ksp, map, img) + pat)) * CFL_SIZE;
}

static complex float* alloc_elements(const struct gleam_place_s* place, long n)
{
	return gleam_place_alloc(place, (size_t)n * CFL_SIZE);
}

static void alloc_host(struct gleam_batch_s* b)
{
	b->buffer = alloc_elements(b->place, b->micro_batch * buffer_size(b->data, b->ksp_size, b->map_size, b->img_size));
	b->pattern = alloc_elements(b->place, b->micro_batch * b->pat_size);

	if (!gleam_data_cartesian(b->data))
		b->traj = batch_traj_create(b->data, gleam_unroll_dc(b->unroll), b->size, b->micro_batch);
}

struct gleam_batch_s* gleam_batch_create(const struct gleam_data_s* data, struct gleam_unroll_s* unroll, long size, long micro_batch)
{
	PTR_ALLOC(struct gleam_batch_s, b);

	*b = (struct gleam_batch_s){

		.data = data,
		.unroll = unroll,
		.place = gleam_unroll_place(unroll),
		.size = size,
		.micro_batch = micro_batch,
		.selected = -1,
	};

	b->samples = xmalloc((size_t)size * sizeof(long));
	b->scale = xmalloc((size_t)size * sizeof(float));

	sizes_of_one(data, &b->ksp_size, &b->map_size, &b->pat_size, &b->img_size, &b->ref_size);
	b->avg_size = gleam_unroll_averaged(unroll);

	if (NULL == b->place->stage)
		alloc_host(b);
	else
		b->stage = b->place->stage->create(data, gleam_unroll_dc(unroll), size, micro_batch, b->avg_size);

	b->x0 = alloc_elements(b->place, size * b->img_size);
	b->ref = alloc_elements(b->place, size * b->ref_size);
	b->x = alloc_elements(b->place, size * b->img_size);

	return PTR_PASS(b);
}

void gleam_batch_free(struct gleam_batch_s* b)
{
	const struct nn_device_s* device = b->place->device;

	if (NULL != b->stage)
		b->place->stage->free(b->stage);

	if (NULL != b->traj)
		batch_traj_free(b->traj);

	device->free(b->buffer);
	device->free(b->pattern);
	device->free(b->x0);
	device->free(b->ref);
	device->free(b->x);

	xfree(b->samples);
	xfree(b->scale);
	xfree(b);
}

void gleam_batch_trust(struct gleam_batch_s* b)
{
	b->checked = true;
}

const struct gleam_data_s* gleam_batch_data(const struct gleam_batch_s* b)
{
	return b->data;
}

long gleam_batch_parts(const struct gleam_batch_s* b)
{
	return b->size / b->micro_batch;
}

const complex float* gleam_batch_x0(const struct gleam_batch_s* b, long part)
{
	return b->x0 + part * b->micro_batch * b->img_size;
}

const complex float* gleam_batch_ref(const struct gleam_batch_s* b, long part)
{
	return b->ref + part * b->micro_batch * b->ref_size;
}

long gleam_batch_ref_elements(const struct gleam_batch_s* b)
{
	return b->size * b->ref_size;
}

complex float* gleam_batch_x(struct gleam_batch_s* b, long part)
{
	return b->x + part * b->micro_batch * b->img_size;
}

float gleam_batch_scale(const struct gleam_batch_s* b, long i)
{
	return b->scale[i];
}

void gleam_batch_select(struct gleam_batch_s* b, long part)
{
	if (NULL != b->stage) {

		b->place->stage->select(b->stage, part);
		return;
	}

	// several mini-batches may share the operators
	if (gleam_unroll_claim(b->unroll, b) && (part == b->selected))
		return;

	for (long i = 0; i < b->micro_batch; i++) {

		long sample = b->samples[part * b->micro_batch + i];

		gleam_data_maps(b->data, sample, b->buffer + i * b->map_size);
		gleam_data_pattern(b->data, sample, b->pattern + i * b->pat_size);
	}

	if (NULL != b->traj)
		batch_traj_select(b->traj, part, b->buffer);
	else
		gleam_dc_set(gleam_unroll_dc(b->unroll), b->buffer, b->pattern);

	b->selected = part;
}

static void check_scale(const struct gleam_batch_s* b, long i)
{
	batch_check_scale(gleam_data_name(b->data), b->samples[i], b->scale[i]);
}

// of a sample that has a reference, on the host and scaled
static void check_images(const struct gleam_batch_s* b, long i, const complex float* ref, const complex float* image, const complex float* x0)
{
	const char* name = gleam_data_name(b->data);

	// one reference for all maps has the energy of all of them
	batch_check_units(name, b->samples[i], b->ref_size, ref, b->img_size, image, gleam_data_cartesian(b->data));

	if (0 < b->avg_size)
		batch_check_average(name, b->samples[i], b->img_size, x0);
}

// image: what has the units of the reference
static void set_scale(struct gleam_batch_s* b, long i, float scale, const complex float* image)
{
	long dims[1] = { b->img_size };
	complex float* x0 = b->x0 + i * b->img_size;
	complex float* ref = b->ref + i * b->ref_size;

	b->scale[i] = scale;
	check_scale(b, i);

	// an empty sample stays zero: there is nothing to scale
	b->scale[i] = (0.f < scale) ? scale : 1.f;

	md_zsmul(1, dims, x0, x0, 1.f / b->scale[i]);

	if (gleam_data_has_reference(b->data)) {

		gleam_data_reference(b->data, b->samples[i], ref, b->buffer);
		md_zsmul(1, (long[1]){ b->ref_size }, ref, ref, 1.f / b->scale[i]);

		if (!b->checked)
			check_images(b, i, ref, image, x0);
	}
}

/* By the image that the network starts from, or its mean over frames: x0 is dark where
 * the trajectory is dense.
 */
static void scale_traj(struct gleam_batch_s* b, long i)
{
	long dims[1] = { b->img_size };
	complex float* x = b->x + i * b->img_size;
	float scale = 0.;

	if (0 < b->avg_size) {

		batch_traj_mean(b->traj, b->buffer, x);
		scale = gleam_data_scaling(b->avg_size, b->buffer, (float*)(b->buffer + b->avg_size));

	} else {

		scale = gleam_data_scaling(b->img_size, x, (float*)b->buffer);
	}

	md_zsmul(1, dims, x, x, (0.f < scale) ? (1.f / scale) : 1.f);

	set_scale(b, i, scale, x);
}

static void scale_sample(struct gleam_batch_s* b, long i)
{
	complex float* x0 = b->x0 + i * b->img_size;

	if (NULL != b->traj) {

		scale_traj(b, i);
		return;
	}

	bool averaged = (0 < b->avg_size);

	// images are smaller than the buffer, whose k-space has been used
	float scale = gleam_data_scaling(averaged ? b->avg_size : b->img_size,
			averaged ? (b->x + i * b->img_size) : x0, (float*)b->buffer);

	set_scale(b, i, scale, x0);
}

static void prepare_traj(struct gleam_batch_s* b, long part)
{
	const long* samples = b->samples + part * b->micro_batch;

	for (long i = 0; i < b->micro_batch; i++)
		gleam_data_pattern(b->data, samples[i], b->pattern + i * b->pat_size);

	batch_traj_prepare(b->traj, part, samples, b->pattern);
}

// x0 of a part, and for trajectories x
static void fill_images(struct gleam_batch_s* b, long part)
{
	complex float* x0 = b->x0 + part * b->micro_batch * b->img_size;
	complex float* x = b->x + part * b->micro_batch * b->img_size;

	if (NULL != b->traj) {

		batch_traj_adjoint(b->traj, part, x0, b->buffer, b->pattern);
		batch_traj_start(b->traj, x, x0);
		return;
	}

	gleam_dc_adjoint(gleam_unroll_dc(b->unroll), x0, b->buffer);

	// x is not in use yet
	if (0 < b->avg_size)
		gleam_dc_average(gleam_unroll_dc(b->unroll), x, b->buffer);
}

static void load_part(struct gleam_batch_s* b, long part)
{
	long first = part * b->micro_batch;

	if (NULL != b->traj)
		prepare_traj(b, part);

	gleam_batch_select(b, part);

	for (long i = 0; i < b->micro_batch; i++)
		gleam_data_kspace(b->data, b->samples[first + i], b->pattern + i * b->pat_size, b->buffer + i * b->ksp_size);

	fill_images(b, part);

	for (long i = 0; i < b->micro_batch; i++)
		scale_sample(b, first + i);
}

static void load_host(struct gleam_batch_s* b)
{
	b->selected = -1;

	for (long part = 0; part < gleam_batch_parts(b); part++)
		load_part(b, part);
}

static void check_images_staged(const struct gleam_batch_s* b)
{
	size_t bytes = (size_t)b->img_size * CFL_SIZE;
	complex float* x0 = xmalloc(bytes);
	complex float* ref = xmalloc(bytes);

	for (long i = 0; i < b->size; i++) {

		b->place->device->download(x0, b->x0 + i * b->img_size, bytes);
		b->place->device->download(ref, b->ref + i * b->ref_size, (size_t)b->ref_size * CFL_SIZE);

		check_images(b, i, ref, x0, x0);
	}

	xfree(x0);
	xfree(ref);
}

static void load_staged(struct gleam_batch_s* b)
{
	b->place->stage->load(b->stage, b->samples, b->x0, b->ref, b->scale);

	for (long i = 0; i < b->size; i++) {

		check_scale(b, i);

		b->scale[i] = (0.f < b->scale[i]) ? b->scale[i] : 1.f;
	}

	if (!b->checked && gleam_data_has_reference(b->data))
		check_images_staged(b);
}

void gleam_batch_load(struct gleam_batch_s* b, const long samples[])
{
	for (long i = 0; i < b->size; i++)
		b->samples[i] = samples[i];

	if (NULL != b->stage)
		load_staged(b);
	else
		load_host(b);

	b->checked = true;

	// with a trajectory it begins as another image
	if (NULL == b->traj)
		b->place->device->copy(b->x, b->x0, (size_t)(b->size * b->img_size) * CFL_SIZE);
}

void gleam_batch_ahead(struct gleam_batch_s* b, const long samples[])
{
	if (NULL != b->stage)
		b->place->stage->read(b->stage, samples);
	else
		gleam_data_ahead(b->data, b->size, samples);
}

void gleam_batch_ahead_next(struct gleam_batch_s* b, long sample)
{
	long next = gleam_data_next(b->data, sample + 1);

	if (next < gleam_data_samples(b->data))
		gleam_batch_ahead(b, &next);
}

void gleam_batch_upload(struct gleam_batch_s* b)
{
	if (NULL != b->stage)
		b->place->stage->upload(b->stage);
}
