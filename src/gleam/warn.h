#ifndef _GLEAM_WARN_H
#define _GLEAM_WARN_H

/* A warning. Where several ranks work on the same data they would all say the same:
 * the first one does. In a loop (bart -l) each has samples of its own, and speaks for
 * itself.
 */
extern void gleam_warn(const char* fmt, ...) __attribute__((format(printf, 1, 2)));

// whether this rank is the one that speaks
extern _Bool gleam_speaks(void);

#endif		// _GLEAM_WARN_H
