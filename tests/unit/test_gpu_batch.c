/*
 * Mini-batches on the GPU are those of the CPU, whatever was read ahead.
 */
#ifdef GLEAM_GPU

#include <complex.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

#include "num/multind.h"
#include "num/flpmath.h"

#include "misc/misc.h"
#include "misc/mri.h"

#include "gpu/gpu.h"

#include "nn/backend.h"

#include "gleam/batch.h"
#include "gleam/conf.h"
#include "gleam/data.h"
#include "gleam/place.h"
#include "gleam/unroll.h"

#include "data_files.h"

TestSuite(gpu_batch, .init = scratch_enter, .fini = scratch_leave);

enum { SAMPLES = 6, BATCH = 4 };

// one side: the network only makes the place and the data consistency
struct side_s {

	const struct nn_backend_s* backend;
	struct gleam_unroll_s* unroll;
	struct gleam_batch_s* batch;
};


static bool can_run(const char* test)
{
	const char* reason = nn_backend_cudnn.missing();

	if (NULL != reason)
		fprintf(stderr, "SKIP %s: %s\n", test, reason);

	return (NULL == reason);
}


static struct gleam_net_s small_net(const struct gleam_data_s* data)
{
	struct gleam_net_s net = gleam_net_defaults;
	struct gleam_dims_s dims = gleam_batch_dims(data, 1);

	net.iterations = 1;
	net.prox.features = 2;
	net.prox.maps = dims.map[MAPS_DIM];
	net.prox.spatial = gleam_data_spatial(data);
	net.scaling = GLEAM_SCALING_AVERAGE;

	gleam_net_complete(&net);

	return net;
}


static struct side_s side_create(const struct nn_backend_s* backend, const struct gleam_data_s* data, long micro_batch)
{
	struct gleam_net_s net = small_net(data);
	struct gleam_dims_s dims = gleam_batch_dims(data, micro_batch);

	struct side_s s = { .backend = backend, .unroll = gleam_unroll_create(&net, backend, &dims, 1) };

	s.batch = gleam_batch_create(data, s.unroll, BATCH, micro_batch);

	return s;
}


static void side_free(struct side_s* s)
{
	gleam_batch_free(s->batch);
	gleam_unroll_free(s->unroll);
}


static complex float* on_host(const struct side_s* s, const complex float* x, long N)
{
	complex float* copy = xmalloc((size_t)N * CFL_SIZE);

	s->backend->device->download(copy, x, (size_t)N * CFL_SIZE);

	return copy;
}


static void check_same(const struct side_s* a, const complex float* xa, const struct side_s* b, const complex float* xb, long N, const char* what)
{
	complex float* ha = on_host(a, xa, N);
	complex float* hb = on_host(b, xb, N);

	double diff = md_zrmse(1, (long[1]){ N }, ha, hb);
	double norm = md_zrms(1, (long[1]){ N }, ha);

	cr_assert(diff <= 1.e-6 * norm, "%s: %g of %g", what, diff, norm);

	xfree(ha);
	xfree(hb);
}


// the operators of a part: one step of data consistency from x0
static void check_operators(const struct side_s* a, const struct side_s* b, long part)
{
	const struct side_s* sides[2] = { a, b };
	complex float* v[2];
	float* t[2];
	size_t bytes = (size_t)gleam_unroll_pixels(a->unroll) * CFL_SIZE;

	for (int i = 0; i < 2; i++) {

		const struct gleam_place_s* place = gleam_unroll_place(sides[i]->unroll);

		v[i] = gleam_place_alloc(place, bytes);
		t[i] = gleam_place_alloc(place, sizeof(float));

		place->device->upload(t[i], &(float){ 0.3f }, sizeof(float));

		gleam_batch_select(sides[i]->batch, part);
		place->dc_step(gleam_unroll_dc(sides[i]->unroll), t[i], v[i], gleam_batch_x(sides[i]->batch, part), gleam_batch_x0(sides[i]->batch, part));
	}

	check_same(a, v[0], b, v[1], gleam_unroll_pixels(a->unroll), "step");

	for (int i = 0; i < 2; i++) {

		sides[i]->backend->device->free(v[i]);
		sides[i]->backend->device->free(t[i]);
	}
}


static void check_batches(const struct side_s* a, const struct side_s* b)
{
	for (long i = 0; i < BATCH; i++)
		cr_assert_float_eq(gleam_batch_scale(a->batch, i), gleam_batch_scale(b->batch, i), 1.e-6 * fabs(gleam_batch_scale(a->batch, i)));

	for (long part = 0; part < gleam_batch_parts(a->batch); part++) {

		long N = gleam_unroll_pixels(a->unroll);
		long R = gleam_batch_ref_elements(a->batch) / gleam_batch_parts(a->batch);

		check_same(a, gleam_batch_x0(a->batch, part), b, gleam_batch_x0(b->batch, part), N, "x0");
		check_same(a, gleam_batch_x(a->batch, part), b, gleam_batch_x(b->batch, part), N, "x");
		check_same(a, gleam_batch_ref(a->batch, part), b, gleam_batch_ref(b->batch, part), R, "reference");
		check_operators(a, b, part);
	}
}


static void load_both(const struct side_s* a, const struct side_s* b, const long samples[BATCH])
{
	gleam_batch_load(a->batch, samples);
	gleam_batch_load(b->batch, samples);

	check_batches(a, b);
}


static void write_samples(void)
{
	RANDOM_CFL("k", X, Y, [3] = C, [13] = SAMPLES);
	RANDOM_CFL("s", X, Y, [3] = C, [13] = SAMPLES);
	RANDOM_CFL("r", X, Y, [13] = SAMPLES);
	ONES_CFL("p", X, Y, [13] = SAMPLES);

	// patterns that differ
	for (long s = 0; s < SAMPLES; s++)
		for (long i = 0; i <= s; i++)
			poke("p", s * X * Y + 3 * i, 0.);
}


enum { FRAMES = 3 };

// patterns of frames that differ, two maps
static void write_series(void)
{
	RANDOM_CFL("k", X, Y, [3] = C, [10] = FRAMES, [13] = SAMPLES);
	RANDOM_CFL("s", X, Y, [3] = C, [4] = 2, [13] = SAMPLES);
	RANDOM_CFL("r", X, Y, [4] = 2, [10] = FRAMES, [13] = SAMPLES);
	ONES_CFL("p", X, Y, [10] = FRAMES);

	for (long t = 0; t < FRAMES; t++)
		for (long i = 0; i < 9 + t; i++)
			poke("p", t * X * Y + 4 * i, 0.);
}


// one reference for both
static void write_combined(void)
{
	write_series();

	RANDOM_CFL("r", X, Y, [10] = FRAMES, [13] = SAMPLES);
}


static void check_loads(void (*write)(void), long micro_batch)
{
	write();

	struct gleam_data_s* data = gleam_data_open(&all);
	struct side_s cpu = side_create(&nn_backend_ref, data, micro_batch);
	struct side_s gpu = side_create(&nn_backend_cudnn, data, micro_batch);

	// as training does it
	load_both(&cpu, &gpu, (long[]){ 0, 1, 2, 3 });
	gleam_batch_ahead(gpu.batch, (long[]){ 5, 4, 3, 2 });
	check_batches(&cpu, &gpu);
	gleam_batch_upload(gpu.batch);
	check_batches(&cpu, &gpu);
	load_both(&cpu, &gpu, (long[]){ 5, 4, 3, 2 });

	// read ahead, but not uploaded; read ahead, but others are asked for; twice
	gleam_batch_ahead(gpu.batch, (long[]){ 1, 0, 1, 0 });
	load_both(&cpu, &gpu, (long[]){ 1, 0, 1, 0 });
	gleam_batch_ahead(gpu.batch, (long[]){ 2, 2, 2, 2 });
	gleam_batch_upload(gpu.batch);
	load_both(&cpu, &gpu, (long[]){ 5, 0, 1, 2 });
	gleam_batch_ahead(gpu.batch, (long[]){ 3, 1, 4, 1 });
	gleam_batch_upload(gpu.batch);
	gleam_batch_ahead(gpu.batch, (long[]){ 5, 2, 0, 3 });
	gleam_batch_upload(gpu.batch);
	gleam_batch_upload(gpu.batch);
	check_batches(&cpu, &gpu);
	load_both(&cpu, &gpu, (long[]){ 5, 2, 0, 3 });
	load_both(&cpu, &gpu, (long[]){ 5, 2, 0, 3 });

	gleam_batch_ahead(gpu.batch, (long[]){ 0, 1, 2, 3 });

	side_free(&cpu);
	side_free(&gpu);
	gleam_data_close(data);
}


Test(gpu_batch, sample_by_sample)
{
	if (can_run("mini-batches on the GPU, sample by sample"))
		check_loads(write_samples, 1);
}


Test(gpu_batch, two_at_once)
{
	if (can_run("mini-batches on the GPU, two at once"))
		check_loads(write_samples, 2);
}


Test(gpu_batch, series)
{
	if (!can_run("mini-batches of series on the GPU"))
		return;

	check_loads(write_series, 1);
	check_loads(write_series, 2);
	check_loads(write_combined, 1);
	check_loads(write_combined, 2);
}


static void check_bytes(void (*write)(void))
{
	write();

	struct gleam_data_s* data = gleam_data_open(&all);
	struct side_s gpu = side_create(&nn_backend_cudnn, data, 2);

	gleam_batch_free(gpu.batch);

	size_t before = gpu_memory().taken;

	gpu.batch = gleam_batch_create(data, gpu.unroll, BATCH, 2);

	cr_assert_eq(gpu_memory().taken - before, gleam_batch_bytes(&gleam_place_gpu, data, BATCH, 2));

	side_free(&gpu);
	gleam_data_close(data);

	cr_assert_eq(gpu_memory().taken, 0);
}


Test(gpu_batch, bytes)
{
	if (!can_run("memory of mini-batches on the GPU"))
		return;

	check_bytes(write_samples);
	check_bytes(write_series);
	check_bytes(write_combined);
}

#endif		// GLEAM_GPU
