/*
 * A new file beside the one that it is going to replace: its name is the other's, six random
 * characters and ".new", so that nobody can have put anything in its place before, and
 * leftovers of writers that were killed can be found. Functions return 0 or errno.
 */
#ifndef _NEWFILE_H
#define _NEWFILE_H

#include <stdbool.h>
#include <stddef.h>

struct stat;

struct newfile_s {

	int fd;		// or -1
	int held;	// the same file, from its end to its place; or -1
	char* name;	// until it has been renamed, or removed
};

// a name of that kind, for xfree; NULL where the system has no random numbers (errno)
extern char* newfile_name(const char* path);

/* Permissions and group are those of an earlier file of this path, or as the user's mask has them.
 * What is in its place stays as it is, a symbolic link, too.
 */
extern int newfile_create(struct newfile_s* file, const char* path);
extern int newfile_write(struct newfile_s* file, size_t size, const void* data);

// to the file that is open, the permissions and the group of an earlier one; errno if it cannot have them
extern int newfile_permit(int fd, const struct stat* earlier);

// to disk; then nothing can be written any more
extern int newfile_close(struct newfile_s* file);

// in the place of path, whose folder is flushed, too; a symbolic link there is replaced, not followed
extern int newfile_rename(struct newfile_s* file, const char* path);

// removes it; nothing happens if it has been renamed
extern void newfile_drop(struct newfile_s* file);

/* Calls fun for each new file of this path that its writer has left behind, and is this user's,
 * until it returns true.
 */
extern void newfile_left(const char* path, bool (*fun)(const char* name, void* data), void* data);

// is one of this path being written, by whomever?
extern bool newfile_held(const char* path);

// removes those that are left
extern void newfile_clean(const char* path);

#endif		// _NEWFILE_H
