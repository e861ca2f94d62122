/*
 * BART's FFT operators are FFTW plans too, but of the whole array of coils, with
 * as many threads as the machine has, and of arrays as they lie in memory. Here
 * each coil is transformed by one thread, and
 *
 *  - rows are padded so that their distance is no multiple of 512 bytes: along a
 *    column of a 256 or 320 pixel wide image, all elements would compete for few
 *    sets of the cache, which costs a factor of 3 to 6;
 *  - dimensions are transformed one after the other in strips that fit into the
 *    first level cache, and what happens between the forward and the backward
 *    transform happens to a strip while it is there;
 *  - plans are made with FFTW_ESTIMATE, which depends on nothing but the problem.
 *    FFTW_MEASURE may choose another algorithm in each run, and the last bits of
 *    all results with it.
 */

#include <complex.h>
#include <stdbool.h>

#include <fftw3.h>

#include "misc/misc.h"

#include "dc_fft.h"

#define STRIP 8		// neighbouring columns transformed together: a cache line
#define BLOCK 8		// neighbouring rows

static long round_up(long n, long multiple)
{
	return (n + multiple - 1) / multiple * multiple;
}


struct dc_layout_s dc_layout(const long dims[3])
{
	struct dc_layout_s l = { .dims = { 1, 1, 1 } };
	int n = 0;

	for (int i = 0; i < 3; i++)
		if (1 != dims[i])
			l.dims[n++] = dims[i];

	l.rows = l.dims[1] * l.dims[2];
	l.pitch = round_up(l.dims[0], STRIP);

	if ((1 < l.rows) && (0 == l.pitch % 64))
		l.pitch += STRIP;

	l.size = l.pitch * round_up(l.rows, BLOCK);

	return l;
}


/* The transform along one dimension. A call of the plan transforms a strip or a
 * block: lines of width contiguous elements, stride elements apart. There are
 * count[0] x count[1] of them.
 */
struct pass_s {

	fftwf_plan plan[2];	// forward, backward

	long lines;
	long width;
	long stride;

	long count[2];
	long step[2];
};

struct dc_fft_s {

	int passes;
	struct pass_s pass[3];
};


static fftwf_plan plan_create(fftwf_iodim64 dim, fftwf_iodim64 many, complex float* mem, int sign)
{
	fftwf_plan plan;

	// BART's own lock. BART asks for threaded plans, but here a plan is one thread's.
#pragma omp critical (bart_fftwf_plan)
	{
#ifdef FFTWTHREADS
		int threads = fftwf_planner_nthreads();

		if (1 != threads)
			fftwf_plan_with_nthreads(1);
#endif
		plan = fftwf_plan_guru64_dft(1, &dim, 1, &many, mem, mem, sign, FFTW_ESTIMATE);

#ifdef FFTWTHREADS
		if (1 != threads)
			fftwf_plan_with_nthreads(threads);
#endif
	}

	if (NULL == plan)
		error("FFTW has no plan for a transform of length %ld\n", (long)dim.n);

	return plan;
}


static void pass_plan(struct pass_s* pass, fftwf_iodim64 dim, fftwf_iodim64 many, complex float* mem)
{
	pass->plan[0] = plan_create(dim, many, mem, FFTW_FORWARD);
	pass->plan[1] = plan_create(dim, many, mem, FFTW_BACKWARD);
}


static struct pass_s pass_rows(const struct dc_layout_s* l, complex float* mem)
{
	struct pass_s pass = {

		.lines = BLOCK,
		.width = l->dims[0],
		.stride = l->pitch,
		.count = { 1, round_up(l->rows, BLOCK) / BLOCK },
		.step = { 0, BLOCK * l->pitch },
	};

	fftwf_iodim64 dim = { l->dims[0], 1, 1 };
	fftwf_iodim64 many = { BLOCK, l->pitch, l->pitch };

	pass_plan(&pass, dim, many, mem);

	return pass;
}


// along dimension d, which is 1 or 2
static struct pass_s pass_columns(const struct dc_layout_s* l, int d, complex float* mem)
{
	const long str[3] = { 1, l->pitch, l->pitch * l->dims[1] };
	int other = 3 - d;

	struct pass_s pass = {

		.lines = l->dims[d],
		.width = STRIP,
		.stride = str[d],
		.count = { l->dims[other], round_up(l->dims[0], STRIP) / STRIP },
		.step = { str[other], STRIP },
	};

	fftwf_iodim64 dim = { l->dims[d], str[d], str[d] };
	fftwf_iodim64 many = { STRIP, 1, 1 };

	pass_plan(&pass, dim, many, mem);

	return pass;
}


struct dc_fft_s* dc_fft_create(const struct dc_layout_s* layout, complex float* mem)
{
	PTR_ALLOC(struct dc_fft_s, fft);

	fft->passes = 1;
	fft->pass[0] = pass_rows(layout, mem);

	for (int d = 1; d < 3; d++)
		if (1 < layout->dims[d])
			fft->pass[fft->passes++] = pass_columns(layout, d, mem);

	return PTR_PASS(fft);
}


void dc_fft_free(struct dc_fft_s* fft)
{
#pragma omp critical (bart_fftwf_plan)
	for (int i = 0; i < fft->passes; i++)
		for (int j = 0; j < 2; j++)
			fftwf_destroy_plan(fft->pass[i].plan[j]);

	xfree(fft);
}


static void strip_transform(const struct pass_s* pass, bool backward, complex float* strip)
{
	fftwf_execute_dft(pass->plan[backward ? 1 : 0], strip, strip);
}


static void pass_apply(const struct pass_s* pass, bool backward, complex float* image)
{
	for (long i = 0; i < pass->count[0]; i++)
		for (long j = 0; j < pass->count[1]; j++)
			strip_transform(pass, backward, image + i * pass->step[0] + j * pass->step[1]);
}


void dc_fft_forward(const struct dc_fft_s* fft, complex float* image)
{
	for (int i = 0; i < fft->passes; i++)
		pass_apply(&fft->pass[i], false, image);
}


void dc_fft_backward(const struct dc_fft_s* fft, complex float* image)
{
	for (int i = fft->passes - 1; i >= 0; i--)
		pass_apply(&fft->pass[i], true, image);
}


static void strip_weight(const struct pass_s* pass, complex float* strip, const float* weights)
{
	for (long i = 0; i < pass->lines; i++) {

		complex float* line = strip + i * pass->stride;
		const float* w = weights + i * pass->stride;

#pragma 	omp simd
		for (long j = 0; j < pass->width; j++)
			line[j] *= w[j];
	}
}


// a pass but the last one, of the rows that matter
static void pass_apply_rows(const struct pass_s* pass, bool backward, long rows, complex float* image)
{
	struct pass_s part = *pass;

	// blocks of rows, or planes of them
	if (1 == part.count[0])
		part.count[1] = MIN(part.count[1], (rows + BLOCK - 1) / BLOCK);
	else
		part.count[0] = MIN(part.count[0], (rows + part.lines - 1) / part.lines);

	pass_apply(&part, backward, image);
}


void dc_fft_filter(const struct dc_fft_s* fft, complex float* image, const float* weights, long rows)
{
	const struct pass_s* last = &fft->pass[fft->passes - 1];

	for (int i = 0; i < fft->passes - 1; i++)
		pass_apply_rows(&fft->pass[i], false, rows, image);

	for (long i = 0; i < last->count[0]; i++) {

		for (long j = 0; j < last->count[1]; j++) {

			long pos = i * last->step[0] + j * last->step[1];

			strip_transform(last, false, image + pos);
			strip_weight(last, image + pos, weights + pos);
			strip_transform(last, true, image + pos);
		}
	}

	for (int i = fft->passes - 2; i >= 0; i--)
		pass_apply_rows(&fft->pass[i], true, rows, image);
}
