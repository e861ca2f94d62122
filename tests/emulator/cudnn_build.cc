/*
 * What is checked when cuDNN's descriptors of graphs, engines, plans and variant
 * packs are finalized.
 */

#include <algorithm>
#include <set>

#include "cudnn_graph.h"

namespace emulated {

const operation_s* graph_s::conv() const
{
	for (const operation_s& op : operations)
		if (op.is_conv())
			return &op;

	return nullptr;
}


static bool writes(const operation_s& op, int64_t uid)
{
	return uid == op.out.uid;
}


static bool reads(const operation_s& op, int64_t uid)
{
	return std::any_of(op.in.begin(), op.in.end(), [=](const tensor_s& t) { return uid == t.uid; });
}


// --- graphs

static cudnnStatus_t collect_tensors(graph_s& g)
{
	for (const operation_s& op : g.operations) {

		std::vector<tensor_s> all = op.in;

		all.push_back(op.out);

		for (const tensor_s& t : all)
			if (!(g.tensors.emplace(t.uid, t).first->second == t))
				return complain(CUDNN_STATUS_BAD_PARAM_DUPLICATED_ENTRIES, "two different tensors have the id %ld", (long)t.uid);
	}

	return CUDNN_STATUS_SUCCESS;
}


static cudnnStatus_t check_tensors(const graph_s& g)
{
	for (auto& i : g.tensors) {

		long written = 0;
		long read = 0;

		for (const operation_s& op : g.operations) {

			written += writes(op, i.first);
			read += reads(op, i.first);
		}

		if (1 < written)
			return complain(CUDNN_STATUS_BAD_PARAM, "tensor %ld is written %ld times", (long)i.first, written);

		if (i.second.is_virtual && ((0 == written) || (0 == read)))
			return complain(CUDNN_STATUS_BAD_PARAM, "virtual tensor %ld is not both written and read", (long)i.first);
	}

	return CUDNN_STATUS_SUCCESS;
}


// operations in an order in which each finds what it reads
static cudnnStatus_t sort_operations(graph_s& g)
{
	std::vector<operation_s> left = g.operations;
	std::vector<operation_s> sorted;

	while (!left.empty()) {

		auto ready = std::find_if(left.begin(), left.end(), [&](const operation_s& op) {

			return std::none_of(left.begin(), left.end(), [&](const operation_s& o) { return reads(op, o.out.uid); });
		});

		if (ready == left.end())
			return complain(CUDNN_STATUS_BAD_PARAM, "operations of a graph wait for one another");

		sorted.push_back(*ready);
		left.erase(ready);
	}

	g.operations = sorted;

	return CUDNN_STATUS_SUCCESS;
}


static bool is_operation(cudnnBackendDescriptorType_t type)
{
	return (CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR == type)
		|| (CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR == type)
		|| (CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR == type)
		|| (CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR == type)
		|| (CUDNN_BACKEND_OPERATION_REDUCTION_DESCRIPTOR == type);
}


static cudnnStatus_t build_graph(descriptor_s& d)
{
	d.handle = d.one<cudnnHandle_t>(CUDNN_ATTR_OPERATIONGRAPH_HANDLE);
	d.graph = std::make_shared<graph_s>();

	if (!handle_alive(d.handle))
		return complain(CUDNN_STATUS_BAD_PARAM, "a graph's handle is none");

	for (auto& op : d.children[CUDNN_ATTR_OPERATIONGRAPH_OPS]) {

		if (!is_operation(op->type))
			return complain(CUDNN_STATUS_BAD_PARAM_DESCRIPTOR_TYPE, "a graph was given a descriptor that is no operation");

		d.graph->operations.push_back(op->operation);
	}

	for (auto step : { collect_tensors, sort_operations })
		if (cudnnStatus_t status = step(*d.graph))
			return status;

	return check_tensors(*d.graph);
}


// --- engines and plans

static cudnnStatus_t build_heuristics(descriptor_s& d)
{
	DescriptorPtr graph = d.child(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH);

	if (CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR != graph->type)
		return complain(CUDNN_STATUS_BAD_PARAM_DESCRIPTOR_TYPE, "heuristics of no graph");

	d.configs = heuristics(d.one<cudnnBackendHeurMode_t>(CUDNN_ATTR_ENGINEHEUR_MODE), *graph->graph);

	return d.configs.empty() ? complain(CUDNN_STATUS_NOT_SUPPORTED, "no engine for this graph") : CUDNN_STATUS_SUCCESS;
}


static cudnnStatus_t build_engine(descriptor_s& d)
{
	DescriptorPtr graph = d.child(CUDNN_ATTR_ENGINE_OPERATION_GRAPH);

	if (CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR != graph->type)
		return complain(CUDNN_STATUS_BAD_PARAM_DESCRIPTOR_TYPE, "an engine of no graph");

	d.graph = graph->graph;
	d.engine = d.one<int64_t>(CUDNN_ATTR_ENGINE_GLOBAL_INDEX);

	if ((0 > d.engine) || (ENGINES <= d.engine))
		return complain(CUDNN_STATUS_BAD_PARAM_OUT_OF_BOUND, "there is no engine %ld", (long)d.engine);

	return engine_supports(d.engine, *d.graph);
}


static cudnnStatus_t build_config(descriptor_s& d)
{
	DescriptorPtr engine = d.child(CUDNN_ATTR_ENGINECFG_ENGINE);

	if (CUDNN_BACKEND_ENGINE_DESCRIPTOR != engine->type)
		return complain(CUDNN_STATUS_BAD_PARAM_DESCRIPTOR_TYPE, "an engine configuration of no engine");

	d.graph = engine->graph;
	d.engine = engine->engine;

	return CUDNN_STATUS_SUCCESS;
}


static cudnnStatus_t build_plan(descriptor_s& d)
{
	DescriptorPtr config = d.child(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG);

	d.handle = d.one<cudnnHandle_t>(CUDNN_ATTR_EXECUTION_PLAN_HANDLE);

	if (CUDNN_BACKEND_ENGINECFG_DESCRIPTOR != config->type)
		return complain(CUDNN_STATUS_BAD_PARAM_DESCRIPTOR_TYPE, "a plan of no engine configuration");

	if (!handle_alive(d.handle))
		return complain(CUDNN_STATUS_BAD_PARAM, "a plan's handle is none");

	// modules are loaded, perhaps compiled
	if (cudaSuccess != forbidden_in_capture())
		return complain(CUDNN_STATUS_EXECUTION_FAILED, "a plan is made while recording");

	d.graph = config->graph;
	d.engine = config->engine;
	d.workspace = workspace_size(d.engine, *d.graph);

	counts.plans++;

	return engine_supports(d.engine, *d.graph);
}


static cudnnStatus_t build_pack(descriptor_s& d)
{
	auto uids = d.get<int64_t>(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS);
	auto pointers = d.get<void*>(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS);

	if (uids.size() != pointers.size())
		return complain(CUDNN_STATUS_BAD_PARAM, "a variant pack with %zu ids and %zu pointers", uids.size(), pointers.size());

	if (std::set<int64_t>(uids.begin(), uids.end()).size() != uids.size())
		return complain(CUDNN_STATUS_BAD_PARAM_DUPLICATED_ENTRIES, "a variant pack has an id twice");

	return CUDNN_STATUS_SUCCESS;
}


cudnnStatus_t build(descriptor_s& d)
{
	switch (d.type) {

	case CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR: return build_graph(d);
	case CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR: return build_heuristics(d);
	case CUDNN_BACKEND_ENGINE_DESCRIPTOR: return build_engine(d);
	case CUDNN_BACKEND_ENGINECFG_DESCRIPTOR: return build_config(d);
	case CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR: return build_plan(d);
	case CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR: return build_pack(d);

	default: return build_operation(d);
	}
}

}
