#include <math.h>
#include <complex.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "num/multind.h"
#include "num/flpmath.h"

#include "misc/mri.h"
#include "misc/misc.h"

#include "nn/backend.h"
#include "nn/prox_net.h"

#include "gleam/conf.h"
#include "gleam/dc.h"
#include "gleam/keep.h"
#include "gleam/module.h"
#include "gleam/unroll.h"

#include "module_case.h"

enum { X = 14, Y = 12, COILS = 3 };

float case_uniform(unsigned int* seed)
{
	return 2.f * (float)rand_r(seed) / (float)RAND_MAX - 1.f;
}

/* In one expression a compiler may choose which part comes first, and with it another
 * problem: one that lies near a kink of the ReLU, where differences are no derivatives.
 */
complex float case_complex(unsigned int* seed)
{
	float im = case_uniform(seed);
	float re = case_uniform(seed);

	return re + 1.if * im;
}

static complex float* random_image(long n, unsigned int* seed)
{
	complex float* x = md_alloc(1, (long[1]){ n }, CFL_SIZE);

	for (long i = 0; i < n; i++)
		x[i] = case_complex(seed);

	return x;
}

static void set_operators(struct problem_s* p, const struct gleam_dims_s* dims, unsigned int* seed)
{
	complex float* maps = random_image(md_calc_size(DIMS, dims->map), seed);
	complex float* pattern = random_image(md_calc_size(DIMS, dims->pat), seed);

	// normal operator's largest eigenvalue about one, as with normalised maps
	md_zsmul(DIMS, dims->map, maps, maps, 0.5);

	for (long i = 0; i < md_calc_size(DIMS, dims->pat); i++)
		pattern[i] = (0. < crealf(pattern[i])) ? 1. : 0.;

	gleam_dc_set(gleam_unroll_dc(p->unroll), maps, pattern);

	md_free(maps);
	md_free(pattern);
}

static struct gleam_net_s net_of(const struct case_s* c)
{
	struct gleam_net_s net = gleam_net_defaults;

	net.type = c->type;
	net.iterations = c->length;
	net.modules = 1;
	net.prox.features = 4;
	net.prox.maps = c->maps;
	net.prox.spatial = (1 < c->frames) ? 3 : 2;
	net.mu = 2.;
	net.step_size = 0.4;
	net.cg_iter = (0 < c->cg_iter) ? c->cg_iter : 30;	// converged: the adjoint solve is then the gradient
	net.learn_dc = c->learn_dc;

	gleam_net_complete(&net);

	return net;
}

static struct gleam_dims_s dims_of(long maps, long frames)
{
	struct gleam_dims_s dims;

	md_singleton_dims(DIMS, dims.ksp);
	md_singleton_dims(DIMS, dims.map);
	md_singleton_dims(DIMS, dims.pat);
	md_singleton_dims(DIMS, dims.trj);

	dims.ksp[0] = dims.map[0] = dims.pat[0] = X;
	dims.ksp[1] = dims.map[1] = dims.pat[1] = Y;
	dims.ksp[COIL_DIM] = dims.map[COIL_DIM] = COILS;
	dims.map[MAPS_DIM] = maps;
	dims.ksp[TIME_DIM] = dims.pat[TIME_DIM] = frames;

	return dims;
}

static void set_params(struct problem_s* p)
{
	long length = p->net.iterations;

	p->params = xmalloc((size_t)(length * p->P) * sizeof(float));

	for (long n = 0; n < length; n++) {

		nn_prox_init(&p->net.prox, p->P - 1, p->params + n * p->P, 3, (int)n);
		p->params[n * p->P + p->P - 1] = (GLEAM_PGD == p->net.type) ? p->net.step_size : p->net.mu;
	}
}

struct problem_s problem_create(const struct case_s* c)
{
	struct problem_s p = { .net = net_of(c), .keep = c->keep };
	struct gleam_dims_s dims = dims_of(c->maps, c->frames);
	const struct nn_backend_s* backend = (NULL != c->backend) ? c->backend : &nn_backend_ref;
	unsigned int seed = 17;

	p.P = gleam_net_params(&p.net);
	p.unroll = gleam_unroll_create(&p.net, backend, &dims, (int)gleam_keep_slots(&c->keep, c->length));
	p.module = gleam_module_create(p.unroll, &c->keep, c->length, p.P, c->combined);
	p.pixels = gleam_unroll_pixels(p.unroll) / (c->combined ? c->maps : 1);
	p.errors = xmalloc((size_t)(2 * c->length) * sizeof(double));

	set_operators(&p, &dims, &seed);
	set_params(&p);

	long N = gleam_unroll_pixels(p.unroll);

	p.x = random_image(N, &seed);
	p.x0 = random_image(N, &seed);
	p.ref = random_image(p.pixels, &seed);
	p.out = random_image(N, &seed);

	return p;
}

void problem_free(struct problem_s* p)
{
	gleam_module_free(p->module);
	gleam_unroll_free(p->unroll);

	xfree(p->errors);
	xfree(p->params);
	md_free(p->x);
	md_free(p->x0);
	md_free(p->ref);
	md_free(p->out);
}

double problem_loss(struct problem_s* p, const float* params)
{
	double sum = 0.;

	memset(p->errors, 0, (size_t)(2 * p->net.iterations) * sizeof(double));

	gleam_module_load(p->module, params);
	gleam_module_train(p->module, (double)p->pixels, p->out, p->x, p->x0, p->ref, &sum, p->errors);

	return sum / (double)p->pixels;
}

float* problem_gradient(struct problem_s* p)
{
	size_t bytes = (size_t)(p->net.iterations * p->P) * sizeof(float);
	float* grad = xmalloc(bytes);

	gleam_module_clear(p->module);
	problem_loss(p, p->params);

	memcpy(grad, gleam_module_gradient(p->module), bytes);

	return grad;
}

/* Along the gradient itself (there the change is far above rounding) and along a
 * random direction mixed with it, so that an error in any part of the gradient
 * shows. Returns the derivative that the gradient gives.
 */
static double set_direction(const struct problem_s* p, bool only_dc, long n, float dir[n], const float grad[n])
{
	unsigned int seed = 5;
	double norm = 0.;
	double derivative = 0.;

	for (long i = 0; i < n; i++)
		norm += pow((double)grad[i], 2.);

	for (long i = 0; i < n; i++) {

		bool is_dc = (p->P - 1 == i % p->P);

		dir[i] = grad[i] / (float)sqrt(norm) + case_uniform(&seed) / (float)sqrt((double)n);

		if (only_dc && !is_dc)
			dir[i] = 0.;

		if (!p->net.learn_dc && is_dc)
			dir[i] = 0.;

		derivative += (double)dir[i] * (double)grad[i];
	}

	return derivative;
}

static double central_difference(struct problem_s* p, long n, const float dir[n])
{
	float* shifted = xmalloc((size_t)n * sizeof(float));
	double h = 1.E-3;
	double side[2];

	for (int s = 0; s < 2; s++) {

		for (long i = 0; i < n; i++)
			shifted[i] = p->params[i] + (float)((0 == s) ? h : -h) * dir[i];

		side[s] = problem_loss(p, shifted);
	}

	xfree(shifted);

	return (side[0] - side[1]) / (2. * h);
}

void case_check_gradient(const struct case_s* c, bool only_dc)
{
	struct problem_s p = problem_create(c);
	long n = c->length * p.P;

	float* grad = problem_gradient(&p);
	float* dir = xmalloc((size_t)n * sizeof(float));

	double expected = set_direction(&p, only_dc, n, dir, grad);
	double measured = central_difference(&p, n, dir);

	cr_expect_float_eq(measured, expected, 5.E-3 * fabs(expected),
			"type %d, %ld iterations, %ld maps, trainer %d: finite difference %.8f, gradient %.8f",
			(int)c->type, c->length, c->maps, (int)c->keep.what, measured, expected);

	xfree(grad);
	xfree(dir);
	problem_free(&p);
}
