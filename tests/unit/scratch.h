/*
 * A folder of its own for a test that writes files: made and entered before it,
 * removed after it.
 */
#ifndef _SCRATCH_H
#define _SCRATCH_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>

#include <criterion/criterion.h>

static char scratch_path[256];

static inline void scratch_enter(void)
{
	const char* tmp = getenv("TMPDIR");

	snprintf(scratch_path, sizeof(scratch_path), "%s/gleam-unit-XXXXXX", (NULL != tmp) ? tmp : "/tmp");

	cr_assert(NULL != mkdtemp(scratch_path));
	cr_assert(0 == chdir(scratch_path));
}

static inline void scratch_leave(void)
{
	DIR* dir = opendir(".");
	struct dirent* entry;

	while ((NULL != dir) && (NULL != (entry = readdir(dir))))
		remove(entry->d_name);

	if (NULL != dir)
		closedir(dir);

	if ((0 != chdir("/")) || (0 != rmdir(scratch_path)))
		fprintf(stderr, "left behind: %s\n", scratch_path);
}

static inline bool scratch_exists(const char* name)
{
	return 0 == access(name, F_OK);
}

// number of files in the folder
static inline int scratch_count(void)
{
	DIR* dir = opendir(".");
	struct dirent* entry;
	int n = 0;

	while (NULL != (entry = readdir(dir)))
		if ('.' != entry->d_name[0])
			n++;

	closedir(dir);

	return n;
}

static inline void scratch_write(const char* name, size_t size, const void* data)
{
	FILE* fp = fopen(name, "wb");

	cr_assert(NULL != fp);
	cr_assert((0 == size) || (1 == fwrite(data, size, 1, fp)));
	cr_assert(0 == fclose(fp));
}

// returns the number of bytes; to be freed by the caller
static inline size_t scratch_read(const char* name, char** data)
{
	struct stat st;

	cr_assert(0 == stat(name, &st), "%s is not there", name);

	FILE* fp = fopen(name, "rb");
	size_t size = (size_t)st.st_size;

	*data = malloc(size + 1);

	cr_assert(NULL != fp);
	cr_assert((0 == size) || (1 == fread(*data, size, 1, fp)));

	(*data)[size] = '\0';
	fclose(fp);

	return size;
}

#endif		// _SCRATCH_H
