
#include <complex.h>
#include <string.h>

#ifdef _OPENMP
#include <omp.h>
#endif

#include "num/multind.h"
#include "num/flpmath.h"

#include "misc/misc.h"
#include "misc/mri.h"

#include "dc_frame.h"
#include "dc_nufft.h"
#include "dc_sense.h"
#include "dc_toeplitz.h"

#include "dc_traj.h"

struct dc_traj_s {

	struct dc_sense_s* sense;
	struct dc_nufft_s* nufft;

	long dims[3];		// of an image, singletons where they are
	long samples;		// along a spoke
	long spokes;
	long frames;		// that have a point-spread function of their own

	// in bytes, 0 where a dimension is shared
	long ksp_strs[DIMS];
	long pat_strs[DIMS];
	long trj_strs[DIMS];
};


void dc_traj_image_dims(long cim_dims[DIMS], const long ksp_dims[DIMS], const long map_dims[DIMS])
{
	md_copy_dims(DIMS, cim_dims, ksp_dims);
	md_copy_dims(3, cim_dims, map_dims);
}


void dc_traj_psf_dims(long psf_dims[DIMS], const long pat_dims[DIMS], const long trj_dims[DIMS])
{
	md_select_dims(DIMS, TIME_FLAG | BATCH_FLAG, psf_dims, trj_dims);

	psf_dims[TIME_DIM] = MAX(pat_dims[TIME_DIM], trj_dims[TIME_DIM]);
}


static int threads_max(void)
{
#ifdef _OPENMP
	return omp_get_max_threads();
#else
	return 1;
#endif
}


size_t dc_traj_bytes(const long ksp_dims[DIMS], const long map_dims[DIMS], const long psf_dims[DIMS])
{
	auto bytes = dc_nufft_bytes(map_dims, ksp_dims[PHS1_DIM], ksp_dims[PHS2_DIM]);

	long coils = MIN(ksp_dims[COIL_DIM], (long)threads_max());
	long frames = MIN(psf_dims[TIME_DIM], coils);

	return sizeof(struct dc_traj_s) + bytes.held + MAX((size_t)coils * bytes.apply, (size_t)frames * bytes.psf);
}


static void strides_of_one(long strs[DIMS], const long dims[DIMS])
{
	long one[DIMS];

	md_select_dims(DIMS, ~BATCH_FLAG, one, dims);
	md_calc_strides(DIMS, strs, one, CFL_SIZE);
}


struct dc_traj_s* dc_traj_create(struct dc_sense_s* sense, const long ksp_dims[DIMS], const long map_dims[DIMS],
		const long pat_dims[DIMS], const long trj_dims[DIMS])
{
	PTR_ALLOC(struct dc_traj_s, t);

	long psf_dims[DIMS];

	dc_traj_psf_dims(psf_dims, pat_dims, trj_dims);

	t->sense = sense;
	t->samples = ksp_dims[PHS1_DIM];
	t->spokes = ksp_dims[PHS2_DIM];
	t->frames = psf_dims[TIME_DIM];

	md_copy_dims(3, t->dims, map_dims);

	strides_of_one(t->ksp_strs, ksp_dims);
	strides_of_one(t->pat_strs, pat_dims);
	strides_of_one(t->trj_strs, trj_dims);

	t->nufft = dc_nufft_create(map_dims, t->samples, t->spokes);

	return PTR_PASS(t);
}


void dc_traj_free(struct dc_traj_s* t)
{
	dc_nufft_free(t->nufft);
	xfree(t);
}


static double frame_psf(const struct dc_traj_s* t, long buffer, float* weights, const complex float* trj, const complex float* pattern)
{
	complex float* psf = dc_nufft_psf(t->dims, t->samples, t->spokes, trj, pattern);

	dc_toeplitz_weights(t->sense, buffer, weights, psf);

	md_free(psf);

	return dc_toeplitz_eigenvalue(t->sense, buffer, weights);
}


float dc_traj_psf(struct dc_traj_s* t, float* weights, const complex float* trj, const complex float* pattern)
{
	long size = t->sense->layout.size;
	long threads = MIN(MIN(t->frames, t->sense->group), (long)threads_max());
	double value[t->frames];

	int planner = dc_nufft_serial_begin();

#pragma omp parallel for schedule(static) num_threads((int)threads)
	for (long i = 0; i < t->frames; i++) {

		long pos[DIMS] = { [TIME_DIM] = i };
		long buffer = 0;

#ifdef _OPENMP
		buffer = omp_get_thread_num();
#endif
		value[i] = frame_psf(t, buffer, weights + i * size,
				&MD_ACCESS(DIMS, t->trj_strs, pos, trj), &MD_ACCESS(DIMS, t->pat_strs, pos, pattern));
	}

	dc_nufft_serial_end(planner);

	double largest = 0.;

	for (long i = 0; i < t->frames; i++)
		largest = MAX(largest, value[i]);

	// nothing is sampled, or all of it with zero
	float scale = (0. < largest) ? (float)(1. / largest) : 1.f;

	md_smul(1, MD_DIMS(t->frames * size), weights, weights, scale);

	return scale;
}


// a frame's k-space, on its way to or from coil images
struct coils_s {

	const struct dc_nufft_s* nufft;
	long even[3];		// BART's image
	long K;			// elements of a coil
	complex float* ksp;
};


/* BART's image, which has no gaps and even dimensions, is at the end of the buffer,
 * behind the corner that ours lies in.
 */
static complex float* nufft_image(const struct dc_sense_s* op, const struct coils_s* c, long coil)
{
	return coil_row(op, coil, 0) + op->layout.size - c->even[0] * c->even[1] * c->even[2];
}


// row y of ours in it
static complex float* nufft_row(const struct dc_sense_s* op, const struct coils_s* c, long coil, long y)
{
	long j = y % op->dims[1] + c->even[1] - op->dims[1];
	long k = y / op->dims[1] + c->even[2] - op->dims[2];

	return nufft_image(op, c, coil) + (k * c->even[1] + j) * c->even[0] + c->even[0] - op->dims[0];
}


static void coil_from_nufft(const struct dc_sense_s* op, const struct frame_s*, long coil, void* data)
{
	const struct coils_s* c = data;

	dc_nufft_adjoint(c->nufft, nufft_image(op, c, coil), c->ksp + coil * c->K);

	for (long y = 0; y < op->rows; y++)
		memcpy(coil_row(op, coil, y), nufft_row(op, c, coil, y), (size_t)op->dims[0] * CFL_SIZE);
}


static void coil_to_nufft(const struct dc_sense_s* op, const struct frame_s*, long coil, void* data)
{
	const struct coils_s* c = data;

	memset(nufft_image(op, c, coil), 0, (size_t)(c->even[0] * c->even[1] * c->even[2]) * CFL_SIZE);

	for (long y = 0; y < op->rows; y++)
		memcpy(nufft_row(op, c, coil, y), coil_row(op, coil, y), (size_t)op->dims[0] * CFL_SIZE);

	dc_nufft_forward(c->nufft, c->ksp + coil * c->K, nufft_image(op, c, coil));
}


static struct coils_s frame_coils(const struct dc_traj_s* t, const long pos[DIMS], const complex float* ksp, const complex float* trj, const complex float* pattern)
{
	dc_nufft_set(t->nufft, &MD_ACCESS(DIMS, t->trj_strs, pos, trj), &MD_ACCESS(DIMS, t->pat_strs, pos, pattern));

	struct coils_s c = {

		.nufft = t->nufft,
		.K = t->samples * t->spokes,
		.ksp = (complex float*)&MD_ACCESS(DIMS, t->ksp_strs, pos, ksp),
	};

	// singleton dimensions at the end, as in the layout
	dc_nufft_even(c.even, t->sense->dims);

	return c;
}


void dc_traj_adjoint(struct dc_traj_s* t, long sample, complex float* img, const complex float* ksp, const complex float* trj, const complex float* pattern)
{
	long pos[DIMS] = { };
	int planner = dc_nufft_serial_begin();

	do {
		struct frame_s f = frame_at(t->sense, sample, pos);
		struct coils_s c = frame_coils(t, pos, ksp, trj, pattern);

		dc_frame_combine(t->sense, &f, img + f.img, coil_from_nufft, &c);

	} while (frame_next(t->sense, pos));

	dc_nufft_serial_end(planner);
}


void dc_traj_forward(struct dc_traj_s* t, long sample, complex float* ksp, const complex float* img, const complex float* trj, const complex float* pattern)
{
	long pos[DIMS] = { };
	int planner = dc_nufft_serial_begin();

	do {
		struct frame_s f = frame_at(t->sense, sample, pos);
		struct coils_s c = frame_coils(t, pos, ksp, trj, pattern);

		dc_frame_expand(t->sense, &f, img + f.img, coil_to_nufft, &c);

	} while (frame_next(t->sense, pos));

	dc_nufft_serial_end(planner);
}
