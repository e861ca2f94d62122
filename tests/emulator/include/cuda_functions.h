/*
 * The functions of the CUDA runtime that we use. Included after NVIDIA's header,
 * it makes the compiler compare the declarations (check_values.c).
 */
extern const char* cudaGetErrorString(cudaError_t error);
extern cudaError_t cudaGetLastError(void);

extern cudaError_t cudaGetDeviceCount(int* count);
extern cudaError_t cudaSetDevice(int device);
extern cudaError_t cudaGetDevice(int* device);
extern cudaError_t cudaGetDeviceProperties(struct cudaDeviceProp* prop, int device);
extern cudaError_t cudaDeviceGetAttribute(int* value, enum cudaDeviceAttr attr, int device);
extern cudaError_t cudaRuntimeGetVersion(int* version);
extern cudaError_t cudaDriverGetVersion(int* version);
extern cudaError_t cudaMemGetInfo(size_t* free, size_t* total);

extern cudaError_t cudaMalloc(void** ptr, size_t bytes);
extern cudaError_t cudaFree(void* ptr);
extern cudaError_t cudaMallocHost(void** ptr, size_t bytes);
extern cudaError_t cudaFreeHost(void* ptr);
extern cudaError_t cudaMemcpyAsync(void* dst, const void* src, size_t bytes, enum cudaMemcpyKind kind, cudaStream_t stream);
extern cudaError_t cudaMemsetAsync(void* dst, int value, size_t bytes, cudaStream_t stream);

extern cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned int flags);
extern cudaError_t cudaStreamDestroy(cudaStream_t stream);
extern cudaError_t cudaStreamSynchronize(cudaStream_t stream);
extern cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned int flags);

extern cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned int flags);
extern cudaError_t cudaEventDestroy(cudaEvent_t event);
extern cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream);
extern cudaError_t cudaEventSynchronize(cudaEvent_t event);
extern cudaError_t cudaEventElapsedTime(float* ms, cudaEvent_t start, cudaEvent_t end);

extern cudaError_t cudaStreamBeginCapture(cudaStream_t stream, enum cudaStreamCaptureMode mode);
extern cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph);
extern cudaError_t cudaGraphInstantiate(cudaGraphExec_t* exec, cudaGraph_t graph, unsigned long long flags);
extern cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t stream);
extern cudaError_t cudaGraphDestroy(cudaGraph_t graph);
extern cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec);
