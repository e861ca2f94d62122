/*
 * One training at a time writes weights of one name.
 */
#ifndef _GLEAM_LOCK_H
#define _GLEAM_LOCK_H

/* error() where another process trains these weights. The lock is an empty file, <weights>.lock,
 * which this process holds (flock) and removes when it is released or the process ends; one that a
 * killed process has left holds nobody up. Where there can be none (a folder that is not there),
 * there is none: what keeps from writing is told by those who write.
 */
extern void gleam_lock_take(const char* weights);

// nothing happens where none is held; the next training of this thread does it after error()
extern void gleam_lock_release(void);

#endif		// _GLEAM_LOCK_H
