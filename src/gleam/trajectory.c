
#include <complex.h>
#include <math.h>
#include <stdbool.h>

#include "num/multind.h"

#include "misc/misc.h"
#include "misc/mri.h"

#include "gleam/input.h"
#include "gleam/shape.h"
#include "gleam/warn.h"

#include "gleam/trajectory.h"


static void check_kspace(const struct input_s* kspace)
{
	char text[DIMS_TEXT];

	if (1 < kspace->dims[READ_DIM])
		error("%s: found k-space %s, expected 1 along dimension 0, samples along 1 and spokes along 2, as a trajectory needs it. "
			"'bart reshape 7 1 <samples> <spokes>' makes it so; leave --trajectory out if the data are cartesian.\n",
			kspace->name, dims_text(text, kspace->dims));
}


static void check_maps(const struct input_s* maps, const struct input_s* kspace)
{
	struct shape_s shape = { .exact = COIL_FLAG, .shared = TIME_FLAG | SAMPLE_FLAGS, .any = FFT_FLAGS | MAPS_FLAG };

	md_copy_dims(DIMS, shape.expected, kspace->dims);

	shape_check(maps, &shape, kspace, "Sensitivities have the size of the image, and as many coils as k-space");
}


static void check_trajectory(const struct input_s* trajectory, const struct input_s* kspace)
{
	struct shape_s shape = { .exact = READ_FLAG | PHS1_FLAG | PHS2_FLAG, .shared = TIME_FLAG | SAMPLE_FLAGS };

	md_copy_dims(DIMS, shape.expected, kspace->dims);

	shape.expected[READ_DIM] = 3;

	shape_check(trajectory, &shape, kspace, "A trajectory has three coordinates for every sample of every spoke ('bart traj')");
}


void trajectory_check_shapes(const struct input_s* trajectory, const struct input_s* kspace,
		const struct input_s* maps, const struct input_s* pattern)
{
	struct shape_s shape = shape_kspace();

	check_kspace(kspace);

	shape_check(kspace, &shape, NULL, "Samples are counted along dimensions 13, 14 and 15: 'bart transpose' moves this dimension there");

	check_trajectory(trajectory, kspace);
	check_maps(maps, kspace);

	if (NULL == pattern->name)
		return;

	shape = shape_pattern(kspace->dims);

	shape_check(pattern, &shape, kspace, "Give one weight for every sample of every spoke, or leave it out");
}


void trajectory_check_missing(const struct input_s* kspace, const struct input_s* maps)
{
	char text[DIMS_TEXT];
	char other[DIMS_TEXT];

	if ((1 == kspace->dims[READ_DIM]) && (1 < maps->dims[READ_DIM]) && (1 < kspace->dims[PHS1_DIM]))
		error("%s: found k-space %s for sensitivities %s, expected the same size: it looks like data on a trajectory. "
			"Give that with --trajectory (in --valid-data with t=).\n", kspace->name,
			dims_text(text, kspace->dims), dims_text(other, maps->dims));
}


static void largest_positions(const struct input_s* in, double largest[3])
{
	long N = md_calc_size(DIMS, in->dims) / 3;

	for (int i = 0; i < 3; i++)
		largest[i] = 0.;

	for (long j = 0; j < N; j++)
		for (int i = 0; i < 3; i++)
			largest[i] = MAX(largest[i], fabs((double)crealf(in->data[3 * j + i])));

	input_release(in);
}


// one along the other dimensions would be cut off, or is an image that was not meant
static void check_flat(const struct input_s* in, const struct input_s* maps, int i, double largest)
{
	char text[DIMS_TEXT];

	if ((1 == maps->dims[i]) && (0. < largest))
		error("%s: found positions up to %g along dimension %d, in which the sensitivities '%s' %s have size one: "
			"expected 0. Give sensitivities of the size of the image, or take the slice out first.\n",
			in->name, largest, i, maps->name, dims_text(text, maps->dims));
}


static void check_extent(const struct input_s* in, const struct input_s* maps, int i, double largest)
{
	long n = maps->dims[i];

	// rounding, and grids whose ends are half a step outside
	if ((1 == n) || (largest <= 0.5 * (double)n + 0.51))
		return;

	error("%s: found positions up to %g along dimension %d, expected at most %g: units are 1/FOV, and the sensitivities '%s' "
		"have %ld pixels there. For more resolution give larger sensitivities ('bart resize' of their k-space), "
		"for less leave these samples out of k-space and trajectory ('bart extract').\n",
		in->name, largest, i, 0.5 * (double)n, maps->name, n);
}


// in other units all of k-space would be in the centre
static void check_units(const struct input_s* in, const struct input_s* maps, const double largest[3])
{
	double max = MAX(largest[0], MAX(largest[1], largest[2]));
	long n = MAX(maps->dims[0], MAX(maps->dims[1], maps->dims[2]));

	if (!(0. < max))
		error("%s: found nothing but zeros in the trajectory, expected positions in k-space. Make it with 'bart traj'.\n", in->name);

	if ((16 > n) || (3.15 < max) || ((0.51 < max) && (3. > max)))
		return;

	bool radians = (0.51 < max);

	error("%s: found positions up to %g, expected up to about %g for %ld pixels: units are 1/FOV. These look like %s: "
		"multiply by %g ('bart scale').\n", in->name, max, 0.5 * (double)n, n, radians ? "radians" : "parts of the sampling rate",
		radians ? ((double)n / (2. * M_PI)) : (double)n);
}


void trajectory_check_values(const struct input_s* in, const struct input_s* maps)
{
	double largest[3];

	input_check_finite(in);
	largest_positions(in, largest);

	for (int i = 0; i < 3; i++) {

		check_flat(in, maps, i, largest[i]);
		check_extent(in, maps, i, largest[i]);
	}

	check_units(in, maps, largest);
}


static long zero_positions(long N, long C, const complex float ksp[C][N])
{
	long zeros = 0;

	for (long i = 0; i < N; i++) {

		long c = 0;

		while ((c < C) && (0.f == ksp[c][i]))
			c++;

		zeros += (C == c) ? 1 : 0;
	}

	return zeros;
}


void trajectory_check_zeros(const struct input_s* kspace)
{
	long N = md_calc_size(COIL_DIM, kspace->dims);
	long C = kspace->dims[COIL_DIM];
	long frames = md_calc_size(DIMS, kspace->dims) / (N * C);
	long zeros = 0;

	for (long i = 0; i < frames; i++) {

		long z = zero_positions(N, C, (const complex float (*)[N])(kspace->data + i * N * C));

		// samples that are all zero are left out anyway
		zeros += (N > z) ? z : 0;

		input_release(kspace);
	}

	if (0 < zeros)
		gleam_warn("%s: k-space is zero in all coils at %ld positions of the trajectory, which count as measured. "
			"If they are not, give a --pattern ('bart pattern').\n", kspace->name, zeros);
}
