/*
 * The log of a training run: comma-separated values, a line for each iteration. All functions
 * call error() where it cannot be written.
 */
#ifndef _GLEAM_LOG_H
#define _GLEAM_LOG_H

#include <stdbool.h>

struct gleam_log_s;

// is there a log with these columns?
extern bool gleam_log_has(const char* name, const char* title);

// the last iteration of a log with these columns; 0: there is none
extern long gleam_log_last(const char* name, const char* title);

// of the earlier log of a run that goes on the lines up to an iteration stay
struct gleam_log_resume_s {

	long iteration;		// 0: a new run
	const void* data;
	char* (*line)(const void* data, const char* line);	// what becomes of the line of that iteration, for xfree; NULL: another run has written it
};

/* Replaces an earlier file of this name, which error() leaves as it is. The log is this process'
 * alone until it is freed.
 * @param title		the line with the names of columns
 */
extern struct gleam_log_s* gleam_log_create(const char* name, const char* title, struct gleam_log_resume_s resume);
extern void gleam_log_free(struct gleam_log_s* log);

// one of an earlier training, which error() has ended where BART is a library
extern void gleam_log_close_unfinished(void);

// the last line of a run that is resumed, if it is of the iteration after which it goes on; NULL: there is no such, or another one by now
extern const char* gleam_log_resumed(const struct gleam_log_s* log);

// a line, with its end
extern void gleam_log_line(struct gleam_log_s* log, const char* line);

// one that comes in the place of the last one, and is not shorter
extern void gleam_log_again(struct gleam_log_s* log, const char* line);

/* What cannot be written does not end training before its state is saved: no more lines
 * are written then, and check calls error(), with what is kept.
 */
extern bool gleam_log_failed(const struct gleam_log_s* log);
extern void gleam_log_check(const struct gleam_log_s* log, const char* kept);

// to disk, where the file is on one
extern void gleam_log_sync(struct gleam_log_s* log);

#endif		// _GLEAM_LOG_H
