/*
 * What the harnesses share. A harness is one file with LLVMFuzzerTestOneInput: it
 * takes the input apart, writes it to files in a folder of its own, and calls what
 * reads them by fuzz_call.
 *
 * Product code may end in error() or exit(): that is a proper end. What it held
 * then is given back, so that a process runs millions of inputs. Of code that
 * returns, what it has not given back is a leak, and reported as such.
 */
#ifndef _FUZZ_H
#define _FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fuzz_text_s {

	const char* data;
	size_t size;
};

enum fuzz_end { FUZZ_RETURNED, FUZZ_ERROR, FUZZ_EXIT };

extern enum fuzz_end fuzz_call(void (*fun)(void* arg), void* arg);

// a finding of the harness itself: ends like an assertion
extern void fuzz_expect(bool ok, const char* what);

/* A folder in memory, made and entered once; all files of the harness are there.
 * Other programs do not see it, and nothing of it is kept.
 */
extern void fuzz_enter(void);
extern void fuzz_write(const char* name, struct fuzz_text_s text);
extern void fuzz_remove(const char* name);

// removes what was not there at the last call of fuzz_keep
extern void fuzz_keep(void);
extern void fuzz_clean(void);

/* Takes what is before the mark (all, if there is none) from the front of the
 * input. Returns whether there was a mark.
 */
extern bool fuzz_take(struct fuzz_text_s* from, const char* mark, struct fuzz_text_s* part);

extern int LLVMFuzzerInitialize(int* argc, char*** argv);
extern int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

#endif		// _FUZZ_H
