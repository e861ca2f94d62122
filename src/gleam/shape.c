
#include <stdbool.h>
#include <stdio.h>

#include "num/multind.h"

#include "misc/misc.h"
#include "misc/mri.h"

#include "gleam/input.h"
#include "gleam/shape.h"


struct shape_s shape_kspace(void)
{
	return (struct shape_s){ .any = FFT_FLAGS | COIL_FLAG | TIME_FLAG | SAMPLE_FLAGS };
}


struct shape_s shape_maps(const long ksp_dims[DIMS])
{
	struct shape_s shape = { .exact = FFT_FLAGS | COIL_FLAG, .shared = TIME_FLAG | SAMPLE_FLAGS, .any = MAPS_FLAG };

	md_copy_dims(DIMS, shape.expected, ksp_dims);

	return shape;
}


struct shape_s shape_pattern(const long ksp_dims[DIMS])
{
	struct shape_s shape = { .shared = FFT_FLAGS | TIME_FLAG | SAMPLE_FLAGS };

	md_copy_dims(DIMS, shape.expected, ksp_dims);

	return shape;
}


struct shape_s shape_reference(const long ksp_dims[DIMS], long maps, bool ref_kspace)
{
	struct shape_s shape = { .exact = FFT_FLAGS | TIME_FLAG | SAMPLE_FLAGS | (ref_kspace ? COIL_FLAG : 0UL) };

	md_copy_dims(DIMS, shape.expected, ksp_dims);

	if (!ref_kspace) {

		shape.shared = MAPS_FLAG;
		shape.expected[MAPS_DIM] = maps;
	}

	return shape;
}


// first dimension of another size, or -1
static int find_misfit(const struct shape_s* shape, const long dims[DIMS])
{
	for (int i = 0; i < DIMS; i++) {

		bool free_size = MD_IS_SET(shape->any, i) || (MD_IS_SET(shape->shared, i) && (1 == dims[i]));
		long expected = MD_IS_SET(shape->exact | shape->shared, i) ? shape->expected[i] : 1;

		if (!free_size && (expected != dims[i]))
			return i;
	}

	return -1;
}


bool shape_fits(const struct shape_s* shape, const long dims[DIMS])
{
	return -1 == find_misfit(shape, dims);
}


/* Which two dimensions need to be exchanged to make it fit? Coils in a wrong
 * place are by far the most common, so they are tried first; slices before frames.
 */
static bool find_transpose(const struct shape_s* shape, const long dims[DIMS], int pair[2])
{
	const int order[] = { COIL_DIM, READ_DIM, PHS1_DIM, PHS2_DIM, MAPS_DIM, SLICE_DIM, TIME_DIM, AVG_DIM, BATCH_DIM };
	const int N = (int)ARRAY_SIZE(order);

	for (int i = 0; i < N; i++) {

		for (int j = i + 1; j < N; j++) {

			long swapped[DIMS];

			md_copy_dims(DIMS, swapped, dims);
			SWAP(swapped[order[i]], swapped[order[j]]);

			pair[0] = MIN(order[i], order[j]);
			pair[1] = MAX(order[i], order[j]);

			if (shape_fits(shape, swapped))
				return true;
		}
	}

	return false;
}


#define HINT 1024

static bool hint_transpose(char hint[HINT], const struct input_s* in, const struct shape_s* shape)
{
	int pair[2];

	// what fits already is not what is wrong
	if (shape_fits(shape, in->dims) || !find_transpose(shape, in->dims, pair))
		return false;

	snprintf(hint, HINT, "The dimensions of '%s' seem to be in another order: 'bart transpose %d %d %s <new>' mends that",
			in->name, pair[0], pair[1], in->name);

	return true;
}


static const char* dim_name(int dim)
{
	static const char* const names[DIMS] = {

		[READ_DIM] = "readout", [PHS1_DIM] = "phase 1", [PHS2_DIM] = "phase 2", [COIL_DIM] = "coils",
		[MAPS_DIM] = "maps", [TE_DIM] = "echoes", [COEFF_DIM] = "coefficients", [COEFF2_DIM] = "coefficients 2",
		[ITER_DIM] = "iterations", [CSHIFT_DIM] = "chemical shift", [TIME_DIM] = "time", [TIME2_DIM] = "time 2",
		[LEVEL_DIM] = "level", [SLICE_DIM] = "slices", [AVG_DIM] = "averages", [BATCH_DIM] = "batch",
	};

	return names[dim];
}


static noreturn void misfit(const struct input_s* in, const struct shape_s* shape, const struct input_s* like, const char* hint)
{
	int dim = find_misfit(shape, in->dims);

	bool given = MD_IS_SET(shape->exact | shape->shared, dim);
	bool shared = MD_IS_SET(shape->shared, dim) && (1 != shape->expected[dim]);

	char text[DIMS_TEXT];
	char other[DIMS_TEXT];
	char as_in[HINT] = "";

	if (NULL != like)
		snprintf(as_in, sizeof(as_in), " to go with the %s '%s' %s", like->role, like->name, dims_text(other, like->dims));

	error("%s: found %s %s: dimension %d (%s) is %ld, expected %ld%s%s. %s.\n", in->name, in->role, dims_text(text, in->dims),
		dim, dim_name(dim), in->dims[dim], given ? shape->expected[dim] : 1, shared ? " or 1" : "", as_in, hint);
}


void shape_check(const struct input_s* in, const struct shape_s* shape, const struct input_s* like, const char* way_out)
{
	char hint[HINT];

	if (shape_fits(shape, in->dims))
		return;

	misfit(in, shape, like, hint_transpose(hint, in, shape) ? hint : way_out);
}


void shape_check_maps(const struct input_s* maps, const struct input_s* kspace)
{
	struct shape_s shape = shape_maps(kspace->dims);

	if (shape_fits(&shape, maps->dims))
		return;

	// what k-space would have to be for these maps
	struct shape_s inverse = { .exact = FFT_FLAGS | COIL_FLAG, .any = TIME_FLAG | SAMPLE_FLAGS };

	md_copy_dims(DIMS, inverse.expected, maps->dims);

	// exchanging dimensions of either may help: the one with a single coil is the more likely one
	bool ksp_first = (1 == kspace->dims[COIL_DIM]);

	const struct input_s* in[2] = { ksp_first ? kspace : maps, ksp_first ? maps : kspace };
	const struct shape_s* to[2] = { ksp_first ? &inverse : &shape, ksp_first ? &shape : &inverse };

	char hint[HINT] = "Estimate them from this k-space, for instance with 'bart ecalib'";

	if (!hint_transpose(hint, in[0], to[0]))
		hint_transpose(hint, in[1], to[1]);

	misfit(maps, &shape, kspace, hint);
}
