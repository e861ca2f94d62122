/*
 * A tiny problem for modules: random maps, pattern, images and weights.
 */
#ifndef _MODULE_CASE_H
#define _MODULE_CASE_H

#include <complex.h>
#include <stdbool.h>

#include "gleam/conf.h"
#include "gleam/keep.h"
#include "gleam/module.h"
#include "gleam/unroll.h"

#include "nn/backend.h"

struct problem_s {

	struct gleam_net_s net;
	struct gleam_keep_s keep;
	long P;
	long pixels;		// of the reference

	struct gleam_unroll_s* unroll;
	struct gleam_module_s* module;

	float* params;
	double* errors;		// of inversion, as gleam_module_train gives them
	complex float* x;
	complex float* x0;
	complex float* ref;
	complex float* out;
};

struct case_s {

	enum gleam_type type;
	long length;
	long maps;
	long frames;
	bool learn_dc;
	bool combined;			// one reference for all maps
	struct gleam_keep_s keep;
	const struct nn_backend_s* backend;	// NULL is the reference
	long cg_iter;			// 0 is enough to converge
};

extern struct problem_s problem_create(const struct case_s* c);
extern void problem_free(struct problem_s* p);

// forward, loss and backward; the gradient is added to
extern double problem_loss(struct problem_s* p, const float* params);

// a copy, for xfree, of the gradient at the problem's parameters
extern float* problem_gradient(struct problem_s* p);

/* Finite differences of the loss against the gradient, along a direction in which each
 * parameter changes, or only step sizes and mu.
 */
extern void case_check_gradient(const struct case_s* c, bool only_dc);

// in -1 .. 1
extern float case_uniform(unsigned int* seed);
extern complex float case_complex(unsigned int* seed);

#endif		// _MODULE_CASE_H
