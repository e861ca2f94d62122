#ifndef _GLEAM_STREAMS_H
#define _GLEAM_STREAMS_H

#include <stdbool.h>

/* To be called before any file is opened: where the standard streams are closed (>&- in a shell), what is
 * opened first would get their numbers, and messages would be written to it.
 */
extern void gleam_streams_open(void);

// was stdout one of those? What is written to it is lost.
extern bool gleam_streams_lost(void);

#endif		// _GLEAM_STREAMS_H
