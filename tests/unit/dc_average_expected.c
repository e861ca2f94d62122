#include <complex.h>

#include "num/multind.h"
#include "num/flpmath.h"
#include "num/fft.h"

#include "misc/misc.h"
#include "misc/mri.h"

#include "dc_average_expected.h"

const struct dc_case_s dc_series[DC_SERIES] = {

	{ "pattern of every frame", { 6, 5, 1 }, 3, 1, 4, 2, TIME_FLAG, 0, false },
	{ "one pattern, two maps", { 8, 6, 1 }, 4, 2, 5, 2, TIME_FLAG | BATCH_FLAG, TIME_FLAG, false },
	{ "maps of every frame", { 7, 6, 1 }, 3, 2, 3, 2, 0, 0, false },
	{ "weights", { 5, 8, 1 }, 3, 1, 3, 1, TIME_FLAG, 0, true },
	{ "many coils", { 6, 4, 1 }, 37, 2, 3, 2, 0, 0, false },
	{ "lines, two frames", { 9, 1, 6 }, 2, 1, 2, 3, TIME_FLAG, READ_FLAG, false },
};


// sum over frames of conj(a) b
static complex float* frame_sum(const long dims[DIMS], const long out_dims[DIMS],
		const long a_dims[DIMS], const complex float* a, const long b_dims[DIMS], const complex float* b)
{
	complex float* prod = md_alloc(DIMS, dims, CFL_SIZE);
	complex float* sum = md_alloc(DIMS, out_dims, CFL_SIZE);

	md_zmulc2(DIMS, dims, MD_STRIDES(DIMS, dims, CFL_SIZE), prod,
			MD_STRIDES(DIMS, b_dims, CFL_SIZE), b, MD_STRIDES(DIMS, a_dims, CFL_SIZE), a);
	md_zsum(DIMS, dims, TIME_FLAG, sum, prod);

	md_free(prod);

	return sum;
}


complex float* dc_expected_average(const struct dc_problem_s* p, const complex float* ksp)
{
	long one_dims[DIMS];
	long map_dims[DIMS];
	long img_dims[DIMS];

	md_select_dims(DIMS, ~TIME_FLAG, one_dims, p->ksp_dims);
	md_select_dims(DIMS, ~TIME_FLAG, map_dims, p->map_dims);
	md_select_dims(DIMS, ~TIME_FLAG, img_dims, p->img_dims);

	complex float* sum = frame_sum(p->ksp_dims, one_dims, p->pat_dims, p->pattern, p->ksp_dims, ksp);
	complex float* weight = frame_sum(p->ksp_dims, one_dims, p->pat_dims, p->pattern, p->pat_dims, p->pattern);

	for (long i = 0; i < md_calc_size(DIMS, one_dims); i++)
		sum[i] = (0.f < crealf(weight[i])) ? (sum[i] / crealf(weight[i])) : 0.f;

	ifftuc(DIMS, one_dims, FFT_FLAGS, sum, sum);

	complex float* maps = md_alloc(DIMS, map_dims, CFL_SIZE);
	complex float* img = md_alloc(DIMS, img_dims, CFL_SIZE);

	md_zavg(DIMS, p->map_dims, TIME_FLAG, maps, p->maps);
	md_ztenmulc(DIMS, img_dims, img, one_dims, sum, map_dims, maps);

	md_free(sum);
	md_free(weight);
	md_free(maps);

	return img;
}
