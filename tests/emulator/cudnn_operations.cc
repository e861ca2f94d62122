/*
 * What is checked when cuDNN's descriptors of tensors and operations are finalized:
 * types, and sizes that have to agree.
 */

#include <algorithm>
#include <limits>

#include "cudnn_graph.h"

namespace emulated {

int64_t tensor_s::size() const
{
	int64_t n = 1;

	for (int64_t d : dims)
		n *= d;

	return n;
}


size_t tensor_s::extent() const
{
	int64_t last = 0;

	for (size_t i = 0; i < dims.size(); i++)
		last += (dims[i] - 1) * strides[i];

	return (size_t)(last + 1) * element();
}


bool tensor_s::operator==(const tensor_s& o) const
{
	return (uid == o.uid) && (type == o.type) && (alignment == o.alignment) && (is_virtual == o.is_virtual)
		&& (dims == o.dims) && (strides == o.strides);
}


static bool power_of_two(int64_t n)
{
	return (0 < n) && (0 == (n & (n - 1)));
}


static cudnnStatus_t build_tensor(descriptor_s& d)
{
	tensor_s t;

	t.uid = d.one<int64_t>(CUDNN_ATTR_TENSOR_UNIQUE_ID);
	t.type = d.one<cudnnDataType_t>(CUDNN_ATTR_TENSOR_DATA_TYPE);
	t.alignment = d.one<int64_t>(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT);
	t.is_virtual = d.one<bool>(CUDNN_ATTR_TENSOR_IS_VIRTUAL, false);
	t.dims = d.get<int64_t>(CUDNN_ATTR_TENSOR_DIMENSIONS);
	t.strides = d.get<int64_t>(CUDNN_ATTR_TENSOR_STRIDES);

	if ((CUDNN_DATA_FLOAT != t.type) && (CUDNN_DATA_BFLOAT16 != t.type))
		return complain(CUDNN_STATUS_NOT_SUPPORTED_DATA_TYPE, "a tensor of type %d (this emulation has float and bfloat16)", (int)t.type);

	if (t.dims.size() != t.strides.size())
		return complain(CUDNN_STATUS_BAD_PARAM, "a tensor has %zu sizes, but %zu strides", t.dims.size(), t.strides.size());

	for (size_t i = 0; i < t.dims.size(); i++)
		if ((1 > t.dims[i]) || (1 > t.strides[i]))
			return complain(CUDNN_STATUS_BAD_PARAM, "size %ld or stride %ld of a tensor is not positive", (long)t.dims[i], (long)t.strides[i]);

	if (!power_of_two(t.alignment) || (t.alignment < (int64_t)t.element()))
		return complain(CUDNN_STATUS_BAD_PARAM, "a tensor's alignment is %ld", (long)t.alignment);

	d.tensor = t;

	return CUDNN_STATUS_SUCCESS;
}


static cudnnStatus_t build_convolution(descriptor_s& d)
{
	convolution_s c;

	c.spatial = d.one<int64_t>(CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS);
	c.flipped = (CUDNN_CONVOLUTION == d.one<cudnnConvolutionMode_t>(CUDNN_ATTR_CONVOLUTION_CONV_MODE));
	c.pre = d.get<int64_t>(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS);
	c.post = d.get<int64_t>(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS);
	c.strides = d.get<int64_t>(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES);
	c.dilations = d.get<int64_t>(CUDNN_ATTR_CONVOLUTION_DILATIONS);

	if ((1 > c.spatial) || (3 < c.spatial))
		return complain(CUDNN_STATUS_BAD_PARAM, "a convolution in %ld dimensions", (long)c.spatial);

	for (const auto* v : { &c.pre, &c.post, &c.strides, &c.dilations })
		if ((int64_t)v->size() != c.spatial)
			return complain(CUDNN_STATUS_BAD_PARAM, "a convolution in %ld dimensions with %zu paddings, strides or dilations", (long)c.spatial, v->size());

	for (size_t i = 0; i < c.pre.size(); i++)
		if ((0 > c.pre[i]) || (0 > c.post[i]) || (1 > c.strides[i]) || (1 > c.dilations[i]))
			return complain(CUDNN_STATUS_BAD_PARAM, "a padding, stride or dilation of a convolution is wrong");

	if (CUDNN_DATA_FLOAT != d.one<cudnnDataType_t>(CUDNN_ATTR_CONVOLUTION_COMP_TYPE))
		return complain(CUDNN_STATUS_NOT_SUPPORTED_DATA_TYPE, "a convolution is computed in float only");

	d.conv = c;

	return CUDNN_STATUS_SUCCESS;
}


static const tensor_s& tensor_of(const descriptor_s& d, cudnnBackendAttributeName_t name)
{
	return d.child(name)->tensor;
}


static cudnnStatus_t check_kinds(const descriptor_s& d, cudnnBackendDescriptorType_t description,
		std::initializer_list<cudnnBackendAttributeName_t> tensors, cudnnBackendAttributeName_t descriptor)
{
	for (auto name : tensors)
		if (CUDNN_BACKEND_TENSOR_DESCRIPTOR != d.child(name)->type)
			return complain(CUDNN_STATUS_BAD_PARAM_DESCRIPTOR_TYPE, "an operation was given another descriptor than a tensor's");

	if (description != d.child(descriptor)->type)
		return complain(CUDNN_STATUS_BAD_PARAM_DESCRIPTOR_TYPE, "an operation was given another descriptor than its own");

	return CUDNN_STATUS_SUCCESS;
}


// x, w, y as of the forward convolution
static cudnnStatus_t check_sizes(const convolution_s& c, const tensor_s& x, const tensor_s& w, const tensor_s& y)
{
	size_t rank = (size_t)c.spatial + 2;

	if ((rank != x.dims.size()) || (rank != w.dims.size()) || (rank != y.dims.size()))
		return complain(CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH, "a convolution's tensors must have %zu dimensions", rank);

	if ((x.dims[0] != y.dims[0]) || (x.dims[1] != w.dims[1]) || (y.dims[1] != w.dims[0]))
		return complain(CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH, "batch or channels of a convolution do not agree (this emulation has no groups)");

	for (size_t i = 0; i < (size_t)c.spatial; i++) {

		int64_t kernel = (w.dims[2 + i] - 1) * c.dilations[i] + 1;
		int64_t room = x.dims[2 + i] + c.pre[i] + c.post[i] - kernel;

		if ((0 > room) || (room / c.strides[i] + 1 != y.dims[2 + i]))
			return complain(CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH, "a convolution of %ld + %ld + %ld by %ld does not give %ld",
					(long)x.dims[2 + i], (long)c.pre[i], (long)c.post[i], (long)kernel, (long)y.dims[2 + i]);
	}

	return CUDNN_STATUS_SUCCESS;
}


struct names_s { Kind kind; cudnnBackendAttributeName_t in[2], out, conv, alpha, beta; };

static const names_s FORWARD = { Kind::FORWARD, { CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X,
	CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W }, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y,
	CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA,
	CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA };

static const names_s BACKWARD_DATA = { Kind::BACKWARD_DATA, { CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY,
	CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W }, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX,
	CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA,
	CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA };

static const names_s BACKWARD_FILTER = { Kind::BACKWARD_FILTER, { CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X,
	CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY }, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW,
	CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA,
	CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA };


static cudnnStatus_t build_conv_operation(descriptor_s& d, const names_s& n)
{
	if (cudnnStatus_t status = check_kinds(d, CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR, { n.in[0], n.in[1], n.out }, n.conv))
		return status;

	operation_s op = { };

	op.kind = n.kind;
	op.in = { tensor_of(d, n.in[0]), tensor_of(d, n.in[1]) };
	op.out = tensor_of(d, n.out);
	op.conv = d.child(n.conv)->conv;
	op.alpha = d.one<float>(n.alpha);
	op.beta = d.one<float>(n.beta);

	d.operation = op;

	switch (n.kind) {

	case Kind::FORWARD: return check_sizes(op.conv, op.in[0], op.in[1], op.out);
	case Kind::BACKWARD_DATA: return check_sizes(op.conv, op.out, op.in[1], op.in[0]);
	default: return check_sizes(op.conv, op.in[0], op.out, op.in[1]);
	}
}


static cudnnStatus_t check_broadcast(const operation_s& op)
{
	for (size_t i = 0; i < op.out.dims.size(); i++) {

		int64_t most = 1;

		for (const tensor_s& t : op.in) {

			if (t.dims.size() != op.out.dims.size())
				return complain(CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH, "a pointwise operation's tensors differ in their number of dimensions");

			if ((1 != t.dims[i]) && (op.out.dims[i] != t.dims[i]))
				return complain(CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH, "a pointwise operation's sizes %ld and %ld", (long)t.dims[i], (long)op.out.dims[i]);

			most = std::max(most, t.dims[i]);
		}

		if (most != op.out.dims[i])
			return complain(CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH, "a pointwise operation's output is larger than its inputs");
	}

	return CUDNN_STATUS_SUCCESS;
}


static cudnnStatus_t build_pointwise_operation(descriptor_s& d)
{
	typedef std::vector<cudnnBackendAttributeName_t> Names;

	const auto X = CUDNN_ATTR_OPERATION_POINTWISE_XDESC;
	const auto B = CUDNN_ATTR_OPERATION_POINTWISE_BDESC;
	const auto Y = CUDNN_ATTR_OPERATION_POINTWISE_YDESC;
	const auto DX = CUDNN_ATTR_OPERATION_POINTWISE_DXDESC;
	const auto DY = CUDNN_ATTR_OPERATION_POINTWISE_DYDESC;

	if (CUDNN_BACKEND_POINTWISE_DESCRIPTOR != d.child(CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR)->type)
		return complain(CUDNN_STATUS_BAD_PARAM_DESCRIPTOR_TYPE, "a pointwise operation was given another descriptor than its own");

	const descriptor_s& pw = *d.child(CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR);
	operation_s op = { };

	op.kind = Kind::POINTWISE;
	op.mode = pw.one<cudnnPointwiseMode_t>(CUDNN_ATTR_POINTWISE_MODE);
	op.lower = pw.one<double>(CUDNN_ATTR_POINTWISE_RELU_LOWER_CLIP, 0.);
	op.upper = pw.one<double>(CUDNN_ATTR_POINTWISE_RELU_UPPER_CLIP, std::numeric_limits<double>::infinity());

	bool backward = (CUDNN_POINTWISE_RELU_BWD == op.mode);
	bool two = (CUDNN_POINTWISE_ADD == op.mode) || (CUDNN_POINTWISE_MUL == op.mode);

	Names in = backward ? Names{ DY, X } : two ? Names{ X, B } : Names{ X };
	auto out = backward ? DX : Y;

	for (auto name : { X, B, Y, DX, DY }) {

		bool wanted = (out == name) || (0 < std::count(in.begin(), in.end(), name));

		if (wanted != (nullptr != d.child(name)))
			return complain(CUDNN_STATUS_BAD_PARAM, "a pointwise operation (mode %d) %s attribute %d", (int)op.mode, wanted ? "lacks" : "has no", (int)name);

		if (wanted && (CUDNN_BACKEND_TENSOR_DESCRIPTOR != d.child(name)->type))
			return complain(CUDNN_STATUS_BAD_PARAM_DESCRIPTOR_TYPE, "a pointwise operation was given another descriptor than a tensor's");
	}

	for (auto name : in)
		op.in.push_back(tensor_of(d, name));

	op.out = tensor_of(d, out);

	d.operation = op;

	return check_broadcast(op);
}


static cudnnStatus_t build_reduction_operation(descriptor_s& d)
{
	const auto X = CUDNN_ATTR_OPERATION_REDUCTION_XDESC;
	const auto Y = CUDNN_ATTR_OPERATION_REDUCTION_YDESC;

	if (cudnnStatus_t status = check_kinds(d, CUDNN_BACKEND_REDUCTION_DESCRIPTOR, { X, Y }, CUDNN_ATTR_OPERATION_REDUCTION_DESC))
		return status;

	operation_s op = { };

	op.kind = Kind::REDUCTION;
	op.in = { tensor_of(d, X) };
	op.out = tensor_of(d, Y);

	if (op.in[0].dims.size() != op.out.dims.size())
		return complain(CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH, "a reduction's tensors differ in their number of dimensions");

	for (size_t i = 0; i < op.out.dims.size(); i++)
		if ((1 != op.out.dims[i]) && (op.in[0].dims[i] != op.out.dims[i]))
			return complain(CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH, "a reduction of %ld to %ld", (long)op.in[0].dims[i], (long)op.out.dims[i]);

	if (CUDNN_DATA_FLOAT != d.child(CUDNN_ATTR_OPERATION_REDUCTION_DESC)->one<cudnnDataType_t>(CUDNN_ATTR_REDUCTION_COMP_TYPE))
		return complain(CUDNN_STATUS_NOT_SUPPORTED_DATA_TYPE, "a reduction is computed in float only");

	d.operation = op;

	return CUDNN_STATUS_SUCCESS;
}


cudnnStatus_t build_operation(descriptor_s& d)
{
	switch (d.type) {

	case CUDNN_BACKEND_TENSOR_DESCRIPTOR: return build_tensor(d);
	case CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR: return build_convolution(d);
	case CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR: return build_conv_operation(d, FORWARD);
	case CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR: return build_conv_operation(d, BACKWARD_DATA);
	case CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR: return build_conv_operation(d, BACKWARD_FILTER);
	case CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR: return build_pointwise_operation(d);
	case CUDNN_BACKEND_OPERATION_REDUCTION_DESCRIPTOR: return build_reduction_operation(d);
	case CUDNN_BACKEND_POINTWISE_DESCRIPTOR:
	case CUDNN_BACKEND_REDUCTION_DESCRIPTOR: return CUDNN_STATUS_SUCCESS;

	default: return complain(CUDNN_STATUS_NOT_SUPPORTED, "this descriptor is not emulated");
	}
}

}
