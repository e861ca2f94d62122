/*
 * What a user sees while training: a progress line, a CSV log, a table at the end.
 */
#ifndef _GLEAM_REPORT_H
#define _GLEAM_REPORT_H

#include <stdbool.h>

#include "gleam/metrics.h"

struct gleam_report_s;

struct gleam_progress_s {

	long iteration;
	long total;			// 0 when not known
	long modules;
	const double* loss;		// of each module
	const double* errors;		// of inversion, each

	const struct gleam_metrics_s* valid;	// last validation, or NULL
	bool validated;			// in this iteration
	bool again;			// it will be, and be reported again

	double seconds;			// of this iteration
	double forward;			// ... of its forward passes, 0 where they are not timed
	double backward;
	double waiting;			// ... that the mean rank waited for messages
	size_t peak;			// bytes of memory so far
	double left;			// estimated, negative when not known
};

struct gleam_report_resume_s {

	long iteration;			// the last one, 0 for a new run
	double loss;			// ... and its loss
	bool due;			// it was to be validated
	long unsaved;			// of a new run that was to be resumed: up to this iteration there is no state; or LONG_MAX
};

/* log may be NULL; calls error() when it cannot be written
 * @param errors	number of errors of inversion, of images after this many iterations
 * @param ranks		there are several: the log says how long they waited
 * @param resume	where a run goes on, and its log, too
 */
extern struct gleam_report_s* gleam_report_create(const char* log, long modules, long errors, const long at[errors], bool ranks, struct gleam_report_resume_s resume);

// of an iteration: the mean over modules
extern double gleam_report_loss(long modules, const double loss[modules]);

// ends the line on the terminal, before anything else is printed; NULL has none
extern void gleam_report_break(struct gleam_report_s* report);

extern void gleam_report_free(struct gleam_report_s* report);

extern void gleam_report_iteration(struct gleam_report_s* report, const struct gleam_progress_s* progress);

// the last iteration once more, which has been validated since
extern void gleam_report_again(struct gleam_report_s* report, const struct gleam_progress_s* progress);

// of a run that is resumed: the iteration after which it goes on has been validated only now
extern void gleam_report_validation(struct gleam_report_s* report, long modules, const struct gleam_metrics_s* valid);

// has a line of the log not been written? To be asked after the state has been saved: error(), with what is kept
extern bool gleam_report_failed(const struct gleam_report_s* report);
extern void gleam_report_check(const struct gleam_report_s* report, const char* kept);

// the log is on disk after this
extern void gleam_report_sync(struct gleam_report_s* report);

// seconds per iteration so far, without validation: median over the last ones
extern double gleam_report_pace(const struct gleam_report_s* report);

// error() where what was printed to stdout did not arrive
extern void gleam_report_flush(void);

// metrics of stages 0 to N to stdout
extern void gleam_report_stages(const char* start, long N, const struct gleam_metrics_stat_s stat[N + 1]);

#endif		// _GLEAM_REPORT_H
