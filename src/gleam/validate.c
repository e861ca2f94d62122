#include <complex.h>

#include "num/multind.h"
#include "num/flpmath.h"

#include "misc/mri.h"
#include "misc/types.h"
#include "misc/misc.h"

#include "gleam/batch.h"
#include "gleam/data.h"
#include "gleam/metrics.h"
#include "gleam/place.h"
#include "gleam/unroll.h"

#include "gleam/validate.h"


// slices are the first two non-singleton dimensions, which lie together in memory
static void slice_size(const long dims[DIMS], long* X, long* Y)
{
	int d = 0;

	while ((d < DIMS - 1) && (1 == dims[d]))
		d++;

	*X = dims[d++];

	while ((d < DIMS - 1) && (1 == dims[d]))
		d++;

	*Y = dims[d];
}

static void add_slices(struct gleam_metrics_stat_s* stat, const long dims[DIMS], const complex float* x, const complex float* ref)
{
	long X;
	long Y;

	slice_size(dims, &X, &Y);

	for (long i = 0; i < md_calc_size(DIMS, dims) / (X * Y); i++) {

		auto m = gleam_metrics_slice(X, Y,
				(const complex float (*)[X])(x + i * X * Y),
				(const complex float (*)[X])(ref + i * X * Y));

		gleam_metrics_add(stat, &m);
	}
}

// where there is one map, the image itself
static const complex float* combine_maps(const long dims[DIMS], const complex float* x)
{
	if (1 == dims[MAPS_DIM])
		return x;

	long one_dims[DIMS];
	md_select_dims(DIMS, ~MAPS_FLAG, one_dims, dims);

	complex float* rss = md_alloc(DIMS, one_dims, CFL_SIZE);

	md_zrss(DIMS, dims, MAPS_FLAG, rss, x);

	return rss;
}

void gleam_validate_image(struct gleam_metrics_stat_s* stat, const long img_dims[DIMS], const complex float* x,
		const long ref_dims[DIMS], const complex float* ref)
{
	long dims[DIMS];
	md_select_dims(DIMS, ~MAPS_FLAG, dims, img_dims);

	const complex float* one_x = combine_maps(img_dims, x);
	const complex float* one_ref = combine_maps(ref_dims, ref);

	add_slices(stat, dims, one_x, one_ref);

	if (one_x != x)
		md_free(one_x);

	if (one_ref != ref)
		md_free(one_ref);
}

// the output of a stage, the combined images, and the metrics of a slice
size_t gleam_validate_bytes(const struct gleam_place_s* place, const struct gleam_data_s* data)
{
	long img_dims[DIMS];
	long X;
	long Y;

	gleam_data_img_dims(data, img_dims);
	slice_size(img_dims, &X, &Y);

	long E = img_dims[MAPS_DIM];
	long N = md_calc_size(DIMS, img_dims);
	long combined = (1 == E) ? 0 : (gleam_data_combined(data) ? 1 : 2);

	// on another device there is only the output: metrics are computed on the CPU
	if (!place->device->host)
		return (size_t)N * CFL_SIZE;

	return (size_t)(N + combined * N / E) * CFL_SIZE + gleam_metrics_bytes(X, Y);
}

// images on the device, and room for two of them on the host
struct gleam_validator_s {

	struct gleam_unroll_s* unroll;
	struct gleam_batch_s* batch;
	const struct gleam_place_s* place;

	long img_dims[DIMS];
	long ref_dims[DIMS];
	size_t bytes;

	complex float* out;
	complex float* host[2];
};

struct gleam_validator_s* gleam_validator_create(struct gleam_unroll_s* unroll, struct gleam_batch_s* batch)
{
	PTR_ALLOC(struct gleam_validator_s, r);

	r->unroll = unroll;
	r->batch = batch;
	r->place = gleam_unroll_place(unroll);

	gleam_data_img_dims(gleam_batch_data(batch), r->img_dims);
	gleam_data_ref_dims(gleam_batch_data(batch), r->ref_dims);

	r->bytes = (size_t)md_calc_size(DIMS, r->img_dims) * CFL_SIZE;
	r->out = gleam_place_alloc(r->place, r->bytes);

	for (int i = 0; i < 2; i++)
		r->host[i] = r->place->device->host ? NULL : xmalloc(r->bytes);

	return PTR_PASS(r);
}

void gleam_validator_free(struct gleam_validator_s* r)
{
	r->place->device->free(r->out);

	xfree(r->host[0]);
	xfree(r->host[1]);
	xfree(r);
}

static void run_stage(const struct gleam_validator_s* r, const float* params)
{
	complex float* x = gleam_batch_x(r->batch, 0);

	gleam_unroll_load(r->unroll, 0, params);
	gleam_unroll_forward(r->unroll, 0, r->out, x, gleam_batch_x0(r->batch, 0));

	r->place->device->copy(x, r->out, r->bytes);
}

static void measure(const struct gleam_validator_s* r, const complex float* ref, struct gleam_metrics_stat_s* stat)
{
	gleam_validate_image(stat, r->img_dims, gleam_place_on_host(r->place, r->host[0], gleam_batch_x(r->batch, 0), r->bytes), r->ref_dims, ref);
}

void gleam_validate(struct gleam_validator_s* r, long samples,
		long N, long P, const float params[N][P], long first, struct gleam_metrics_stat_s stat[N + 1])
{
	struct gleam_batch_s* batch = r->batch;
	size_t ref_bytes = (size_t)md_calc_size(DIMS, r->ref_dims) * CFL_SIZE;

	for (long n = 0; n <= N; n++)
		stat[n] = (struct gleam_metrics_stat_s){ };

	for (long s = 0; s < samples; s++) {

		if (gleam_data_empty(gleam_batch_data(batch), s))
			continue;		// nor does inference reconstruct it

		gleam_batch_load(batch, &s);
		gleam_batch_ahead_next(batch, s);

		const complex float* ref = gleam_place_on_host(r->place, r->host[1], gleam_batch_ref(batch, 0), ref_bytes);

		for (long n = 0; n <= N; n++) {

			if (0 < n)
				run_stage(r, params[n - 1]);

			if (first <= n)
				measure(r, ref, &stat[n]);
		}

		gleam_batch_upload(batch);
	}
}
