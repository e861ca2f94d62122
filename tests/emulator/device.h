/*
 * The emulated device's parts among themselves.
 */
#ifndef _EMULATED_DEVICE_H
#define _EMULATED_DEVICE_H

#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>

#include <cuda_runtime_api.h>

#include "emulator.h"

namespace emulated {

// taken by each function of the API; operations run while it is held
extern std::recursive_mutex lock;

typedef std::lock_guard<std::recursive_mutex> Lock;

extern emulated_counts_s counts;

enum class Mode { LAZY, RANDOM, EAGER };

struct settings_s {

	Mode mode;
	uint64_t seed;
	size_t memory;		// bytes
	int devices;
	bool fusion;
	bool open;		// the host may touch the device's memory
};

extern const settings_s& settings();

// uniform in [0, n), the same in each run
extern uint64_t random_below(uint64_t n);

[[noreturn]] extern void violation(const char* format, ...) __attribute__((format(printf, 1, 2)));

// remembers the error for cudaGetLastError
extern cudaError_t failed(cudaError_t error);


// --- streams

typedef std::function<void()> Work;

// runs now, later, or becomes part of a graph
extern cudaError_t enqueue(cudaStream_t stream, const char* name, Work work);

extern bool is_capturing(cudaStream_t stream);

// may this thread allocate or wait now? otherwise its recording is spoilt
extern cudaError_t forbidden_in_capture();

extern void drain(cudaStream_t stream);
extern void drain_all();

// what runs, for messages
extern const char* running;


// --- memory

extern bool on_device(const void* ptr, size_t bytes);
extern bool page_locked(const void* ptr, size_t bytes);

// device memory can be touched while one of these lives
struct Opened {

	Opened();
	~Opened();
};

}

#endif		// _EMULATED_DEVICE_H
