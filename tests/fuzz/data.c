#include <complex.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "num/multind.h"

#include "misc/io.h"
#include "misc/misc.h"
#include "misc/mmio.h"
#include "misc/mri.h"
#include "misc/types.h"

#include "nn/prox_net.h"

#include "gleam/weights.h"

#include "data.h"

enum { SIZE = 8, COILS = 2, SAMPLES = 2, SPOKES = 5, READOUT = 16 };

static uint32_t seed = 1;

static float number(void)
{
	seed = 1664525u * seed + 1013904223u;

	return (float)(seed >> 8) / 16777216.f - 0.5f;
}

static complex float any(long /*i*/)
{
	return number() + 1.i * number();
}

static complex float half(long i)
{
	return (0 == i % 3) ? 0.f : 1.f;
}

// spokes through the centre, of three coordinates each
static complex float spoke(long i)
{
	double angle = M_PI * (double)(i / 3 / READOUT) / (double)SPOKES;
	double radius = 0.25 * ((double)(i / 3 % READOUT) - READOUT / 2);

	return (float)((0 == i % 3) ? (radius * cos(angle)) : ((1 == i % 3) ? (radius * sin(angle)) : 0.));
}

static void make(const char* name, const long dims[DIMS], complex float (*value)(long i))
{
	io_reserve_output(name);

	complex float* x = create_cfl(name, DIMS, dims);

	for (long i = 0; i < md_calc_size(DIMS, dims); i++)
		x[i] = value(i);

	unmap_cfl(DIMS, dims, x);
}

static void make_maps(const char* name, const long dims[DIMS])
{
	long N = SIZE * SIZE;

	io_reserve_output(name);

	complex float* x = create_cfl(name, DIMS, dims);

	for (long i = 0; i < N * COILS; i++)
		x[i] = sqrtf(1.f / COILS) * cexpf(1.i * number());

	unmap_cfl(DIMS, dims, x);
}

static void make_weights(const char* name, enum gleam_type type)
{
	struct gleam_net_s net = gleam_net_defaults;

	net.type = type;
	net.iterations = 2;
	net.prox.features = 2;

	*((GLEAM_PGD == type) ? &net.prox.blocks : &net.prox.layers) = (GLEAM_PGD == type) ? 1 : 2;

	gleam_net_complete(&net);

	auto w = gleam_weights_create(&net);

	for (long n = 0; n < net.iterations; n++)
		nn_prox_init(&net.prox, w->P - 1, w->params + n * w->P, 1, (int)n);

	gleam_weights_write(name, w);
	gleam_weights_free(w);
}

void data_make(void)
{
	const long one[DIMS] = { [0 ... DIMS - 1] = 1 };
	long dims[DIMS];

	md_copy_dims(DIMS, dims, one);

	dims[READ_DIM] = dims[PHS1_DIM] = SIZE;
	make("pat", dims, half);

	dims[COIL_DIM] = COILS;
	make_maps("map", dims);

	dims[SLICE_DIM] = SAMPLES;
	make("ksp", dims, any);

	dims[COIL_DIM] = 1;
	make("ref", dims, any);
	make("nref", dims, any);

	md_copy_dims(DIMS, dims, one);

	dims[READ_DIM] = 3;
	dims[PHS1_DIM] = READOUT;
	dims[PHS2_DIM] = SPOKES;
	make("trj", dims, spoke);

	dims[READ_DIM] = 1;
	dims[COIL_DIM] = COILS;
	dims[SLICE_DIM] = SAMPLES;
	make("nksp", dims, any);

	make_weights("w", GLEAM_PGD);
	make_weights("m", GLEAM_MODL);

	io_memory_cleanup();
}
