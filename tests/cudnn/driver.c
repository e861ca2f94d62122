/*
 * In place of the driver (libcuda.so.1), where there is none: cuDNN can then make
 * plans for a device that is only described, to the end. It takes every compiled module
 * and launches nothing.
 */

#include <stddef.h>

#include <cuda.h>

#define UNUSED __attribute__((unused))

// something that is not NULL
static char object;


CUresult cuGetErrorName(CUresult error UNUSED, const char** str)
{
	*str = "error";

	return CUDA_SUCCESS;
}


CUresult cuGetErrorString(CUresult error UNUSED, const char** str)
{
	*str = "there is no driver";

	return CUDA_SUCCESS;
}


CUresult cuDriverGetVersion(int* version)
{
	*version = CUDA_VERSION;

	return CUDA_SUCCESS;
}


CUresult cuLibraryLoadData(CUlibrary* library, const void* code UNUSED, CUjit_option* options UNUSED, void** values UNUSED,
		unsigned int count UNUSED, CUlibraryOption* library_options UNUSED, void** library_values UNUSED, unsigned int library_count UNUSED)
{
	*library = (CUlibrary)&object;

	return CUDA_SUCCESS;
}


CUresult cuLibraryUnload(CUlibrary library UNUSED)
{
	return CUDA_SUCCESS;
}


CUresult cuLibraryGetKernel(CUkernel* kernel, CUlibrary library UNUSED, const char* name UNUSED)
{
	*kernel = (CUkernel)&object;

	return CUDA_SUCCESS;
}


CUresult cuKernelGetFunction(CUfunction* function, CUkernel kernel UNUSED)
{
	*function = (CUfunction)&object;

	return CUDA_SUCCESS;
}


CUresult cuKernelGetAttribute(int* val, CUfunction_attribute name UNUSED, CUkernel kernel UNUSED, CUdevice device UNUSED)
{
	*val = 0;

	return CUDA_SUCCESS;
}


CUresult cuKernelSetAttribute(CUfunction_attribute name UNUSED, int val UNUSED, CUkernel kernel UNUSED, CUdevice device UNUSED)
{
	return CUDA_SUCCESS;
}


CUresult cuOccupancyMaxPotentialClusterSize(int* size, CUfunction function UNUSED, const CUlaunchConfig* config UNUSED)
{
	*size = 8;

	return CUDA_SUCCESS;
}


CUresult cuCtxGetCurrent(CUcontext* context)
{
	*context = (CUcontext)&object;

	return CUDA_SUCCESS;
}


// cuda.h gives these other names
#undef cuCtxPushCurrent
#undef cuCtxPopCurrent
#undef cuLinkCreate
#undef cuLinkAddData

extern CUresult cuCtxPushCurrent(CUcontext context);
extern CUresult cuCtxPopCurrent(CUcontext* context);


CUresult cuCtxPushCurrent(CUcontext context UNUSED)
{
	return CUDA_SUCCESS;
}


CUresult cuCtxPopCurrent(CUcontext* context)
{
	*context = (CUcontext)&object;

	return CUDA_SUCCESS;
}


CUresult cuCtxGetLimit(size_t* val, CUlimit limit UNUSED)
{
	*val = 0;

	return CUDA_SUCCESS;
}


CUresult cuStreamGetCtx(CUstream stream UNUSED, CUcontext* context)
{
	*context = (CUcontext)&object;

	return CUDA_SUCCESS;
}


// --- looked for, but not needed while nothing runs

#define NOT_HERE(name, ...) CUresult name(__VA_ARGS__) { return CUDA_ERROR_NO_DEVICE; }

NOT_HERE(cuDeviceGetCount, int* count UNUSED)
NOT_HERE(cuDeviceGet, CUdevice* device UNUSED, int ordinal UNUSED)
NOT_HERE(cuLaunchKernel, CUfunction f UNUSED, unsigned int gx UNUSED, unsigned int gy UNUSED, unsigned int gz UNUSED,
		unsigned int bx UNUSED, unsigned int by UNUSED, unsigned int bz UNUSED, unsigned int shared UNUSED,
		CUstream stream UNUSED, void** args UNUSED, void** extra UNUSED)
NOT_HERE(cuLaunchCooperativeKernel, CUfunction f UNUSED, unsigned int gx UNUSED, unsigned int gy UNUSED, unsigned int gz UNUSED,
		unsigned int bx UNUSED, unsigned int by UNUSED, unsigned int bz UNUSED, unsigned int shared UNUSED,
		CUstream stream UNUSED, void** args UNUSED)
NOT_HERE(cuLaunchKernelEx, const CUlaunchConfig* config UNUSED, CUfunction f UNUSED, void** args UNUSED, void** extra UNUSED)
NOT_HERE(cuLibraryLoadFromFile, CUlibrary* library UNUSED, const char* name UNUSED, CUjit_option* options UNUSED, void** values UNUSED,
		unsigned int count UNUSED, CUlibraryOption* library_options UNUSED, void** library_values UNUSED, unsigned int library_count UNUSED)

extern CUresult cuLinkCreate(unsigned int count, CUjit_option* options, void** values, CUlinkState* state);
extern CUresult cuLinkAddData(CUlinkState state, CUjitInputType type, void* data, size_t size, const char* name,
		unsigned int count, CUjit_option* options, void** values);

NOT_HERE(cuLinkCreate, unsigned int count UNUSED, CUjit_option* options UNUSED, void** values UNUSED, CUlinkState* state UNUSED)
NOT_HERE(cuLinkAddData, CUlinkState state UNUSED, CUjitInputType type UNUSED, void* data UNUSED, size_t size UNUSED,
		const char* name UNUSED, unsigned int count UNUSED, CUjit_option* options UNUSED, void** values UNUSED)
NOT_HERE(cuLinkComplete, CUlinkState state UNUSED, void** cubin UNUSED, size_t* size UNUSED)
NOT_HERE(cuLinkDestroy, CUlinkState state UNUSED)
