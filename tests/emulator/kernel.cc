/*
 * Kernels: block by block, thread by thread, in a random order. Where threads wait
 * for one another, each is a fiber.
 */

#include <cstdint>
#include <numeric>
#include <vector>

#include <sys/mman.h>
#include <ucontext.h>

#include "emulate.h"

#include "device.h"

uint3 threadIdx;
uint3 blockIdx;
dim3 blockDim;
dim3 gridDim;

// there may be no kernel with shared memory: at least this is in the section
__attribute__((section("emulated_shared"), used)) static char shared_memory[16];

extern "C" char __start_emulated_shared[];
extern "C" char __stop_emulated_shared[];

namespace emulated {

static const unsigned int MOST_THREADS = 1024;
static const size_t STACK = 64 << 10;

// i -> (a i + b) mod n is a permutation if a and n have no common divisor
struct order_s {

	uint64_t n;
	uint64_t a;
	uint64_t b;

	explicit order_s(uint64_t _n) : n(_n), a(1 + random_below(_n)), b(random_below(_n))
	{
		while (1 != std::gcd(a, n))
			a++;
	}

	uint64_t operator[](uint64_t i) const { return (a * i + b) % n; }
};


static uint64_t volume(const dim3& d)
{
	return (uint64_t)d.x * d.y * d.z;
}


static uint3 position(uint64_t i, const dim3& d)
{
	return uint3{ (unsigned int)(i % d.x), (unsigned int)(i / d.x % d.y), (unsigned int)(i / d.x / d.y) };
}


// --- threads that wait for one another

struct fiber_s {

	ucontext_t context;
	uint3 index;
	bool finished;
	const char* file;	// where it waits
	int line;
};

static std::vector<fiber_s> fibers;
static char* stacks = nullptr;
static ucontext_t scheduler;
static fiber_s* current = nullptr;
static const std::function<void()>* body = nullptr;


static void fiber_main()
{
	(*body)();

	current->finished = true;

	swapcontext(&current->context, &scheduler);
}


void sync_threads(const char* file, int line)
{
	if (nullptr == current)
		violation("__syncthreads() in a kernel that GPU_LAUNCH launched (%s:%d)", file, line);

	current->file = file;
	current->line = line;

	swapcontext(&current->context, &scheduler);
}


static void prepare_fibers(size_t threads)
{
	if (nullptr == stacks)
		stacks = (char*)mmap(nullptr, MOST_THREADS * STACK, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	fibers.resize(threads);

	for (size_t i = 0; i < threads; i++) {

		fiber_s& f = fibers[i];

		getcontext(&f.context);

		f.context.uc_stack.ss_sp = stacks + i * STACK;
		f.context.uc_stack.ss_size = STACK;
		f.context.uc_link = nullptr;
		f.index = position(i, blockDim);
		f.finished = false;

		makecontext(&f.context, fiber_main, 0);
	}
}


// all of a block's threads have come to the same barrier, or to their end
static bool check_barrier()
{
	const fiber_s& first = fibers[0];

	for (const fiber_s& f : fibers) {

		if (f.finished != first.finished)
			violation("a thread waits in __syncthreads() (%s:%d) while another has finished",
					(f.finished ? first : f).file, (f.finished ? first : f).line);

		if (!f.finished && ((f.file != first.file) || (f.line != first.line)))
			violation("threads wait in different __syncthreads() (%s:%d, line %d)", f.file, f.line, first.line);
	}

	return first.finished;
}


static void run_fibers(const std::function<void()>& thread)
{
	prepare_fibers(volume(blockDim));

	body = &thread;

	do {
		order_s order(fibers.size());

		for (size_t i = 0; i < fibers.size(); i++) {

			current = &fibers[order[i]];
			threadIdx = current->index;

			swapcontext(&scheduler, &current->context);
		}

	} while (!check_barrier());

	current = nullptr;
}


static void run_threads(const std::function<void()>& thread)
{
	uint64_t threads = volume(blockDim);
	order_s order(threads);

	for (uint64_t i = 0; i < threads; i++) {

		threadIdx = position(order[i], blockDim);
		thread();
	}
}


static void run_grid(const shape_s& shape, const std::function<void()>& thread)
{
	gridDim = shape.grid;
	blockDim = shape.block;

	order_s order(volume(gridDim));

	for (uint64_t i = 0; i < volume(gridDim); i++) {

		blockIdx = position(order[i], gridDim);

		memset(__start_emulated_shared, 0xff, (size_t)(__stop_emulated_shared - __start_emulated_shared));

		(shape.sync ? run_fibers : run_threads)(thread);
	}

	counts.launches++;
}


static bool valid(const shape_s& s)
{
	return (0 < volume(s.block)) && (volume(s.block) <= MOST_THREADS) && (s.block.z <= 64)
		&& (0 < volume(s.grid)) && (s.grid.x <= INT32_MAX) && (s.grid.y <= 65535) && (s.grid.z <= 65535);
}


void launch(const shape_s& shape, cudaStream_t stream, std::function<void()> thread)
{
	Lock l(lock);

	if (!valid(shape)) {

		failed(cudaErrorInvalidConfiguration);
		return;
	}

	failed(enqueue(stream, shape.name, [shape, thread]() { run_grid(shape, thread); }));
}


void check_argument(const char* kernel, const void* ptr)
{
	Lock l(lock);

	if ((nullptr != ptr) && !on_device(ptr, 1))
		violation("%s was given %p, which is not on the device", kernel, ptr);
}

}
