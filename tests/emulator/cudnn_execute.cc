/*
 * Running cuDNN plans: what a variant pack must have, and which memory may be whose.
 */

#include <algorithm>
#include <cstring>

#include "cudnn_graph.h"

namespace emulated {

// offsets of all elements, in bytes from zero, sorted
static std::vector<uintptr_t> addresses(const tensor_s& t, const char* ptr)
{
	std::vector<uintptr_t> list = { (uintptr_t)ptr };

	for (size_t i = 0; i < t.dims.size(); i++) {

		size_t n = list.size();

		for (int64_t k = 1; k < t.dims[i]; k++)
			for (size_t j = 0; j < n; j++)
				list.push_back(list[j] + (uintptr_t)(k * t.strides[i]) * t.element());
	}

	std::sort(list.begin(), list.end());

	return list;
}


static bool ranges_overlap(const char* a, size_t an, const char* b, size_t bn)
{
	return (a < b + bn) && (b < a + an);
}


// element by element only where the ranges overlap: tensors may lie in one another's gaps
static bool overlap(const tensor_s& a, const char* ap, const tensor_s& b, const char* bp)
{
	if (!ranges_overlap(ap, a.extent(), bp, b.extent()))
		return false;

	auto x = addresses(a, ap);
	auto y = addresses(b, bp);

	for (uintptr_t address : x) {

		auto i = std::upper_bound(y.begin(), y.end(), address);

		if (((i != y.end()) && (*i < address + a.element()))
		    || ((i != y.begin()) && (address < *(i - 1) + b.element())))
			return true;
	}

	return false;
}


static void check_no_alias(const execution_s& e, const tensor_s& out)
{
	const char* ptr = e.pointers.at(out.uid);

	for (auto& i : e.graph->tensors)
		if ((i.first != out.uid) && !i.second.is_virtual && overlap(out, ptr, i.second, e.pointers.at(i.first)))
			violation("cuDNN writes tensor %ld to memory of tensor %ld", (long)out.uid, (long)i.first);
}


static cudnnStatus_t check_tensor(const execution_s& e, const tensor_s& t)
{
	auto i = e.pointers.find(t.uid);

	if ((i == e.pointers.end()) || (nullptr == i->second))
		return complain(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "the variant pack has no tensor %ld", (long)t.uid);

	if (0 != (uintptr_t)i->second % (uintptr_t)t.alignment)
		return complain(CUDNN_STATUS_BAD_PARAM_MISALIGNED_POINTER, "tensor %ld is not aligned to %ld bytes", (long)t.uid, (long)t.alignment);

	if (!on_device(i->second, t.extent()))
		violation("tensor %ld of cuDNN (%zu bytes) is not on the device, or not all of it", (long)t.uid, t.extent());

	return CUDNN_STATUS_SUCCESS;
}


static cudnnStatus_t check_workspace(const execution_s& e)
{
	if (0 == e.workspace_size)
		return CUDNN_STATUS_SUCCESS;

	if (nullptr == e.workspace)
		return complain(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "the plan needs a workspace");

	if (0 != (uintptr_t)e.workspace % 16)
		return complain(CUDNN_STATUS_BAD_PARAM_MISALIGNED_POINTER, "the workspace is not aligned to 16 bytes");

	if (!on_device(e.workspace, e.workspace_size))
		violation("cuDNN's workspace (%zu bytes) is not on the device, or not all of it", e.workspace_size);

	for (auto& i : e.graph->tensors)
		if (!i.second.is_virtual && ranges_overlap(e.workspace, e.workspace_size, e.pointers.at(i.first), i.second.extent()))
			violation("cuDNN's workspace overlaps tensor %ld", (long)i.first);

	return CUDNN_STATUS_SUCCESS;
}


cudnnStatus_t check_execution(const execution_s& e)
{
	for (auto& i : e.graph->tensors)
		if (!i.second.is_virtual)
			if (cudnnStatus_t status = check_tensor(e, i.second))
				return status;

	for (auto& i : e.pointers)
		if (0 == e.graph->tensors.count(i.first))
			return complain(CUDNN_STATUS_BAD_PARAM, "the graph has no tensor %ld", (long)i.first);

	for (const operation_s& op : e.graph->operations)
		if (!op.out.is_virtual)
			check_no_alias(e, op.out);

	return check_workspace(e);
}


static execution_s make_execution(const descriptor_s& plan, const descriptor_s& pack)
{
	execution_s e = { };

	auto uids = pack.get<int64_t>(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS);
	auto pointers = pack.get<char*>(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS);

	for (size_t i = 0; i < uids.size(); i++)
		e.pointers[uids[i]] = pointers[i];

	e.graph = plan.graph;
	e.engine = plan.engine;
	e.workspace = pack.one<char*>(CUDNN_ATTR_VARIANT_PACK_WORKSPACE);
	e.workspace_size = plan.workspace;

	return e;
}

}

using namespace emulated;


extern "C" cudnnStatus_t cudnnBackendExecute(cudnnHandle_t handle, cudnnBackendDescriptor_t plan_, cudnnBackendDescriptor_t pack_)
{
	Lock l(lock);

	DescriptorPtr plan = find_descriptor(plan_);
	DescriptorPtr pack = find_descriptor(pack_);

	if (!handle_alive(handle))
		return complain(CUDNN_STATUS_BAD_PARAM, "no handle");

	if ((nullptr == plan) || (CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR != plan->type)
	    || (nullptr == pack) || (CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR != pack->type))
		return complain(CUDNN_STATUS_BAD_PARAM_DESCRIPTOR_TYPE, "a plan and a variant pack are needed");

	if (!plan->finalized || !pack->finalized)
		return complain(CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED, "plan and variant pack must be finalized");

	if (plan->handle != handle)
		return complain(CUDNN_STATUS_BAD_PARAM, "the plan was made with another handle");

	check_alive(*plan);

	execution_s e = make_execution(*plan, *pack);

	if (cudnnStatus_t status = check_execution(e))
		return status;

	cudaError_t error = enqueue(handle_stream(handle), "cuDNN", [e]() { compute(e); });

	return (cudaSuccess == error) ? CUDNN_STATUS_SUCCESS : complain(CUDNN_STATUS_EXECUTION_FAILED, "%s", cudaGetErrorString(error));
}
