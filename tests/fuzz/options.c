/*
 * The command line: each line of the input is one argument. The first one says what
 * is called, and what is added behind all others so that it ends soon:
 *
 *	plan	bart gleam ... --memory
 *	train	bart gleam ... with two iterations of a tiny network
 *	size	bart gleam-infer ... --memory
 *	infer	bart gleam-infer ... on the CPU
 *
 * The files of data.h are there. Arguments with '/' are left out, since they could
 * name files outside of the folder, and those with ".fifo", since BART waits for such
 * files to be made, or ".mem", which it keeps until the process ends.
 */
#define _GNU_SOURCE

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "num/init.h"

#include "misc/misc.h"

#include "data.h"
#include "fuzz.h"

enum { ARGS = 64, LENGTH = 1024 };

extern int main_gleam(int argc, char* argv[argc]);
extern int main_gleam_infer(int argc, char* argv[argc]);

struct command_s {

	const char* first;
	const char* name;
	int (*fun)(int argc, char* argv[argc]);
	const char* last[16];	// twice where it must be: an option without its value takes the first
};

static const struct command_s commands[] = {

	{ "plan", "gleam", main_gleam, { "--memory", "--memory" } },
	{ "train", "gleam", main_gleam, { "-n", "2", "-I", "2", "-M", "2", "--features", "2", "--blocks", "1", "--layers", "2", "--cg-iter", "2" } },
	{ "size", "gleam-infer", main_gleam_infer, { "--memory", "--memory" } },
	{ "infer", "gleam-infer", main_gleam_infer, { } },
};

struct call_s {

	const struct command_s* command;
	int argc;
	char* argv[ARGS + 20];
};

static void call(void* arg)
{
	struct call_s* c = arg;

	// BART moves arguments within argv
	char* argv[c->argc + 1];

	memcpy(argv, c->argv, sizeof(argv));

	fuzz_expect(0 == c->command->fun(c->argc, argv), "a status of zero, or error()");
}

static void add(struct call_s* c, struct fuzz_text_s text)
{
	char* s = malloc(LENGTH + 1);
	size_t size = MIN(text.size, (size_t)LENGTH);

	memcpy(s, text.data, size);
	s[size] = '\0';

	c->argv[c->argc++] = s;
}

static bool has(struct fuzz_text_s text, const char* part)
{
	return (0 < text.size) && (NULL != memmem(text.data, text.size, part, strlen(part)));
}

static const struct command_s* command_of(struct fuzz_text_s first)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if ((strlen(commands[i].first) == first.size) && (0 == memcmp(first.data, commands[i].first, first.size)))
			return &commands[i];

	return NULL;
}

static void add_all(struct call_s* c, struct fuzz_text_s all)
{
	struct fuzz_text_s arg;

	add(c, (struct fuzz_text_s){ c->command->name, strlen(c->command->name) });

	while ((0 < all.size) && (ARGS > c->argc)) {

		fuzz_take(&all, "\n", &arg);

		if (!has(arg, "/") && !has(arg, ".fifo") && !has(arg, ".mem"))
			add(c, arg);
	}

	for (int i = 0; NULL != c->command->last[i]; i++)
		add(c, (struct fuzz_text_s){ c->command->last[i], strlen(c->command->last[i]) });
}

static enum fuzz_end run(const struct command_s* command, struct fuzz_text_s all)
{
	struct call_s c = { .command = command };

	add_all(&c, all);

	enum fuzz_end end = fuzz_call(call, &c);

	for (int i = 0; i < c.argc; i++)
		free(c.argv[i]);

	return end;
}

int LLVMFuzzerInitialize(int* /*argc*/, char*** /*argv*/)
{
	// "s" has a state to resume from
	static const struct command_s plain = { "", "gleam", main_gleam, { } };
	static const char first[] = "-n\n1\n-b\n1\n-I\n2\n--features\n2\n--blocks\n1\ns\nksp\nmap\nref";

	fuzz_enter();
	num_init();
	data_make();

	fuzz_expect(FUZZ_RETURNED == run(&plain, (struct fuzz_text_s){ first, strlen(first) }), "a state that is saved");
	fuzz_keep();

	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size)
{
	struct fuzz_text_s all = { (const char*)data, size };
	struct fuzz_text_s first;

	fuzz_take(&all, "\n", &first);

	const struct command_s* command = command_of(first);

	if (NULL == command)
		return 0;

	fuzz_clean();
	run(command, all);

	return 0;
}
