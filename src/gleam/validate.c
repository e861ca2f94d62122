#include <complex.h>
#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "num/multind.h"
#include "num/flpmath.h"

#include "misc/mri.h"
#include "misc/types.h"
#include "misc/misc.h"

#include "gleam/batch.h"
#include "gleam/data.h"
#include "gleam/exchange.h"
#include "gleam/metrics.h"
#include "gleam/place.h"
#include "gleam/signals.h"
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

static long slices(const long dims[DIMS], long* X, long* Y)
{
	slice_size(dims, X, Y);

	return md_calc_size(DIMS, dims) / (*X * *Y);
}

static void measure_slices(struct gleam_metrics_s* metrics, const long dims[DIMS], const complex float* x, const complex float* ref)
{
	long X;
	long Y;
	long n = slices(dims, &X, &Y);

	for (long i = 0; i < n; i++)
		metrics[i] = gleam_metrics_slice(X, Y,
				(const complex float (*)[X])(x + i * X * Y),
				(const complex float (*)[X])(ref + i * X * Y));
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

static void measure_image(struct gleam_metrics_s* metrics, const long img_dims[DIMS], const complex float* x,
		const long ref_dims[DIMS], const complex float* ref)
{
	long dims[DIMS];
	md_select_dims(DIMS, ~MAPS_FLAG, dims, img_dims);

	const complex float* one_x = combine_maps(img_dims, x);
	const complex float* one_ref = combine_maps(ref_dims, ref);

	measure_slices(metrics, dims, one_x, one_ref);

	if (one_x != x)
		md_free(one_x);

	if (one_ref != ref)
		md_free(one_ref);
}

static long slices_of_image(const long img_dims[DIMS])
{
	long dims[DIMS];
	long X;
	long Y;

	md_select_dims(DIMS, ~MAPS_FLAG, dims, img_dims);

	return slices(dims, &X, &Y);
}

static void add_all(struct gleam_metrics_stat_s* stat, long n, const struct gleam_metrics_s metrics[n])
{
	for (long i = 0; i < n; i++)
		gleam_metrics_add(stat, &metrics[i]);
}

void gleam_validate_image(struct gleam_metrics_stat_s* stat, const long img_dims[DIMS], const complex float* x,
		const long ref_dims[DIMS], const complex float* ref)
{
	long n = slices_of_image(img_dims);
	struct gleam_metrics_s metrics[n];

	measure_image(metrics, img_dims, x, ref_dims, ref);
	add_all(stat, n, metrics);
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
	long slices;		// of an image
	size_t bytes;

	complex float* out;
	complex float* host[2];

	// the first output that is not finite; stage 0: none
	long bad_stage;
	long bad_sample;
};

struct gleam_validator_s* gleam_validator_create(struct gleam_unroll_s* unroll, struct gleam_batch_s* batch)
{
	PTR_ALLOC(struct gleam_validator_s, r);

	r->bad_stage = 0;
	r->unroll = unroll;
	r->batch = batch;
	r->place = gleam_unroll_place(unroll);

	gleam_data_img_dims(gleam_batch_data(batch), r->img_dims);
	gleam_data_ref_dims(gleam_batch_data(batch), r->ref_dims);

	r->slices = slices_of_image(r->img_dims);
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

static bool all_finite(long N, const float x[N])
{
	int bad = 0;

#pragma omp simd reduction(|:bad)
	for (long i = 0; i < N; i++)
		bad |= !(fabsf(x[i]) <= FLT_MAX);

	return 0 == bad;
}

static void measure(struct gleam_validator_s* r, long stage, long sample, const complex float* ref, struct gleam_metrics_s* metrics)
{
	const complex float* x = gleam_place_on_host(r->place, r->host[0], gleam_batch_x(r->batch, 0), r->bytes);

	measure_image(metrics, r->img_dims, x, r->ref_dims, ref);

	// undefined metrics alone may come from a reference that is zero
	if ((0 < r->bad_stage) || all_finite(2 * md_calc_size(DIMS, r->img_dims), (const float*)x))
		return;

	r->bad_stage = stage;
	r->bad_sample = sample;
}

// of stages from the first one on, one after the other
static void validate_sample(struct gleam_validator_s* r, long sample, long ahead,
		long N, long P, const float params[N][P], long first, struct gleam_metrics_s* metrics)
{
	struct gleam_batch_s* batch = r->batch;
	size_t ref_bytes = (size_t)md_calc_size(DIMS, r->ref_dims) * CFL_SIZE;

	gleam_batch_load(batch, &sample);

	if (-1 != ahead)
		gleam_batch_ahead(batch, &ahead);

	const complex float* ref = gleam_place_on_host(r->place, r->host[1], gleam_batch_ref(batch, 0), ref_bytes);

	for (long n = 0; n <= N; n++) {

		if (0 < n)
			run_stage(r, params[n - 1]);

		if (first <= n)
			measure(r, n, sample, ref, metrics + (n - first) * r->slices);
	}

	gleam_batch_upload(batch);
}

// the next one of this rank's that is to be reconstructed, or -1
static long next_sample(const struct gleam_validator_s* r, long samples, long from, long step)
{
	for (long s = from; s < samples; s += step)
		if (!gleam_data_empty(gleam_batch_data(r->batch), s))
			return s;		// nor does inference reconstruct the others

	return -1;
}

// ranks' samples were dealt out in turn
static void add_samples(const struct gleam_validator_s* r, long samples, long ranks, long share, long stages,
		const struct gleam_metrics_s* all, struct gleam_metrics_stat_s stat[stages])
{
	for (long s = 0; s < samples; s++) {

		if (gleam_data_empty(gleam_batch_data(r->batch), s))
			continue;

		const struct gleam_metrics_s* metrics = all + ((s % ranks) * share + s / ranks) * stages * r->slices;

		for (long n = 0; n < stages; n++)
			add_all(&stat[n], r->slices, metrics + n * r->slices);
	}
}

// of all ranks' what the first of them has found, known to all
static void share_bad(struct gleam_validator_s* r, const struct exchange_s* ranks)
{
	long size = exchange_size(ranks);
	long mine[2] = { r->bad_stage, r->bad_sample };
	long all[size][2];

	exchange_gather(ranks, sizeof(mine), mine, all);

	for (long i = size - 1; (0 == exchange_rank(ranks)) && (i >= 0); i--)
		if (0 < all[i][0])
			memcpy(mine, all[i], sizeof(mine));

	exchange_broadcast(ranks, 0, sizeof(mine), mine);

	r->bad_stage = mine[0];
	r->bad_sample = mine[1];
}

bool gleam_validate(struct gleam_validator_s* r, const struct exchange_s* ranks, long samples,
		long N, long P, const float params[N][P], long first, struct gleam_metrics_stat_s stat[N + 1])
{
	long rank = exchange_rank(ranks);
	long size = exchange_size(ranks);
	long share = (samples + size - 1) / size;
	long stages = N + 1 - first;
	size_t bytes = (size_t)(share * stages * r->slices) * sizeof(struct gleam_metrics_s);

	struct gleam_metrics_s* mine = xmalloc(bytes);
	struct gleam_metrics_s* all = xmalloc((0 == rank) ? ((size_t)size * bytes) : 1);

	memset(mine, 0, bytes);		// where samples are empty

	r->bad_stage = 0;

	for (long s = next_sample(r, samples, rank, size); (-1 != s) && (0 == gleam_signals_stop()); ) {

		long next = next_sample(r, samples, s + size, size);

		validate_sample(r, s, next, N, P, params, first, mine + (s / size) * stages * r->slices);
		s = next;
	}

	// some ranks may have been done before the signal came
	bool broken = (0. < exchange_max(ranks, (0 == gleam_signals_stop()) ? 0. : 1.));

	exchange_gather(ranks, bytes, mine, all);
	share_bad(r, ranks);

	for (long n = 0; n <= N; n++)
		stat[n] = (struct gleam_metrics_stat_s){ };

	if (0 == rank)
		add_samples(r, samples, size, share, stages, all, stat + first);

	xfree(mine);
	xfree(all);

	return !broken && (0 == r->bad_stage);
}

bool gleam_validator_bad(const struct gleam_validator_s* r, long* stage, long* sample)
{
	*stage = r->bad_stage;
	*sample = r->bad_sample;

	return 0 < r->bad_stage;
}
