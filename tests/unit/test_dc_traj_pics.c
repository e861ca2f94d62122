/*
 * Data consistency on trajectories against BART's commands.
 */
#include <complex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "num/multind.h"
#include "num/flpmath.h"

#include "misc/debug.h"
#include "misc/misc.h"
#include "misc/mmio.h"
#include "misc/mri.h"

#include "gleam/dc.h"

#include "dc_dense.h"
#include "dc_help.h"
#include "scratch.h"
#include "traj_case.h"

// even sizes, spokes well inside the grid: BART's nuFFT cuts off what is at its edge
static const struct traj_case_s inside = { "two maps", { 24, 20, 1 }, 14, 40, 6, 2, 1, 1, 0, 0, true };

static bool find_bart(char path[static 512])
{
	char dir[256] = { };

	if (0 > readlink("/proc/self/exe", dir, sizeof(dir) - 1))
		return false;

	*strrchr(dir, '/') = '\0';

	snprintf(path, 512, "%s/bart", dir);

	return (0 == access(path, X_OK));
}


static void run(const char* bart, const char* arguments)
{
	char command[1024];

	snprintf(command, sizeof(command), "%s %s > /dev/null 2>&1", bart, arguments);

	cr_assert(0 == system(command), "%s", command);
}


static double difference(const char* name, const long dims[DIMS], const complex float* x)
{
	long fdims[DIMS];
	complex float* img = load_cfl(name, DIMS, fdims);

	cr_assert(md_check_equal_dims(DIMS, dims, fdims, ~0UL), "%s", name);

	double err = md_znrmse(DIMS, dims, img, x);

	unmap_cfl(DIMS, fdims, img);

	return err;
}


static struct traj_problem_s create(void)
{
	struct traj_problem_s p = traj_problem_create(&inside, 131);

	md_zsmul(DIMS, p.trj_dims, p.traj, p.traj, 0.7);

	return p;
}


// P F S x
static void check_forward(const char* bart, const struct traj_problem_s* p, const complex float* ksp)
{
	run(bart, "fmac -s 16 x maps coils");
	run(bart, "nufft traj coils y");
	run(bart, "fmac y pat py");

	double err = difference("py", p->dense.ksp_dims, ksp);

	cr_expect(err < NUFFT_ACCURACY, "%e", err);
}


// S^H F^H P y
static void check_adjoint(const char* bart, const struct traj_problem_s* p, struct gleam_dc_s* dc, const complex float* ksp)
{
	const struct dc_problem_s* d = &p->dense;
	complex float* x0 = dc_zeros(d->N);

	gleam_dc_adjoint_traj(dc, 0, 1., x0, ksp, p->traj, d->pattern);

	run(bart, "fmac ksp pat pksp");
	run(bart, "nufft -a -d 24:20:1 traj pksp aksp");
	run(bart, "fmac -C -s 8 aksp maps a");

	double err = difference("a", d->img_dims, x0);

	cr_expect(err < NUFFT_ACCURACY, "%e", err);

	md_free(x0);
}


/* (A^H A + mu L) u = A^H P y: pics multiplies k-space with the weights, too. -w 1:
 * the data are not scaled, as mu belongs to them as they are.
 */
static void check_solve(const char* bart, const struct traj_problem_s* p, struct gleam_dc_s* dc, const complex float* ksp)
{
	const struct dc_problem_s* d = &p->dense;
	const float mu = 0.05;
	char pics[256];

	complex float* pksp = dc_zeros(d->K);
	complex float* x0 = dc_zeros(d->N);
	complex float* u = dc_zeros(d->N);
	complex float* z = dc_zeros(d->N);

	md_zmul2(DIMS, d->ksp_dims, MD_STRIDES(DIMS, d->ksp_dims, CFL_SIZE), pksp, MD_STRIDES(DIMS, d->ksp_dims, CFL_SIZE), ksp,
			MD_STRIDES(DIMS, d->pat_dims, CFL_SIZE), d->pattern);

	gleam_dc_adjoint_traj(dc, 0, p->scale[0], x0, pksp, p->traj, d->pattern);
	gleam_dc_solve(dc, mu, 100, u, z, x0);

	snprintf(pics, sizeof(pics), "pics -l2 -r %.9g -w 1 -i 100 -t traj -p pat ksp maps img", (double)(mu / p->scale[0]));
	run(bart, pics);

	double err = difference("img", d->img_dims, u);

	cr_expect(err < NUFFT_ACCURACY / (double)mu, "%e", err);

	md_free(pksp);
	md_free(x0);
	md_free(u);
	md_free(z);
}


// all that the commands read; returns k-space of x
static complex float* write_files(struct traj_problem_s* p, struct gleam_dc_s* dc)
{
	const struct dc_problem_s* d = &p->dense;

	complex float* x = dc_random(d->N, 1);
	complex float* ksp = dc_zeros(d->K);

	gleam_dc_forward_traj(dc, 0, ksp, x, p->traj, d->pattern);

	dump_cfl("x", DIMS, d->img_dims, x);
	dump_cfl("maps", DIMS, d->map_dims, d->maps);
	dump_cfl("pat", DIMS, d->pat_dims, d->pattern);
	dump_cfl("traj", DIMS, p->trj_dims, p->traj);
	dump_cfl("ksp", DIMS, d->ksp_dims, ksp);

	md_free(x);

	return ksp;
}


Test(dc_traj, nufft_and_pics_commands, .init = scratch_enter, .fini = scratch_leave)
{
	char bart[512];

	if (!find_bart(bart)) {

		printf("SKIP dc_traj::nufft_and_pics_commands: bart has not been built beside this program\n");
		cr_skip_test("no bart");
	}

	struct traj_problem_s p = create();
	struct gleam_dc_s* dc = traj_problem_dc(&p);
	complex float* ksp = write_files(&p, dc);

	check_forward(bart, &p, ksp);
	check_adjoint(bart, &p, dc, ksp);
	check_solve(bart, &p, dc, ksp);

	md_free(ksp);
	gleam_dc_free(dc);
	traj_problem_free(&p);
}
