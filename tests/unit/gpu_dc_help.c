#ifdef GLEAM_GPU

#include <complex.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

#include "num/multind.h"
#include "num/flpmath.h"

#include "misc/misc.h"
#include "misc/mri.h"

#include "gpu/gpu.h"

#include "dc_dense.h"
#include "dc_help.h"
#include "gpu_dc_help.h"

bool gpu_skips(const char* test)
{
	const char* missing = gpu_missing();

	if (NULL == missing)
		return false;

	fprintf(stderr, "SKIP %s: %s\n", test, missing);

	return true;
}


static void* put(size_t bytes, const void* src)
{
	void* dst = gpu_malloc(bytes);

	cr_assert(NULL != dst);

	gpu_upload(dst, src, bytes);
	gpu_sync();

	return dst;
}


complex float* gpu_put(long N, const complex float src[N])
{
	return put((size_t)N * CFL_SIZE, src);
}


float* gpu_put_floats(long N, const float src[N])
{
	return put((size_t)N * FL_SIZE, src);
}


complex float* gpu_poison(long N)
{
	complex float* nan = md_alloc(1, MD_DIMS(N), CFL_SIZE);

	memset(nan, 0xff, (size_t)N * CFL_SIZE);

	complex float* dst = gpu_put(N, nan);

	md_free(nan);

	return dst;
}


complex float* gpu_get(long N, const complex float* src)
{
	complex float* dst = md_alloc(1, MD_DIMS(N), CFL_SIZE);

	gpu_download(dst, src, (size_t)N * CFL_SIZE);
	gpu_sync();

	return dst;
}


float gpu_get_float(const float* src)
{
	float dst;

	gpu_download(&dst, src, sizeof(dst));
	gpu_sync();

	return dst;
}


// even sizes are worked on two pixels at once, odd ones are not; maps in pairs; coils in fours
static const struct dc_case_s more[GPU_DC_CASES - DC_CASES] = {

	{ "three samples, 8 coils", { 32, 26, 1 }, 8, 1, 1, 3, 0, 0, false },
	{ "odd, 13 coils, two maps", { 33, 25, 1 }, 13, 2, 1, 2, 0, 0, true },
	{ "three maps", { 10, 12, 1 }, 5, 3, 1, 2, 0, 0, false },
	{ "five maps, odd", { 9, 7, 1 }, 6, 5, 2, 2, 0, 0, false },
	{ "one coil", { 17, 24, 1 }, 1, 1, 1, 2, 0, 0, true },
	{ "large volume", { 12, 15, 10 }, 5, 1, 1, 2, 0, READ_FLAG, false },
	{ "cine, one pattern", { 14, 16, 1 }, 4, 2, 5, 2, TIME_FLAG | BATCH_FLAG, BATCH_FLAG | TIME_FLAG, false },
	{ "cine, three maps, odd", { 9, 11, 1 }, 5, 3, 7, 2, TIME_FLAG, BATCH_FLAG, false },
	{ "fully sampled", { 16, 12, 1 }, 4, 1, 1, 2, 0, READ_FLAG | PHS1_FLAG | BATCH_FLAG, true },
};

const struct dc_case_s* gpu_dc_case(int i)
{
	return (i < DC_CASES) ? &dc_cases[i] : &more[i - DC_CASES];
}


struct gpu_dc_problem_s gpu_dc_problem_create(const struct dc_case_s* c, unsigned int seed)
{
	struct gpu_dc_problem_s g = { .p = dc_problem_create(c, seed) };
	struct dc_problem_s* p = &g.p;

	g.N = p->N * p->samples;
	g.K = p->K * p->samples;

	g.cpu = dc_problem_dc(p);
	g.gpu = gpu_dc_create(p->ksp_dims, p->map_dims, p->pat_dims);

	g.maps = gpu_put(md_calc_size(DIMS, p->map_dims), p->maps);
	g.pattern = gpu_put(md_calc_size(DIMS, p->pat_dims), p->pattern);
	g.weights = gpu_malloc((size_t)gpu_dc_weights_size(p->ksp_dims, p->pat_dims) * FL_SIZE);

	gpu_dc_prepare(g.gpu, g.maps, g.weights, g.maps, g.pattern);
	gpu_dc_select(g.gpu, g.maps, g.weights);

	return g;
}


void gpu_dc_problem_free(struct gpu_dc_problem_s* g)
{
	gpu_dc_free(g->gpu);
	gleam_dc_free(g->cpu);

	gpu_free(g->maps);
	gpu_free(g->pattern);
	gpu_free(g->weights);

	dc_problem_free(&g->p);
}


static double error_of_one(long N, const complex float cpu[N], const complex float gpu[N])
{
	complex double* ref = dc_double(N, cpu);
	double err = dc_distance(N, gpu, ref);

	xfree(ref);

	return isfinite(err) ? err : INFINITY;
}


double gpu_dc_error(long samples, long size, const complex float* cpu, const complex float* _gpu)
{
	complex float* gpu = gpu_get(samples * size, _gpu);
	double err = 0.;

	for (long i = 0; i < samples; i++)
		err = fmax(err, error_of_one(size, cpu + i * size, gpu + i * size));

	md_free(gpu);

	return err;
}

#endif		// GLEAM_GPU
