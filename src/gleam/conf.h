/*
 * What an unrolled network is (struct gleam_net_s: stored with the weights) and
 * how it is trained (struct gleam_train_s), with defaults and a text form.
 */
#ifndef _GLEAM_CONF_H
#define _GLEAM_CONF_H

#include <stdio.h>
#include <stdbool.h>

#include "nn/prox_net.h"

enum gleam_type { GLEAM_PGD, GLEAM_MODL };

struct gleam_net_s {

	enum gleam_type type;
	long iterations;	// N, unrolled
	long modules;		// M, divides N

	struct nn_prox_conf_s prox;

	float step_size;	// t of PGD
	float mu;		// of MoDL
	long cg_iter;
	bool learn_dc;		// t or mu of every iteration is trained
};

/* Defaults of the paper for this type: --features, --blocks, --layers that were
 * not given (0) are filled in. Calls error() with what to change when a value
 * makes no sense.
 */
extern void gleam_net_complete(struct gleam_net_s* net);

// parameters of one unrolled iteration: the prox network's, then t or mu
extern long gleam_net_params(const struct gleam_net_s* net);

// text form, one "name value" line each; reading gives an error message or NULL
extern void gleam_net_print(const struct gleam_net_s* net, FILE* fp);
extern const char* gleam_net_parse(struct gleam_net_s* net, const char* text);

#endif		// _GLEAM_CONF_H
