/*
 * What of a module of L unrolled iterations stays in memory from the forward pass
 * to the backward pass: x^(0) is its input, x^(L) its output, both always there.
 * What does not stay is computed again, or inverted.
 */
#ifndef _GLEAM_KEEP_H
#define _GLEAM_KEEP_H

#include <stdbool.h>

enum gleam_keep {

	GLEAM_KEEP_ALL,		// activations of all iterations: backpropagation as usual
	GLEAM_KEEP_IMAGES,	// all images, activations of one iteration: gradient checkpointing
	GLEAM_KEEP_FEW,		// some images; the others by inversion (MoDL): memory-efficient learning
};

struct gleam_keep_s {

	enum gleam_keep what;

	/* GLEAM_KEEP_FEW: N_cp images, evenly spread, of which x^(L) is one (as the paper
	 * counts: with N_cp = L nothing is inverted)
	 */
	long checkpoints;
	int fixed_point;	// ... iterations T that invert the network
};

// iterations whose activations are kept
extern long gleam_keep_slots(const struct gleam_keep_s* keep, long length);

// does x^(i) stay, 0 < i < L?
extern bool gleam_keep_image(const struct gleam_keep_s* keep, long length, long i);

// images that a module needs beside its input and output, those that come and go included
extern long gleam_keep_images(const struct gleam_keep_s* keep, long length);

/* Is x^(i) a restart: an image that stays, below one that does not? There the error
 * of the inversion is measured.
 */
extern bool gleam_keep_restart(const struct gleam_keep_s* keep, long length, long i);
extern long gleam_keep_restarts(const struct gleam_keep_s* keep, long length);

#endif		// _GLEAM_KEEP_H
