/*
 * cuFFT by FFTW: batches of complex transforms in one to three dimensions, with
 * strides. Plans must use a work area that they are given.
 */

#include <cstring>
#include <map>
#include <vector>

#include <fftw3.h>

#include <cufft.h>

#include "device.h"

namespace emulated {

struct layout_s { int embed[3]; int stride; int dist; };

struct fft_s {

	bool made;
	bool own_area;		// cuFFT is not to allocate
	int rank;
	int n[3];
	int batch;
	layout_s in;
	layout_s out;
	size_t area_size;
	char* area;
	cudaStream_t stream;
};

static std::map<cufftHandle, fft_s> plans;


static fft_s* find(cufftHandle handle)
{
	auto i = plans.find(handle);

	return (i == plans.end()) ? nullptr : &i->second;
}


static long product(int rank, const int* n)
{
	long p = 1;

	for (int i = 0; i < rank; i++)
		p *= n[i];

	return p;
}


// bytes from the first to the last element
static size_t extent(const fft_s& p, const layout_s& l)
{
	size_t last = 0;

	for (int i = 0; i < p.rank; i++)
		last = last * (size_t)l.embed[i] + (size_t)(p.n[i] - 1);

	return (last * (size_t)l.stride + (size_t)(p.batch - 1) * (size_t)l.dist + 1) * sizeof(float2);
}


// without embed cuFFT ignores stride and dist
static layout_s make_layout(int rank, const int* n, const int* embed, int stride, int dist)
{
	layout_s l = { { }, 1, (int)product(rank, n) };

	for (int i = 0; i < rank; i++)
		l.embed[i] = (nullptr != embed) ? embed[i] : n[i];

	if (nullptr != embed) {

		l.stride = stride;
		l.dist = dist;
	}

	return l;
}


static bool valid(int rank, const int* n, const layout_s& l)
{
	for (int i = 0; i < rank; i++)
		if ((1 > n[i]) || ((0 < i) && (l.embed[i] < n[i])))
			return false;

	return (0 < l.stride) && (0 <= l.dist);
}


static bool overlap(const void* a, size_t an, const void* b, size_t bn)
{
	return ((const char*)a < (const char*)b + bn) && ((const char*)b < (const char*)a + an);
}


static void run(const fft_s& p, float2* in, float2* out, int direction)
{
	fftwf_plan plan = fftwf_plan_many_dft(p.rank, p.n, p.batch,
			(fftwf_complex*)in, p.in.embed, p.in.stride, p.in.dist,
			(fftwf_complex*)out, p.out.embed, p.out.stride, p.out.dist,
			(CUFFT_FORWARD == direction) ? FFTW_FORWARD : FFTW_BACKWARD, FFTW_ESTIMATE | FFTW_UNALIGNED);

	if (nullptr == plan)
		violation("FFTW has no plan for this transform");

	fftwf_execute(plan);
	fftwf_destroy_plan(plan);

	memset(p.area, 0xff, p.area_size);

	counts.ffts++;
}


static cufftResult check_pointers(const fft_s& p, const float2* in, const float2* out)
{
	size_t is = extent(p, p.in);
	size_t os = extent(p, p.out);

	if (!on_device(in, is) || !on_device(out, os))
		violation("an FFT of memory that is not on the device, or not all of it");

	if (!on_device(p.area, p.area_size))
		violation("the work area of an FFT is not on the device, or too small (%zu bytes)", p.area_size);

	if (overlap(p.area, p.area_size, in, is) || overlap(p.area, p.area_size, out, os))
		violation("the work area of an FFT overlaps its data");

	bool same = (p.in.stride == p.out.stride) && (p.in.dist == p.out.dist)
			&& (0 == memcmp(p.in.embed, p.out.embed, sizeof(p.in.embed)));

	if ((in == out) ? !same : overlap(in, is, out, os))
		violation("input and output of an FFT overlap, but are not the same");

	return CUFFT_SUCCESS;
}

}

using namespace emulated;


extern "C" cufftResult cufftCreate(cufftHandle* handle)
{
	Lock l(lock);
	static cufftHandle next = 1;

	*handle = next++;
	plans[*handle] = fft_s{ };

	return CUFFT_SUCCESS;
}


extern "C" cufftResult cufftDestroy(cufftHandle handle)
{
	Lock l(lock);

	return (0 < plans.erase(handle)) ? CUFFT_SUCCESS : CUFFT_INVALID_PLAN;
}


extern "C" cufftResult cufftSetAutoAllocation(cufftHandle handle, int automatic)
{
	Lock l(lock);
	fft_s* p = find(handle);

	if ((nullptr == p) || p->made)
		return CUFFT_INVALID_PLAN;

	p->own_area = (0 == automatic);

	return CUFFT_SUCCESS;
}


extern "C" cufftResult cufftMakePlanMany(cufftHandle handle, int rank, int* n, int* inembed, int istride, int idist,
		int* onembed, int ostride, int odist, cufftType type, int batch, size_t* work_size)
{
	Lock l(lock);
	fft_s* p = find(handle);

	if ((nullptr == p) || p->made)
		return CUFFT_INVALID_PLAN;

	if (cudaSuccess != forbidden_in_capture())
		return CUFFT_INTERNAL_ERROR;

	// nothing here lets cuFFT allocate
	if (!p->own_area)
		return CUFFT_NOT_IMPLEMENTED;

	if (CUFFT_C2C != type)
		return CUFFT_INVALID_TYPE;

	if ((1 > rank) || (3 < rank) || (1 > batch) || (nullptr == work_size) || ((nullptr == inembed) != (nullptr == onembed)))
		return CUFFT_INVALID_VALUE;

	layout_s in = make_layout(rank, n, inembed, istride, idist);
	layout_s out = make_layout(rank, n, onembed, ostride, odist);

	if (!valid(rank, n, in) || !valid(rank, n, out))
		return CUFFT_INVALID_SIZE;

	p->made = true;
	p->rank = rank;
	p->batch = batch;
	p->in = in;
	p->out = out;
	p->area_size = (size_t)product(rank, n) * (size_t)batch * sizeof(float2);

	memcpy(p->n, n, (size_t)rank * sizeof(int));

	*work_size = p->area_size;
	counts.plans++;

	return CUFFT_SUCCESS;
}


extern "C" cufftResult cufftSetWorkArea(cufftHandle handle, void* area)
{
	Lock l(lock);
	fft_s* p = find(handle);

	if ((nullptr == p) || !p->made)
		return CUFFT_INVALID_PLAN;

	p->area = (char*)area;

	return CUFFT_SUCCESS;
}


extern "C" cufftResult cufftSetStream(cufftHandle handle, cudaStream_t stream)
{
	Lock l(lock);
	fft_s* p = find(handle);

	if (nullptr == p)
		return CUFFT_INVALID_PLAN;

	p->stream = stream;

	return CUFFT_SUCCESS;
}


extern "C" cufftResult cufftExecC2C(cufftHandle handle, cufftComplex* in, cufftComplex* out, int direction)
{
	Lock l(lock);
	fft_s* p = find(handle);

	if ((nullptr == p) || !p->made)
		return CUFFT_INVALID_PLAN;

	if ((CUFFT_FORWARD != direction) && (CUFFT_INVERSE != direction))
		return CUFFT_INVALID_VALUE;

	if (cufftResult error = check_pointers(*p, in, out))
		return error;

	// what the plan is now: it may be given another area before this runs
	fft_s plan = *p;

	cudaError_t error = enqueue(plan.stream, "cufftExecC2C", [=]() { run(plan, in, out, direction); });

	return (cudaSuccess == error) ? CUFFT_SUCCESS : CUFFT_EXEC_FAILED;
}
