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

/* Replaces an earlier file of this name.
 * @param title		the line with the names of columns
 * @param resume	a run goes on after this iteration: the lines up to it stay, if there are any. 0: a new run
 */
extern struct gleam_log_s* gleam_log_create(const char* name, const char* title, long resume);
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
