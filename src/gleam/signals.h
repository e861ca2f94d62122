/*
 * Signals during training: SIGINT, SIGTERM and SIGHUP ask it to stop after this iteration, SIGUSR1 to
 * save its state and go on. A SIGINT after that ends the process at once.
 */
#ifndef _GLEAM_SIGNALS_H
#define _GLEAM_SIGNALS_H

#include <stdbool.h>

/* From here to the end of the process SIGUSR1 is noted: what waits for the next iteration may come
 * while data are checked, and harms nothing after the last one. A pipe that nobody reads any more is
 * an error of writing to it: a log is told of after the state has been saved, progress is not.
 */
extern void gleam_signals_open(void);

/* From here to end the others are only noted, too. Where BART is a library (bart_command) they stay the
 * program's, and none is noted.
 */
extern void gleam_signals_begin(void);
extern void gleam_signals_end(void);

// the signal that asks to stop, or 0
extern int gleam_signals_stop(void);

// has SIGUSR1 come? The second one asks for those since its last call.
extern bool gleam_signals_save(void);
extern bool gleam_signals_take_save(void);

#endif		// _GLEAM_SIGNALS_H
