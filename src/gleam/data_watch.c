/*
 * What a data set is, to be known again; and whether its files are still what they were.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

#include "misc/misc.h"
#include "misc/mri.h"

#include "gleam/data_struct.h"
#include "gleam/input.h"
#include "gleam/input_watch.h"

#include "gleam/data.h"

enum { INPUTS = 5 };


static void all_inputs(struct gleam_data_s* data, struct input_s* inputs[INPUTS])
{
	inputs[0] = &data->kspace;
	inputs[1] = &data->maps;
	inputs[2] = &data->reference;
	inputs[3] = &data->pattern;
	inputs[4] = &data->trajectory;
}

void gleam_data_watch(struct gleam_data_s* data)
{
	struct input_s* inputs[INPUTS];

	all_inputs(data, inputs);

	for (int i = 0; i < INPUTS; i++) {

		if (NULL == inputs[i]->name)
			continue;

		input_marks(inputs[i], inputs[i]->marks);
		inputs[i]->fingerprint = input_fingerprint(inputs[i]);
	}
}

const char* gleam_data_changed(struct gleam_data_s* data, const char** how)
{
	struct input_s* inputs[INPUTS];

	all_inputs(data, inputs);

	for (int i = 0; i < INPUTS; i++) {

		*how = (NULL == inputs[i]->name) ? NULL : input_changed(inputs[i]);

		if (NULL != *how)
			return inputs[i]->name;
	}

	return NULL;
}

// a line for each file there can be; their names may change
void gleam_data_print(struct gleam_data_s* data, const char* what, FILE* fp)
{
	static const char* const roles[INPUTS] = { "k-space", "sensitivities", "reference", "pattern", "trajectory" };

	struct input_s* inputs[INPUTS];
	char text[DIMS_TEXT];

	all_inputs(data, inputs);

	for (int i = 0; i < INPUTS; i++) {

		if (NULL == inputs[i]->name)
			fprintf(fp, "%s %s: none\n", what, roles[i]);
		else
			fprintf(fp, "%s %s: %s, contents %016" PRIx64 "\n", what, roles[i], dims_text(text, inputs[i]->dims), inputs[i]->fingerprint);
	}
}
