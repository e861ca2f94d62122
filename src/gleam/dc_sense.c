/*
 * BART's centered unitary Fourier transform is s M FFT M, with s the square root
 * of the number of pixels in the denominator and M = fftmod diagonal, so that
 *
 *	A = (P M) FFT (s M S)	and	A^H A = (s M S)^H IFFT |P|^2 FFT (s M S):
 *
 * the inner modulation commutes with the pattern and cancels; the outer one and
 * the scale are put into the maps once. What is left of the normal operator is
 * two Fourier transforms per coil and three multiplications.
 *
 * Frames (all dimensions but space, coils, maps) are worked on one after the
 * other; the coils of a frame in parallel, each into a buffer of its own, then
 * summed pixel by pixel in the order of the coils. So the result does not depend
 * on the number of threads.
 */

#include <assert.h>
#include <complex.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "num/multind.h"
#include "num/flpmath.h"
#include "num/fft.h"

#include "misc/misc.h"
#include "misc/mri.h"

#include "dc_fft.h"
#include "dc_frame.h"
#include "dc_rows.h"
#include "dc_toeplitz.h"
#include "dc_sense.h"

// coil images held at the same time: of more coils, this many are summed up at once
#define COILS_MAX 16

// with fewer pixels in all coils, waking other threads takes longer than the work
#define PARALLEL_MIN 16384

static size_t reserve(size_t* bytes, long count, size_t size)
{
	size_t pos = *bytes;

	*bytes += ((size_t)count * size + 63) / 64 * 64;

	return pos;
}


// there is no pattern, and room for the circulant matrix that contains a Toeplitz matrix
static void set_toeplitz(struct dc_sense_s* op)
{
	op->toeplitz = true;
	op->layout = dc_toeplitz_layout(op->dims);

	memset(op->pm_strs, 0, sizeof(op->pm_strs));
}


static void set_sizes(struct dc_sense_s* op, const long ksp_dims[DIMS], const long map_dims[DIMS])
{
	op->toeplitz = false;
	op->layout = dc_layout(ksp_dims);
	md_copy_dims(3, op->dims, op->layout.dims);
	op->rows = op->layout.rows;
	op->pixels = op->dims[0] * op->rows;
	op->coils = ksp_dims[COIL_DIM];
	op->maps = map_dims[MAPS_DIM];
	op->group = MIN(op->coils, (long)COILS_MAX);
	op->parallel = (PARALLEL_MIN <= op->pixels * op->group);
}


static void set_dims(struct dc_sense_s* op, const long ksp_dims[DIMS], const long map_dims[DIMS], const long pat_dims[DIMS], bool toeplitz)
{
	assert(1 == ksp_dims[MAPS_DIM]);
	assert(1 == pat_dims[COIL_DIM]);
	assert(md_check_equal_dims(DIMS, ksp_dims, map_dims, SPACE_FLAGS | COIL_FLAG));
	assert(md_check_compat(DIMS, ~(SPACE_FLAGS | COIL_FLAG), ksp_dims, map_dims));
	assert(md_check_compat(DIMS, ~0UL, ksp_dims, pat_dims));
	assert(0 == (~md_nontriv_dims(DIMS, ksp_dims) & md_nontriv_dims(DIMS, pat_dims)));
	assert(0 == (~md_nontriv_dims(DIMS, ksp_dims) & FRAME_FLAGS & md_nontriv_dims(DIMS, map_dims)));

	set_sizes(op, ksp_dims, map_dims);

	long img_dims[DIMS];
	long weight_dims[DIMS];

	md_select_dims(DIMS, ~COIL_FLAG, img_dims, ksp_dims);
	md_select_dims(DIMS, FRAME_FLAGS, op->frame_dims, ksp_dims);
	md_select_dims(DIMS, FRAME_FLAGS, weight_dims, pat_dims);
	md_copy_dims(DIMS, op->map_dims, map_dims);
	md_copy_dims(DIMS, op->pat_dims, pat_dims);
	md_copy_dims(DIMS, op->pm_dims, pat_dims);
	md_copy_dims(3, op->pm_dims, ksp_dims);

	img_dims[MAPS_DIM] = op->maps;

	md_calc_strides(DIMS, op->img_strs, img_dims, CFL_SIZE);
	md_calc_strides(DIMS, op->ksp_strs, ksp_dims, CFL_SIZE);
	md_calc_strides(DIMS, op->map_strs, map_dims, CFL_SIZE);
	md_calc_strides(DIMS, op->pm_strs, op->pm_dims, CFL_SIZE);

	if (toeplitz)
		set_toeplitz(op);

	md_calc_strides(DIMS, op->weight_strs, weight_dims, (size_t)op->layout.size * FL_SIZE);
}


// where everything lies in one piece of memory; with mem NULL only its size is found
static void set_memory(struct dc_sense_s* op, char* mem)
{
	long frames = op->toeplitz ? 0 : (md_calc_size(DIMS, op->pm_dims) / op->pixels);
	bool groups = (op->group < op->coils);

	op->bytes = 0;

	size_t smap = reserve(&op->bytes, md_calc_size(DIMS, op->map_dims), CFL_SIZE);
	size_t pm = reserve(&op->bytes, frames * op->pixels, CFL_SIZE);
	size_t squares = reserve(&op->bytes, frames * op->layout.size, FL_SIZE);
	size_t coil = reserve(&op->bytes, op->group * op->layout.size, CFL_SIZE);
	size_t sum = reserve(&op->bytes, groups ? (op->maps * op->pixels) : 0, CFL_SIZE);

	if (NULL == mem)
		return;

	op->mem = mem;
	op->smap = (complex float*)(mem + smap);
	op->pm = (complex float*)(mem + pm);
	op->squares = (float*)(mem + squares);
	op->weights = op->squares;
	op->coil = (complex float*)(mem + coil);
	op->sum = groups ? (complex float*)(mem + sum) : NULL;

	// the rims must be zero
	memset(mem + squares, 0, sum - squares);
}


static size_t sense_bytes(const long ksp_dims[DIMS], const long map_dims[DIMS], const long pat_dims[DIMS], bool toeplitz)
{
	struct dc_sense_s op;

	set_dims(&op, ksp_dims, map_dims, pat_dims, toeplitz);
	set_memory(&op, NULL);

	return sizeof(op) + op.bytes;
}


size_t dc_sense_bytes(const long ksp_dims[DIMS], const long map_dims[DIMS], const long pat_dims[DIMS])
{
	return sense_bytes(ksp_dims, map_dims, pat_dims, false);
}


size_t dc_sense_toeplitz_bytes(const long cim_dims[DIMS], const long map_dims[DIMS], const long psf_dims[DIMS])
{
	return sense_bytes(cim_dims, map_dims, psf_dims, true);
}


static struct dc_sense_s* sense_create(const long ksp_dims[DIMS], const long map_dims[DIMS], const long pat_dims[DIMS], bool toeplitz)
{
	PTR_ALLOC(struct dc_sense_s, op);

	set_dims(op, ksp_dims, map_dims, pat_dims, toeplitz);
	set_memory(op, NULL);

	char* mem = aligned_alloc(64, op->bytes);

	if (NULL == mem)
		error("Out of memory: data consistency needs %zu bytes. A smaller batch at once needs less.\n", op->bytes);

	set_memory(op, mem);

	op->fft = dc_fft_create(&op->layout, op->coil);

	return PTR_PASS(op);
}


struct dc_sense_s* dc_sense_create(const long ksp_dims[DIMS], const long map_dims[DIMS], const long pat_dims[DIMS])
{
	return sense_create(ksp_dims, map_dims, pat_dims, false);
}


struct dc_sense_s* dc_sense_toeplitz_create(const long cim_dims[DIMS], const long map_dims[DIMS], const long psf_dims[DIMS])
{
	return sense_create(cim_dims, map_dims, psf_dims, true);
}


void dc_sense_free(struct dc_sense_s* op)
{
	dc_fft_free(op->fft);
	free(op->mem);
	xfree(op);
}


static void modulate_maps(struct dc_sense_s* op, const complex float* mod, const complex float* maps)
{
	long planes = md_calc_size(DIMS, op->map_dims) / op->pixels;

#pragma omp parallel for if (op->parallel)
	for (long i = 0; i < planes; i++)
		row_mul(op->pixels, op->smap + i * op->pixels, 1., mod, maps + i * op->pixels);
}


// from the pattern of one frame in pm, |P|^2 and P M
static void modulate_frame(const struct dc_sense_s* op, float* weights, complex float* pm, const complex float* mod)
{
	const struct dc_layout_s* l = &op->layout;

	for (long y = 0; y < l->rows; y++) {

		for (long x = 0; x < l->dims[0]; x++) {

			complex float* p = &pm[y * l->dims[0] + x];
			complex float m = mod[y * l->dims[0] + x];

			weights[y * l->pitch + x] = crealf(*p) * crealf(*p) + cimagf(*p) * cimagf(*p);

			*p = CMPLXF(crealf(*p) * crealf(m) - cimagf(*p) * cimagf(m), crealf(*p) * cimagf(m) + cimagf(*p) * crealf(m));
		}
	}
}


static void modulate_pattern(struct dc_sense_s* op, const complex float* mod, const complex float* pattern)
{
	long frames = md_calc_size(DIMS, op->pm_dims) / op->pixels;

	md_copy2(DIMS, op->pm_dims, op->pm_strs, op->pm, MD_STRIDES(DIMS, op->pat_dims, CFL_SIZE), pattern, CFL_SIZE);

#pragma omp parallel for if (op->parallel)
	for (long i = 0; i < frames; i++)
		modulate_frame(op, op->squares + i * op->layout.size, op->pm + i * op->pixels, mod);
}


void dc_sense_set(struct dc_sense_s* op, const complex float* maps, const complex float* pattern)
{
	// a coil buffer is at least as large; its rim is cleared again
	complex float* mod = op->coil;

	md_zfill(3, op->layout.dims, mod, 1.);
	fftmod(3, op->layout.dims, SPACE_FLAGS, mod, mod);

	modulate_pattern(op, mod, pattern);

	fftscale(3, op->layout.dims, SPACE_FLAGS, mod, mod);

	modulate_maps(op, mod, maps);

	memset(op->coil, 0, (size_t)op->layout.size * CFL_SIZE);
}


// coil image: sum over maps of S_c,e x_e
static void coil_expand(const struct dc_sense_s* op, const struct frame_s* f, long coil, const complex float* img)
{
	long X = op->dims[0];

	// the last coil has left something beside the corner
	if (op->toeplitz)
		memset(coil_row(op, coil, 0), 0, (size_t)op->layout.size * CFL_SIZE);

	for (long y = 0; y < op->rows; y++) {

		complex float* w = coil_row(op, coil, y);

		row_mul(X, w, 1., map_row(op, f, coil, 0, y), img + y * X);

		for (long e = 1; e < op->maps; e++)
			row_fmac(X, w, 1., map_row(op, f, coil, e, y), img + e * op->pixels + y * X);
	}
}


// image: sum over the coils of a group of conj(S_c,e) w_c, added to that of earlier groups
static void row_combine(const struct dc_sense_s* op, const struct frame_s* f, long first, long end, long y, complex float* dst)
{
	long X = op->dims[0];

	for (long e = 0; e < op->maps; e++) {

		complex float* sum = ((NULL == op->sum) ? dst : op->sum) + e * op->pixels + y * X;

		for (long c = first; c < end; c++)
			((0 == c) ? row_mul : row_fmac)(X, sum, -1., map_row(op, f, c, e, y), coil_row(op, c, y));

		if ((end == op->coils) && (NULL != op->sum))
			memcpy(dst + e * op->pixels + y * X, sum, (size_t)X * CFL_SIZE);
	}
}


static void frame_normal(struct dc_sense_s* op, const struct frame_s* f, complex float* dst, const complex float* src)
{
	for (long first = 0; first < op->coils; first += op->group) {

		long end = MIN(first + op->group, op->coils);

#pragma 	omp parallel if (op->parallel)
		{
#pragma 		omp for schedule(dynamic, 1)
			for (long c = first; c < end; c++) {

				coil_expand(op, f, c, src);
				dc_fft_filter(op->fft, coil_row(op, c, 0), f->weights, corner_rows(op));
			}

#pragma 		omp for schedule(static)
			for (long y = 0; y < op->rows; y++)
				row_combine(op, f, first, end, y, dst);
		}
	}
}


void dc_sense_normal(struct dc_sense_s* op, long sample, complex float* dst, const complex float* src)
{
	long pos[DIMS] = { };

	do {
		struct frame_s f = frame_at(op, sample, pos);

		frame_normal(op, &f, dst + f.img, src + f.img);

	} while (frame_next(op, pos));
}


void dc_frame_combine(struct dc_sense_s* op, const struct frame_s* f, complex float* img, dc_coil_fun_t get, void* data)
{
	for (long first = 0; first < op->coils; first += op->group) {

		long end = MIN(first + op->group, op->coils);

#pragma 	omp parallel if (op->parallel)
		{
#pragma 		omp for schedule(dynamic, 1)
			for (long c = first; c < end; c++)
				get(op, f, c, data);

#pragma 		omp for schedule(static)
			for (long y = 0; y < op->rows; y++)
				row_combine(op, f, first, end, y, img);
		}
	}
}


void dc_frame_expand(struct dc_sense_s* op, const struct frame_s* f, const complex float* img, dc_coil_fun_t put, void* data)
{
	for (long first = 0; first < op->coils; first += op->group) {

#pragma 	omp parallel for schedule(dynamic, 1) if (op->parallel)
		for (long c = first; c < MIN(first + op->group, op->coils); c++) {

			coil_expand(op, f, c, img);
			put(op, f, c, data);
		}
	}
}


// k-space to coil image with P^H, and the backward transform
static void coil_from_kspace(const struct dc_sense_s* op, const struct frame_s* f, long coil, void* data)
{
	const complex float* ksp = data;
	long X = op->dims[0];

	for (long y = 0; y < op->rows; y++)
		row_mul(X, coil_row(op, coil, y), -1., f->pm + y * X, ksp + coil * op->pixels + y * X);

	dc_fft_backward(op->fft, coil_row(op, coil, 0));
}


static void coil_to_kspace(const struct dc_sense_s* op, const struct frame_s* f, long coil, void* data)
{
	complex float* ksp = data;
	long X = op->dims[0];

	dc_fft_forward(op->fft, coil_row(op, coil, 0));

	for (long y = 0; y < op->rows; y++)
		row_mul(X, ksp + coil * op->pixels + y * X, 1., f->pm + y * X, coil_row(op, coil, y));
}


void dc_sense_adjoint(struct dc_sense_s* op, long sample, complex float* img, const complex float* ksp)
{
	long pos[DIMS] = { };

	do {
		struct frame_s f = frame_at(op, sample, pos);

		dc_frame_combine(op, &f, img + f.img, coil_from_kspace, (void*)(ksp + f.ksp));

	} while (frame_next(op, pos));
}


void dc_sense_forward(struct dc_sense_s* op, long sample, complex float* ksp, const complex float* img)
{
	long pos[DIMS] = { };

	do {
		struct frame_s f = frame_at(op, sample, pos);

		dc_frame_expand(op, &f, img + f.img, coil_to_kspace, ksp + f.ksp);

	} while (frame_next(op, pos));
}
