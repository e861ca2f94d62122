/*
 * A module that keeps the activations of one iteration at a time.
 *
 * Gradient checkpointing: images between iterations stay, each iteration's forward pass
 * is made again when the backward pass reaches it (Chen T, Xu B, Zhang C, Guestrin C.
 * Training deep nets with sublinear memory cost. arXiv:1604.06174).
 *
 * Memory-efficient learning: most images do not stay, either; the input of an
 * iteration is computed from its output (Kellman M, Zhang K, Markley E, Tamir J, Bostan
 * E, Lustig M, Waller L. Memory-efficient learning for large-scale computational
 * imaging. IEEE TCI 2020;6:1403-1414).
 */

#include <complex.h>
#include <stdbool.h>

#include "misc/misc.h"

#include "gleam/keep.h"
#include "gleam/place.h"
#include "gleam/unroll.h"

#include "gleam/module_struct.h"


static void use_params(struct gleam_module_s* m, long i)
{
	if (i == m->loaded)
		return;

	gleam_unroll_load(m->unroll, 0, m->params + i * m->P);

	m->loaded = i;
}

static complex float* other_work(const struct gleam_module_s* m, const complex float* x)
{
	return (m->work[0] == x) ? m->work[1] : m->work[0];
}

void module_again_forward(struct gleam_module_s* m,
		complex float* out, const complex float* in, const complex float* x0)
{
	for (long i = 0; i < m->length; i++) {

		complex float* next = out;

		if (i < m->length - 1)
			next = (NULL != m->x[i]) ? m->x[i] : other_work(m, in);

		use_params(m, i);
		gleam_unroll_forward(m->unroll, 0, next, in, x0);

		in = next;
	}
}

/* The input of an iteration and its activations, again, from its output: the input
 * that stays, or the inverted one. On entry and exit inverted says whether out, and
 * what is returned, is such a one.
 */
static const complex float* inverted_input(struct gleam_module_s* m, double** errors, bool* inverted,
		const complex float* out, const complex float* kept, const complex float* x0)
{
	if (!*inverted && (NULL != kept))
		return kept;

	complex float* prev = other_work(m, out);

	gleam_unroll_invert(m->unroll, 0, m->keep.fixed_point, prev, out, x0, m->dx[1]);

	*inverted = (NULL == kept);

	if (*inverted)
		return prev;

	// a restart
	m->place->add_energy(m->pixels, *errors, prev, kept, m->room);
	m->place->add_energy(m->pixels, *errors + 1, kept, NULL, m->room);
	*errors += 2;

	return kept;
}

static void again(struct gleam_module_s* m, const complex float* in, const complex float* x0)
{
	// of MoDL's iteration after the solve nothing is needed but what stays
	if (GLEAM_KEEP_FEW == m->keep.what)
		gleam_unroll_network(m->unroll, 0, in);
	else
		gleam_unroll_forward(m->unroll, 0, m->dx[1], in, x0);
}

void module_again_backward(struct gleam_module_s* m, double* errors,
		const complex float* out, const complex float* in, const complex float* x0)
{
	bool inverted = false;

	for (long i = m->length - 1; 0 <= i; i--) {

		const complex float* kept = (0 == i) ? in : m->x[i - 1];

		use_params(m, i);

		const complex float* prev = inverted_input(m, &errors, &inverted, out, kept, x0);

		// those of the last iteration are still there
		if ((i < m->length - 1) || inverted)
			again(m, prev, x0);

		gleam_unroll_backward(m->unroll, 0, m->grad + i * m->P,
				(0 == i) ? NULL : m->dx[1], m->dx[0], out, prev, x0);

		out = prev;

		if (0 < i)
			SWAP(m->dx[0], m->dx[1]);
	}
}
