/*
 * BART's FFT operators make a plan of cuFFT with a work area for each, allocated
 * in every call, or kept in a cache. Here there is one plan, whose work area is
 * planned with all other memory.
 */

#ifdef GLEAM_GPU

#include <limits.h>
#include <stdbool.h>

#include <cufft.h>

#include "misc/misc.h"

#include "gpu/gpu.h"

#include "gpu_dc_fft.h"

struct gpu_dc_fft_s {

	bool identity;		// of single pixels
	cufftHandle plan;
	size_t bytes;
};


static const char* fft_text(cufftResult result)
{
	switch (result) {

	case CUFFT_INVALID_PLAN:	return "invalid plan";
	case CUFFT_ALLOC_FAILED:	return "out of memory";
	case CUFFT_INVALID_TYPE:	return "invalid type";
	case CUFFT_INVALID_VALUE:	return "invalid value";
	case CUFFT_INTERNAL_ERROR:	return "internal error";
	case CUFFT_EXEC_FAILED:		return "execution failed";
	case CUFFT_SETUP_FAILED:	return "cuFFT could not be initialised";
	case CUFFT_INVALID_SIZE:	return "invalid size";
	case CUFFT_NO_WORKSPACE:	return "no work area";
	case CUFFT_NOT_IMPLEMENTED:	return "not implemented";
	case CUFFT_NOT_SUPPORTED:	return "not supported";
	default:			return "see cufftResult in cufft.h";
	}
}


static void fft_check(cufftResult result, const char* call, const char* file, int line)
{
	if (CUFFT_SUCCESS != result)
		error("%s failed: %s (%d) (%s:%d)\n", call, fft_text(result), (int)result, file, line);
}

#define FFT_CHECK(call) fft_check((call), #call, __FILE__, __LINE__)


// the slowest dimension comes first for cuFFT
static int transformed(int n[3], const long dims[3])
{
	int rank = 0;

	for (int i = 2; 0 <= i; i--) {

		if (INT_MAX < dims[i])
			error("cuFFT has no plan for a transform of length %ld\n", dims[i]);

		if (1 != dims[i])
			n[rank++] = (int)dims[i];
	}

	return rank;
}


struct gpu_dc_fft_s* gpu_dc_fft_create(const long dims[3], long batch)
{
	PTR_ALLOC(struct gpu_dc_fft_s, fft);

	int n[3];
	int rank = transformed(n, dims);

	*fft = (struct gpu_dc_fft_s){ .identity = (0 == rank) };

	if (INT_MAX < batch)
		error("cuFFT has no plan for %ld images\n", batch);

	if (!fft->identity) {

		gpu_init();

		FFT_CHECK(cufftCreate(&fft->plan));
		FFT_CHECK(cufftSetAutoAllocation(fft->plan, 0));
		FFT_CHECK(cufftMakePlanMany(fft->plan, rank, n, NULL, 1, 0, NULL, 1, 0, CUFFT_C2C, (int)batch, &fft->bytes));
		FFT_CHECK(cufftSetStream(fft->plan, gpu_stream()));
	}

	return PTR_PASS(fft);
}


void gpu_dc_fft_free(struct gpu_dc_fft_s* fft)
{
	if (!fft->identity)
		FFT_CHECK(cufftDestroy(fft->plan));

	xfree(fft);
}


size_t gpu_dc_fft_bytes(const struct gpu_dc_fft_s* fft)
{
	return fft->bytes;
}


void gpu_dc_fft_work(struct gpu_dc_fft_s* fft, void* work)
{
	if (!fft->identity)
		FFT_CHECK(cufftSetWorkArea(fft->plan, work));
}


static void transform(const struct gpu_dc_fft_s* fft, gpu_complex_t* images, int direction)
{
	if (!fft->identity)
		FFT_CHECK(cufftExecC2C(fft->plan, (cufftComplex*)images, (cufftComplex*)images, direction));
}


void gpu_dc_fft_forward(const struct gpu_dc_fft_s* fft, gpu_complex_t* images)
{
	transform(fft, images, CUFFT_FORWARD);
}


void gpu_dc_fft_backward(const struct gpu_dc_fft_s* fft, gpu_complex_t* images)
{
	transform(fft, images, CUFFT_INVERSE);
}

#endif		// GLEAM_GPU
