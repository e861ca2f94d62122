/*
 * What a training iteration needs of data consistency on the GPU: it can be
 * recorded, and launches kernels without doing anything else.
 */
#include <criterion/criterion.h>

#ifdef GLEAM_GPU

#include <complex.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "num/multind.h"
#include "num/flpmath.h"

#include "misc/misc.h"
#include "misc/mri.h"

#include "gpu/gpu.h"

#ifdef GLEAM_EMULATE
#include "emulator/emulator.h"
#endif

#include "gleam/gpu_dc.h"

#include "dc_dense.h"
#include "gpu_dc_help.h"
#include "gpu_dc_trial.h"


static void work(struct gpu_dc_trial_s* t)
{
	gpu_dc_step(t->g.gpu, t->mu, t->dz, t->x0, t->z);
	gpu_dc_step_adjoint(t->g.gpu, t->mu, t->z, t->dz);
	gpu_dc_step_gradient(t->g.gpu, t->dmu, t->dz, t->z, t->x0);

	gpu_dc_invert(t->g.gpu, t->mu, t->z, t->dz, t->x0);

	gpu_dc_solve(t->g.gpu, t->mu, 4, t->u, t->z, t->x0);
	gpu_dc_solve_adjoint(t->g.gpu, t->mu, 4, t->dz, t->du);
	gpu_dc_solve_gradient(t->g.gpu, t->mu, t->dmu, t->dz, t->z, t->u);
}


struct result_s { complex float* u; complex float* dz; float dmu; };

static struct result_s result_get(struct gpu_dc_trial_s* t)
{
	return (struct result_s){ gpu_get(t->g.N, t->u), gpu_get(t->g.N, t->dz), gpu_get_float(t->dmu) };
}


static void result_free(struct result_s* r)
{
	md_free(r->u);
	md_free(r->dz);
}


// what the trial has just computed
static void expect_result(struct gpu_dc_trial_s* t, const struct result_s* expected)
{
	struct result_s r = result_get(t);

	cr_expect(dc_same_bits(t->g.N, expected->u, r.u), "%s", t->g.p.name);
	cr_expect(dc_same_bits(t->g.N, expected->dz, r.dz), "%s", t->g.p.name);
	cr_expect(0 == memcmp(&expected->dmu, &r.dmu, sizeof(float)), "%s: %e, %e", t->g.p.name, expected->dmu, r.dmu);

	result_free(&r);
}


static void reset(struct gpu_dc_trial_s* t)
{
	gpu_dc_trial_upload(t);
	gpu_clear(t->dmu, FL_SIZE);
}


static struct gpu_graph_s* record(struct gpu_dc_trial_s* t)
{
	gpu_graph_begin();
	work(t);

	return gpu_graph_end();
}


static void replay(struct gpu_dc_trial_s* t, struct gpu_graph_s* graph)
{
	reset(t);
	gpu_graph_launch(graph);
}


// scalars are read when it runs: the graph recorded with another mu, whose result was before
static void check_other_mu(struct gpu_dc_trial_s* t, struct gpu_graph_s* graph, const struct result_s* before)
{
	const float mu = 0.4;

	reset(t);
	gpu_upload(t->mu, &mu, FL_SIZE);
	work(t);

	struct result_s other = result_get(t);

	replay(t, graph);

	cr_expect(!dc_same_bits(t->g.N, before->u, other.u));
	expect_result(t, &other);

	result_free(&other);
}


// launched, launched again, recorded and replayed, recorded for another mu
static void check_recorded(struct gpu_dc_trial_s* t)
{
	work(t);

	struct result_s first = result_get(t);

	reset(t);
	work(t);

	expect_result(t, &first);

	struct gpu_graph_s* graph = record(t);

	for (int j = 0; j < 2; j++) {

		replay(t, graph);
		expect_result(t, &first);
	}

	check_other_mu(t, graph, &first);

	result_free(&first);
	gpu_graph_free(graph);
}


Test(gpu_dc, same_bits_when_recorded)
{
	GPU_OR_SKIP("gpu_dc::same_bits_when_recorded");

	const int cases[] = { 0, 5, 11 };

	for (int i = 0; i < (int)ARRAY_SIZE(cases); i++) {

		struct gpu_dc_trial_s t = gpu_dc_trial_create(gpu_dc_case(cases[i]), 26, 0.2);

		check_recorded(&t);

		gpu_dc_trial_free(&t);
	}
}


#ifdef GLEAM_EMULATE

static void expect_launches(struct emulated_counts_s before, long launches, long ffts)
{
	gpu_sync();

	struct emulated_counts_s after = emulated_counts();

	cr_expect(launches == after.launches - before.launches, "%ld", after.launches - before.launches);
	cr_expect(ffts == after.ffts - before.ffts, "%ld", after.ffts - before.ffts);
}


// an iteration of conjugate gradients: four launches of ours, two calls of cuFFT
Test(gpu_dc, launches_and_nothing_else)
{
	struct gpu_dc_trial_s t = gpu_dc_trial_create(gpu_dc_case(8), 27, 0.2);

	work(&t);
	gpu_sync();

	struct emulated_counts_s a = emulated_counts();

	work(&t);

	struct emulated_counts_s b = emulated_counts();

	gpu_sync();

	cr_expect(a.allocations == b.allocations);
	cr_expect(a.host_allocations == b.host_allocations);
	cr_expect(a.synchronisations == b.synchronisations);
	cr_expect(a.plans == b.plans);

	b = emulated_counts();

	cr_expect(a.host_to_device == b.host_to_device);
	cr_expect(a.device_to_host == b.device_to_host);
	cr_expect(a.device_to_device == b.device_to_device);

	a = emulated_counts();
	gpu_dc_solve(t.g.gpu, t.mu, 7, t.u, t.z, t.x0);
	expect_launches(a, 3 + 7 * 4, 2 + 7 * 2);

	a = emulated_counts();
	gpu_dc_step(t.g.gpu, t.mu, t.dz, t.u, t.x0);
	expect_launches(a, 3, 2);

	gpu_dc_trial_free(&t);
}

#else

Test(gpu_dc, launches_and_nothing_else)
{
	fprintf(stderr, "SKIP gpu_dc::launches_and_nothing_else: only the emulated device counts\n");
}

#endif

#endif		// GLEAM_GPU
