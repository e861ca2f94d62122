/*
 * In place of libFuzzer's main: runs every file of the folders that are given once.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz.h"

enum { PATH = 1024, SECONDS = 60 };

static int count = 0;

static void run(const char* path)
{
	FILE* fp = fopen(path, "rb");
	struct stat st;

	if ((NULL == fp) || (0 != fstat(fileno(fp), &st))) {

		perror(path);
		exit(1);
	}

	size_t size = (size_t)st.st_size;
	uint8_t* data = malloc(size + 1);

	if (size != fread(data, 1, size, fp)) {

		perror(path);
		exit(1);
	}

	fclose(fp);

	// what hangs is ended by the signal
	fprintf(stderr, "== %s\n", path);
	alarm(SECONDS);

	LLVMFuzzerTestOneInput(data, size);

	free(data);
	count++;
}

static void run_folder(const char* path)
{
	struct dirent** entry;
	int n = scandir(path, &entry, NULL, alphasort);

	for (int i = 0; i < n; i++) {

		char file[PATH];

		snprintf(file, sizeof(file), "%s/%s", path, entry[i]->d_name);

		if ('.' != entry[i]->d_name[0])
			run(file);

		free(entry[i]);
	}

	if (0 <= n)
		free(entry);
}

int main(int argc, char* argv[argc])
{
	LLVMFuzzerInitialize(&argc, &argv);

	for (int i = 1; i < argc; i++)
		run_folder(argv[i]);

	if (0 == count) {

		fprintf(stderr, "no inputs\n");
		return 1;
	}

	fprintf(stderr, "%d inputs\n", count);

	return 0;
}
