/*
 * Signals during training: SIGINT and SIGTERM ask it to stop after this iteration, SIGUSR1 to
 * save its state and go on. A SIGINT after that ends the process at once.
 */
#ifndef _GLEAM_SIGNALS_H
#define _GLEAM_SIGNALS_H

#include <stdbool.h>

/* From here to the end of the process SIGUSR1 is noted: what waits for the next iteration may come
 * while data are checked, and harms nothing after the last one.
 */
extern void gleam_signals_open(void);

/* From here to end SIGINT and SIGTERM are only noted, too. Where BART is a library (bart_command) they stay the
 * program's, and none is noted.
 */
extern void gleam_signals_begin(void);
extern void gleam_signals_end(void);

// the signal that asks to stop, or 0
extern int gleam_signals_stop(void);

// has SIGUSR1 come since the last call of saved?
extern bool gleam_signals_save(void);
extern void gleam_signals_saved(void);

#endif		// _GLEAM_SIGNALS_H
