/*
 * What an unrolled network is (stored with the weights), with defaults and a
 * text form.
 */
#ifndef _GLEAM_CONF_H
#define _GLEAM_CONF_H

#include <limits.h>
#include <stdio.h>
#include <stdbool.h>

#include "nn/prox_net.h"

#define GLEAM_VERSION "0.1"

enum gleam_type { GLEAM_PGD, GLEAM_MODL };

// whose 95th percentile a sample is divided by: x0's, or the image's from k-space averaged over time
enum gleam_scaling { GLEAM_SCALING_IMAGE, GLEAM_SCALING_AVERAGE };

struct gleam_net_s {

	enum gleam_type type;
	long iterations;	// N, unrolled
	long modules;		// M, divides N

	struct nn_prox_conf_s prox;

	float step_size;	// t of PGD
	float mu;		// of MoDL
	long cg_iter;
	bool learn_dc;		// t or mu of every iteration is trained

	enum gleam_scaling scaling;	// of samples with several frames; of others always the image's
};

// an option that was not given
#define GLEAM_UNSET LONG_MIN

// where options start from: what depends on the type or on other options is GLEAM_UNSET
extern const struct gleam_net_s gleam_net_defaults;

/* Defaults of the paper for this type: --modules, --features,
 * --blocks, --layers that were not given (GLEAM_UNSET) are filled in, prox.type is set.
 * Calls error() with what to change when a value makes no sense; a depth that
 * this type has not (--layers of PGD) is dropped with a warning.
 */
extern void gleam_net_complete(struct gleam_net_s* net);

// parameters of one unrolled iteration: the prox network's, then t or mu
// (always there, trained or not)
extern long gleam_net_params(const struct gleam_net_s* net);

/* Text form, one "name value" line each; empty lines and lines that start with
 * ';' are skipped. Floats come back to the same bits. Reading returns NULL, or a
 * message (valid until the next call in this thread) and leaves net alone.
 */
extern void gleam_net_print(const struct gleam_net_s* net, FILE* fp);
extern const char* gleam_net_parse(struct gleam_net_s* net, const char* text);

#endif		// _GLEAM_CONF_H
