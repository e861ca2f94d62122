/*
 * Files that are there whole or not at all: written beside their final name
 * (gleam/newfile.h), flushed to disk, then renamed. All functions call error() when
 * they fail, after the new files are removed; the earlier file stays.
 */
#ifndef _ATOMIC_H
#define _ATOMIC_H

#include <stddef.h>

struct atomic_part_s {

	size_t size;
	const void* data;
};

// a file that is written piece by piece, and is in its place after commit
struct atomic_s;

extern struct atomic_s* atomic_begin(const char* path);
extern void atomic_append(struct atomic_s* file, size_t size, const void* data);
extern void atomic_commit(struct atomic_s* file);

/* The two files of a cfl: <name>.cfl with the parts of the data, then <name>.hdr. Between the
 * two renames the header that belongs to the new data is a new file of <name>.hdr: a
 * checksum in the header tells a reader which of the two it is.
 */
extern void atomic_write_cfl(const char* name, struct atomic_part_s header, int N, const struct atomic_part_s data[N]);

/* Calls error() when no file can be written at this path: to be asked before
 * hours of work, not after them. What is there is left alone.
 */
extern void atomic_check_writable(const char* path);

// the same, also for an earlier file that may not be written to
extern void atomic_check_replaceable(const char* path);

// CRC-32 of IEEE 802.3 (as zlib's); crc is 0 or the result for the data before
extern unsigned int atomic_crc32(unsigned int crc, size_t size, const void* data);

#endif		// _ATOMIC_H
