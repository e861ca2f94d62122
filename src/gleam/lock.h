/*
 * One training at a time writes weights of one name.
 */
#ifndef _GLEAM_LOCK_H
#define _GLEAM_LOCK_H

/* error() where another process trains these weights. Two may be held, of the same training. The
 * lock is an empty file, <weights>.lock, which this process holds (flock) and removes when it is
 * released or the process ends; one that a killed process has left holds nobody up. Where there can
 * be none (a folder that is not there, or may not be written to), there is none: what keeps from
 * writing is told by those who write.
 */
extern void gleam_lock_take(const char* weights);

// of these weights, for xfree
extern char* gleam_lock_name(const char* weights);

// nothing happens where none is held; the next training of this thread does it after error()
extern void gleam_lock_release(void);

/* Opens a file (with these flags of open) that nobody else holds, and holds it until it is closed.
 * -1 otherwise: errno is EWOULDBLOCK where somebody else does, ENOLCK where its disk has no locks.
 */
extern int gleam_lock_open(const char* path, int flags);

#endif		// _GLEAM_LOCK_H
