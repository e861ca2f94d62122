/*
 * cuDNN's descriptors as this emulation sees them: what a finalized one stands for.
 */
#ifndef _EMULATED_CUDNN_GRAPH_H
#define _EMULATED_CUDNN_GRAPH_H

#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <vector>

#include <cudnn.h>

#include "device.h"

namespace emulated {

struct tensor_s {

	int64_t uid;
	cudnnDataType_t type;
	int64_t alignment;
	bool is_virtual;
	std::vector<int64_t> dims;
	std::vector<int64_t> strides;

	size_t element() const { return (CUDNN_DATA_BFLOAT16 == type) ? 2 : 4; }
	int64_t size() const;		// elements
	size_t extent() const;		// bytes from the first to the last
	bool operator==(const tensor_s& o) const;
};

struct convolution_s {

	int64_t spatial;
	bool flipped;		// a true convolution, no correlation
	std::vector<int64_t> pre;
	std::vector<int64_t> post;
	std::vector<int64_t> strides;
	std::vector<int64_t> dilations;
};

enum class Kind { FORWARD, BACKWARD_DATA, BACKWARD_FILTER, POINTWISE, REDUCTION };

/* in: forward x, w; backward data dy, w; backward filter x, dy; pointwise x, b, or
 * dy, x for RELU_BWD
 */
struct operation_s {

	Kind kind;
	std::vector<tensor_s> in;
	tensor_s out;

	convolution_s conv;
	float alpha;
	float beta;

	cudnnPointwiseMode_t mode;
	double lower;
	double upper;

	bool is_conv() const { return (Kind::POINTWISE != kind) && (Kind::REDUCTION != kind); }
};

struct graph_s {

	std::vector<operation_s> operations;	// each after those whose results it reads
	std::map<int64_t, tensor_s> tensors;

	const operation_s* conv() const;	// NULL if there is none
};

enum engine { ENGINE_REFUSED, ENGINE_TENSOR_CORE, ENGINE_NONDETERMINISTIC, ENGINE_PLAIN, ENGINES };

// SUCCESS, or why the engine cannot compute it
extern cudnnStatus_t engine_supports(int64_t engine, const graph_s& graph);
extern std::vector<int64_t> heuristics(cudnnBackendHeurMode_t mode, const graph_s& graph);
extern std::vector<int32_t> numerical_notes(int64_t engine);
extern std::vector<int32_t> behavior_notes(int64_t engine, const graph_s& graph);
extern size_t workspace_size(int64_t engine, const graph_s& graph);


// --- descriptors

struct value_s {

	cudnnBackendAttributeType_t type;
	int64_t count;
	std::vector<char> bytes;
};

struct descriptor_s;
typedef std::shared_ptr<descriptor_s> DescriptorPtr;

struct descriptor_s {

	cudnnBackendDescriptorType_t type;
	bool finalized = false;
	bool destroyed = false;

	std::map<int, value_s> values;
	std::map<int, std::vector<DescriptorPtr>> children;

	// what it stands for, by its type
	tensor_s tensor;
	convolution_s conv;
	operation_s operation;
	std::shared_ptr<graph_s> graph;
	cudnnHandle_t handle = nullptr;
	int64_t engine = -1;
	size_t workspace = 0;
	std::vector<int64_t> configs;

	template <typename T>
	std::vector<T> get(cudnnBackendAttributeName_t name) const
	{
		auto i = values.find(name);

		if (i == values.end())
			return { };

		std::vector<T> v((size_t)i->second.count);

		memcpy(v.data(), i->second.bytes.data(), v.size() * sizeof(T));

		return v;
	}

	template <typename T>
	T one(cudnnBackendAttributeName_t name, T otherwise = T()) const
	{
		auto i = values.find(name);

		if (i != values.end())
			memcpy(&otherwise, i->second.bytes.data(), sizeof(T));

		return otherwise;
	}

	DescriptorPtr child(cudnnBackendAttributeName_t name) const
	{
		auto i = children.find(name);

		return (i == children.end()) ? nullptr : i->second[0];
	}
};

enum Use { REQUIRED, OPTIONAL, RESULT };

struct attribute_s {

	cudnnBackendDescriptorType_t descriptor;
	cudnnBackendAttributeName_t name;
	cudnnBackendAttributeType_t type;
	int64_t least;
	int64_t most;
	Use use;
};

// NULL if this descriptor has none of this name
extern const attribute_s* find_attribute(cudnnBackendDescriptorType_t descriptor, cudnnBackendAttributeName_t name);
extern const char* attribute_name(cudnnBackendAttributeName_t name);
extern const char* missing_attribute(const descriptor_s& d);
extern size_t element_size(cudnnBackendAttributeType_t type);

// descriptors that a finalized one was made of must not be destroyed before it
extern void check_alive(const descriptor_s& d);

// make of the attributes what the descriptor stands for; the second one for tensors and operations
extern cudnnStatus_t build(descriptor_s& d);
extern cudnnStatus_t build_operation(descriptor_s& d);

// a message for cudnnGetLastErrorString; returns status
extern cudnnStatus_t complain(cudnnStatus_t status, const char* format, ...) __attribute__((format(printf, 2, 3)));

extern DescriptorPtr find_descriptor(cudnnBackendDescriptor_t d);


// --- running

struct execution_s {

	std::shared_ptr<graph_s> graph;
	int64_t engine;
	std::map<int64_t, char*> pointers;
	char* workspace;
	size_t workspace_size;
};

// what no GPU would tell: memory that is not there, too short, or aliased
extern cudnnStatus_t check_execution(const execution_s& e);
extern void compute(const execution_s& e);

extern bool handle_alive(cudnnHandle_t handle);
extern cudaStream_t handle_stream(cudnnHandle_t handle);

}

#endif		// _EMULATED_CUDNN_GRAPH_H
