/*
 * Streams from inside.
 */
#ifndef _EMULATED_STREAM_H
#define _EMULATED_STREAM_H

#include <ctime>
#include <deque>
#include <memory>
#include <thread>
#include <vector>

#include "device.h"

namespace emulated {

// a place in a stream that an event has marked
struct Mark {

	cudaStream_t stream;
	bool passed;
	struct timespec when;
};

typedef std::shared_ptr<Mark> MarkPtr;

struct Operation {

	const char* name;
	Work work;		// may be empty
	MarkPtr mark;		// to pass here
	MarkPtr await;		// to be passed before
};

extern bool alive(cudaStream_t stream);

}

struct CUstream_st {

	std::deque<emulated::Operation> queue;

	bool capturing = false;
	bool spoilt = false;
	std::thread::id owner;
	std::vector<emulated::Operation> recorded;
};

struct CUevent_st {

	bool timed;
	emulated::MarkPtr last;
};

#endif		// _EMULATED_STREAM_H
