/*
 * The form of a weights file, for its writer and its reader: see doc/file-format.md.
 */
#ifndef _WEIGHTS_FORMAT_H
#define _WEIGHTS_FORMAT_H

#include <stddef.h>
#include <stdio.h>

#include "gleam/conf.h"

#define WEIGHTS_FORMAT 1

/* How the parameters lie in the file: one array per module, two floats in every
 * complex number, a zero at the end where their number is odd. The ranges of a
 * checked network keep all these products below 2^60.
 */
struct weights_layout_s {

	long modules;
	long floats;	// of one module
	long packed;	// complex numbers of one module
	size_t bytes;	// of all
};

extern struct weights_layout_s weights_layout(const struct gleam_net_s* net);

// sections of a multi-CFL's header
extern void weights_print_dimensions(const struct weights_layout_s* layout, FILE* fp);

#endif		// _WEIGHTS_FORMAT_H
