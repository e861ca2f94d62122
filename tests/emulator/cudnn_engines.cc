/*
 * Which engines there are for a graph. As with cuDNN on current GPUs, convolutions
 * in float that are fused with something have tensor-core engines only, which round
 * their operands to TF32; single convolutions have one without.
 */

#include "cudnn_graph.h"

namespace emulated {

// for some graphs, so that what follows an engine that refuses is tested
static bool has_refusing_engine(const graph_s& g)
{
	const operation_s& op = g.operations[0];

	return 0 == (op.out.size() + (int64_t)g.operations.size()) % 2;
}


static bool channels_last(const tensor_s& t)
{
	return (1 == t.strides[1]) || (1 == t.dims[1]);
}


static cudnnStatus_t tensor_core_supports(const graph_s& g)
{
	const operation_s* conv = g.conv();

	if (nullptr == conv)
		return complain(CUDNN_STATUS_NOT_SUPPORTED_GRAPH_PATTERN, "this engine needs a convolution");

	for (auto& i : g.tensors) {

		if (!channels_last(i.second))
			return complain(CUDNN_STATUS_NOT_SUPPORTED_LAYOUT, "this engine needs channels that lie side by side");

		if ((conv->in[0].uid == i.first) && !i.second.is_virtual && (4 > i.second.alignment))
			return complain(CUDNN_STATUS_NOT_SUPPORTED_LAYOUT, "this engine needs an alignment of 4 bytes");
	}

	return CUDNN_STATUS_SUCCESS;
}


static cudnnStatus_t graph_supported(const graph_s& g)
{
	long convs = 0;

	for (const operation_s& op : g.operations)
		convs += op.is_conv();

	if (1 < convs)
		return complain(CUDNN_STATUS_NOT_SUPPORTED_GRAPH_PATTERN, "a graph of %ld convolutions", convs);

	if (!settings().fusion && (1 < g.operations.size()))
		return complain(CUDNN_STATUS_NOT_SUPPORTED_GRAPH_PATTERN, "graphs of several operations are switched off");

	const operation_s* conv = g.conv();

	if ((nullptr != conv) && (conv->in[0].type != conv->in[1].type))
		return complain(CUDNN_STATUS_NOT_SUPPORTED_DATA_TYPE, "a convolution's operands have different types");

	// the old value would have to be read after fused operations
	if ((nullptr != conv) && (0.f != conv->beta) && (1 < g.operations.size()))
		return complain(CUDNN_STATUS_NOT_SUPPORTED, "beta is not 0 in a graph of several operations");

	return CUDNN_STATUS_SUCCESS;
}


cudnnStatus_t engine_supports(int64_t engine, const graph_s& g)
{
	if (cudnnStatus_t status = graph_supported(g))
		return status;

	const operation_s* conv = g.conv();

	switch (engine) {

	case ENGINE_TENSOR_CORE:
		return tensor_core_supports(g);

	case ENGINE_NONDETERMINISTIC:

		if ((nullptr == conv) || (Kind::FORWARD == conv->kind) || (1 != g.operations.size()))
			return complain(CUDNN_STATUS_NOT_SUPPORTED_GRAPH_PATTERN, "this engine has gradients of convolutions only");

		return CUDNN_STATUS_SUCCESS;

	case ENGINE_PLAIN:

		if ((nullptr != conv) && (1 != g.operations.size()))
			return complain(CUDNN_STATUS_NOT_SUPPORTED_GRAPH_PATTERN, "this engine does not fuse convolutions");

		return CUDNN_STATUS_SUCCESS;

	default:
		return complain(CUDNN_STATUS_NOT_SUPPORTED, "this engine supports nothing");
	}
}


std::vector<int64_t> heuristics(cudnnBackendHeurMode_t mode, const graph_s& g)
{
	std::vector<int64_t> engines;

	if (CUDNN_STATUS_SUCCESS != graph_supported(g))
		return engines;

	bool fallback = (CUDNN_HEUR_MODE_FALLBACK == mode);

	if (!fallback && has_refusing_engine(g))
		engines.push_back(ENGINE_REFUSED);

	for (int64_t e : { ENGINE_NONDETERMINISTIC, ENGINE_TENSOR_CORE, ENGINE_PLAIN })
		if ((!fallback || (ENGINE_PLAIN == e)) && (CUDNN_STATUS_SUCCESS == engine_supports(e, g)))
			engines.push_back(e);

	return engines;
}


std::vector<int32_t> numerical_notes(int64_t engine)
{
	switch (engine) {

	case ENGINE_TENSOR_CORE: return { CUDNN_NUMERICAL_NOTE_TENSOR_CORE };
	case ENGINE_NONDETERMINISTIC: return { CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC };

	default: return { };
	}
}


std::vector<int32_t> behavior_notes(int64_t engine, const graph_s& g)
{
	if ((ENGINE_TENSOR_CORE == engine) && (1 < g.operations.size()))
		return { CUDNN_BEHAVIOR_NOTE_RUNTIME_COMPILATION };

	return { };
}


size_t workspace_size(int64_t engine, const graph_s& g)
{
	return (nullptr == g.conv()) ? 0 : (size_t)(1040 * engine);
}

}
