#include <stdio.h>
#include <string.h>

#include "misc/misc.h"

#include "nn/backend.h"

#include "gleam/setup.h"


static void backend_names(int N, char list[N])
{
	list[0] = '\0';

	for (int i = 0; NULL != nn_backends[i]; i++) {

		strncat(list, " ", (size_t)N - strlen(list) - 1);
		strncat(list, nn_backends[i]->name, (size_t)N - strlen(list) - 1);
	}
}

const struct nn_backend_s* gleam_setup_backend(const char* name)
{
	const struct nn_backend_s* backend = nn_backend_find(name, NN_FP32);

	if (NULL == backend) {

		char list[256];

		backend_names(sizeof(list), list);
		error("--backend %s: there is none of this name; this binary has: auto%s\n", name, list);
	}

	if (NULL != backend->missing())
		error("--backend %s: cannot be used here: %s\n", name, backend->missing());

	return backend;
}
