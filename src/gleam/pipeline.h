/*
 * Training by several ranks (P-GLEAM): this rank's part of it.
 */
#ifndef _GLEAM_PIPELINE_H
#define _GLEAM_PIPELINE_H

struct gleam_trainer_s;
struct gleam_pipeline_s;

extern struct gleam_pipeline_s* gleam_pipeline_create(struct gleam_trainer_s* trainer);
extern void gleam_pipeline_free(struct gleam_pipeline_s* pipeline);

/* Trains up to this iteration, or less where rank 0 finds that the time is over. All ranks
 * are to call it; then they have all modules' weights, and the trainer's iteration
 * is the last one. Rank 0 has reported all but that one, whose values are the
 * trainer's.
 */
extern void gleam_pipeline_train(struct gleam_pipeline_s* pipeline, long last);

// rank 0 says how long the ranks have waited for messages; all ranks are to call it
extern void gleam_pipeline_tell(const struct gleam_pipeline_s* pipeline);

#endif		// _GLEAM_PIPELINE_H
