#include <complex.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>

#include "num/flpmath.h"
#include "num/mpi_ops.h"
#include "num/multind.h"

#include "misc/debug.h"
#include "misc/misc.h"
#include "misc/mmio.h"
#include "misc/mri.h"

#include "gleam/input.h"
#include "gleam/shape.h"
#include "gleam/trajectory.h"
#include "gleam/values.h"
#include "gleam/data_struct.h"
#include "gleam/data.h"


bool gleam_data_cartesian(const struct gleam_data_s* data)
{
	return (NULL == data->trajectory.name);
}


// k-space of an image of the maps' size: of a cartesian one, its own
static void image_space(const struct gleam_data_s* data, long dims[DIMS], const long ksp_dims[DIMS])
{
	md_copy_dims(DIMS, dims, ksp_dims);

	if (!gleam_data_cartesian(data))
		md_copy_dims(3, dims, data->maps.dims);
}


static void check_reference(const struct gleam_data_s* data)
{
	long maps = data->maps.dims[MAPS_DIM];
	long dims[DIMS];

	image_space(data, dims, data->kspace.dims);

	if (data->ref_kspace && !gleam_data_cartesian(data))
		error("--ref-kspace and --trajectory: fully sampled k-space on a trajectory is no image yet. "
			"Reconstruct the reference first ('bart pics -t', with the same sensitivities) and give that.\n");

	struct shape_s shape = shape_reference(dims, maps, data->ref_kspace);
	struct shape_s other = shape_reference(dims, maps, !data->ref_kspace);

	const char* way_out = "Give one image for every sample, and for every map of the sensitivities or combined of all";

	if (shape_fits(&other, data->reference.dims))
		way_out = data->ref_kspace ? "It looks like an image: leave --ref-kspace out" : "It looks like k-space: add --ref-kspace";

	// on a trajectory, k-space says nothing of the image's size
	shape_check(&data->reference, &shape, gleam_data_cartesian(data) ? &data->kspace : NULL, way_out);
}


static void check_shapes_cartesian(const struct gleam_data_s* data)
{
	struct shape_s shape = shape_kspace();

	shape_check(&data->kspace, &shape, NULL, "Samples are counted along dimensions 13, 14 and 15: 'bart transpose' moves this dimension there");
	trajectory_check_missing(&data->kspace, &data->maps);
	shape_check_maps(&data->maps, &data->kspace);

	if (NULL != data->pattern.name) {

		shape = shape_pattern(data->kspace.dims);
		shape_check(&data->pattern, &shape, &data->kspace,
				"Make it with 'bart pattern', or leave it out: it is estimated from the zeros of k-space then");
	}
}


static void check_shapes(const struct gleam_data_s* data)
{
	if (gleam_data_cartesian(data))
		check_shapes_cartesian(data);
	else
		trajectory_check_shapes(&data->trajectory, &data->kspace, &data->maps, &data->pattern);

	if (NULL != data->reference.name)
		check_reference(data);
}


// FFT, selection and messages count in int
static void check_countable(const struct gleam_data_s* data)
{
	char text[DIMS_TEXT];
	long elements = md_calc_size(DIMS, data->img_dims);

	if (INT_MAX < elements)
		error("%s: found sensitivities %s for k-space of %ld frames: images of %ld elements, expected at most %d. "
			"Divide each sample: slices or positions along a fully sampled readout by 'bart transpose' to dimension 13.\n",
			data->maps.name, dims_text(text, data->maps.dims), data->ksp_dims[TIME_DIM], elements, INT_MAX);
}

// what dimensions that fit may still hide
static void check_plausible(const struct gleam_data_s* data)
{
	check_countable(data);

	char text[DIMS_TEXT];
	const long* map_dims = data->maps.dims;

	if (map_dims[MAPS_DIM] > map_dims[COIL_DIM])
		error("%s: found sensitivities %s: more maps (dimension 4) than coils (dimension 3), expected fewer. "
			"'bart transpose 3 4' exchanges the two.\n", data->maps.name, dims_text(text, map_dims));

	int spatial = gleam_data_spatial(data);

	if (((2 > spatial) || (3 < spatial)) && !gleam_data_cartesian(data))
		error("%s: found sensitivities %s for k-space of %ld frames: images of %d dimensions (0, 1, 2 and 10 that are larger than one), "
			"expected two or three. %s.\n",
			data->maps.name, dims_text(text, map_dims), data->ksp_dims[TIME_DIM], spatial, (2 > spatial)
			? "Give sensitivities of the size of the image"
			: "Frames of volumes become samples by 'bart transpose 10 13' in k-space, trajectory and reference");

	if ((2 > spatial) || (3 < spatial))
		error("%s: found k-space %s: %d of the dimensions 0, 1, 2 and 10 are larger than one, expected two or three. %s\n",
			data->kspace.name, dims_text(text, data->kspace.dims), spatial, (2 > spatial)
			? "Other dimensions are counted as samples along 13, 14 and 15: 'bart transpose' moves them there."
			: "One of them becomes samples in all files: slices that were acquired one by one by 'bart transpose 2 13'; positions along "
			  "a fully sampled readout by 'bart transpose 0 13', after k-space was transformed along it ('bart fft -u -i 1').");
}


int gleam_data_spatial(const struct gleam_data_s* data)
{
	int n = 0;

	for (int i = 0; i < DIMS; i++)
		if (MD_IS_SET(FFT_FLAGS | TIME_FLAG, i) && (1 < data->img_dims[i]))
			n++;

	return n;
}


static void check_values(const struct gleam_data_s* data)
{
	input_check_finite(&data->kspace);
	values_check_maps(&data->maps);

	if (NULL != data->reference.name)
		input_check_finite(&data->reference);

	if (NULL != data->pattern.name)
		values_check_pattern(&data->pattern, gleam_data_cartesian(data));

	if (gleam_data_cartesian(data))
		return;

	trajectory_check_values(&data->trajectory, &data->maps);

	if (NULL == data->pattern.name)
		trajectory_check_zeros(&data->kspace);
}


/* With a pattern it is the product that must not be zero everywhere; both stop at
 * the first number that is not.
 */
static bool find_empty(const struct gleam_data_s* data, long sample, complex float* ksp, complex float* pattern)
{
	long N = md_calc_size(DIMS, data->ksp_dims);

	if (NULL == data->pattern.name) {

		bool empty = values_all_zero(N, input_sample(&data->kspace, data->kspace.dims, sample));

		input_release(&data->kspace);

		return empty;
	}

	gleam_data_pattern(data, sample, pattern);
	gleam_data_kspace(data, sample, pattern, ksp);

	return values_all_zero(N, ksp);
}


static void find_all_empty(struct gleam_data_s* data)
{
	complex float* ksp = md_alloc(DIMS, data->ksp_dims, CFL_SIZE);
	complex float* pattern = md_alloc(DIMS, data->pat_dims, CFL_SIZE);

	for (long i = 0; i < data->samples; i++)
		data->empty[i] = find_empty(data, i, ksp, pattern);

	md_free(ksp);
	md_free(pattern);
}


static void set_dims(struct gleam_data_s* data)
{
	data->samples = input_samples(data->kspace.dims);

	md_select_dims(DIMS, ~(unsigned long)SAMPLE_FLAGS, data->ksp_dims, data->kspace.dims);
	md_select_dims(DIMS, ~(unsigned long)SAMPLE_FLAGS, data->map_dims, data->maps.dims);

	// a pattern of size one along a spatial dimension is filled up
	md_select_dims(DIMS, ~(unsigned long)COIL_FLAG, data->pat_dims, data->ksp_dims);

	if (NULL != data->pattern.name)
		data->pat_dims[TIME_DIM] = data->pattern.dims[TIME_DIM];
	else if (!gleam_data_cartesian(data))
		data->pat_dims[TIME_DIM] = 1;

	md_singleton_dims(DIMS, data->trj_dims);

	if (!gleam_data_cartesian(data))
		md_select_dims(DIMS, ~(unsigned long)SAMPLE_FLAGS, data->trj_dims, data->trajectory.dims);

	image_space(data, data->img_dims, data->ksp_dims);
	data->img_dims[COIL_DIM] = 1;
	data->img_dims[MAPS_DIM] = data->map_dims[MAPS_DIM];

	md_copy_dims(DIMS, data->ref_dims, data->img_dims);

	if ((NULL != data->reference.name) && !data->ref_kspace)
		data->ref_dims[MAPS_DIM] = data->reference.dims[MAPS_DIM];
}


bool gleam_data_no_reference(const struct gleam_data_s* data)
{
	const struct input_s* ref = &data->reference;
	long samples = input_samples(ref->dims);
	long N = md_calc_size(DIMS, ref->dims) / samples;

	for (long i = 0; i < samples; i++)
		if (!values_all_zero(N, ref->data + i * N))
			return false;

	return true;
}


bool gleam_data_comparable(const struct gleam_data_s* data)
{
	const struct input_s* ref = &data->reference;
	long N = md_calc_size(DIMS, ref->dims) / input_samples(ref->dims);

	for (long i = 0; i < data->samples; i++)
		if (!data->empty[i] && !values_all_zero(N, input_sample(ref, data->kspace.dims, i)))
			return true;

	return false;
}


struct gleam_data_s* gleam_data_open(const struct gleam_files_s* files)
{
	PTR_ALLOC(struct gleam_data_s, data);

	*data = (struct gleam_data_s){ .ref_kspace = files->ref_kspace };

	data->kspace = input_open(files->kspace, "k-space");
	data->maps = input_open(files->maps, "sensitivities");

	if (NULL != files->trajectory)
		data->trajectory = input_open(files->trajectory, "trajectory");

	if (NULL != files->pattern)
		data->pattern = input_open(files->pattern, "pattern");

	if (NULL != files->reference)
		data->reference = input_open(files->reference, files->ref_kspace ? "reference k-space" : "reference");

	check_shapes(data);
	set_dims(data);
	check_plausible(data);

	data->empty = xmalloc((size_t)data->samples * sizeof(bool));

	// ranks that work on the same data need not all read it; in a loop (bart -l) each has its own
	bool alike = !cfl_loop_desc_active();

	if (!alike || mpi_is_main_proc()) {

		check_values(data);
		find_all_empty(data);
	}

	if (alike)
		mpi_sync_val(data->empty, data->samples * (long)sizeof(bool));

	return PTR_PASS(data);
}


void gleam_data_close(struct gleam_data_s* data)
{
	input_close(&data->kspace);
	input_close(&data->maps);

	if (NULL != data->pattern.name)
		input_close(&data->pattern);

	if (NULL != data->reference.name)
		input_close(&data->reference);

	if (NULL != data->trajectory.name)
		input_close(&data->trajectory);

	xfree(data->empty);
	xfree(data);
}


void gleam_data_expect(const struct gleam_data_s* data, const char* weights, long maps, int spatial)
{
	char text[DIMS_TEXT];

	if (maps != data->map_dims[MAPS_DIM])
		error("%s: found sensitivities %s with %ld maps (dimension 4), expected %ld as in the weights '%s'. "
			"Use as many maps as in training ('bart ecalib -m'), or train again.\n",
			data->maps.name, dims_text(text, data->maps.dims), data->map_dims[MAPS_DIM], maps, weights);

	if ((spatial != gleam_data_spatial(data)) && !gleam_data_cartesian(data))
		error("%s: found images of %d dimensions (sensitivities %s, %ld frames), expected %d as in the weights '%s'. "
			"Move frames to dimension 13 for a network of two dimensions, or train again.\n",
			data->maps.name, gleam_data_spatial(data), dims_text(text, data->maps.dims), data->ksp_dims[TIME_DIM], spatial, weights);

	if (spatial != gleam_data_spatial(data))
		error("%s: found k-space %s with %d dimensions (of 0, 1, 2 and 10), expected %d as in the weights '%s'. "
			"Move slices to dimension 13 for a network of two dimensions, or train again.\n",
			data->kspace.name, dims_text(text, data->kspace.dims), gleam_data_spatial(data), spatial, weights);
}


const char* gleam_data_name(const struct gleam_data_s* data)
{
	return data->kspace.name;
}


long gleam_data_samples(const struct gleam_data_s* data)
{
	return data->samples;
}


void gleam_data_ksp_dims(const struct gleam_data_s* data, long dims[DIMS])
{
	md_copy_dims(DIMS, dims, data->ksp_dims);
}


void gleam_data_map_dims(const struct gleam_data_s* data, long dims[DIMS])
{
	md_copy_dims(DIMS, dims, data->map_dims);
}


void gleam_data_pat_dims(const struct gleam_data_s* data, long dims[DIMS])
{
	md_copy_dims(DIMS, dims, data->pat_dims);
}


void gleam_data_img_dims(const struct gleam_data_s* data, long dims[DIMS])
{
	md_copy_dims(DIMS, dims, data->img_dims);
}


void gleam_data_trj_dims(const struct gleam_data_s* data, long dims[DIMS])
{
	md_copy_dims(DIMS, dims, data->trj_dims);
}


const char* gleam_data_start(const struct gleam_data_s* data)
{
	return gleam_data_cartesian(data) ? "zero-filled" : "start";
}


bool gleam_data_trajectory_shared(const struct gleam_data_s* data)
{
	return    (1 == input_samples(data->trajectory.dims))
	       && ((NULL == data->pattern.name) || (1 == input_samples(data->pattern.dims)));
}


void gleam_data_ref_dims(const struct gleam_data_s* data, long dims[DIMS])
{
	md_copy_dims(DIMS, dims, data->ref_dims);
}


bool gleam_data_combined(const struct gleam_data_s* data)
{
	return data->ref_dims[MAPS_DIM] < data->img_dims[MAPS_DIM];
}


void gleam_data_tell_reference(const struct gleam_data_s* data)
{
	static bool told = false;	// in an earlier pass of a loop (bart -l)

	long maps = data->img_dims[MAPS_DIM];

	if (!told && (1 < maps) && (NULL != data->reference.name))
		debug_printf(DP_INFO, "%s: %s\n", data->reference.name, gleam_data_combined(data)
			? "one image for all maps: compared with the root of the sum of squares over maps, in magnitude"
			: "an image for each map: the loss compares each, metrics their root of the sum of squares");

	told = true;
}


void gleam_data_loop_dims(const struct gleam_data_s* data, long dims[DIMS])
{
	md_select_dims(DIMS, SAMPLE_FLAGS, dims, data->kspace.dims);
}


void gleam_data_position(const struct gleam_data_s* data, long sample, long pos[DIMS])
{
	long dims[DIMS];

	gleam_data_loop_dims(data, dims);
	md_unravel_index(DIMS, pos, ~0UL, dims, sample);
}


bool gleam_data_has_reference(const struct gleam_data_s* data)
{
	return (NULL != data->reference.name);
}


bool gleam_data_empty(const struct gleam_data_s* data, long sample)
{
	return data->empty[sample];
}


long gleam_data_next(const struct gleam_data_s* data, long sample)
{
	while ((sample < data->samples) && data->empty[sample])
		sample++;

	return sample;
}
