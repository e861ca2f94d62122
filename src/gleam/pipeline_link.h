/*
 * Images on their way from stage to stage: what a module makes of a mini-batch, part by
 * part. They leave as soon as the forward pass has made them, and arrive where the
 * mini-batch's images lie. Only the pipeline uses it.
 */
#ifndef _GLEAM_PIPELINE_LINK_H
#define _GLEAM_PIPELINE_LINK_H

#include <complex.h>
#include <stddef.h>

struct gleam_batch_s;
struct gleam_place_s;
struct gleam_team_s;
struct link_s;

/* @param N		mini-batches that are held, of that many parts
 * @param bytes		of the images of a part
 */
extern struct link_s* link_create(const struct gleam_team_s* team, const struct gleam_place_s* place,
		long N, struct gleam_batch_s* batch[N], long parts, size_t bytes);
extern void link_free(struct link_s* link);

// on the device
extern size_t link_bytes(const struct gleam_team_s* team, long N, long parts, size_t bytes);

/* A mini-batch is going to come from the stage before, for this module: from now on its
 * images (gleam_batch_x) are not its own. The earlier this is said, the less have
 * others to wait until what they send has left.
 */
extern void link_expect(struct link_s* link, long batch, long module);

// ... until a part of them has arrived
extern void link_arrive(struct link_s* link, long batch, long part);

// where a part's output belongs; what was there before has left after link_clear
extern complex float* link_out(const struct link_s* link, long batch, long part);
extern void link_clear(struct link_s* link, long batch, long part);

/* The output is on its way to the next stage after both: begin comes after the
 * forward pass, send after the backward pass, which needs the input. A stage that is
 * its own next hands it to itself.
 */
extern void link_begin(struct link_s* link, long batch, long module, long part);
extern void link_send(struct link_s* link, long batch, long module, long part);

// all has left
extern void link_finish(struct link_s* link);

#endif		// _GLEAM_PIPELINE_LINK_H
