#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "misc/misc.h"

#include "gleam/distinct.h"


enum { SPELLINGS = 3 };

static bool same_file(const char* a, const char* b)
{
	struct stat sa;
	struct stat sb;

	if (0 == strcmp(a, b))
		return true;

	return    (0 == stat(a, &sa)) && S_ISREG(sa.st_mode) && (0 == stat(b, &sb))
	       && (sa.st_dev == sb.st_dev) && (sa.st_ino == sb.st_ino);
}


bool distinct_same(const char* a, const char* b)
{
	static const char* const suffix[] = { "", ".cfl", ".hdr" };
	const int N = (int)ARRAY_SIZE(suffix);

	if ((NULL == a) || (NULL == b))
		return false;

	bool same = false;

	for (int i = 0; !same && (i < N * N); i++) {

		char* path_a = ptr_printf("%s%s", a, suffix[i / N]);
		char* path_b = ptr_printf("%s%s", b, suffix[i % N]);

		same = same_file(path_a, path_b);

		xfree(path_a);
		xfree(path_b);
	}

	return same;
}


bool distinct_name(const char* path)
{
	const char* last = strrchr(path, '/');

	last = (NULL == last) ? path : (last + 1);

	return (0 != strcmp(last, "")) && (0 != strcmp(last, ".")) && (0 != strcmp(last, ".."));
}


void distinct_check(const char* what, const char* output, bool spelled, int N, const char* const inputs[N])
{
	if (!distinct_name(output))
		error("'%s': found no name in that of an output (%s), expected one. Is a variable of a script not set?\n", output, what);

	for (int i = 0; i < N; i++) {

		if (!distinct_same(output, inputs[i]) || (spelled && (0 == strcmp(output, inputs[i]))))
			continue;

		error("%s: found an output (%s) on a file of the input '%s', which it would destroy, expected another name. "
			"Give it one.\n", output, what, inputs[i]);
	}
}
