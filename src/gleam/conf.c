/*
 * One table describes every value of a network: its name in the text form (the
 * name of its option, too), where it lives and what it may be. Printing, parsing
 * and checking all go by it.
 */

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdbool.h>
#include <stdarg.h>
#include <string.h>
#include <math.h>

#include "misc/misc.h"

#include "nn/prox_net.h"

#include "gleam/warn.h"

#include "gleam/conf.h"


const struct gleam_net_s gleam_net_defaults = {

	.type = GLEAM_PGD,
	.iterations = 8,
	.modules = GLEAM_UNSET,

	.prox = { .type = NN_PROX_RESNET, .maps = 1, .spatial = 2,
		.features = GLEAM_UNSET, .blocks = GLEAM_UNSET, .layers = GLEAM_UNSET },

	.step_size = 0.5f,
	.mu = 0.05f,
	.cg_iter = 10,
	.learn_dc = false,
};


enum field_kind { FIELD_TYPE, FIELD_PROX, FIELD_SCALING, FIELD_LONG, FIELD_INT, FIELD_BOOL, FIELD_FLOAT };

struct field_s {

	const char* name;
	enum field_kind kind;
	size_t offset;

	// of enums the number of the last one
	double min;
	double max;

	bool optional;	// zero where it is not written, and not written where it is zero
};

#define FIELD(name, kind, member, min, max) { name, FIELD_ ## kind, offsetof(struct gleam_net_s, member), min, max, false }

/* The upper limits keep every product of them far from overflow; step_size and
 * mu are open at zero, which would switch data consistency off.
 */
static const struct field_s fields[] = {

	FIELD("network",	TYPE,	type,		0, GLEAM_MODL),
	FIELD("iterations",	LONG,	iterations,	1, 1024),
	FIELD("modules",	LONG,	modules,	1, 1024),
	FIELD("prox",		PROX,	prox.type,	0, NN_PROX_REVNET),
	FIELD("features",	LONG,	prox.features,	1, 4096),
	FIELD("blocks",		LONG,	prox.blocks,	0, 64),
	FIELD("layers",		LONG,	prox.layers,	0, 64),
	FIELD("maps",		LONG,	prox.maps,	1, 64),
	FIELD("spatial",	INT,	prox.spatial,	2, 3),
	FIELD("step-size",	FLOAT,	step_size,	1.e-6, 1.e2),
	FIELD("mu",		FLOAT,	mu,		1.e-9, 1.e9),
	FIELD("cg-iter",	LONG,	cg_iter,	1, 10000),
	FIELD("learn-dc",	BOOL,	learn_dc,	0, 1),

	// what was written before there was this one is not different
	{ "scaling", FIELD_SCALING, offsetof(struct gleam_net_s, scaling), 0, GLEAM_SCALING_AVERAGE, true },
};

#define FIELDS ((int)ARRAY_SIZE(fields))

static const char* const type_names[] = { [GLEAM_PGD] = "pgd", [GLEAM_MODL] = "modl" };
static const char* const scaling_names[] = { [GLEAM_SCALING_IMAGE] = "image", [GLEAM_SCALING_AVERAGE] = "time-average" };
static const char* const prox_names[] = { [NN_PROX_RESNET] = "resnet", [NN_PROX_REVNET] = "revnet" };


static const char* __attribute__((format(printf, 1, 2))) message(const char* fmt, ...)
{
	static _Thread_local char text[512];

	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);

	return text;
}


static const char* const* field_names(const struct field_s* field)
{
	switch (field->kind) {

	case FIELD_TYPE:
		return type_names;

	case FIELD_PROX:
		return prox_names;

	case FIELD_SCALING:
		return scaling_names;

	default:
		return NULL;
	}
}


// every value that passes the range check is exact in double
static double field_get(const struct gleam_net_s* net, const struct field_s* field)
{
	const void* p = (const char*)net + field->offset;

	switch (field->kind) {

	case FIELD_TYPE:
		return *(const enum gleam_type*)p;

	case FIELD_PROX:
		return *(const enum nn_prox_type*)p;

	case FIELD_SCALING:
		return *(const enum gleam_scaling*)p;

	case FIELD_LONG:
		return (double)*(const long*)p;

	case FIELD_INT:
		return *(const int*)p;

	case FIELD_BOOL:
		return *(const bool*)p ? 1. : 0.;

	case FIELD_FLOAT:
		return (double)*(const float*)p;
	}

	return 0.;
}


static void field_set(struct gleam_net_s* net, const struct field_s* field, double val)
{
	void* p = (char*)net + field->offset;

	switch (field->kind) {

	case FIELD_TYPE:
		*(enum gleam_type*)p = (enum gleam_type)val;
		break;

	case FIELD_PROX:
		*(enum nn_prox_type*)p = (enum nn_prox_type)val;
		break;

	case FIELD_SCALING:
		*(enum gleam_scaling*)p = (enum gleam_scaling)val;
		break;

	case FIELD_LONG:
		*(long*)p = (long)val;
		break;

	case FIELD_INT:
		*(int*)p = (int)val;
		break;

	case FIELD_BOOL:
		*(bool*)p = (1. == val);
		break;

	case FIELD_FLOAT:
		*(float*)p = (float)val;
		break;
	}
}


// negated so that NaN does not pass
static bool field_in_range(const struct field_s* field, double val)
{
	if (!((field->min <= val) && (val <= field->max)))
		return false;

	return (FIELD_FLOAT == field->kind) || (val == floor(val));
}


static const char* field_expected(const struct field_s* field, const char* found)
{
	const char* const* names = field_names(field);

	if (NULL != names)
		return message("%s: found '%s', expected '%s' or '%s'", field->name, found, names[0], names[1]);

	const char* what = (FIELD_FLOAT == field->kind) ? "number" : "whole number";

	return message("%s: found '%s', expected a %s from %g to %g", field->name, found, what, field->min, field->max);
}


static const char* check_modules(const struct gleam_net_s* net)
{
	if (0 == net->iterations % net->modules)
		return NULL;

	char divisors[256] = "";
	size_t len = 0;

	for (long m = 1; m <= net->iterations; m++) {

		if ((0 == net->iterations % m) && (len + 8 < sizeof(divisors)))
			len += (size_t)snprintf(divisors + len, sizeof(divisors) - len, " %ld", m);
	}

	return message("modules: found %ld, expected a divisor of the %ld iterations:%s",
			net->modules, net->iterations, divisors);
}


static const char* check_prox(const struct gleam_net_s* net)
{
	const struct nn_prox_conf_s* prox = &net->prox;
	bool resnet = (NN_PROX_RESNET == prox->type);

	if ((GLEAM_PGD == net->type) != resnet)
		return message("prox: found '%s', expected '%s' for network '%s'",
				prox_names[prox->type], prox_names[resnet ? NN_PROX_REVNET : NN_PROX_RESNET], type_names[net->type]);

	if (resnet && ((1 > prox->blocks) || (0 != prox->layers)))
		return message("blocks, layers: found %ld, %ld, expected at least one block and no layers (0) for a resnet",
				prox->blocks, prox->layers);

	if (!resnet && ((2 > prox->layers) || (0 != prox->blocks)))
		return message("layers, blocks: found %ld, %ld, expected at least two layers and no blocks (0) for a revnet",
				prox->layers, prox->blocks);

	return NULL;
}


static const char* check(const struct gleam_net_s* net)
{
	for (int i = 0; i < FIELDS; i++) {

		double val = field_get(net, &fields[i]);
		char found[32];

		snprintf(found, sizeof(found), "%.9g", val);

		if (!field_in_range(&fields[i], val))
			return field_expected(&fields[i], found);
	}

	const char* msg = check_modules(net);

	return (NULL != msg) ? msg : check_prox(net);
}


static void ignore_depth(long* depth, const char* name, const char* network)
{
	if ((GLEAM_UNSET != *depth) && (0 != *depth))
		gleam_warn("--%s %ld has no effect with --%s\n", name, *depth, network);

	*depth = 0;
}


static void fill_in(long* val, long paper)
{
	if (GLEAM_UNSET == *val)
		*val = paper;
}


void gleam_net_complete(struct gleam_net_s* net)
{
	bool pgd = (GLEAM_PGD == net->type);
	bool flat = (2 == net->prox.spatial);

	net->prox.type = pgd ? NN_PROX_RESNET : NN_PROX_REVNET;

	if (pgd) {

		ignore_depth(&net->prox.layers, "layers", "pgd");

		fill_in(&net->prox.blocks, 2);
		fill_in(&net->prox.features, flat ? 100 : 60);

	} else {

		ignore_depth(&net->prox.blocks, "blocks", "modl");

		fill_in(&net->prox.layers, 5);
		fill_in(&net->prox.features, flat ? 70 : 50);
	}

	fill_in(&net->modules, net->iterations);

	const char* msg = check(net);

	if (NULL != msg)
		error("This network cannot be made. %s. Change that option (see -h).\n", msg);
}


long gleam_net_params(const struct gleam_net_s* net)
{
	return nn_prox_params(&net->prox) + 1;
}


void gleam_net_print(const struct gleam_net_s* net, FILE* fp)
{
	for (int i = 0; i < FIELDS; i++) {

		double val = field_get(net, &fields[i]);
		const char* const* names = field_names(&fields[i]);

		if (fields[i].optional && (0. == val))
			continue;

		// nine digits bring a float back to the same bits
		if (NULL != names)
			fprintf(fp, "%s %s\n", fields[i].name, names[(int)val]);
		else
			fprintf(fp, "%s %.9g\n", fields[i].name, val);
	}
}


static bool parse_value(double* val, const struct field_s* field, const char* text)
{
	const char* const* names = field_names(field);

	if (NULL == names) {

		char* end;
		*val = strtod(text, &end);

		return (end != text) && ('\0' == *end) && field_in_range(field, *val);
	}

	for (int i = 0; i <= (int)field->max; i++) {

		*val = i;

		if (0 == strcmp(names[i], text))
			return true;
	}

	return false;
}


static const char* parse_line(struct gleam_net_s* net, bool seen[FIELDS], const char* line)
{
	char name[32];
	char text[64];
	char rest[2];

	if (2 != sscanf(line, "%31s %63s %1s", name, text, rest))
		return message("found '%s', expected a name and one value", line);

	for (int i = 0; i < FIELDS; i++) {

		if (0 != strcmp(fields[i].name, name))
			continue;

		if (seen[i])
			return message("%s: found twice", name);

		double val;

		if (!parse_value(&val, &fields[i], text))
			return field_expected(&fields[i], text);

		field_set(net, &fields[i], val);
		seen[i] = true;

		return NULL;
	}

	return message("found the unknown name '%s': written by a newer version?", name);
}


const char* gleam_net_parse(struct gleam_net_s* net, const char* text)
{
	struct gleam_net_s tmp = { };
	bool seen[FIELDS] = { };

	while ('\0' != *text) {

		size_t len = strcspn(text, "\n");
		char line[128];

		snprintf(line, sizeof(line), "%.*s", (int)MIN(len, sizeof(line) - 1), text);

		text += len + (('\n' == text[len]) ? 1 : 0);

		if ((strspn(line, " \t\r") == strlen(line)) || (';' == line[0]))
			continue;

		const char* msg = parse_line(&tmp, seen, line);

		if (NULL != msg)
			return msg;
	}

	for (int i = 0; i < FIELDS; i++)
		if (!seen[i] && !fields[i].optional)
			return message("%s: missing", fields[i].name);

	const char* msg = check(&tmp);

	if (NULL == msg)
		*net = tmp;

	return msg;
}
