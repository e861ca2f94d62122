/*
 * Runs a function that is to end in error(): in a child process, so that the
 * exit status and the text on stderr can both be looked at. No OpenMP region may
 * have run in the test before (its threads do not survive the fork).
 */
#ifndef _CAUGHT_H
#define _CAUGHT_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <sys/wait.h>

#include <criterion/criterion.h>

struct caught_s {

	int status;	// exit status, or minus the signal
	char text[8192];
};

static inline void caught_read(struct caught_s* c, int fd)
{
	size_t len = 0;
	ssize_t n;

	while (0 < (n = read(fd, c->text + len, sizeof(c->text) - 1 - len)))
		len += (size_t)n;

	c->text[len] = '\0';
}

// what error() leaves to the end of the process is no leak; tests/errors looks for those
static inline void caught_leave(int status, void*)
{
	fflush(NULL);
	_exit(status);
}

static inline struct caught_s caught(void (*fun)(const void* arg), const void* arg)
{
	struct caught_s c = { };
	int fd[2];

	cr_assert(0 == pipe(fd));
	fflush(NULL);

	pid_t pid = fork();

	cr_assert(-1 != pid);

	if (0 == pid) {

		dup2(fd[1], STDERR_FILENO);
		close(fd[0]);
		close(fd[1]);

		on_exit(caught_leave, NULL);

		fun(arg);

		fflush(NULL);
		_exit(0);
	}

	close(fd[1]);
	caught_read(&c, fd[0]);
	close(fd[0]);

	int st;

	cr_assert(pid == waitpid(pid, &st, 0));

	c.status = WIFEXITED(st) ? WEXITSTATUS(st) : -WTERMSIG(st);

	return c;
}

#define assert_error(fun, arg, ...) do {								\
													\
	struct caught_s _c = caught(fun, arg);								\
	const char* _parts[] = { __VA_ARGS__ };								\
													\
	cr_expect(1 == _c.status, "exit status %d, text: %s", _c.status, _c.text);			\
													\
	for (size_t _i = 0; _i < sizeof(_parts) / sizeof(_parts[0]); _i++)				\
		cr_expect(NULL != strstr(_c.text, _parts[_i]), "'%s' is not in: %s", _parts[_i], _c.text);	\
													\
} while (0)

#endif		// _CAUGHT_H
