/*
 * An output array of a command that appears when it is complete: the data of a cfl
 * have no name before, so that nothing but memory is lost when the program ends on
 * the way, and an earlier file, which may be the input, stays as it was; or another
 * name, where there are no files without one. Of several ranks that have the same, the
 * first one writes. What BART makes in another way is left to create_cfl: streams, memory,
 * .ra, links, files in folders that cannot be written to, and the parts of a loop (bart -l).
 */
#ifndef _OUTPUT_H
#define _OUTPUT_H

#include <complex.h>

struct output_s;

/* Calls error() when nothing can be written under this name, which leaves all
 * files alone: to be asked before the work, not after it.
 */
extern void output_check(const char* name);

/* An array of zeros. Takes the room on the disk at once (a full disk would end the
 * program without a message later) and calls error() when there is none.
 */
extern struct output_s* output_create(const char* name, int D, const long dims[D]);
extern complex float* output_data(const struct output_s* output);

// puts it in its place, and frees output
extern void output_finish(struct output_s* output);

// one that error() has left, where BART is a library
extern void output_close_unfinished(void);

#endif		// _OUTPUT_H
