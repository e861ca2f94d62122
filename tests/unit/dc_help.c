/*
 * What the tests of data consistency share.
 */
#include <complex.h>
#include <stdbool.h>
#include <string.h>

#include "num/multind.h"
#include "num/flpmath.h"

#include "misc/misc.h"
#include "misc/mri.h"

#include "gleam/dc.h"

#include "dc_dense.h"
#include "dc_help.h"

struct gleam_dc_s* dc_problem_dc(const struct dc_problem_s* p)
{
	struct gleam_dc_s* dc = gleam_dc_create(p->ksp_dims, p->map_dims, p->pat_dims);

	gleam_dc_set(dc, p->maps, p->pattern);

	return dc;
}


double dc_dot(long N, const complex float a[N], const complex float b[N])
{
	double s = 0.;

	for (long i = 0; i < N; i++)
		s += creal(conj((complex double)a[i]) * (complex double)b[i]);

	return s;
}


// dst = x + a y
complex float* dc_plus(long N, const complex float x[N], float a, const complex float y[N])
{
	complex float* dst = md_alloc(1, MD_DIMS(N), CFL_SIZE);

	for (long i = 0; i < N; i++)
		dst[i] = x[i] + a * y[i];

	return dst;
}


bool dc_same_bits(long N, const complex float a[N], const complex float b[N])
{
	return 0 == memcmp(a, b, (size_t)N * CFL_SIZE);
}


complex float* dc_zeros(long N)
{
	return md_calloc(1, MD_DIMS(N), CFL_SIZE);
}


struct dc_modl_s dc_modl_create(const struct dc_problem_s* p)
{
	long N = p->N * p->samples;

	struct dc_modl_s m = {

		.N = N,
		.x0 = dc_random(N, 1),
		.z = dc_random(N, 2),
		.u = dc_random(N, 3),
		.du = dc_random(N, 4),
		.dz = dc_random(N, 5),
	};

	// the second sample is much larger: a common step size would be wrong for both
	if (1 < p->samples) {

		for (long i = p->N; i < 2 * p->N; i++) {

			m.x0[i] *= 1000.;
			m.z[i] *= 1000.;
		}
	}

	return m;
}

void dc_modl_free(struct dc_modl_s* m)
{
	md_free(m->x0);
	md_free(m->z);
	md_free(m->u);
	md_free(m->du);
	md_free(m->dz);
}


// exact solution in double of one sample
void dc_exact_solve(const struct dc_problem_s* p, long s, double mu, complex double* u, const complex float* z, const complex float* x0)
{
	complex double b[p->N];

	for (long j = 0; j < p->N; j++)
		b[j] = (complex double)x0[s * p->N + j] + mu * (complex double)z[s * p->N + j];

	dc_dense_solve(p, s, mu, u, b);
}
