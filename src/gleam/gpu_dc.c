/*
 * As in dc_sense.c, modulation and scale of the centered unitary transform are in
 * the maps:
 *
 *	A^H A = (s M S)^H IFFT |P|^2 FFT (s M S).
 *
 * Here all coil images of all samples are worked on at once, in place, in three
 * launches and two calls of cuFFT; vector operations are done where the images are
 * read or written anyhow. See doc/method.md for the count of bytes.
 */

#ifdef GLEAM_GPU

#include <assert.h>
#include <complex.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

#include "num/multind.h"
#include "num/flpmath.h"
#include "num/fft.h"

#include "misc/misc.h"
#include "misc/mri.h"

#include "gpu/gpu.h"

#include "gpu_dc_fft.h"
#include "gpu_dc_kernels.h"

#include "gpu_dc.h"

#define SPACE_FLAGS FFT_FLAGS
#define FRAME_FLAGS (~(SPACE_FLAGS | COIL_FLAG | MAPS_FLAG))

struct gpu_dc_s {

	struct gpu_dc_shape_s shape;
	struct gpu_dc_fft_s* fft;
	struct gpu_dc_cg_s cg;

	complex float* coils;
	double* partial;

	const complex float* maps;	// selected
	const float* weights;

	void* tables;
	void* scratch;
};


static long frames(const long dims[DIMS])
{
	long frame_dims[DIMS];

	md_select_dims(DIMS, FRAME_FLAGS, frame_dims, dims);

	return md_calc_size(DIMS, frame_dims);
}


static void check_dims(const long ksp_dims[DIMS], const long map_dims[DIMS], const long pat_dims[DIMS])
{
	assert(1 == ksp_dims[MAPS_DIM]);
	assert(1 == pat_dims[COIL_DIM]);
	assert(1 == pat_dims[MAPS_DIM]);
	assert(md_check_equal_dims(DIMS, ksp_dims, map_dims, SPACE_FLAGS | COIL_FLAG));
	assert(md_check_compat(DIMS, ~(SPACE_FLAGS | COIL_FLAG), ksp_dims, map_dims));
	assert(md_check_compat(DIMS, ~0UL, ksp_dims, pat_dims));
	assert(0 == (~md_nontriv_dims(DIMS, ksp_dims) & md_nontriv_dims(DIMS, pat_dims)));
	assert(0 == (~md_nontriv_dims(DIMS, ksp_dims) & FRAME_FLAGS & md_nontriv_dims(DIMS, map_dims)));
}


static struct gpu_dc_shape_s shape_of(const long ksp_dims[DIMS], const long map_dims[DIMS], const long pat_dims[DIMS])
{
	struct gpu_dc_shape_s d = { };
	long strs[DIMS];

	check_dims(ksp_dims, map_dims, pat_dims);

	md_copy_dims(3, d.dims, ksp_dims);
	md_calc_strides(DIMS, strs, pat_dims, 1);
	md_copy_strides(3, d.pat_strs, strs);

	d.pixels = md_calc_size(3, ksp_dims);
	d.pat_pixels = md_calc_size(3, pat_dims);
	d.coils = ksp_dims[COIL_DIM];
	d.maps = map_dims[MAPS_DIM];
	d.samples = ksp_dims[BATCH_DIM];
	d.frames = frames(ksp_dims) / d.samples;
	d.map_frames = frames(map_dims);
	d.pat_frames = frames(pat_dims);

	gpu_dc_set_launches(&d);

	if (INT_MAX / 2 < d.frames * d.maps * d.pixels)
		error("Data consistency on the GPU is for images of less than 2^30 elements, but this has %ld\n", d.frames * d.maps * d.pixels);

	return d;
}


// memory in one piece: where things lie in it
static size_t reserve(size_t* bytes, long count, size_t size)
{
	size_t pos = *bytes;

	*bytes += ((size_t)count * size + 255) / 256 * 256;

	return pos;
}


struct tables_s {

	size_t map_frame;
	size_t pat_frame;
	size_t mod[3];

	size_t bytes;
};

static struct tables_s tables_of(const struct gpu_dc_shape_s* d)
{
	struct tables_s t = { };

	t.map_frame = reserve(&t.bytes, d->frames * d->samples, sizeof(int));
	t.pat_frame = reserve(&t.bytes, d->frames * d->samples, sizeof(int));

	for (int i = 0; i < 3; i++)
		t.mod[i] = reserve(&t.bytes, d->dims[i], CFL_SIZE);

	return t;
}


// for each frame of k-space the one that is used with it
static void fill_frames(const long ksp_dims[DIMS], const long dims[DIMS], int* frame)
{
	long ksp_frames[DIMS];
	long frames[DIMS];
	long pos[DIMS] = { };
	long strs[DIMS];

	md_select_dims(DIMS, FRAME_FLAGS, ksp_frames, ksp_dims);
	md_select_dims(DIMS, FRAME_FLAGS, frames, dims);
	md_calc_strides(DIMS, strs, frames, 1);

	do {
		*frame++ = (int)md_calc_offset(DIMS, strs, pos);

	} while (md_next(DIMS, ksp_frames, ~0UL, pos));
}


// along one dimension
static void fill_modulation(long n, complex float* mod)
{
	long dims[1] = { n };

	md_zfill(1, dims, mod, 1.);
	fftmod(1, dims, 1UL, mod, mod);
}


static void tables_create(struct gpu_dc_s* dc, const long ksp_dims[DIMS], const long map_dims[DIMS], const long pat_dims[DIMS])
{
	struct gpu_dc_shape_s* d = &dc->shape;
	struct tables_s t = tables_of(d);

	char* host = xmalloc(t.bytes);

	memset(host, 0, t.bytes);

	fill_frames(ksp_dims, map_dims, (int*)(host + t.map_frame));
	fill_frames(ksp_dims, pat_dims, (int*)(host + t.pat_frame));

	for (int i = 0; i < 3; i++)
		fill_modulation(d->dims[i], (complex float*)(host + t.mod[i]));

	dc->tables = gpu_malloc(t.bytes);

	if (NULL == dc->tables)
		error("Out of memory: data consistency needs %zu bytes on the GPU for tables.\n", t.bytes);

	gpu_upload(dc->tables, host, t.bytes);
	gpu_sync();

	xfree(host);

	d->map_frame = (const int*)((char*)dc->tables + t.map_frame);
	d->pat_frame = (const int*)((char*)dc->tables + t.pat_frame);

	for (int i = 0; i < 3; i++)
		d->mod[i] = (const complex float*)((char*)dc->tables + t.mod[i]);
}


struct scratch_s {

	size_t coils;
	size_t work;
	size_t vector[3];
	size_t partial[2];
	size_t scalars[2];
	size_t pq;

	size_t bytes;
};

static struct scratch_s scratch_of(const struct gpu_dc_shape_s* d, const struct gpu_dc_fft_s* fft)
{
	struct scratch_s s = { };
	long frames = d->samples * d->frames;

	s.coils = reserve(&s.bytes, frames * d->coils * d->pixels, CFL_SIZE);
	s.work = reserve(&s.bytes, 1, gpu_dc_fft_bytes(fft));

	for (int i = 0; i < 3; i++)
		s.vector[i] = reserve(&s.bytes, frames * d->maps * d->pixels, CFL_SIZE);

	for (int i = 0; i < 2; i++)
		s.partial[i] = reserve(&s.bytes, d->samples * gpu_dc_partials(d), sizeof(double));

	for (int i = 0; i < 2; i++)
		s.scalars[i] = reserve(&s.bytes, d->samples, sizeof(struct gpu_dc_cg_scalars_s));

	s.pq = reserve(&s.bytes, d->samples, sizeof(double));

	return s;
}


static void scratch_use(struct gpu_dc_s* dc, char* mem)
{
	struct scratch_s s = scratch_of(&dc->shape, dc->fft);

	dc->coils = (complex float*)(mem + s.coils);
	dc->partial = (double*)(mem + s.partial[0]);

	dc->cg = (struct gpu_dc_cg_s){

		.r = (complex float*)(mem + s.vector[0]),
		.p = (complex float*)(mem + s.vector[1]),
		.q = (complex float*)(mem + s.vector[2]),
		.scalars = { (void*)(mem + s.scalars[0]), (void*)(mem + s.scalars[1]) },
		.pq = (double*)(mem + s.pq),
		.partial_rr = (double*)(mem + s.partial[0]),
		.partial_pq = (double*)(mem + s.partial[1]),
	};

	gpu_dc_fft_work(dc->fft, mem + s.work);
}


static struct gpu_dc_fft_s* fft_of(const struct gpu_dc_shape_s* d)
{
	return gpu_dc_fft_create(d->dims, d->samples * d->frames * d->coils);
}


static size_t scratch_bytes(const long ksp_dims[DIMS], const long map_dims[DIMS], const long pat_dims[DIMS])
{
	struct gpu_dc_shape_s d = shape_of(ksp_dims, map_dims, pat_dims);

	auto fft = fft_of(&d);
	size_t bytes = scratch_of(&d, fft).bytes;

	gpu_dc_fft_free(fft);

	return bytes;
}


size_t gpu_dc_bytes(const long ksp_dims[DIMS], const long map_dims[DIMS], const long pat_dims[DIMS])
{
	struct gpu_dc_shape_s d = shape_of(ksp_dims, map_dims, pat_dims);

	return tables_of(&d).bytes + scratch_bytes(ksp_dims, map_dims, pat_dims);
}


struct gpu_dc_s* gpu_dc_create(const long ksp_dims[DIMS], const long map_dims[DIMS], const long pat_dims[DIMS])
{
	PTR_ALLOC(struct gpu_dc_s, dc);

	*dc = (struct gpu_dc_s){ .shape = shape_of(ksp_dims, map_dims, pat_dims) };

	dc->fft = fft_of(&dc->shape);

	tables_create(dc, ksp_dims, map_dims, pat_dims);

	size_t bytes = scratch_of(&dc->shape, dc->fft).bytes;

	dc->scratch = gpu_malloc(bytes);

	if (NULL == dc->scratch)
		error("Out of memory: data consistency needs %zu bytes on the GPU. A smaller batch at once needs less.\n", bytes);

	scratch_use(dc, dc->scratch);

	return PTR_PASS(dc);
}


void gpu_dc_free(struct gpu_dc_s* dc)
{
	// what was launched may still use it
	gpu_sync();

	gpu_dc_fft_free(dc->fft);
	gpu_free(dc->tables);
	gpu_free(dc->scratch);

	xfree(dc);
}


long gpu_dc_weights_size(const long ksp_dims[DIMS], const long pat_dims[DIMS])
{
	return md_calc_size(3, ksp_dims) * frames(pat_dims);
}


void gpu_dc_prepare(struct gpu_dc_s* dc, complex float* maps, float* weights,
		const complex float* src, const complex float* pattern)
{
	gpu_dc_modulate_maps(&dc->shape, maps, src);
	gpu_dc_pattern_weights(&dc->shape, weights, pattern);
}


void gpu_dc_select(struct gpu_dc_s* dc, const complex float* maps, const float* weights)
{
	dc->maps = maps;
	dc->weights = weights;
}


void gpu_dc_adjoint(struct gpu_dc_s* dc, complex float* x, complex float* ksp, const complex float* pattern)
{
	gpu_dc_apply_pattern(&dc->shape, ksp, pattern, true);
	gpu_dc_fft_backward(dc->fft, ksp);
	gpu_dc_combine(&dc->shape, x, dc->maps, ksp);
}


void gpu_dc_average(struct gpu_dc_s* dc, complex float* x, const complex float* ksp, const complex float* pattern)
{
	// all frames with the same k-space, so that the plan and maps of all serve for it
	gpu_dc_average_kspace(&dc->shape, dc->coils, ksp, pattern);
	gpu_dc_fft_backward(dc->fft, dc->coils);
	gpu_dc_combine(&dc->shape, x, dc->maps, dc->coils);
	gpu_dc_average_frames(&dc->shape, x);
}


void gpu_dc_forward(struct gpu_dc_s* dc, complex float* ksp, const complex float* x, const complex float* pattern)
{
	gpu_dc_expand(&dc->shape, ksp, dc->maps, x);
	gpu_dc_fft_forward(dc->fft, ksp);
	gpu_dc_apply_pattern(&dc->shape, ksp, pattern, false);
}


// the coil images of the normal operator, from those of an image to those that are combined
static void filter(struct gpu_dc_s* dc)
{
	gpu_dc_fft_forward(dc->fft, dc->coils);
	gpu_dc_weight(&dc->shape, dc->coils, dc->weights);
	gpu_dc_fft_backward(dc->fft, dc->coils);
}


static void expand_and_filter(struct gpu_dc_s* dc, const complex float* x)
{
	gpu_dc_expand(&dc->shape, dc->coils, dc->maps, x);
	filter(dc);
}


void gpu_dc_normal(struct gpu_dc_s* dc, complex float* dst, const complex float* src)
{
	expand_and_filter(dc, src);
	gpu_dc_combine(&dc->shape, dst, dc->maps, dc->coils);
}


void gpu_dc_step(struct gpu_dc_s* dc, const float* t, complex float* v, const complex float* x, const complex float* x0)
{
	expand_and_filter(dc, x);
	gpu_dc_combine_step(&dc->shape, v, dc->maps, dc->coils, t, x, x0);
}


void gpu_dc_step_adjoint(struct gpu_dc_s* dc, const float* t, complex float* dx, const complex float* dv)
{
	expand_and_filter(dc, dv);
	gpu_dc_combine_step(&dc->shape, dx, dc->maps, dc->coils, t, dv, NULL);
}


void gpu_dc_step_gradient(struct gpu_dc_s* dc, float* dt, const complex float* dv, const complex float* x, const complex float* x0)
{
	expand_and_filter(dc, x);
	gpu_dc_combine_gradient(&dc->shape, dc->partial, dc->maps, dc->coils, dv, x0);
	gpu_dc_total(&dc->shape, dt, -2., NULL, dc->partial);
}


// from r and the partial sums of <r, r>
static void conjgrad(struct gpu_dc_s* dc, const float* mu, int iter, complex float* x)
{
	for (int i = 0; i < iter; i++) {

		gpu_dc_cg_expand(&dc->shape, &dc->cg, i, dc->coils, dc->maps);
		filter(dc);
		gpu_dc_cg_combine(&dc->shape, &dc->cg, mu, dc->maps, dc->coils);
		gpu_dc_cg_update(&dc->shape, &dc->cg, i, x);
	}
}


void gpu_dc_solve(struct gpu_dc_s* dc, const float* mu, int iter, complex float* u, const complex float* z, const complex float* x0)
{
	expand_and_filter(dc, u);
	gpu_dc_cg_residual(&dc->shape, &dc->cg, mu, dc->maps, dc->coils, x0, z, u);

	conjgrad(dc, mu, iter, u);
}


void gpu_dc_solve_adjoint(struct gpu_dc_s* dc, const float* mu, int iter, complex float* dz, const complex float* du)
{
	gpu_dc_cg_from_zero(&dc->shape, &dc->cg, mu, dz, du);

	conjgrad(dc, mu, iter, dz);
}


void gpu_dc_solve_gradient(struct gpu_dc_s* dc, const float* mu, float* dmu, const complex float* dz, const complex float* z, const complex float* u)
{
	gpu_dc_dot_diff(&dc->shape, dc->partial, dz, z, u);
	gpu_dc_total(&dc->shape, dmu, 1., mu, dc->partial);
}


void gpu_dc_invert(struct gpu_dc_s* dc, const float* mu, complex float* z, const complex float* u, const complex float* x0)
{
	expand_and_filter(dc, u);
	gpu_dc_combine_inverse(&dc->shape, z, dc->maps, dc->coils, mu, u, x0);
}

#endif		// GLEAM_GPU
