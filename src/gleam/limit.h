/*
 * Writing beyond a limit of the shell (ulimit -f): between begin and end it is an error of the
 * call instead of the end of the process. The signal is kept from this thread alone, since
 * a program that is linked with BART may have a use for it.
 */
#ifndef _GLEAM_LIMIT_H
#define _GLEAM_LIMIT_H

#include <pthread.h>
#include <signal.h>
#include <time.h>

static inline sigset_t limit_signal(void)
{
	sigset_t limit;

	sigemptyset(&limit);
	sigaddset(&limit, SIGXFSZ);

	return limit;
}

// what is to be handed to limit_end
static inline sigset_t limit_begin(void)
{
	sigset_t limit = limit_signal();
	sigset_t before;

	pthread_sigmask(SIG_BLOCK, &limit, &before);

	return before;
}

static inline void limit_end(const sigset_t* before)
{
	sigset_t limit = limit_signal();

	// it may wait for us now
	sigtimedwait(&limit, NULL, &(struct timespec){ });
	pthread_sigmask(SIG_SETMASK, before, NULL);
}

#endif		// _GLEAM_LIMIT_H
