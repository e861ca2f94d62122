#ifdef GLEAM_GPU

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include <cudnn.h>

#include "misc/misc.h"

#include "nn/backend.h"
#include "nn/cudnn_graph.h"

#include "nn/cudnn_desc.h"

#define TENSOR_DIMS 5		// batch, channel, Z, Y, X; two-dimensional ones do without Z


void nn_cudnn_check(cudnnStatus_t status, const char* call, const char* file, int line)
{
	if (CUDNN_STATUS_SUCCESS == status)
		return;

	char why[1024] = "";
	cudnnGetLastErrorString(why, sizeof(why));

	error("%s failed: %s %s (%s:%d)\n", call, cudnnGetErrorString(status), why, file, line);
}


cudnnBackendDescriptor_t nn_desc_new(cudnnBackendDescriptorType_t type)
{
	cudnnBackendDescriptor_t d;

	CUDNN_CHECK(cudnnBackendCreateDescriptor(type, &d));

	return d;
}


void nn_desc_set(cudnnBackendDescriptor_t d, cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type,
		int64_t count, const void* val)
{
	CUDNN_CHECK(cudnnBackendSetAttribute(d, name, type, count, val));
}


void nn_desc_set_one(cudnnBackendDescriptor_t d, cudnnBackendAttributeName_t name, cudnnBackendDescriptor_t val)
{
	nn_desc_set(d, name, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &val);
}


static cudnnBackendDescriptor_t desc_part(struct nn_desc_s* desc, cudnnBackendDescriptorType_t type)
{
	assert(desc->N < (int)ARRAY_SIZE(desc->all));

	return desc->all[desc->N++] = nn_desc_new(type);
}


void nn_desc_free(struct nn_desc_s* desc)
{
	while (0 < desc->N)
		CUDNN_CHECK(cudnnBackendDestroyDescriptor(desc->all[--desc->N]));
}


static void set_int(cudnnBackendDescriptor_t d, cudnnBackendAttributeName_t name, int64_t val)
{
	nn_desc_set(d, name, CUDNN_TYPE_INT64, 1, &val);
}


static void set_float(cudnnBackendDescriptor_t d, cudnnBackendAttributeName_t name, float val)
{
	nn_desc_set(d, name, CUDNN_TYPE_FLOAT, 1, &val);
}


// --- tensors

struct tensor_s {

	int64_t uid;
	enum nn_type type;
	bool is_virtual;
	int64_t dims[TENSOR_DIMS];
};


// what is not spatial goes first, the third dimension only if there is one
static int shorten(int spatial, int64_t dst[TENSOR_DIMS], const int64_t src[TENSOR_DIMS])
{
	int n = 0;

	for (int i = 0; i < TENSOR_DIMS; i++)
		if ((2 != i) || (3 == spatial))
			dst[n++] = src[i];

	return n;
}


static cudnnBackendDescriptor_t tensor(struct nn_desc_s* desc, int spatial, const struct tensor_s* t)
{
	const int64_t* n = t->dims;
	int64_t all[TENSOR_DIMS] = { n[1] * n[4] * n[3] * n[2], 1, n[1] * n[4] * n[3], n[1] * n[4], n[1] };

	int64_t dims[TENSOR_DIMS];
	int64_t strs[TENSOR_DIMS];

	int count = shorten(spatial, dims, n);
	shorten(spatial, strs, all);

	cudnnDataType_t type = (NN_BFLOAT16 == t->type) ? CUDNN_DATA_BFLOAT16 : CUDNN_DATA_FLOAT;

	cudnnBackendDescriptor_t d = desc_part(desc, CUDNN_BACKEND_TENSOR_DESCRIPTOR);

	set_int(d, CUDNN_ATTR_TENSOR_UNIQUE_ID, t->uid);
	set_int(d, CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, 16);
	nn_desc_set(d, CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &type);
	nn_desc_set(d, CUDNN_ATTR_TENSOR_IS_VIRTUAL, CUDNN_TYPE_BOOLEAN, 1, &t->is_virtual);
	nn_desc_set(d, CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, count, dims);
	nn_desc_set(d, CUDNN_ATTR_TENSOR_STRIDES, CUDNN_TYPE_INT64, count, strs);

	CUDNN_CHECK(cudnnBackendFinalize(d));

	return d;
}


// what lies between two operations is virtual and fp32
static cudnnBackendDescriptor_t pixels(struct nn_desc_s* desc, const struct nn_graph_conf_s* conf, int64_t uid, long channels)
{
	long Z = (3 == conf->spatial) ? conf->dims[2] : 1;

	struct tensor_s t = {

		.uid = uid,
		.type = (NN_UID_VIRTUAL <= uid) ? NN_FLOAT : conf->type,
		.is_virtual = (NN_UID_VIRTUAL <= uid),
		.dims = { conf->batch, channels, Z, conf->dims[1], conf->dims[0] },
	};

	return tensor(desc, conf->spatial, &t);
}


static cudnnBackendDescriptor_t filter(struct nn_desc_s* desc, const struct nn_graph_conf_s* conf, int64_t uid)
{
	long Z = (3 == conf->spatial) ? conf->kernel[2] : 1;

	struct tensor_s t = { .uid = uid, .type = conf->type, .dims = { conf->out, conf->in, Z, conf->kernel[1], conf->kernel[0] } };

	return tensor(desc, conf->spatial, &t);
}


static cudnnBackendDescriptor_t bias_vector(struct nn_desc_s* desc, const struct nn_graph_conf_s* conf)
{
	struct tensor_s t = { .uid = NN_UID_BIAS, .type = conf->type, .dims = { 1, conf->out, 1, 1, 1 } };

	return tensor(desc, conf->spatial, &t);
}


// --- operations


static cudnnBackendDescriptor_t convolution(struct nn_desc_s* desc, const struct nn_graph_conf_s* conf)
{
	int64_t all[TENSOR_DIMS] = { 0, 0, conf->kernel[2] / 2, conf->kernel[1] / 2, conf->kernel[0] / 2 };
	int64_t pads[TENSOR_DIMS];
	int64_t ones[NN_SPATIAL] = { 1, 1, 1 };

	shorten(conf->spatial, pads, all);

	cudnnDataType_t type = CUDNN_DATA_FLOAT;
	cudnnConvolutionMode_t mode = CUDNN_CROSS_CORRELATION;
	int64_t n = conf->spatial;

	cudnnBackendDescriptor_t d = desc_part(desc, CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR);

	set_int(d, CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, n);
	nn_desc_set(d, CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, 1, &type);
	nn_desc_set(d, CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_TYPE_CONVOLUTION_MODE, 1, &mode);
	nn_desc_set(d, CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, CUDNN_TYPE_INT64, n, pads + 2);
	nn_desc_set(d, CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, CUDNN_TYPE_INT64, n, pads + 2);
	nn_desc_set(d, CUDNN_ATTR_CONVOLUTION_DILATIONS, CUDNN_TYPE_INT64, n, ones);
	nn_desc_set(d, CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, CUDNN_TYPE_INT64, n, ones);

	CUDNN_CHECK(cudnnBackendFinalize(d));

	return d;
}


static cudnnBackendDescriptor_t forward_operation(struct nn_desc_s* desc, const struct nn_graph_conf_s* conf, cudnnBackendDescriptor_t y)
{
	cudnnBackendDescriptor_t x = pixels(desc, conf, NN_UID_A, conf->in);
	cudnnBackendDescriptor_t w = filter(desc, conf, NN_UID_B);
	cudnnBackendDescriptor_t c = convolution(desc, conf);
	cudnnBackendDescriptor_t d = desc_part(desc, CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR);

	nn_desc_set_one(d, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC, c);
	nn_desc_set_one(d, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, x);
	nn_desc_set_one(d, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W, w);
	nn_desc_set_one(d, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y, y);
	set_float(d, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA, 1.f);
	set_float(d, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA, 0.f);

	CUDNN_CHECK(cudnnBackendFinalize(d));

	return d;
}


static cudnnBackendDescriptor_t filter_operation(struct nn_desc_s* desc, const struct nn_graph_conf_s* conf)
{
	cudnnBackendDescriptor_t dw = filter(desc, conf, NN_UID_RESULT);
	cudnnBackendDescriptor_t x = pixels(desc, conf, NN_UID_A, conf->in);
	cudnnBackendDescriptor_t dy = pixels(desc, conf, NN_UID_B, conf->out);
	cudnnBackendDescriptor_t c = convolution(desc, conf);
	cudnnBackendDescriptor_t d = desc_part(desc, CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR);

	nn_desc_set_one(d, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC, c);
	nn_desc_set_one(d, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW, dw);
	nn_desc_set_one(d, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X, x);
	nn_desc_set_one(d, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY, dy);
	set_float(d, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA, 1.f);
	set_float(d, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA, 0.f);

	CUDNN_CHECK(cudnnBackendFinalize(d));

	return d;
}


// dst = src + b, or max(src, 0) without b
static cudnnBackendDescriptor_t pointwise(struct nn_desc_s* desc, cudnnBackendDescriptor_t dst,
		cudnnBackendDescriptor_t src, cudnnBackendDescriptor_t b)
{
	cudnnPointwiseMode_t mode = (NULL == b) ? CUDNN_POINTWISE_RELU_FWD : CUDNN_POINTWISE_ADD;
	cudnnDataType_t type = CUDNN_DATA_FLOAT;

	cudnnBackendDescriptor_t p = desc_part(desc, CUDNN_BACKEND_POINTWISE_DESCRIPTOR);

	nn_desc_set(p, CUDNN_ATTR_POINTWISE_MODE, CUDNN_TYPE_POINTWISE_MODE, 1, &mode);
	nn_desc_set(p, CUDNN_ATTR_POINTWISE_MATH_PREC, CUDNN_TYPE_DATA_TYPE, 1, &type);
	CUDNN_CHECK(cudnnBackendFinalize(p));

	cudnnBackendDescriptor_t d = desc_part(desc, CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR);

	nn_desc_set_one(d, CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, p);
	nn_desc_set_one(d, CUDNN_ATTR_OPERATION_POINTWISE_XDESC, src);

	if (NULL != b)
		nn_desc_set_one(d, CUDNN_ATTR_OPERATION_POINTWISE_BDESC, b);

	nn_desc_set_one(d, CUDNN_ATTR_OPERATION_POINTWISE_YDESC, dst);
	CUDNN_CHECK(cudnnBackendFinalize(d));

	return d;
}


// --- the graph

struct chain_s {

	int N;
	cudnnBackendDescriptor_t ops[4];
};


/* A convolution and what follows it, backwards from the result. In this order
 * (and with a bias of the operands' type) cuDNN has compiled engines for it.
 */
static void forward_chain(struct nn_desc_s* desc, const struct nn_graph_conf_s* conf, struct chain_s* chain)
{
	int64_t uid = NN_UID_VIRTUAL;
	cudnnBackendDescriptor_t dst = pixels(desc, conf, NN_UID_RESULT, conf->out);

	if (conf->relu) {

		cudnnBackendDescriptor_t src = pixels(desc, conf, uid++, conf->out);
		chain->ops[chain->N++] = pointwise(desc, dst, src, NULL);
		dst = src;
	}

	if (conf->bias) {

		cudnnBackendDescriptor_t src = pixels(desc, conf, uid++, conf->out);
		chain->ops[chain->N++] = pointwise(desc, dst, src, bias_vector(desc, conf));
		dst = src;
	}

	if (conf->res) {

		cudnnBackendDescriptor_t src = pixels(desc, conf, uid++, conf->out);
		chain->ops[chain->N++] = pointwise(desc, dst, src, pixels(desc, conf, NN_UID_RES, conf->out));
		dst = src;
	}

	chain->ops[chain->N++] = forward_operation(desc, conf, dst);
}


cudnnBackendDescriptor_t nn_desc_graph(struct nn_desc_s* desc, cudnnHandle_t handle, const struct nn_graph_conf_s* conf)
{
	struct chain_s chain = { .N = 0 };

	if (NN_GRAPH_FORWARD == conf->kind)
		forward_chain(desc, conf, &chain);
	else
		chain.ops[chain.N++] = filter_operation(desc, conf);

	cudnnBackendDescriptor_t d = desc_part(desc, CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);

	if (NULL != handle)
		nn_desc_set(d, CUDNN_ATTR_OPERATIONGRAPH_HANDLE, CUDNN_TYPE_HANDLE, 1, &handle);

	nn_desc_set(d, CUDNN_ATTR_OPERATIONGRAPH_OPS, CUDNN_TYPE_BACKEND_DESCRIPTOR, chain.N, chain.ops);
	CUDNN_CHECK(cudnnBackendFinalize(d));

	return d;
}

#endif		// GLEAM_GPU
