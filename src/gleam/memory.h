/*
 * The memory plan: what a command is going to hold, in bytes, before it asks
 * for it; and what it held in the end.
 */
#ifndef _GLEAM_MEMORY_H
#define _GLEAM_MEMORY_H

#include <stddef.h>

enum { GLEAM_MEMORY_MAX = 12 };

struct gleam_memory_s {

	int n;
	const char* what[GLEAM_MEMORY_MAX];
	size_t bytes[GLEAM_MEMORY_MAX];
};

extern void gleam_memory_add(struct gleam_memory_s* plan, const char* what, size_t bytes);
extern size_t gleam_memory_total(const struct gleam_memory_s* plan);

// to stdout
extern void gleam_memory_print(const struct gleam_memory_s* plan);

// bytes of this process that are resident now, and at most since it started
extern size_t gleam_memory_resident(void);
extern size_t gleam_memory_peak(void);

// a warning on what would help when the machine has less free memory than the plan
extern void gleam_memory_check(const struct gleam_memory_s* plan);

#endif		// _GLEAM_MEMORY_H
