/*
 * Quality of every stage of a network on a data set with references.
 */
#ifndef _GLEAM_VALIDATE_H
#define _GLEAM_VALIDATE_H

#include <complex.h>
#include <stdbool.h>
#include <stddef.h>

#include "misc/mri.h"

#include "gleam/exchange.h"
#include "gleam/metrics.h"
#include "gleam/unroll.h"
#include "gleam/batch.h"

/* Adds the metrics of all slices of one image. Maps are combined by the root of the sum
 * of squares, those of a reference that has several, too.
 */
extern void gleam_validate_image(struct gleam_metrics_stat_s* stat, const long img_dims[DIMS], const complex float* x,
		const long ref_dims[DIMS], const complex float* ref);

// what gleam_validate takes of the device for a sample of this data, beside the batch
extern size_t gleam_validate_bytes(const struct gleam_place_s* place, const struct gleam_data_s* data);

/* Memory for gleam_validate.
 * @param batch		a mini-batch of one sample of this data
 */
struct gleam_validator_s;

extern struct gleam_validator_s* gleam_validator_create(struct gleam_unroll_s* unroll, struct gleam_batch_s* batch);
extern void gleam_validator_free(struct gleam_validator_s* validator);

/* Runs the network on all samples that are not all zero, one at a time. Samples are
 * dealt out to the ranks, all of which are to call this; rank 0 has the result, which
 * is the same for any number of ranks.
 * @param params	[N][P], on the device
 * @param first		stages before this one are not measured
 * @param stat		of stages 0 (zero-filled) to N
 * @return		false where a signal (gleam/signals.h) broke it off, or an output was not
 *			finite: stat has no meaning then
 */
extern bool gleam_validate(struct gleam_validator_s* validator, const struct exchange_s* ranks, long samples,
		long N, long P, const float params[N][P], long first, struct gleam_metrics_stat_s stat[N + 1]);

/* Was an output not finite, the last time? Its stage (those before the first that is measured do not
 * count) and its sample, on all ranks.
 */
extern bool gleam_validator_bad(const struct gleam_validator_s* validator, long* stage, long* sample);

#endif		// _GLEAM_VALIDATE_H
