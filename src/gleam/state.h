/*
 * State of a training run, all that it takes to go on as if it had not been interrupted: one
 * file, <weights>.state. See doc/file-format.md.
 */
#ifndef _GLEAM_STATE_H
#define _GLEAM_STATE_H

#include <stdbool.h>

#include "gleam/conf.h"
#include "gleam/metrics.h"

struct gleam_state_s {

	struct gleam_net_s net;

	long iteration;		// that was the last one
	double loss;		// of that one, mean over modules
	bool validated;		// what is due after it has been done

	double best;		// lowest nRMSE so far; HUGE_VAL: none
	long best_iteration;
	long misses;		// validations since
	struct gleam_metrics_s metrics;	// of the last one
	bool has_metrics;

	long skipped;		// iterations whose updates were left out (--skip-nonfinite)

	const char* conditions;	// a line for each option and each file that must be the same
};

// [iterations][P] each
enum gleam_state_part { GLEAM_STATE_PARAMS, GLEAM_STATE_MOMENT1, GLEAM_STATE_MOMENT2, GLEAM_STATE_BEST, GLEAM_STATE_PARTS };

// the name of the file, for xfree
extern char* gleam_state_name(const char* weights);

/* Before training: calls error() when no state can be written there; removes what writers
 * that were killed have left.
 */
extern void gleam_state_prepare(const char* path);


/* Written part by part, each from its start to its end; the best weights only where there are
 * any. In its place, as a whole, after commit. All call error() when it cannot be written;
 * the last state is there then.
 */
struct gleam_state_writer_s;

extern struct gleam_state_writer_s* gleam_state_begin(const char* path, const struct gleam_state_s* state);
extern void gleam_state_append(struct gleam_state_writer_s* writer, long N, const float x[N]);
extern void gleam_state_commit(struct gleam_state_writer_s* writer);


/* NULL when there is no such file. error() when it is none of these, damaged (by its checksum)
 * or of another version: no number in it is trusted before.
 */
struct gleam_state_reader_s;

extern struct gleam_state_reader_s* gleam_state_open(const char* path);
extern void gleam_state_close(struct gleam_state_reader_s* reader);

// one of an earlier training, which error() has ended where BART is a library
extern void gleam_state_close_unfinished(void);

// valid until it is closed
extern const struct gleam_state_s* gleam_state_values(const struct gleam_state_reader_s* reader);

// N numbers of a part, after the first skip ones
extern void gleam_state_read(const struct gleam_state_reader_s* reader, enum gleam_state_part part, long skip, long N, float x[N]);

#endif		// _GLEAM_STATE_H
