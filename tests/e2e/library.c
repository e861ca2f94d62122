/*
 * BART as a library: runs commands, a line of stdin each, in this one process, as a program
 * does that is linked with BART. After each it tells what came back, and what the command
 * has left behind in the process: open files, signals that are caught or ignored.
 *
 *	printf 'gleam -n 4 w k m r\ngleam-infer w k m out\n' | gleam_library
 */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bart_embed_api.h"

enum { WORDS = 128, OUTPUT = 1 << 16 };


static int open_files(void)
{
	DIR* dir = opendir("/proc/self/fd");
	int n = 0;

	if (NULL == dir) {

		perror("/proc/self/fd");
		exit(1);
	}

	while (NULL != readdir(dir))
		n++;

	closedir(dir);

	return n - 3;	// ".", "..", and the one of the folder
}


// how many signals are not handled as when the process started
static int signals_changed(const struct sigaction before[NSIG])
{
	int n = 0;

	for (int i = 1; i < NSIG; i++) {

		struct sigaction now;

		if (0 == sigaction(i, NULL, &now))
			n += (now.sa_handler != before[i].sa_handler);
	}

	return n;
}


static int split(char* line, char* words[WORDS])
{
	static char name[] = "bart";
	int n = 0;

	words[n++] = name;

	for (char* w = strtok(line, " \n"); (NULL != w) && (n < WORDS - 1); w = strtok(NULL, " \n"))
		words[n++] = w;

	words[n] = NULL;

	return n;
}


int main(void)
{
	static char line[1 << 14];
	static char output[OUTPUT];

	struct sigaction before[NSIG] = { };

	for (int i = 1; i < NSIG; i++)
		sigaction(i, NULL, &before[i]);

	while (NULL != fgets(line, sizeof(line), stdin)) {

		char* words[WORDS];
		int n = split(line, words);
		int status = bart_command(OUTPUT, output, n, words);

		printf("status %d, files %d, signals %d\n%s", status, open_files(), signals_changed(before), output);
		fflush(stdout);
	}

	return 0;
}
