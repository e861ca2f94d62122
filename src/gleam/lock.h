/*
 * One training at a time writes weights of one name.
 */
#ifndef _GLEAM_LOCK_H
#define _GLEAM_LOCK_H

struct gleam_lock_s;

/* error() where another process trains these weights. The lock is an empty file, <weights>.lock,
 * which this process holds (flock) and removes when it ends; one that a killed process has left
 * holds nobody up. NULL where there can be none: what keeps from writing is told by those who write.
 */
extern struct gleam_lock_s* gleam_lock_create(const char* weights);
extern void gleam_lock_free(struct gleam_lock_s* lock);

// one of an earlier training, which error() has ended where BART is a library
extern void gleam_lock_close_unfinished(void);

#endif		// _GLEAM_LOCK_H
