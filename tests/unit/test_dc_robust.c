/*
 * Data consistency in rough conditions: samples that are zero, tiny, huge or not
 * numbers, any number of threads; and the memory it takes.
 */
#include <complex.h>
#include <malloc.h>
#include <math.h>
#include <omp.h>
#include <stdbool.h>
#include <stdio.h>

#include <criterion/criterion.h>

#include "num/multind.h"
#include "num/flpmath.h"

#include "misc/misc.h"
#include "misc/mri.h"

#include "gleam/dc.h"

#include "dc_dense.h"
#include "dc_help.h"

static bool all_zero(long N, const complex float x[N])
{
	for (long i = 0; i < N; i++)
		if (0. != x[i])
			return false;

	return true;
}


static bool all_finite(long N, const complex float x[N])
{
	for (long i = 0; i < N; i++)
		if (!isfinite(crealf(x[i])) || !isfinite(cimagf(x[i])))
			return false;

	return true;
}


// each sample's result is what it is alone
Test(dc, samples_are_independent)
{
	const struct dc_case_s* c = &dc_cases[0];

	struct dc_problem_s p = dc_problem_create(c, 61);
	struct gleam_dc_s* dc = dc_problem_dc(&p);
	struct dc_modl_s m = dc_modl_create(&p);

	complex float* u = dc_random(m.N, 3);

	gleam_dc_solve(dc, 0.1, 10, m.u, m.z, m.x0);

	struct dc_case_s one = *c;
	one.samples = 1;

	struct dc_problem_s q = dc_problem_create(&one, 61);
	struct gleam_dc_s* dc1 = gleam_dc_create(q.ksp_dims, q.map_dims, q.pat_dims);

	for (long s = 0; s < p.samples; s++) {

		gleam_dc_set(dc1, p.maps + s * md_calc_size(DIMS, q.map_dims), p.pattern + s * md_calc_size(DIMS, q.pat_dims));
		gleam_dc_solve(dc1, 0.1, 10, u + s * p.N, m.z + s * p.N, m.x0 + s * p.N);
	}

	cr_expect(dc_same_bits(m.N, u, m.u));

	md_free(u);
	dc_modl_free(&m);
	gleam_dc_free(dc);
	gleam_dc_free(dc1);
	dc_problem_free(&p);
	dc_problem_free(&q);
}


Test(dc, zero_sample)
{
	struct dc_problem_s p = dc_problem_create(&dc_cases[0], 71);
	struct gleam_dc_s* dc = dc_problem_dc(&p);
	struct dc_modl_s m = dc_modl_create(&p);

	// the first of two samples is zero
	md_clear(1, MD_DIMS(p.N), m.x0, CFL_SIZE);
	md_clear(1, MD_DIMS(p.N), m.z, CFL_SIZE);
	md_clear(1, MD_DIMS(p.N), m.du, CFL_SIZE);

	// ... from zero, and from something else
	for (int i = 0; i < 2; i++) {

		if (0 == i)
			md_clear(1, MD_DIMS(p.N), m.u, CFL_SIZE);

		double start = dc_dot(p.N, m.u, m.u);

		gleam_dc_solve(dc, 0.1, 100, m.u, m.z, m.x0);

		cr_expect(all_finite(m.N, m.u));
		cr_expect((0 < i) || all_zero(p.N, m.u));
		cr_expect(!all_zero(p.N, m.u + p.N));
		cr_expect(dc_dot(p.N, m.u, m.u) <= pow(4. * EPS * (4. + 0.1) / 0.1, 2.) * start);

		md_copy(1, MD_DIMS(p.N), m.u, m.z + p.N, CFL_SIZE);
	}

	gleam_dc_solve_adjoint(dc, 0.1, 100, m.dz, m.du);

	cr_expect(all_zero(p.N, m.dz));
	cr_expect(all_finite(m.N, m.dz));
	cr_expect(isfinite(gleam_dc_solve_gradient(dc, 0.1, m.dz, m.z, m.u)));

	dc_modl_free(&m);
	gleam_dc_free(dc);
	dc_problem_free(&p);
}


// iterations far beyond convergence, of numbers of any size
Test(dc, beyond_convergence)
{
	const float scale[] = { 1.e-15, 1., 1.e15 };

	for (int i = 0; i < (int)ARRAY_SIZE(scale); i++) {

		struct dc_problem_s p = dc_problem_create(&dc_cases[3], 81);
		struct gleam_dc_s* dc = dc_problem_dc(&p);
		struct dc_modl_s m = dc_modl_create(&p);

		md_zsmul(1, MD_DIMS(m.N), m.x0, m.x0, scale[i]);
		md_zsmul(1, MD_DIMS(m.N), m.z, m.z, scale[i]);
		md_zsmul(1, MD_DIMS(m.N), m.u, m.u, scale[i]);

		gleam_dc_solve(dc, 4., 1000, m.u, m.z, m.x0);

		complex double u[p.N];
		dc_exact_solve(&p, 0, 4., u, m.z, m.x0);

		cr_expect(dc_distance(p.N, m.u, u) < 8. * EPS, "scale %g", scale[i]);

		dc_modl_free(&m);
		gleam_dc_free(dc);
		dc_problem_free(&p);
	}
}


// something that is not a number is not hidden
Test(dc, nan_is_passed_on)
{
	struct dc_problem_s p = dc_problem_create(&dc_cases[0], 91);
	struct gleam_dc_s* dc = dc_problem_dc(&p);
	struct dc_modl_s m = dc_modl_create(&p);

	m.z[3] = NAN;

	gleam_dc_solve(dc, 0.1, 3, m.u, m.z, m.x0);

	cr_expect(!all_finite(p.N, m.u));
	cr_expect(all_finite(p.N, m.u + p.N));

	// ... and leaves nothing behind in the buffers
	md_clear(1, MD_DIMS(m.N), m.z, CFL_SIZE);
	md_clear(1, MD_DIMS(m.N), m.u, CFL_SIZE);

	gleam_dc_solve(dc, 0.1, 3, m.u, m.z, m.x0);

	cr_expect(all_finite(m.N, m.u));

	dc_modl_free(&m);
	gleam_dc_free(dc);
	dc_problem_free(&p);
}


// everything that is computed, one after the other
static complex float* all_results(const struct dc_case_s* c, int threads, long* total)
{
	omp_set_num_threads(threads);

	struct dc_problem_s p = dc_problem_create(c, 101);
	struct gleam_dc_s* dc = dc_problem_dc(&p);
	struct dc_modl_s m = dc_modl_create(&p);

	long K = p.K * p.samples;
	*total = K + 5 * m.N + 2;

	complex float* res = dc_zeros(*total);

	gleam_dc_forward(dc, res, m.z);
	gleam_dc_adjoint(dc, res + K, res);
	gleam_dc_normal(dc, res + K + m.N, m.z);
	gleam_dc_step(dc, 0.6, res + K + 2 * m.N, m.z, m.x0);
	gleam_dc_solve(dc, 0.1, 5, res + K + 3 * m.N, m.z, m.x0);
	gleam_dc_solve_adjoint(dc, 0.1, 5, res + K + 4 * m.N, m.du);
	res[K + 5 * m.N] = gleam_dc_step_gradient(dc, m.du, m.z, m.x0);
	res[K + 5 * m.N + 1] = gleam_dc_solve_gradient(dc, 0.1, res + K + 4 * m.N, m.z, res + K + 3 * m.N);

	dc_modl_free(&m);
	gleam_dc_free(dc);
	dc_problem_free(&p);

	return res;
}


Test(dc, bits_do_not_depend_on_threads)
{
	const struct dc_case_s cases[] = {

		{ "plane", { 150, 117, 1 }, 5, 2, 1, 2, 0, 0, false },
		{ "many coils", { 64, 30, 1 }, 21, 1, 1, 1, 0, 0, false },
		{ "cine", { 90, 83, 1 }, 3, 1, 3, 1, TIME_FLAG, 0, false },
	};

	for (int i = 0; i < (int)ARRAY_SIZE(cases); i++) {

		long N;
		complex float* one = all_results(&cases[i], 1, &N);

		for (int threads = 2; threads <= 5; threads++) {

			complex float* more = all_results(&cases[i], threads, &N);

			cr_expect(dc_same_bits(N, one, more), "%s, %d threads", cases[i].name, threads);

			md_free(more);
		}

		md_free(one);
	}
}


static size_t heap(void)
{
	struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
}


// not under the address sanitizer or valgrind, whose allocators have no account
static bool heap_is_known(void)
{
	size_t before = heap();
	void* block = xmalloc(1UL << 20);
	bool known = (before < heap());

	xfree(block);

	return known;
}


Test(dc, bytes_are_as_predicted)
{
	if (!heap_is_known()) {

		printf("SKIP dc::bytes_are_as_predicted: this allocator keeps no account\n");
		cr_skip_test("allocator");
	}

	const struct dc_case_s cases[] = {

		{ "plane", { 270, 256, 1 }, 8, 1, 1, 1, 0, 0, false },
		{ "two maps", { 230, 180, 1 }, 20, 2, 1, 3, 0, BATCH_FLAG, false },
		{ "cine", { 96, 80, 1 }, 6, 1, 10, 1, TIME_FLAG, 0, false },
		{ "volume", { 64, 48, 20 }, 4, 1, 1, 1, 0, READ_FLAG, false },
	};

	for (int i = 0; i < (int)ARRAY_SIZE(cases); i++) {

		struct dc_problem_s p = dc_problem_create(&cases[i], 111);

		// FFTW's and BART's own tables are made once
		gleam_dc_free(dc_problem_dc(&p));

		size_t before = heap();
		struct gleam_dc_s* dc = dc_problem_dc(&p);
		size_t used = heap() - before;

		size_t bytes = gleam_dc_bytes(p.ksp_dims, p.map_dims, p.pat_dims);

		// plans, operator, and the rounding of seven pieces to pages
		size_t extra = 64 * 1024 + 8 * 4096;

		cr_expect(used >= bytes, "%s: used %zu, predicted %zu", p.name, used, bytes);
		cr_expect(used < bytes + extra, "%s: used %zu, predicted %zu", p.name, used, bytes);

		gleam_dc_free(dc);
		dc_problem_free(&p);
	}
}
