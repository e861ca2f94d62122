/*
 * Outputs that would overwrite what is being read: BART maps its inputs into
 * memory, and looks for this by name only.
 */
#ifndef _DISTINCT_H
#define _DISTINCT_H

#include <stdbool.h>

// do two names, of files or of cfl pairs, stand for one file, be it there or not? NULL is none
extern bool distinct_same(const char* a, const char* b);

// is it more than a folder, or nothing?
extern bool distinct_name(const char* path);

/* Calls error() when the output has no name, or is one of the inputs, which may be NULL.
 * @param what		the output's role, for the message
 * @param spelled	inputs of exactly this name are fine: BART replaces them
 */
extern void distinct_check(const char* what, const char* output, bool spelled, int N, const char* const inputs[N]);

#endif		// _DISTINCT_H
