/*
 * Memory of the emulated device: pages that cannot be touched unless an operation
 * runs, each allocation between guard pages that never can. It ends where its last
 * page ends (up to the alignment of 256 bytes); what is left of its first and last
 * page is filled with a pattern that must not change.
 */

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <map>

#include <signal.h>
#include <sys/mman.h>

#include "device.h"

namespace emulated {

static const size_t PAGE = 4096;
static const size_t GUARD = 16 * PAGE;
static const size_t ALIGN = 256;
static const size_t GRAIN = 512;	// of which the device's memory is given out
static const size_t KEPT = 64;		// freed addresses that are not given out again

static const int UNSET = 0xff;		// makes a NaN of a float and of a bfloat16
static const int RED = 0xfe;		// makes large numbers

struct block_s {

	char* base;		// of the mapping, a guard
	size_t length;		// of the mapping
	char* ptr;
	size_t bytes;

	char* begin() const { return base + GUARD; }
	char* end() const { return base + length - GUARD; }
};

static std::map<uintptr_t, block_s> blocks;
static std::map<uintptr_t, size_t> locked;
static std::deque<block_s> freed;
static size_t used = 0;
static int opened = 0;

static size_t round_up(size_t n, size_t to)
{
	return (n + to - 1) / to * to;
}


// the block that ptr is in, its guards included; NULL if there is none
static const block_s* block_around(const void* ptr)
{
	auto i = blocks.upper_bound((uintptr_t)ptr + GUARD + PAGE);

	while (i != blocks.begin()) {

		--i;

		const block_s& b = i->second;

		if (((const char*)ptr >= b.base) && ((const char*)ptr < b.base + b.length))
			return &b;

		if ((const char*)ptr >= b.base + b.length)
			break;
	}

	return nullptr;
}


bool on_device(const void* ptr, size_t bytes)
{
	const block_s* b = block_around(ptr);

	return (nullptr != b) && ((const char*)ptr >= b->ptr) && ((const char*)ptr + bytes <= b->ptr + b->bytes);
}


bool page_locked(const void* ptr, size_t bytes)
{
	auto i = locked.upper_bound((uintptr_t)ptr);

	if (i == locked.begin())
		return false;

	--i;

	return (uintptr_t)ptr + bytes <= i->first + i->second;
}


static void check_pattern(const block_s& b, const char* from, const char* to)
{
	for (const char* p = from; p < to; p++) {

		if ((unsigned char)RED == (unsigned char)*p)
			continue;

		long where = (p < b.ptr) ? (long)(b.ptr - p) : (long)(p - (b.ptr + b.bytes)) + 1;

		violation("memory was written %ld bytes %s an allocation of %zu bytes", where,
				(p < b.ptr) ? "before" : "behind", b.bytes);
	}
}


static void check_red_zones(const block_s& b)
{
	check_pattern(b, b.begin(), b.ptr);
	check_pattern(b, b.ptr + b.bytes, b.end());
}


static void protect(const block_s& b, int how)
{
	if (settings().open)
		how = PROT_READ | PROT_WRITE;

	if (0 != mprotect(b.begin(), (size_t)(b.end() - b.begin()), how))
		violation("mprotect failed");
}


Opened::Opened()
{
	if (0 == opened++)
		for (auto& i : blocks)
			protect(i.second, PROT_READ | PROT_WRITE);
}


Opened::~Opened()
{
	if (1 == opened)
		for (auto& i : blocks)
			check_red_zones(i.second);

	if (0 == --opened)
		for (auto& i : blocks)
			protect(i.second, PROT_NONE);
}


// --- tells who touched what, then lets the signal do what it did before

static struct sigaction previous;

static void on_fault(int, siginfo_t* info, void*)
{
	const block_s* b = block_around(info->si_addr);

	if (nullptr != b) {

		fprintf(stderr, "emulated device: %s touched device memory at byte %ld of an allocation of %zu bytes\n",
				(nullptr != running) ? running : "the host",
				(long)((const char*)info->si_addr - b->ptr), b->bytes);

	} else if (nullptr != running) {

		fprintf(stderr, "emulated device: %s touched memory that is not there (%p)\n", running, info->si_addr);
	}

	sigaction(SIGSEGV, &previous, nullptr);
}


static void watch_faults()
{
	static bool watched = false;

	if (watched)
		return;

	struct sigaction action = { };

	action.sa_sigaction = on_fault;
	action.sa_flags = SA_SIGINFO | SA_NODEFER;

	sigaction(SIGSEGV, &action, &previous);

	watched = true;
}


static block_s map_block(size_t bytes)
{
	block_s b = { };
	size_t pages = round_up(bytes, PAGE);

	b.bytes = bytes;
	b.length = pages + 2 * GUARD;
	b.base = (char*)mmap(nullptr, b.length, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (MAP_FAILED == b.base)
		violation("the host has no memory for the device's");

	b.ptr = b.end() - round_up(bytes, ALIGN);

	protect(b, PROT_READ | PROT_WRITE);

	memset(b.begin(), RED, pages);
	memset(b.ptr, UNSET, bytes);

	if (0 == opened)
		protect(b, PROT_NONE);

	return b;
}


static void forget(const block_s& b)
{
	mmap(b.base, b.length, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);

	freed.push_back(b);

	if (KEPT < freed.size()) {

		munmap(freed.front().base, freed.front().length);
		freed.pop_front();
	}
}

}

using namespace emulated;


extern "C" cudaError_t cudaMalloc(void** ptr, size_t bytes)
{
	Lock l(lock);

	*ptr = nullptr;

	if (cudaError_t error = forbidden_in_capture())
		return failed(error);

	if (0 == bytes)
		return cudaSuccess;

	size_t grains = round_up(bytes, GRAIN);

	if ((grains < bytes) || (settings().memory - used < grains))
		return failed(cudaErrorMemoryAllocation);

	watch_faults();

	block_s b = map_block(bytes);

	blocks[(uintptr_t)b.ptr] = b;
	used += grains;
	counts.allocations++;

	*ptr = b.ptr;

	return cudaSuccess;
}


extern "C" cudaError_t cudaFree(void* ptr)
{
	Lock l(lock);

	if (cudaError_t error = forbidden_in_capture())
		return failed(error);

	if (nullptr == ptr)
		return cudaSuccess;

	auto i = blocks.find((uintptr_t)ptr);

	if (i == blocks.end())
		return failed(cudaErrorInvalidValue);

	drain_all();

	{
		Opened o;
	}

	used -= round_up(i->second.bytes, GRAIN);

	forget(i->second);
	blocks.erase(i);

	return cudaSuccess;
}


extern "C" cudaError_t cudaMallocHost(void** ptr, size_t bytes)
{
	Lock l(lock);

	*ptr = nullptr;

	if (cudaError_t error = forbidden_in_capture())
		return failed(error);

	if (0 == bytes)
		return failed(cudaErrorInvalidValue);

	if (0 != posix_memalign(ptr, PAGE, bytes))
		return failed(cudaErrorMemoryAllocation);

	memset(*ptr, UNSET, bytes);

	locked[(uintptr_t)*ptr] = bytes;
	counts.host_allocations++;

	return cudaSuccess;
}


extern "C" cudaError_t cudaFreeHost(void* ptr)
{
	Lock l(lock);

	if (cudaError_t error = forbidden_in_capture())
		return failed(error);

	if (nullptr == ptr)
		return cudaSuccess;

	if (0 == locked.count((uintptr_t)ptr))
		return failed(cudaErrorInvalidValue);

	drain_all();

	locked.erase((uintptr_t)ptr);
	free(ptr);

	return cudaSuccess;
}


extern "C" cudaError_t cudaMemGetInfo(size_t* free, size_t* total)
{
	Lock l(lock);

	*total = settings().memory;
	*free = settings().memory - used;

	return cudaSuccess;
}


extern "C" long emulated_live_allocations(void)
{
	Lock l(lock);

	return (long)blocks.size();
}


extern "C" size_t emulated_live_bytes(void)
{
	Lock l(lock);

	return used;
}


extern "C" bool emulated_open(void)
{
	return settings().open;
}


extern "C" bool emulated_on_device(const void* ptr, size_t bytes)
{
	Lock l(lock);

	return on_device(ptr, bytes);
}
