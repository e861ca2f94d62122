/*
 * What code that is called holds: memory, mappings, and the exit that it asks for.
 * The linker (--wrap) sends the calls of BART and of this repository here, not those
 * of shared libraries.
 */
#ifndef _HELD_H
#define _HELD_H

#include <stdbool.h>

extern void held_begin(void);

/* Gives all back that is still held. That of code that returned is a leak, and ends
 * the process. Returns whether exit() was called.
 */
extern bool held_end(bool returned);

#endif		// _HELD_H
