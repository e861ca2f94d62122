/*
 * The functions of cuDNN that we use.
 */
extern cudnnStatus_t cudnnCreate(cudnnHandle_t* handle);
extern cudnnStatus_t cudnnDestroy(cudnnHandle_t handle);
extern cudnnStatus_t cudnnSetStream(cudnnHandle_t handle, cudaStream_t stream);
extern size_t cudnnGetVersion(void);
extern const char* cudnnGetErrorString(cudnnStatus_t status);
extern void cudnnGetLastErrorString(char* message, size_t size);

extern cudnnStatus_t cudnnBackendCreateDescriptor(cudnnBackendDescriptorType_t type, cudnnBackendDescriptor_t* descriptor);
extern cudnnStatus_t cudnnBackendDestroyDescriptor(cudnnBackendDescriptor_t descriptor);
extern cudnnStatus_t cudnnBackendFinalize(cudnnBackendDescriptor_t descriptor);
extern cudnnStatus_t cudnnBackendSetAttribute(cudnnBackendDescriptor_t descriptor, cudnnBackendAttributeName_t name,
		cudnnBackendAttributeType_t type, int64_t count, const void* elements);
extern cudnnStatus_t cudnnBackendGetAttribute(cudnnBackendDescriptor_t descriptor, cudnnBackendAttributeName_t name,
		cudnnBackendAttributeType_t type, int64_t requested, int64_t* count, void* elements);
extern cudnnStatus_t cudnnBackendExecute(cudnnHandle_t handle, cudnnBackendDescriptor_t plan, cudnnBackendDescriptor_t pack);
