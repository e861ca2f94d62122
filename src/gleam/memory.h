/*
 * The memory plan: what a command is going to hold, in bytes, before it asks
 * for it; and what it held in the end.
 */
#ifndef _GLEAM_MEMORY_H
#define _GLEAM_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

#include "misc/mri.h"

enum { GLEAM_MEMORY_MAX = 12 };

struct gleam_memory_s {

	int n;
	const char* what[GLEAM_MEMORY_MAX];
	size_t bytes[GLEAM_MEMORY_MAX];

	char unit[64];		// the smallest that can be computed at once: one sample, and what it takes
	size_t unit_bytes;

	char help[192];		// options that make it smaller, ", --option value" each
};

// one more option that would help
extern void gleam_memory_help(struct gleam_memory_s* plan, const char* option);

extern void gleam_memory_add(struct gleam_memory_s* plan, const char* what, size_t bytes);

// what computing one sample takes, of these dimensions of an image; part of what was added
extern void gleam_memory_unit(struct gleam_memory_s* plan, const long img_dims[DIMS], size_t bytes);

extern size_t gleam_memory_total(const struct gleam_memory_s* plan);

// to stdout
extern void gleam_memory_print(const struct gleam_memory_s* plan);

/* Bytes that the machine has free; that this process holds now, and held at most since it
 * started, without the pages of mapped files that it holds now. A sample that was being
 * read from its file when most was held, and has been released since, is in the latter.
 */
extern size_t gleam_memory_available(void);
extern size_t gleam_memory_resident(void);
extern size_t gleam_memory_peak(void);

// "at most" begins anew, where the system can do that: pages of files that were read once stay out of it
extern void gleam_memory_restart_peak(void);

/* When the plan needs more than is available: a warning on what would help. On a
 * GPU, where libraries take up to margin beside the plan, error().
 */
extern void gleam_memory_check(const struct gleam_memory_s* plan, size_t available, size_t margin);

#endif		// _GLEAM_MEMORY_H
