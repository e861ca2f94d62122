/*
 * Graphs of the emulated device: operations of one stream, recorded.
 */

#include "stream.h"

using namespace emulated;

struct CUgraph_st { std::vector<Operation> operations; };
struct CUgraphExec_st { std::vector<Operation> operations; long waiting = 0; };


extern "C" cudaError_t cudaStreamBeginCapture(cudaStream_t stream, enum cudaStreamCaptureMode mode)
{
	Lock l(lock);

	// the others are not needed, and not emulated
	if (cudaStreamCaptureModeThreadLocal != mode)
		return failed(cudaErrorInvalidValue);

	if (!alive(stream))
		return failed(cudaErrorInvalidResourceHandle);

	if (stream->capturing)
		return failed(cudaErrorStreamCaptureUnsupported);

	stream->capturing = true;
	stream->spoilt = false;
	stream->owner = std::this_thread::get_id();
	stream->recorded.clear();

	return cudaSuccess;
}


extern "C" cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph)
{
	Lock l(lock);

	*graph = nullptr;

	if (!alive(stream))
		return failed(cudaErrorInvalidResourceHandle);

	if (!stream->capturing)
		return failed(cudaErrorInvalidValue);

	if (stream->owner != std::this_thread::get_id())
		return failed(cudaErrorStreamCaptureWrongThread);

	stream->capturing = false;

	if (stream->spoilt)
		return failed(cudaErrorStreamCaptureInvalidated);

	*graph = new CUgraph_st{ std::move(stream->recorded) };

	return cudaSuccess;
}


extern "C" cudaError_t cudaGraphInstantiate(cudaGraphExec_t* exec, cudaGraph_t graph, unsigned long long flags)
{
	Lock l(lock);

	if ((nullptr == graph) || (0 != flags))
		return failed(cudaErrorInvalidValue);

	*exec = new CUgraphExec_st{ graph->operations };

	return cudaSuccess;
}


extern "C" cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t stream)
{
	Lock l(lock);

	if (is_capturing(stream))
		return failed(cudaErrorStreamCaptureUnsupported);

	exec->waiting++;
	counts.graph_launches++;

	return failed(enqueue(stream, "graph", [exec]() {

		for (const Operation& op : exec->operations) {

			running = op.name;
			op.work();
		}

		exec->waiting--;
	}));
}


extern "C" cudaError_t cudaGraphDestroy(cudaGraph_t graph)
{
	Lock l(lock);

	delete graph;

	return cudaSuccess;
}


extern "C" cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec)
{
	Lock l(lock);

	if ((nullptr != exec) && (0 < exec->waiting))
		violation("a graph was destroyed before it has run");

	delete exec;

	return cudaSuccess;
}
