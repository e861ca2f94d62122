/*
 * With z = 0 the step of MoDL is the reconstruction of pics -l2.
 */
#include <complex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "num/multind.h"
#include "num/flpmath.h"
#include "num/fft.h"
#include "num/ops.h"
#include "num/ops_p.h"

#include "iter/iter.h"
#include "iter/iter2.h"

#include "linops/linop.h"

#include "sense/model.h"
#include "sense/recon.h"

#include "misc/debug.h"
#include "misc/misc.h"
#include "misc/mmio.h"
#include "misc/mri.h"
#include "misc/types.h"

#include "gleam/dc.h"

#include "dc_dense.h"
#include "dc_help.h"
#include "scratch.h"

/* As pics -l2 -r mu -w 1 puts it together: with maps of any number, the solution
 * of (A^H A + mu) x = A^H y, so that mu is what it is in MoDL's equation with z = 0.
 */
static void pics_l2(const struct dc_problem_s* p, float mu, complex float* x, const complex float* ksp)
{
	long max_dims[DIMS];

	md_copy_dims(DIMS, max_dims, p->ksp_dims);
	max_dims[MAPS_DIM] = p->map_dims[MAPS_DIM];

	const struct linop_s* op = linop_chain_FF(sense_init(0, max_dims, FFT_FLAGS | SENS_FLAGS, p->maps),
			linop_sampling_create(p->ksp_dims, p->pat_dims, p->pattern));

	struct iter_conjgrad_conf cg = iter_conjgrad_defaults;
	cg.maxiter = 200;
	cg.l2lambda = mu;
	cg.tol = 0.;

	struct iter_call_s call = { { &TYPEID(iter_call_s), 1. }, iter_conjgrad, CAST_UP(&cg) };

	const struct operator_p_s* po = sense_recon_create(&sense_defaults, op, p->pat_dims,
			iter2_call_iter, CAST_UP(&call), NULL, 0, NULL, NULL, NULL, NULL);

	// pics leaves the outer modulation to the data
	complex float* data = md_alloc(DIMS, p->ksp_dims, CFL_SIZE);

	ifftmod(DIMS, p->ksp_dims, FFT_FLAGS, data, ksp);
	operator_p_apply(po, 1., DIMS, p->img_dims, x, DIMS, p->ksp_dims, data);

	operator_p_free(po);
	md_free(data);
}


// k-space of a random image, and what the step of MoDL makes of it with z = 0
static complex float* solve(const struct dc_problem_s* p, float mu, complex float* ksp)
{
	struct gleam_dc_s* dc = dc_problem_dc(p);

	complex float* x = dc_random(p->N, 1);
	complex float* x0 = dc_zeros(p->N);
	complex float* u = dc_zeros(p->N);
	complex float* z = dc_zeros(p->N);

	gleam_dc_forward(dc, ksp, x);
	gleam_dc_adjoint(dc, x0, ksp);
	gleam_dc_solve(dc, mu, 200, u, z, x0);

	md_free(x);
	md_free(x0);
	md_free(z);
	gleam_dc_free(dc);

	return u;
}


Test(dc, solve_is_that_of_pics)
{
	const struct dc_case_s cases[] = {

		{ "one map", { 24, 20, 1 }, 6, 1, 1, 1, 0, 0, false },
		{ "two maps", { 15, 20, 1 }, 6, 2, 1, 1, 0, 0, false },
		{ "volume", { 8, 7, 6 }, 4, 1, 1, 1, 0, 0, false },
		{ "volume, two maps", { 7, 8, 5 }, 4, 2, 1, 1, 0, READ_FLAG, false },
		{ "cine, a pattern for each frame", { 12, 9, 1 }, 4, 1, 3, 1, TIME_FLAG, 0, false },
		{ "cine, one pattern", { 11, 10, 1 }, 4, 1, 4, 1, TIME_FLAG, TIME_FLAG, false },
		{ "cine, two maps", { 10, 12, 1 }, 5, 2, 3, 1, TIME_FLAG, 0, false },
	};

	const float mu = 0.3;

	for (int i = 0; i < (int)ARRAY_SIZE(cases); i++) {

		struct dc_problem_s p = dc_problem_create(&cases[i], 121);

		complex float* ksp = dc_zeros(p.K);
		complex float* u = solve(&p, mu, ksp);
		complex float* x = dc_random(p.N, 1);

		pics_l2(&p, mu, x, ksp);

		double err = md_znrmse(DIMS, p.img_dims, x, u);

		cr_expect(err < 8. * EPS * (4. + mu) / mu, "%s: %e", p.name, err);

		md_free(ksp);
		md_free(x);
		md_free(u);
		dc_problem_free(&p);
	}
}


// "<folder of this program>/bart pics", NULL if it has not been built
static const char* pics_command(char buf[static 512])
{
	char dir[256] = { };

	if (0 > readlink("/proc/self/exe", dir, sizeof(dir) - 1))
		return NULL;

	*strrchr(dir, '/') = '\0';

	snprintf(buf, 512, "%s/bart", dir);

	if (0 == access(buf, X_OK))
		return strcat(buf, " pics");

	snprintf(buf, 512, "%s/commands/pics", dir);

	return (0 == access(buf, X_OK)) ? buf : NULL;
}


Test(dc, solve_is_that_of_the_pics_command, .init = scratch_enter, .fini = scratch_leave)
{
	char pics[512];
	char command[1024];

	if (NULL == pics_command(pics)) {

		printf("SKIP dc::solve_is_that_of_the_pics_command: bart has not been built beside this program\n");
		cr_skip_test("no bart");
	}

	const struct dc_case_s c = { "two maps", { 21, 16, 1 }, 6, 2, 1, 1, 0, 0, false };

	struct dc_problem_s p = dc_problem_create(&c, 131);

	complex float* ksp = dc_zeros(p.K);
	complex float* u = solve(&p, 0.3, ksp);

	dump_cfl("ksp", DIMS, p.ksp_dims, ksp);
	dump_cfl("maps", DIMS, p.map_dims, p.maps);
	dump_cfl("pat", DIMS, p.pat_dims, p.pattern);

	// -w 1: the data are not scaled, as mu belongs to them as they are
	snprintf(command, sizeof(command), "%s -l2 -r 0.3 -w 1 -i 200 -p pat ksp maps img > /dev/null 2>&1", pics);
	cr_assert(0 == system(command), "%s", command);

	long dims[DIMS];
	complex float* img = load_cfl("img", DIMS, dims);

	cr_assert(md_check_equal_dims(DIMS, dims, p.img_dims, ~0UL));
	cr_expect(md_znrmse(DIMS, dims, img, u) < 8. * EPS * (4. + 0.3) / 0.3);

	unmap_cfl(DIMS, dims, img);
	md_free(ksp);
	md_free(u);
	dc_problem_free(&p);
}
