#include <complex.h>
#include <math.h>
#include <stdbool.h>

#include "num/multind.h"

#include "misc/misc.h"
#include "misc/mri.h"

#include "gleam/input.h"
#include "gleam/warn.h"

#include "gleam/values.h"


bool values_all_zero(long N, const complex float src[N])
{
	for (long i = 0; i < N; i++)
		if (0.f != src[i])
			return false;

	return true;
}


/* With a single coil every map has magnitude one. If it has not, and there is a
 * third dimension, then that one is likely to hold the coils.
 */
static void check_single_coil(const struct input_s* maps, const long dims[DIMS])
{
	if ((1 < dims[COIL_DIM]) || (1 == dims[PHS2_DIM]))
		return;

	long N = md_calc_size(DIMS, dims);
	long inside = 0;
	long deviating = 0;

	for (long i = 0; i < N; i++) {

		float abs = cabsf(maps->data[i]);

		inside += (0.f < abs) ? 1 : 0;
		deviating += ((0.f < abs) && (0.1f < fabsf(abs - 1.f))) ? 1 : 0;
	}

	char text[DIMS_TEXT];

	if (2 * deviating > inside)
		error("%s: found sensitivities %s: a single coil (dimension 3) whose magnitude is not one, expected the coils in dimension 3. "
			"If they are in dimension 2: 'bart transpose 2 3' for k-space and sensitivities; "
			"if there is but one coil: 'bart normalize 8' for the sensitivities.\n",
			maps->name, dims_text(text, maps->dims));
}


static float largest_sum(const long dims[DIMS], const complex float* maps)
{
	long pixels = md_calc_size(COIL_DIM, dims);
	float largest = 0.f;

	for (long i = 0; i < pixels; i++) {

		float sum = 0.f;

		for (long c = 0; c < dims[COIL_DIM]; c++)
			sum += powf(cabsf(maps[c * pixels + i]), 2.f);

		largest = MAX(largest, sum);
	}

	return largest;
}


/* With larger maps a gradient step of PGD overshoots: the normal operator's
 * largest eigenvalue is the largest sum of squares.
 */
static bool warn_unnormalised(const struct input_s* maps, const long dims[DIMS], long sample)
{
	float largest = largest_sum(dims, maps->data + sample * md_calc_size(DIMS, dims));

	if (!(1.5f < largest))
		return false;

	gleam_warn("%s: the sum of squares of the sensitivities over coils is up to %.3g (sample %ld), expected at most about 1: "
			"training may diverge. 'bart normalize 8' makes it 1.\n", maps->name, (double)largest, sample);

	return true;
}


void values_check_maps(const struct input_s* maps)
{
	input_check_finite(maps);

	long dims[DIMS];
	md_select_dims(DIMS, ~(unsigned long)SAMPLE_FLAGS, dims, maps->dims);

	long N = md_calc_size(DIMS, dims);
	long samples = input_samples(maps->dims);

	for (long i = 0; i < samples; i++)
		if (values_all_zero(N, maps->data + i * N))
			error("%s: found nothing but zeros in the sensitivities (sample %ld), expected coils everywhere in the object. "
				"Estimate them again ('bart ecalib', with a lower -c), or leave this sample out.\n", maps->name, i);

	check_single_coil(maps, dims);

	bool warned = false;

	for (long i = 0; !warned && (i < samples); i++)
		warned = warn_unnormalised(maps, dims, i);

	input_release(maps);
}


static void check_weights(const struct input_s* in, long N, const complex float src[N])
{
	for (long i = 0; i < N; i++)
		if ((0.f != cimagf(src[i])) || (0.f > crealf(src[i])))
			error("%s: found %f%+fi in the pattern, expected zero, one or positive weights. "
				"Is it another file? 'bart pattern' makes a pattern from k-space.\n",
				in->name, (double)crealf(src[i]), (double)cimagf(src[i]));
}


// weights of a trajectory's samples have units of their own
static bool warn_weights(const struct input_s* in, long N, const complex float src[N], long sample)
{
	float largest = 0.f;

	for (long i = 0; i < N; i++)
		largest = MAX(largest, crealf(src[i]));

	if (!(1.5f < largest))
		return false;

	gleam_warn("%s: weights of the pattern are up to %.3g (sample %ld), expected at most 1: "
			"training may diverge. 'bart scale' mends it.\n", in->name, (double)largest, sample);

	return true;
}


void values_check_pattern(const struct input_s* in, bool cartesian)
{
	input_check_finite(in);

	// samples of a file come one after the other
	long samples = input_samples(in->dims);
	long N = md_calc_size(DIMS, in->dims) / samples;
	bool warned = !cartesian;

	for (long i = 0; i < samples; i++) {

		check_weights(in, N, in->data + i * N);
		warned = warned || warn_weights(in, N, in->data + i * N, i);

		if (values_all_zero(N, in->data + i * N))
			error("%s: found nothing but zeros in the pattern (sample %ld), expected some sampled positions. "
				"Make it with 'bart pattern' or 'bart poisson', or leave it out.\n", in->name, i);

		input_release(in);
	}
}
