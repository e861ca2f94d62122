/*
 * Weights file: a multi-CFL (<name>.hdr, <name>.cfl) that BART's tools can read,
 * with a '# Gleam' section after '# Dimensions'. See doc/file-format.md.
 */
#ifndef _GLEAM_WEIGHTS_H
#define _GLEAM_WEIGHTS_H

#include "gleam/conf.h"

struct gleam_weights_s {

	struct gleam_net_s net;

	long P;			// parameters of one unrolled iteration
	float* params;		// [net.iterations][P]

	long iteration;		// of training, at which these weights were taken
	double valid_nrmse;	// validation result then; negative: none
};

/* Parameters are zero but the last of each iteration, which is net's step size or
 * mu; nn_prox_init fills the others.
 */
extern struct gleam_weights_s* gleam_weights_create(const struct gleam_net_s* net);
extern void gleam_weights_free(struct gleam_weights_s* weights);

/* The name as BART's tools want it, without .hdr or .cfl; for xfree. Calls error()
 * where it cannot be that of a multi-CFL (a stream, .ra, ...).
 */
extern char* gleam_weights_base(const char* name);

// of a file that belongs to them, with this suffix; for xfree
extern char* gleam_weights_beside(const char* name, const char* suffix);

/* Written to a temporary name in the same folder, flushed to disk and renamed:
 * the last good file is there at any moment. Calls error() when it cannot be
 * written, and removes the temporary files. Of several MPI ranks the first one
 * writes. The name has no suffix; .hdr and .cfl are taken off.
 */
extern void gleam_weights_write(const char* name, const struct gleam_weights_s* weights);

// calls error() when their header would be too long: to be asked before training
extern void gleam_weights_check_size(const char* name, const struct gleam_weights_s* weights);

/* Before training: calls error() when weights cannot be written there. What a writer
 * that was killed has left is put in order first, or removed.
 */
extern void gleam_weights_prepare(const char* name);

/* Calls error() with the cause when the file is missing, truncated, of another
 * kind or format version, or its checksum is wrong. No size from the file is
 * trusted before it is checked.
 */
extern struct gleam_weights_s* gleam_weights_read(const char* name);

// NULL in place of error(), and the message (for xfree; may be NULL: not wanted)
extern struct gleam_weights_s* gleam_weights_find(const char* name, char** message);

#endif		// _GLEAM_WEIGHTS_H
