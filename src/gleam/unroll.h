/*
 * One iteration of an unrolled network, PGD or MoDL, forward and backward, for
 * a part of a mini-batch whose samples are worked on at once. All modules share
 * one of these: its buffers are an iteration's whole working memory.
 */
#ifndef _GLEAM_UNROLL_H
#define _GLEAM_UNROLL_H

#include <complex.h>
#include <stdbool.h>
#include <stddef.h>

#include "misc/mri.h"

#include "gleam/conf.h"
#include "gleam/place.h"

struct gleam_unroll_s;

// dimensions of an image, and of its seeing as a real tensor
extern void gleam_dims_image(const struct gleam_dims_s* dims, long img_dims[DIMS]);
extern struct nn_tensor_s gleam_dims_tensor(const struct gleam_dims_s* dims);

/* @param slots	iterations whose activations are kept for a backward pass, 0 for
 *		inference
 */
extern struct gleam_unroll_s* gleam_unroll_create(const struct gleam_net_s* net, const struct nn_backend_s* backend,
		const struct gleam_dims_s* dims, int slots);
extern void gleam_unroll_free(struct gleam_unroll_s* unroll);

// bytes: activations of the network; its weights as they are computed with, and workspace; data consistency; images
struct gleam_unroll_bytes_s { size_t activations; size_t workspace; size_t dc; size_t images; };

extern struct gleam_unroll_bytes_s gleam_unroll_bytes(const struct gleam_net_s* net, const struct nn_backend_s* backend,
		const struct gleam_dims_s* dims, int slots);

extern const struct gleam_place_s* gleam_unroll_place(const struct gleam_unroll_s* unroll);

/* Whose samples the operators are of now: those of the last one that has claimed them.
 * Was it this one already?
 */
extern bool gleam_unroll_claim(struct gleam_unroll_s* unroll, const void* owner);

// data consistency, as the place's dc_create has made it
extern void* gleam_unroll_dc(struct gleam_unroll_s* unroll);
extern long gleam_unroll_pixels(const struct gleam_unroll_s* unroll);

// images are [frames of all samples][maps][pixels]
extern void gleam_unroll_layout(const struct gleam_unroll_s* unroll, long* frames, long* maps, long* pixels);

// elements of an image without its frames where that of the average over time is what
// samples are scaled by, else 0
extern long gleam_unroll_averaged(const struct gleam_unroll_s* unroll);

/* The parameters of a slot (gleam_net_params(net) of them, on the device) for all
 * passes that follow. They must stay; if they change, they are to be loaded again.
 */
extern void gleam_unroll_load(struct gleam_unroll_s* unroll, int slot, const float* params);

/* out = iteration(in); in must stay until the backward pass. Images and gradients
 * are on the device.
 * @param x0		A^H y
 */
extern void gleam_unroll_forward(struct gleam_unroll_s* unroll, int slot,
		complex float* out, const complex float* in, const complex float* x0);

// the network of a MoDL iteration alone, z = network(in), for a backward pass whose out is known
extern void gleam_unroll_network(struct gleam_unroll_s* unroll, int slot, const complex float* in);

/* The input of a MoDL iteration from its output (paper, eq. 11): in = the fixed
 * point of u -> z - f(u) after some iterations, where network(u) = u + f(u) and z solves
 * (A^H A + mu) out = A^H y + mu z. It is off by the residual of the solve over mu, and
 * as the network contracts. The slot's activations are overwritten.
 * @param room		an image
 */
extern void gleam_unroll_invert(struct gleam_unroll_s* unroll, int slot, int iterations,
		complex float* in, const complex float* out, const complex float* x0, complex float* room);

/* dparams += gradient; din (may be NULL) = gradient with respect to in.
 * out, in, x0 as in the forward pass of that slot; dout is not din.
 */
extern void gleam_unroll_backward(struct gleam_unroll_s* unroll, int slot, float* dparams,
		complex float* din, const complex float* dout,
		const complex float* out, const complex float* in, const complex float* x0);

#endif		// _GLEAM_UNROLL_H
