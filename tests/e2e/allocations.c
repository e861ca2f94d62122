/*
 * Preloaded into a program named bart: counts what its own code (not that of a
 * library, FFTW allocates in every transform) asks the heap for, and tells it at
 * the end. Only blocks that could hold data: BART's md functions keep what they know of
 * dimensions and strides on the heap.
 */
#define _GNU_SOURCE

#include <dlfcn.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define LEAST 256	// bytes

extern void* __libc_malloc(size_t size);
extern void* __libc_calloc(size_t n, size_t size);
extern void* __libc_realloc(void* p, size_t size);
extern void* __libc_memalign(size_t alignment, size_t size);

static atomic_long blocks;


static bool is_bart(const void* caller)
{
	Dl_info info;

	if ((0 == dladdr(caller, &info)) || (NULL == info.dli_fname))
		return false;

	const char* slash = strrchr(info.dli_fname, '/');

	return 0 == strcmp("bart", (NULL != slash) ? (slash + 1) : info.dli_fname);
}


static void count(size_t size, const void* caller)
{
	if ((LEAST <= size) && is_bart(caller))
		atomic_fetch_add(&blocks, 1);
}


void* malloc(size_t size)
{
	count(size, __builtin_return_address(0));
	return __libc_malloc(size);
}


void* calloc(size_t n, size_t size)
{
	count(n * size, __builtin_return_address(0));
	return __libc_calloc(n, size);
}


void* realloc(void* p, size_t size)
{
	count(size, __builtin_return_address(0));
	return __libc_realloc(p, size);
}


void* aligned_alloc(size_t alignment, size_t size)
{
	count(size, __builtin_return_address(0));
	return __libc_memalign(alignment, size);
}


static void __attribute__((destructor)) tell(void)
{
	fprintf(stderr, "allocations: %ld\n", atomic_load(&blocks));
}
