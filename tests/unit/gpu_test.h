/*
 * Tests of code for the GPU are in every test program; where there is no GPU they
 * say so.
 */
#ifndef _GPU_TEST_H
#define _GPU_TEST_H

#include <stdio.h>
#include <unistd.h>
#include <sys/wait.h>

#include <criterion/criterion.h>

#ifdef GLEAM_GPU

#include "gpu/gpu.h"

#define NEED_GPU(test) do {								\
											\
	const char* _why = gpu_missing();						\
											\
	if (NULL != _why) {								\
											\
		fprintf(stderr, "SKIP " test ": no GPU can be used: %s\n", _why);	\
		cr_skip_test("no GPU");							\
	}										\
} while (0)

// CUDA does not survive a fork: a test that uses the GPU in a child must not use it before
static inline bool gpu_missing_in_child(void)
{
	int status = 0;

	fflush(NULL);

	pid_t pid = fork();

	if (0 == pid)
		_exit((NULL == gpu_missing()) ? 0 : 1);

	waitpid(pid, &status, 0);

	return 0 != status;
}

#define NEED_GPU_IN_CHILD(test) do {							\
											\
	if (gpu_missing_in_child()) {							\
											\
		fprintf(stderr, "SKIP " test ": no GPU can be used\n");			\
		cr_skip_test("no GPU");							\
	}										\
} while (0)

#else

#define GPU_SKIP(test)									\
	do {										\
		fprintf(stderr, "SKIP " test ": this binary is without GPU\n");		\
		cr_skip_test("no GPU");							\
	} while (0)

#endif

#endif		// _GPU_TEST_H
