#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "misc/misc.h"

#include "gleam/distinct.h"


enum { SPELLINGS = 3 };

static bool find(const char* name, int spelling, struct stat* st)
{
	static const char* const suffix[SPELLINGS] = { "", ".cfl", ".hdr" };

	char* path = ptr_printf("%s%s", name, suffix[spelling]);

	bool found = (0 == stat(path, st)) && S_ISREG(st->st_mode);

	xfree(path);

	return found;
}


bool distinct_same(const char* a, const char* b)
{
	if ((NULL == a) || (NULL == b))
		return false;

	for (int i = 0; i < SPELLINGS; i++) {

		for (int j = 0; j < SPELLINGS; j++) {

			struct stat sa;
			struct stat sb;

			if (find(a, i, &sa) && find(b, j, &sb) && (sa.st_dev == sb.st_dev) && (sa.st_ino == sb.st_ino))
				return true;
		}
	}

	return false;
}


void distinct_check(const char* what, const char* output, bool spelled, int N, const char* const inputs[N])
{
	for (int i = 0; i < N; i++) {

		if (!distinct_same(output, inputs[i]) || (spelled && (0 == strcmp(output, inputs[i]))))
			continue;

		error("%s: found an output (%s) on a file of the input '%s', which it would destroy, expected another name. "
			"Give it one.\n", output, what, inputs[i]);
	}
}
