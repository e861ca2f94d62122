/*
 * Streams and events of the emulated device. A stream is a queue; operations run
 * when something has to wait for them.
 */

#include <algorithm>
#include <ctime>
#include <set>
#include <thread>
#include <vector>

#include "stream.h"

namespace emulated {

const char* running = nullptr;

static std::vector<cudaStream_t> streams;	// in the order of their making, or runs would differ
static std::set<cudaEvent_t> events;

}

using namespace emulated;


bool emulated::alive(cudaStream_t stream)
{
	return streams.end() != std::find(streams.begin(), streams.end(), stream);
}


// --- running

static bool blocked(cudaStream_t stream)
{
	const Operation& op = stream->queue.front();

	return (nullptr != op.await) && !op.await->passed;
}


/* Streams whose next operation can run, and is needed for stream to come to the
 * mark `until` (or to its end).
 */
static void find_ready(cudaStream_t stream, const Mark* until, std::set<const Mark*>& seen, std::set<cudaStream_t>& ready)
{
	if (!stream->queue.empty() && !blocked(stream))
		ready.insert(stream);

	for (const Operation& op : stream->queue) {

		const Mark* await = op.await.get();

		if ((nullptr != await) && !await->passed && seen.insert(await).second)
			find_ready(await->stream, await, seen, ready);

		if ((nullptr != until) && (op.mark.get() == until))
			break;
	}
}


static void run_first(cudaStream_t stream)
{
	Operation op = std::move(stream->queue.front());

	stream->queue.pop_front();

	if (op.work) {

		running = op.name;
		op.work();
		running = nullptr;
	}

	if (nullptr != op.mark) {

		clock_gettime(CLOCK_MONOTONIC, &op.mark->when);
		op.mark->passed = true;
	}
}


static void run_until(cudaStream_t stream, const Mark* until)
{
	if (stream->queue.empty())
		return;

	Opened o;

	while ((nullptr != until) ? !until->passed : !stream->queue.empty()) {

		std::set<cudaStream_t> ready;
		std::set<const Mark*> seen;

		find_ready(stream, until, seen, ready);

		if (Mode::RANDOM == settings().mode)
			for (cudaStream_t s : streams)
				if (!s->queue.empty() && !blocked(s))
					ready.insert(s);

		if (ready.empty())
			violation("streams wait for one another");

		std::vector<cudaStream_t> list;

		for (cudaStream_t s : streams)
			if (0 < ready.count(s))
				list.push_back(s);

		run_first(list[random_below(list.size())]);
	}
}


void emulated::drain(cudaStream_t stream)
{
	run_until(stream, nullptr);
}


void emulated::drain_all()
{
	for (cudaStream_t s : streams)
		drain(s);
}


static void push(cudaStream_t stream, Operation op)
{
	stream->queue.push_back(std::move(op));

	if (Mode::EAGER == settings().mode)
		drain(stream);
}


cudaError_t emulated::enqueue(cudaStream_t stream, const char* name, Work work)
{
	if (nullptr == stream)
		violation("%s in the default stream, which is not used here", name);

	if (!alive(stream))
		return cudaErrorInvalidResourceHandle;

	Operation op = { name, std::move(work), nullptr, nullptr };

	if (!stream->capturing)
		push(stream, std::move(op));

	else if (stream->spoilt)
		return cudaErrorStreamCaptureInvalidated;

	else
		stream->recorded.push_back(std::move(op));

	return cudaSuccess;
}


bool emulated::is_capturing(cudaStream_t stream)
{
	return alive(stream) && stream->capturing;
}


cudaError_t emulated::forbidden_in_capture()
{
	cudaError_t error = cudaSuccess;

	for (cudaStream_t s : streams) {

		if (!s->capturing || (s->owner != std::this_thread::get_id()))
			continue;

		s->spoilt = true;
		error = cudaErrorStreamCaptureUnsupported;
	}

	return error;
}


extern "C" long emulated_waiting(void)
{
	Lock l(lock);
	long n = 0;

	for (cudaStream_t s : streams)
		n += (long)s->queue.size();

	return n;
}


// --- streams

extern "C" cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned int flags)
{
	Lock l(lock);

	// others wait for the default stream, which this device does not have
	if (cudaStreamNonBlocking != flags)
		return failed(cudaErrorInvalidValue);

	if (cudaError_t error = forbidden_in_capture())
		return failed(error);

	*stream = new CUstream_st;
	streams.push_back(*stream);

	return cudaSuccess;
}


extern "C" cudaError_t cudaStreamDestroy(cudaStream_t stream)
{
	Lock l(lock);

	if (!alive(stream))
		return failed(cudaErrorInvalidResourceHandle);

	if (stream->capturing)
		return failed(cudaErrorStreamCaptureUnsupported);

	// marks of this stream may be waited for by others
	drain(stream);

	streams.erase(std::find(streams.begin(), streams.end(), stream));
	delete stream;

	return cudaSuccess;
}


extern "C" cudaError_t cudaStreamSynchronize(cudaStream_t stream)
{
	Lock l(lock);

	if (!alive(stream))
		return failed(cudaErrorInvalidResourceHandle);

	if (cudaError_t error = forbidden_in_capture())
		return failed(error);

	// recorded by another thread
	if (stream->capturing)
		return failed(cudaErrorStreamCaptureUnsupported);

	counts.synchronisations++;

	drain(stream);

	return cudaSuccess;
}


// --- events

extern "C" cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned int flags)
{
	Lock l(lock);

	if (0 != (flags & ~(unsigned int)(cudaEventDisableTiming | cudaEventBlockingSync)))
		return failed(cudaErrorInvalidValue);

	*event = new CUevent_st{ 0 == (flags & cudaEventDisableTiming), nullptr };
	events.insert(*event);

	return cudaSuccess;
}


extern "C" cudaError_t cudaEventDestroy(cudaEvent_t event)
{
	Lock l(lock);

	if (0 == events.erase(event))
		return failed(cudaErrorInvalidResourceHandle);

	delete event;

	return cudaSuccess;
}


// what waits for or marks something cannot be recorded here: one stream makes a graph
static cudaError_t check_event(cudaEvent_t event, cudaStream_t stream)
{
	if (nullptr == stream)
		violation("an event in the default stream, which is not used here");

	if (!alive(stream) || (0 == events.count(event)))
		return cudaErrorInvalidResourceHandle;

	if (!stream->capturing)
		return cudaSuccess;

	stream->spoilt = true;

	return cudaErrorStreamCaptureUnsupported;
}


extern "C" cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream)
{
	Lock l(lock);

	if (cudaError_t error = check_event(event, stream))
		return failed(error);

	event->last = std::make_shared<Mark>(Mark{ stream, false, { } });

	push(stream, Operation{ "event", nullptr, event->last, nullptr });

	return cudaSuccess;
}


extern "C" cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned int flags)
{
	Lock l(lock);

	if (0 != flags)
		return failed(cudaErrorInvalidValue);

	if (cudaError_t error = check_event(event, stream))
		return failed(error);

	if (nullptr != event->last)
		push(stream, Operation{ "wait", nullptr, nullptr, event->last });

	return cudaSuccess;
}


extern "C" cudaError_t cudaEventSynchronize(cudaEvent_t event)
{
	Lock l(lock);

	if (0 == events.count(event))
		return failed(cudaErrorInvalidResourceHandle);

	if (cudaError_t error = forbidden_in_capture())
		return failed(error);

	counts.synchronisations++;

	if ((nullptr != event->last) && !event->last->passed) {

		MarkPtr mark = event->last;
		run_until(mark->stream, mark.get());
	}

	return cudaSuccess;
}


extern "C" cudaError_t cudaEventElapsedTime(float* ms, cudaEvent_t start, cudaEvent_t end)
{
	Lock l(lock);

	for (cudaEvent_t e : { start, end })
		if ((0 == events.count(e)) || !e->timed || (nullptr == e->last))
			return failed(cudaErrorInvalidResourceHandle);

	if (!start->last->passed || !end->last->passed)
		return failed(cudaErrorNotReady);

	const struct timespec& a = start->last->when;
	const struct timespec& b = end->last->when;

	*ms = 1.e3f * (float)(b.tv_sec - a.tv_sec) + 1.e-6f * (float)(b.tv_nsec - a.tv_nsec);

	return cudaSuccess;
}
