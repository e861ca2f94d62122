/*
 * The emulated device itself: settings, errors, properties; copies.
 */

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "device.h"

namespace emulated {

std::recursive_mutex lock;
emulated_counts_s counts;

static void tell_counts()
{
	const struct { const char* name; size_t count; } lines[] = {

		{ "launches", (size_t)counts.launches },
		{ "ffts", (size_t)counts.ffts },
		{ "cudnn", (size_t)counts.cudnn_executions },
		{ "graphs", (size_t)counts.graph_launches },
		{ "allocations", (size_t)counts.allocations },
		{ "pinned", (size_t)counts.host_allocations },
		{ "synchronisations", (size_t)counts.synchronisations },
		{ "plans", (size_t)counts.plans },
		{ "up", counts.host_to_device },
		{ "down", counts.device_to_host },
		{ "within", counts.device_to_device },
	};

	for (auto& l : lines)
		fprintf(stderr, "emulated device: %s %zu\n", l.name, l.count);
}


static thread_local cudaError_t last_error = cudaSuccess;
static thread_local int current_device = 0;


void violation(const char* format, ...)
{
	va_list args;

	fprintf(stderr, "emulated device: ");

	if (nullptr != running)
		fprintf(stderr, "%s: ", running);

	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);

	fprintf(stderr, "\n");
	abort();
}


static long number(const char* name, long otherwise)
{
	const char* text = getenv(name);

	if (nullptr == text)
		return otherwise;

	char* end;
	long value = strtol(text, &end, 10);

	if (('\0' == *text) || ('\0' != *end) || (0 > value))
		violation("%s=%s is not a number", name, text);

	return value;
}


static Mode mode()
{
	const char* text = getenv("GLEAM_EMULATED");

	if ((nullptr == text) || (0 == strcmp(text, "lazy")))
		return Mode::LAZY;

	if (0 == strcmp(text, "random"))
		return Mode::RANDOM;

	if (0 == strcmp(text, "eager"))
		return Mode::EAGER;

	violation("GLEAM_EMULATED=%s is neither lazy, random, nor eager", text);
}


const settings_s& settings()
{
	static const settings_s s = {

		mode(),
		(uint64_t)number("GLEAM_EMULATED_SEED", 1),
		(size_t)number("GLEAM_EMULATED_MEMORY", 1024) << 20,
		(int)number("GLEAM_EMULATED_DEVICES", 1),
		0 != number("GLEAM_EMULATED_FUSION", 1),
		0 != number("GLEAM_EMULATED_OPEN", 0),
	};

	static const bool told = (0 == number("GLEAM_EMULATED_COUNTS", 0)) || (0 == atexit(tell_counts));

	(void)told;

	return s;
}


// splitmix64
uint64_t random_below(uint64_t n)
{
	static uint64_t state = settings().seed;

	uint64_t z = (state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);

	return (z ^ (z >> 31)) % n;
}


cudaError_t failed(cudaError_t error)
{
	if (cudaSuccess != error)
		last_error = error;

	return error;
}

}

using namespace emulated;


extern "C" struct emulated_counts_s emulated_counts(void)
{
	Lock l(lock);

	return counts;
}


extern "C" cudaError_t cudaGetLastError(void)
{
	cudaError_t error = last_error;

	last_error = cudaSuccess;

	return error;
}


extern "C" const char* cudaGetErrorString(cudaError_t error)
{
	switch (error) {

#define NAME(name, value) case name: return #name;
	CUDA_ERRORS(NAME)
#undef NAME
	}

	return "unrecognized error code";
}


// --- devices

static cudaError_t check_device(int device)
{
	if (0 == settings().devices)
		return cudaErrorNoDevice;

	return ((0 <= device) && (device < settings().devices)) ? cudaSuccess : cudaErrorInvalidDevice;
}


extern "C" cudaError_t cudaGetDeviceCount(int* count)
{
	*count = settings().devices;

	return failed((0 < *count) ? cudaSuccess : cudaErrorNoDevice);
}


extern "C" cudaError_t cudaSetDevice(int device)
{
	if (cudaError_t error = check_device(device))
		return failed(error);

	current_device = device;

	return cudaSuccess;
}


extern "C" cudaError_t cudaGetDevice(int* device)
{
	*device = current_device;

	return failed(check_device(current_device));
}


extern "C" cudaError_t cudaGetDeviceProperties(struct cudaDeviceProp* prop, int device)
{
	if (cudaError_t error = check_device(device))
		return failed(error);

	*prop = cudaDeviceProp{ };

	snprintf(prop->name, sizeof(prop->name), "emulated device");

	prop->totalGlobalMem = settings().memory;
	prop->major = 9;
	prop->minor = 0;
	prop->multiProcessorCount = 4;

	return cudaSuccess;
}


extern "C" cudaError_t cudaDeviceGetAttribute(int* value, enum cudaDeviceAttr attr, int device)
{
	cudaDeviceProp prop;

	if (cudaError_t error = cudaGetDeviceProperties(&prop, device))
		return error;

	switch (attr) {

	case cudaDevAttrMultiProcessorCount: *value = prop.multiProcessorCount; return cudaSuccess;
	case cudaDevAttrComputeCapabilityMajor: *value = prop.major; return cudaSuccess;
	case cudaDevAttrComputeCapabilityMinor: *value = prop.minor; return cudaSuccess;
	}

	return failed(cudaErrorInvalidValue);
}


extern "C" cudaError_t cudaRuntimeGetVersion(int* version)
{
	*version = 13000;

	return cudaSuccess;
}


extern "C" cudaError_t cudaDriverGetVersion(int* version)
{
	*version = 13000;

	return cudaSuccess;
}


// --- copies

static bool overlap(const void* a, const void* b, size_t bytes)
{
	return ((const char*)a < (const char*)b + bytes) && ((const char*)b < (const char*)a + bytes);
}


static cudaError_t upload(void* dst, const void* src, size_t bytes, cudaStream_t stream)
{
	if (!on_device(dst, bytes) || on_device(src, 1))
		return cudaErrorInvalidValue;

	if (page_locked(src, bytes))
		return enqueue(stream, "upload", [=]() { memcpy(dst, src, bytes); counts.host_to_device += bytes; });

	if (is_capturing(stream))
		return cudaErrorStreamCaptureUnsupported;

	// such memory may be used again after the call
	auto staged = std::make_shared<std::vector<char>>((const char*)src, (const char*)src + bytes);

	return enqueue(stream, "upload", [=]() { memcpy(dst, staged->data(), bytes); counts.host_to_device += bytes; });
}


static cudaError_t download(void* dst, const void* src, size_t bytes, cudaStream_t stream)
{
	if (!on_device(src, bytes) || on_device(dst, 1))
		return cudaErrorInvalidValue;

	bool locked = page_locked(dst, bytes);
	bool capturing = is_capturing(stream);

	if (!locked && capturing)
		return cudaErrorStreamCaptureUnsupported;

	// nobody may look at it until it has come
	if (!capturing)
		memset(dst, 0xff, bytes);

	cudaError_t error = enqueue(stream, "download", [=]() { memcpy(dst, src, bytes); counts.device_to_host += bytes; });

	if ((cudaSuccess == error) && !locked) {

		counts.synchronisations++;
		drain(stream);
	}

	return error;
}


static cudaError_t copy(void* dst, const void* src, size_t bytes, cudaStream_t stream)
{
	if (!on_device(src, bytes) || !on_device(dst, bytes))
		return cudaErrorInvalidValue;

	if (overlap(dst, src, bytes))
		violation("source and destination of a copy overlap");

	return enqueue(stream, "copy", [=]() { memcpy(dst, src, bytes); counts.device_to_device += bytes; });
}


extern "C" cudaError_t cudaMemcpyAsync(void* dst, const void* src, size_t bytes, enum cudaMemcpyKind kind, cudaStream_t stream)
{
	Lock l(lock);

	switch (kind) {

	case cudaMemcpyHostToDevice: return failed(upload(dst, src, bytes, stream));
	case cudaMemcpyDeviceToHost: return failed(download(dst, src, bytes, stream));
	case cudaMemcpyDeviceToDevice: return failed(copy(dst, src, bytes, stream));

	default: return failed(cudaErrorInvalidValue);
	}
}


extern "C" cudaError_t cudaMemsetAsync(void* dst, int value, size_t bytes, cudaStream_t stream)
{
	Lock l(lock);

	if (!on_device(dst, bytes))
		return failed(cudaErrorInvalidValue);

	return failed(enqueue(stream, "memset", [=]() { memset(dst, value, bytes); }));
}
