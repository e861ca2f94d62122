/*
 * The functions of cuFFT that we use.
 */
extern cufftResult cufftCreate(cufftHandle* plan);
extern cufftResult cufftDestroy(cufftHandle plan);
extern cufftResult cufftSetAutoAllocation(cufftHandle plan, int automatic);
extern cufftResult cufftMakePlanMany(cufftHandle plan, int rank, int* n, int* inembed, int istride, int idist,
		int* onembed, int ostride, int odist, cufftType type, int batch, size_t* work_size);
extern cufftResult cufftSetWorkArea(cufftHandle plan, void* area);
extern cufftResult cufftSetStream(cufftHandle plan, cudaStream_t stream);
extern cufftResult cufftExecC2C(cufftHandle plan, cufftComplex* in, cufftComplex* out, int direction);
