/*
 * Text that grows while it is printed.
 */
#ifndef _GLEAM_TEXT_H
#define _GLEAM_TEXT_H

#include <stddef.h>
#include <stdio.h>

#include "misc/misc.h"

// a stream to memory; text and size are valid after fclose, and text is for free
static inline FILE* text_open(char** text, size_t* size)
{
	FILE* fp = open_memstream(text, size);

	if (NULL == fp)
		error("Could not allocate memory.\n");

	return fp;
}

#endif		// _GLEAM_TEXT_H
