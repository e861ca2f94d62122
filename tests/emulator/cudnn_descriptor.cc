/*
 * cuDNN's handles and descriptors: setting attributes and asking for them.
 */

#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <set>

#include "cudnn_graph.h"

struct cudnnContext { cudaStream_t stream; };

namespace emulated {

// --- errors

static char last_message[512];

cudnnStatus_t complain(cudnnStatus_t status, const char* format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(last_message, sizeof(last_message), format, args);
	va_end(args);

	return status;
}


// --- handles, descriptors

static std::set<cudnnHandle_t> handles;
static std::map<cudnnBackendDescriptor_t, DescriptorPtr> descriptors;


bool handle_alive(cudnnHandle_t handle)
{
	return 0 < handles.count(handle);
}


cudaStream_t handle_stream(cudnnHandle_t handle)
{
	return handle->stream;
}


DescriptorPtr find_descriptor(cudnnBackendDescriptor_t d)
{
	auto i = descriptors.find(d);

	return (i == descriptors.end()) ? nullptr : i->second;
}


void check_alive(const descriptor_s& d)
{
	if (d.destroyed)
		violation("a cuDNN descriptor (type %d) is used after it was destroyed", (int)d.type);

	for (auto& list : d.children)
		for (auto& child : list.second)
			check_alive(*child);
}


static cudnnStatus_t finalize(descriptor_s& d)
{
	if (d.finalized)
		return complain(CUDNN_STATUS_BAD_PARAM, "a descriptor is finalized twice");

	if (const char* name = missing_attribute(d))
		return complain(CUDNN_STATUS_BAD_PARAM, "%s is missing", name);

	check_alive(d);

	cudnnStatus_t status = build(d);

	d.finalized = (CUDNN_STATUS_SUCCESS == status);

	return status;
}


static cudnnStatus_t set_children(descriptor_s& d, cudnnBackendAttributeName_t name, int64_t count, const void* elements)
{
	std::vector<DescriptorPtr> list;

	for (int64_t i = 0; i < count; i++) {

		DescriptorPtr child = find_descriptor(((const cudnnBackendDescriptor_t*)elements)[i]);

		if (nullptr == child)
			return complain(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "%s is no descriptor", attribute_name(name));

		if (!child->finalized)
			return complain(CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED, "%s is not finalized", attribute_name(name));

		list.push_back(child);
	}

	d.children[name] = list;

	return CUDNN_STATUS_SUCCESS;
}


static cudnnStatus_t set(descriptor_s& d, cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type,
		int64_t count, const void* elements)
{
	const attribute_s* a = find_attribute(d.type, name);

	if ((nullptr == a) || (RESULT == a->use))
		return complain(CUDNN_STATUS_BAD_PARAM, "%s cannot be set here", attribute_name(name));

	if (type != a->type)
		return complain(CUDNN_STATUS_BAD_PARAM_ATTRIBUTE_TYPE, "%s has another type", attribute_name(name));

	if ((count < a->least) || (count > a->most))
		return complain(CUDNN_STATUS_BAD_PARAM, "%s has %ld elements", attribute_name(name), (long)count);

	if (nullptr == elements)
		return complain(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "%s is NULL", attribute_name(name));

	if (d.finalized)
		return complain(CUDNN_STATUS_BAD_PARAM, "%s is set after finalization", attribute_name(name));

	if (CUDNN_TYPE_BACKEND_DESCRIPTOR == type)
		if (cudnnStatus_t status = set_children(d, name, count, elements))
			return status;

	const char* first = (const char*)elements;

	d.values[name] = value_s{ type, count, std::vector<char>(first, first + (size_t)count * element_size(type)) };

	return CUDNN_STATUS_SUCCESS;
}


// --- what can be asked for

// a new descriptor that its user has created becomes one of ours
static void become(DescriptorPtr& target, cudnnBackendDescriptorType_t type, const DescriptorPtr& graph, int64_t engine)
{
	target->type = type;
	target->graph = graph->graph;
	target->engine = engine;
	target->finalized = true;
	target->children[-1] = { graph };
}


static cudnnStatus_t give_descriptors(cudnnBackendDescriptorType_t type, const DescriptorPtr& graph,
		const std::vector<int64_t>& engines, int64_t requested, int64_t* count, void* elements)
{
	*count = 0;

	for (int64_t engine : engines) {

		if (requested == *count)
			break;

		DescriptorPtr target = find_descriptor(((cudnnBackendDescriptor_t*)elements)[*count]);

		if ((nullptr == target) || (type != target->type) || target->finalized)
			return complain(CUDNN_STATUS_BAD_PARAM, "results need new descriptors of their type");

		become(target, type, graph, engine);
		++*count;
	}

	return CUDNN_STATUS_SUCCESS;
}


template <typename T>
static cudnnStatus_t give(const std::vector<T>& values, int64_t requested, int64_t* count, void* elements)
{
	*count = (int64_t)values.size();

	for (int64_t i = 0; (i < requested) && (i < *count); i++)
		((T*)elements)[i] = values[(size_t)i];

	return CUDNN_STATUS_SUCCESS;
}


static DescriptorPtr graph_of(const descriptor_s& d)
{
	for (auto name : { CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, CUDNN_ATTR_ENGINE_OPERATION_GRAPH })
		if (DescriptorPtr graph = d.child(name))
			return graph;

	if (DescriptorPtr engine = d.child(CUDNN_ATTR_ENGINECFG_ENGINE))
		return graph_of(*engine);

	auto i = d.children.find(-1);

	return (i == d.children.end()) ? nullptr : i->second[0];
}


static cudnnStatus_t get(const descriptor_s& d, cudnnBackendAttributeName_t name,
		int64_t requested, int64_t* count, void* elements)
{
	switch (name) {

	case CUDNN_ATTR_ENGINEHEUR_RESULTS:

		// as cuDNN: the first answer is how many there may be, the second how many there are
		if (0 == requested) {

			*count = (int64_t)d.configs.size() + 3;
			return CUDNN_STATUS_SUCCESS;
		}

		return give_descriptors(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR, graph_of(d), d.configs, requested, count, elements);

	case CUDNN_ATTR_ENGINECFG_ENGINE:
		return give_descriptors(CUDNN_BACKEND_ENGINE_DESCRIPTOR, graph_of(d), { d.engine }, requested, count, elements);

	case CUDNN_ATTR_ENGINE_GLOBAL_INDEX: return give<int64_t>({ d.engine }, requested, count, elements);
	case CUDNN_ATTR_ENGINE_NUMERICAL_NOTE: return give(numerical_notes(d.engine), requested, count, elements);
	case CUDNN_ATTR_ENGINE_BEHAVIOR_NOTE: return give(behavior_notes(d.engine, *d.graph), requested, count, elements);
	case CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE: return give<int64_t>({ (int64_t)d.workspace }, requested, count, elements);
	case CUDNN_ATTR_OPERATIONGRAPH_ENGINE_GLOBAL_COUNT: return give<int64_t>({ ENGINES }, requested, count, elements);

	default: return complain(CUDNN_STATUS_NOT_SUPPORTED, "%s cannot be asked for here", attribute_name(name));
	}
}

}

using namespace emulated;


extern "C" cudnnStatus_t cudnnCreate(cudnnHandle_t* handle)
{
	Lock l(lock);

	if (0 == settings().devices)
		return complain(CUDNN_STATUS_NOT_INITIALIZED, "no device");

	if (cudaSuccess != forbidden_in_capture())
		return complain(CUDNN_STATUS_INTERNAL_ERROR, "cudnnCreate while recording");

	*handle = new cudnnContext{ nullptr };
	handles.insert(*handle);

	return CUDNN_STATUS_SUCCESS;
}


extern "C" cudnnStatus_t cudnnDestroy(cudnnHandle_t handle)
{
	Lock l(lock);

	if (0 == handles.erase(handle))
		return complain(CUDNN_STATUS_BAD_PARAM, "no handle");

	delete handle;

	return CUDNN_STATUS_SUCCESS;
}


extern "C" cudnnStatus_t cudnnSetStream(cudnnHandle_t handle, cudaStream_t stream)
{
	Lock l(lock);

	if (!handle_alive(handle))
		return complain(CUDNN_STATUS_BAD_PARAM, "no handle");

	handle->stream = stream;

	return CUDNN_STATUS_SUCCESS;
}


extern "C" size_t cudnnGetVersion(void)
{
	return CUDNN_VERSION;
}


extern "C" const char* cudnnGetErrorString(cudnnStatus_t status)
{
	switch (status) {

#define STATUS(name, value) case name: return #name;
	CUDNN_STATUSES(STATUS)
	}

	return "an unknown status";
}


extern "C" void cudnnGetLastErrorString(char* message, size_t size)
{
	Lock l(lock);

	snprintf(message, size, "%s", last_message);

	last_message[0] = '\0';
}


extern "C" cudnnStatus_t cudnnBackendCreateDescriptor(cudnnBackendDescriptorType_t type, cudnnBackendDescriptor_t* descriptor)
{
	Lock l(lock);

	auto d = std::make_shared<descriptor_s>();

	d->type = type;

	*descriptor = d.get();
	descriptors[*descriptor] = d;

	return CUDNN_STATUS_SUCCESS;
}


extern "C" cudnnStatus_t cudnnBackendDestroyDescriptor(cudnnBackendDescriptor_t descriptor)
{
	Lock l(lock);

	DescriptorPtr d = find_descriptor(descriptor);

	if (nullptr == d)
		return complain(CUDNN_STATUS_BAD_PARAM, "no descriptor is destroyed");

	d->destroyed = true;
	descriptors.erase(descriptor);

	return CUDNN_STATUS_SUCCESS;
}


extern "C" cudnnStatus_t cudnnBackendFinalize(cudnnBackendDescriptor_t descriptor)
{
	Lock l(lock);

	DescriptorPtr d = find_descriptor(descriptor);

	return (nullptr != d) ? finalize(*d) : complain(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "no descriptor is finalized");
}


extern "C" cudnnStatus_t cudnnBackendSetAttribute(cudnnBackendDescriptor_t descriptor, cudnnBackendAttributeName_t name,
		cudnnBackendAttributeType_t type, int64_t count, const void* elements)
{
	Lock l(lock);

	DescriptorPtr d = find_descriptor(descriptor);

	return (nullptr != d) ? set(*d, name, type, count, elements)
			: complain(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "%s of no descriptor", attribute_name(name));
}


extern "C" cudnnStatus_t cudnnBackendGetAttribute(cudnnBackendDescriptor_t descriptor, cudnnBackendAttributeName_t name,
		cudnnBackendAttributeType_t type, int64_t requested, int64_t* count, void* elements)
{
	Lock l(lock);

	DescriptorPtr d = find_descriptor(descriptor);
	int64_t ignored;

	if ((nullptr == d) || !d->finalized)
		return complain(CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED, "%s is asked of no finalized descriptor", attribute_name(name));

	const attribute_s* a = find_attribute(d->type, name);

	if ((nullptr == a) || (type != a->type))
		return complain(CUDNN_STATUS_BAD_PARAM_ATTRIBUTE_TYPE, "%s has another type, or is another descriptor's", attribute_name(name));

	if ((0 > requested) || ((0 < requested) && (nullptr == elements)))
		return complain(CUDNN_STATUS_BAD_PARAM, "%s has no place to go", attribute_name(name));

	return get(*d, name, requested, (nullptr != count) ? count : &ignored, elements);
}
