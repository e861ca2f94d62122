/*
 * Seconds that pass, whatever is done to the time of the day meanwhile.
 */
#ifndef _GLEAM_CLOCK_H
#define _GLEAM_CLOCK_H

#include <time.h>

static inline double gleam_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);

	return (double)now.tv_sec + 1.e-9 * (double)now.tv_nsec;
}

#endif		// _GLEAM_CLOCK_H
