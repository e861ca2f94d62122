/*
 * Input files that change or vanish while they are in use.
 */
#ifndef _INPUT_WATCH_H
#define _INPUT_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct input_s;

/* A number that files of other contents have, most likely: of the dimensions and of what is
 * found at 1024 places of the data.
 */
extern uint64_t input_fingerprint(const struct input_s* in);

/* From here to the end a file that is cut short while it is read ends the process with a
 * message (error status 1), instead of SIGBUS alone. Of BART as a library the signal is the
 * program's.
 */
extern void input_watch_begin(const struct input_s* in);
extern void input_watch_end(const struct input_s* in);

// what the system knows of a file, to be compared with
struct input_mark_s {

	bool known;
	long long id[5];
};

extern void input_marks(const struct input_s* in, struct input_mark_s marks[2]);

/* Is the file still the one that was opened? NULL, or what has become of it. One that was
 * only touched is the same.
 */
extern const char* input_changed(struct input_s* in);

#endif		// _INPUT_WATCH_H
