#define _GNU_SOURCE

#include <errno.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "misc/misc.h"

#include "held.h"

// a product that asks for more is told that there is none
static const size_t MOST = (size_t)256 << 20;

enum { SLOTS = 1 << 18, MAPPINGS = 256, FILES = 16 };

/* Blocks that are held, by their address (open addressing); a slot that was taken
 * stays so until the end.
 */
static struct { void* p; bool taken; } slot[SLOTS];
static int taken[SLOTS];
static int slots_taken = 0;

static struct mapping_s { void* p; size_t size; int fd; off_t offset; } mapping[MAPPINGS];
static FILE* file[FILES];

static bool active = false;
static bool exited = false;

extern void* __real_malloc(size_t size);
extern void* __real_calloc(size_t n, size_t size);
extern void* __real_realloc(void* p, size_t size);
extern void* __real_aligned_alloc(size_t alignment, size_t size);
extern char* __real_strdup(const char* s);
extern void __real_free(void* p);
extern void* __real_mmap(void* p, size_t size, int prot, int flags, int fd, off_t offset);
extern int __real_munmap(void* p, size_t size);
extern int __real_madvise(void* p, size_t size, int advice);
extern FILE* __real_fopen(const char* name, const char* mode);
extern int __real_fclose(FILE* fp);
extern void __real_exit(int status) __attribute__((noreturn));

extern void* __wrap_malloc(size_t size);
extern void* __wrap_calloc(size_t n, size_t size);
extern void* __wrap_realloc(void* p, size_t size);
extern void* __wrap_aligned_alloc(size_t alignment, size_t size);
extern char* __wrap_strdup(const char* s);
extern void __wrap_free(void* p);
extern void* __wrap_mmap(void* p, size_t size, int prot, int flags, int fd, off_t offset);
extern int __wrap_munmap(void* p, size_t size);
extern int __wrap_madvise(void* p, size_t size, int advice);
extern FILE* __wrap_fopen(const char* name, const char* mode);
extern int __wrap_fclose(FILE* fp);
extern void __wrap_exit(int status) __attribute__((noreturn));

static int first_of(const void* p)
{
	return (int)(((uintptr_t)p >> 4) * 2654435761u % SLOTS);
}

// of a block that was given back: it keeps its place in the order, with an address that no block has
static bool is_free(int i)
{
	return slot[i].p == (void*)&slot[i];
}

static int find(const void* p)
{
	int i = first_of(p);

	while (slot[i].taken && (slot[i].p != p))
		i = (i + 1) % SLOTS;

	return i;
}

static void* hold(void* p)
{
	if (!active || (NULL == p) || (SLOTS / 2 < slots_taken))
		return p;

	int i = first_of(p);

	while (slot[i].taken && !is_free(i))
		i = (i + 1) % SLOTS;

	if (!slot[i].taken)
		taken[slots_taken++] = i;

	slot[i].p = p;
	slot[i].taken = true;

	return p;
}

static void drop(const void* p)
{
	int i = find(p);

	if (slot[i].taken)
		slot[i].p = &slot[i];
}

void* __wrap_malloc(size_t size)
{
	return (active && (MOST < size)) ? NULL : hold(__real_malloc(size));
}

void* __wrap_calloc(size_t n, size_t size)
{
	return (active && (0 < size) && (MOST / size < n)) ? NULL : hold(__real_calloc(n, size));
}

void* __wrap_realloc(void* p, size_t size)
{
	if (active && (MOST < size))
		return NULL;

	drop(p);

	return hold(__real_realloc(p, size));
}

void* __wrap_aligned_alloc(size_t alignment, size_t size)
{
	return (active && (MOST < size)) ? NULL : hold(__real_aligned_alloc(alignment, size));
}

char* __wrap_strdup(const char* s)
{
	return hold(__real_strdup(s));
}

void __wrap_free(void* p)
{
	if (NULL != p)
		drop(p);

	__real_free(p);
}

/* A file is not mapped, but read to a block of its size (or zeros, where there is none), behind which AddressSanitizer
 * looks: a mapping goes on up to the end of its page.
 */
static void* read_file(size_t size, int fd, off_t offset)
{
	void* p = NULL;

	if ((MOST < size) || (0 == size) || (0 != posix_memalign(&p, 4096, size))) {

		errno = (0 == size) ? EINVAL : ENOMEM;
		return MAP_FAILED;
	}

	memset(p, 0, size);

	if ((-1 == fd) || (0 <= pread(fd, p, size, offset)))
		return p;

	__real_free(p);

	return MAP_FAILED;
}

static void write_file(const struct mapping_s* m)
{
	// what was cut off is not made longer again
	struct stat st;
	bool there = (-1 != m->fd) && (0 == fstat(m->fd, &st)) && (st.st_size > m->offset);

	if (there && (0 > pwrite(m->fd, m->p, MIN(m->size, (size_t)(st.st_size - m->offset)), m->offset)))
		abort();

	if (-1 != m->fd)
		close(m->fd);

	__real_free(m->p);
}

void* __wrap_mmap(void* p, size_t size, int prot, int flags, int fd, off_t offset)
{
	int i = 0;

	while ((i < MAPPINGS) && (NULL != mapping[i].p))
		i++;

	if (!active || (PROT_NONE == prot) || (MAPPINGS == i))
		return __real_mmap(p, size, prot, flags, fd, offset);

	void* addr = read_file(size, fd, offset);

	if (MAP_FAILED != addr)
		mapping[i] = (struct mapping_s){ addr, size, ((-1 != fd) && (0 != (flags & MAP_SHARED))) ? dup(fd) : -1, offset };

	return addr;
}

int __wrap_munmap(void* p, size_t size)
{
	// BART rounds addresses down to whole pages
	for (int i = 0; i < MAPPINGS; i++) {

		if ((NULL == mapping[i].p) || ((uintptr_t)mapping[i].p / 4096 != (uintptr_t)p / 4096))
			continue;

		write_file(&mapping[i]);
		mapping[i].p = NULL;

		return 0;
	}

	return __real_munmap(p, size);
}

// pages of files are given back, which these are not
int __wrap_madvise(void* p, size_t size, int advice)
{
	for (int i = 0; i < MAPPINGS; i++)
		if ((uintptr_t)mapping[i].p / 4096 == (uintptr_t)p / 4096)
			return 0;

	return __real_madvise(p, size, advice);
}

FILE* __wrap_fopen(const char* name, const char* mode)
{
	FILE* fp = __real_fopen(name, mode);

	for (int i = 0; active && (NULL != fp) && (i < FILES); i++) {

		if (NULL != file[i])
			continue;

		file[i] = fp;
		break;
	}

	return fp;
}

int __wrap_fclose(FILE* fp)
{
	for (int i = 0; i < FILES; i++)
		if (fp == file[i])
			file[i] = NULL;

	return __real_fclose(fp);
}

void __wrap_exit(int status)
{
	if (!active)
		__real_exit(status);

	exited = true;
	longjmp(error_jumper.buf, 1);
}

void held_begin(void)
{
	exited = false;
	active = true;
}

/* With AddressSanitizer, what is written below the message says where the block comes
 * from: it is freed a second time for that.
 */
static void leak(const char* what, void* p, bool block)
{
	dprintf(STDERR_FILENO, "fuzz: leak: %s at %p was not given back\n", what, p);

	if (block) {

		__real_free(p);
		__real_free(p);
	}

	abort();
}

static void end_blocks(bool returned)
{
	for (int i = 0; i < slots_taken; i++) {

		void* p = is_free(taken[i]) ? NULL : slot[taken[i]].p;

		slot[taken[i]].p = NULL;
		slot[taken[i]].taken = false;

		if (NULL == p)
			continue;

		if (returned)
			leak("memory", p, true);

		__real_free(p);
	}

	slots_taken = 0;
}

bool held_end(bool returned)
{
	active = false;

	end_blocks(returned);

	for (int i = 0; i < MAPPINGS; i++) {

		if (NULL == mapping[i].p)
			continue;

		if (returned)
			leak("a mapping", mapping[i].p, true);

		mapping[i].fd = -1;	// closed with the others
		write_file(&mapping[i]);
		mapping[i].p = NULL;
	}

	for (int i = 0; i < FILES; i++) {

		if (NULL == file[i])
			continue;

		if (returned)
			leak("a file", file[i], false);

		__real_fclose(file[i]);
		file[i] = NULL;
	}

	return exited;
}
