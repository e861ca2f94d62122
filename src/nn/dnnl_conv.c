/*
 * oneDNN's C API behind a few functions. Version 2 describes an operation in a
 * struct of its own, version 3 in the arguments of a call, and its memory
 * descriptors are opaque.
 */

#ifdef USE_DNNL

#include <stddef.h>

#include <omp.h>
#include <dnnl.h>

#include "misc/misc.h"

#include "nn/dnnl_conv.h"

#if 3 <= DNNL_VERSION_MAJOR
typedef const_dnnl_memory_desc_t layout_t;
#else
typedef const dnnl_memory_desc_t* layout_t;
#endif

struct worker_s {

	dnnl_stream_t stream;
	dnnl_memory_t src;
	dnnl_memory_t weights;
	dnnl_memory_t dst;
	dnnl_memory_t scratch;
};

struct reorder_s {

	dnnl_primitive_t primitive;
	dnnl_memory_t src;
	dnnl_memory_t dst;
};

struct nn_dnnl_conv_s {

	enum nn_dnnl_kind kind;

	dnnl_engine_t engine;
	dnnl_primitive_t primitive;
	struct reorder_s reorder;

	size_t src_bytes;
	size_t dst_bytes;
	size_t weights_bytes;
	size_t scratch_bytes;

	int threads;
	struct worker_s* workers;
};


static void check(dnnl_status_t status, const char* call)
{
	if (dnnl_success != status) {

		const dnnl_version_t* v = dnnl_version();

		error("oneDNN %d.%d.%d: status %d from %s. Another backend may do (--backend).\n",
			v->major, v->minor, v->patch, (int)status, call);
	}
}

#define CHECK(call) check((call), #call)


const char* nn_dnnl_missing(void)
{
	return (0 < dnnl_engine_get_count(dnnl_cpu)) ? NULL : "this oneDNN has no CPU engine";
}


long nn_dnnl_block(void)
{
	unsigned int avx512 = (unsigned int)dnnl_cpu_isa_avx512_core;
	unsigned int isa = (unsigned int)dnnl_get_effective_cpu_isa();

	return (avx512 == (isa & avx512)) ? 16 : 8;
}


/* Memory descriptors, of at most 5 dimensions in oneDNN's order: batch or output
 * channel, channel, z, y, x. z is left out where the kernel is flat.
 */
enum { MAX_NDIMS = 5 };

struct dims_s {

	int ndims;
	dnnl_dims_t dims;
};


static struct dims_s image_dims(const struct nn_dnnl_shape_s* shape, long channels, bool padded)
{
	struct dims_s d = { .ndims = (1 == shape->kernel[2]) ? 4 : 5, .dims = { 1, channels } };

	for (int i = 2; i < d.ndims; i++) {

		int j = d.ndims - 1 - i;

		d.dims[i] = shape->size[j] + (padded ? (shape->kernel[j] - 1) : 0);
	}

	return d;
}


static struct dims_s weights_dims(const struct nn_dnnl_shape_s* shape)
{
	struct dims_s d = { .ndims = (1 == shape->kernel[2]) ? 4 : 5, .dims = { shape->out, shape->in } };

	for (int i = 2; i < d.ndims; i++)
		d.dims[i] = shape->kernel[d.ndims - 1 - i];

	return d;
}


static dnnl_format_tag_t tile_tag(const struct dims_s* d)
{
	if (16 == nn_dnnl_block())
		return (4 == d->ndims) ? dnnl_nChw16c : dnnl_nCdhw16c;

	return (4 == d->ndims) ? dnnl_nChw8c : dnnl_nCdhw8c;
}


static dnnl_format_tag_t plain_weights_tag(const struct dims_s* d)
{
	return (4 == d->ndims) ? dnnl_oihw : dnnl_oidhw;
}


#if 3 <= DNNL_VERSION_MAJOR

static dnnl_memory_desc_t layout_create(const struct dims_s* d, dnnl_format_tag_t tag)
{
	dnnl_memory_desc_t layout;
	CHECK(dnnl_memory_desc_create_with_tag(&layout, d->ndims, d->dims, dnnl_f32, tag));

	return layout;
}


static layout_t layout_ref(const dnnl_memory_desc_t* layout)
{
	return *layout;
}


static void layout_free(dnnl_memory_desc_t* layout)
{
	CHECK(dnnl_memory_desc_destroy(*layout));
}

#else

static dnnl_memory_desc_t layout_create(const struct dims_s* d, dnnl_format_tag_t tag)
{
	dnnl_memory_desc_t layout;
	CHECK(dnnl_memory_desc_init_by_tag(&layout, d->ndims, d->dims, dnnl_f32, tag));

	return layout;
}


static layout_t layout_ref(const dnnl_memory_desc_t* layout)
{
	return layout;
}


static void layout_free(dnnl_memory_desc_t* /*layout*/)
{
}

#endif


struct layouts_s {

	dnnl_memory_desc_t src;
	dnnl_memory_desc_t weights;
	dnnl_memory_desc_t dst;
};

static const dnnl_dims_t ones = { 1, 1, 1 };
static const dnnl_dims_t zeros = { 0, 0, 0 };


#if 3 <= DNNL_VERSION_MAJOR

static dnnl_status_t forward_create(dnnl_primitive_desc_t* desc, dnnl_engine_t engine, dnnl_alg_kind_t algorithm,
		const struct layouts_s* l, const_dnnl_primitive_attr_t attr)
{
	return dnnl_convolution_forward_primitive_desc_create(desc, engine, dnnl_forward_training, algorithm,
			l->src, l->weights, NULL, l->dst, ones, zeros, zeros, zeros, attr);
}


static dnnl_status_t weights_create(dnnl_primitive_desc_t* desc, dnnl_engine_t engine, dnnl_alg_kind_t algorithm,
		const struct layouts_s* l, const_dnnl_primitive_attr_t attr, const_dnnl_primitive_desc_t forward)
{
	return dnnl_convolution_backward_weights_primitive_desc_create(desc, engine, algorithm,
			l->src, l->weights, NULL, l->dst, ones, zeros, zeros, zeros, forward, attr);
}

#else

static dnnl_status_t forward_create(dnnl_primitive_desc_t* desc, dnnl_engine_t engine, dnnl_alg_kind_t algorithm,
		const struct layouts_s* l, const_dnnl_primitive_attr_t attr)
{
	dnnl_convolution_desc_t op;
	CHECK(dnnl_convolution_forward_desc_init(&op, dnnl_forward_training, algorithm,
				&l->src, &l->weights, NULL, &l->dst, ones, zeros, zeros));

	return dnnl_primitive_desc_create(desc, &op, attr, engine, NULL);
}


static dnnl_status_t weights_create(dnnl_primitive_desc_t* desc, dnnl_engine_t engine, dnnl_alg_kind_t algorithm,
		const struct layouts_s* l, const_dnnl_primitive_attr_t attr, const_dnnl_primitive_desc_t forward)
{
	dnnl_convolution_desc_t op;
	CHECK(dnnl_convolution_backward_weights_desc_init(&op, algorithm,
				&l->src, &l->weights, NULL, &l->dst, ones, zeros, zeros));

	return dnnl_primitive_desc_create(desc, &op, attr, engine, forward);
}

#endif


static dnnl_status_t try_create(enum nn_dnnl_kind kind, dnnl_primitive_desc_t* desc, dnnl_engine_t engine,
		dnnl_alg_kind_t algorithm, const struct layouts_s* l, const_dnnl_primitive_attr_t attr)
{
	dnnl_primitive_desc_t forward;
	dnnl_status_t status = forward_create(&forward, engine, algorithm, l, attr);

	if ((dnnl_success == status) && (NN_DNNL_WEIGHTS == kind)) {

		status = weights_create(desc, engine, algorithm, l, attr, forward);
		CHECK(dnnl_primitive_desc_destroy(forward));

	} else if (dnnl_success == status) {

		*desc = forward;
	}

	return status;
}


// Winograd's algorithm exists with AVX-512, until version 3.2
static dnnl_primitive_desc_t fastest_create(const struct nn_dnnl_conv_s* conv, const struct layouts_s* l)
{
	dnnl_primitive_attr_t attr;
	CHECK(dnnl_primitive_attr_create(&attr));
	CHECK(dnnl_primitive_attr_set_scratchpad_mode(attr, dnnl_scratchpad_mode_user));

	dnnl_primitive_desc_t desc;

	if (dnnl_success != try_create(conv->kind, &desc, conv->engine, dnnl_convolution_winograd, l, attr))
		CHECK(try_create(conv->kind, &desc, conv->engine, dnnl_convolution_direct, l, attr));

	CHECK(dnnl_primitive_attr_destroy(attr));

	return desc;
}


static struct reorder_s reorder_create(dnnl_engine_t engine, layout_t dst, layout_t src)
{
	struct reorder_s reorder;
	dnnl_primitive_desc_t desc;

	CHECK(dnnl_reorder_primitive_desc_create(&desc, src, engine, dst, engine, NULL));
	CHECK(dnnl_primitive_create(&reorder.primitive, desc));
	CHECK(dnnl_primitive_desc_destroy(desc));

	CHECK(dnnl_memory_create(&reorder.src, src, engine, DNNL_MEMORY_NONE));
	CHECK(dnnl_memory_create(&reorder.dst, dst, engine, DNNL_MEMORY_NONE));

	return reorder;
}


static void reorder_free(struct reorder_s* reorder)
{
	CHECK(dnnl_primitive_destroy(reorder->primitive));
	CHECK(dnnl_memory_destroy(reorder->src));
	CHECK(dnnl_memory_destroy(reorder->dst));
}


static void workers_create(struct nn_dnnl_conv_s* conv, const struct layouts_s* l, layout_t weights, layout_t scratch)
{
	conv->workers = *TYPE_ALLOC(struct worker_s[conv->threads]);

	for (int i = 0; i < conv->threads; i++) {

		struct worker_s* w = &conv->workers[i];

		CHECK(dnnl_stream_create(&w->stream, conv->engine, dnnl_stream_default_flags));
		CHECK(dnnl_memory_create(&w->src, layout_ref(&l->src), conv->engine, DNNL_MEMORY_NONE));
		CHECK(dnnl_memory_create(&w->weights, weights, conv->engine, DNNL_MEMORY_NONE));
		CHECK(dnnl_memory_create(&w->dst, layout_ref(&l->dst), conv->engine, DNNL_MEMORY_NONE));
		CHECK(dnnl_memory_create(&w->scratch, scratch, conv->engine, DNNL_MEMORY_NONE));
	}
}


static void primitives_create(struct nn_dnnl_conv_s* conv, const struct nn_dnnl_shape_s* shape)
{
	struct dims_s src = image_dims(shape, shape->in, true);
	struct dims_s dst = image_dims(shape, shape->out, false);
	struct dims_s weights = weights_dims(shape);

	struct layouts_s l = {

		.src = layout_create(&src, tile_tag(&src)),
		.weights = layout_create(&weights, dnnl_format_tag_any),
		.dst = layout_create(&dst, tile_tag(&dst)),
	};

	dnnl_memory_desc_t plain = layout_create(&weights, plain_weights_tag(&weights));
	dnnl_primitive_desc_t desc = fastest_create(conv, &l);

	bool forward = (NN_DNNL_FORWARD == conv->kind);

	layout_t own = dnnl_primitive_desc_query_md(desc, forward ? dnnl_query_weights_md : dnnl_query_diff_weights_md, 0);
	layout_t scratch = dnnl_primitive_desc_query_md(desc, dnnl_query_scratchpad_md, 0);

	CHECK(dnnl_primitive_create(&conv->primitive, desc));

	conv->reorder = forward ? reorder_create(conv->engine, own, layout_ref(&plain))
				: reorder_create(conv->engine, layout_ref(&plain), own);

	conv->src_bytes = dnnl_memory_desc_get_size(layout_ref(&l.src));
	conv->dst_bytes = dnnl_memory_desc_get_size(layout_ref(&l.dst));
	conv->weights_bytes = dnnl_memory_desc_get_size(own);
	conv->scratch_bytes = dnnl_memory_desc_get_size(scratch);

	workers_create(conv, &l, own, scratch);

	CHECK(dnnl_primitive_desc_destroy(desc));

	layout_free(&plain);
	layout_free(&l.src);
	layout_free(&l.weights);
	layout_free(&l.dst);
}


/* A primitive is planned for the number of threads there are when it is made;
 * with one the order of all sums is fixed.
 */
struct nn_dnnl_conv_s* nn_dnnl_conv_create(enum nn_dnnl_kind kind, const struct nn_dnnl_shape_s* shape, int threads)
{
	PTR_ALLOC(struct nn_dnnl_conv_s, conv);

	conv->kind = kind;
	conv->threads = threads;

	CHECK(dnnl_engine_create(&conv->engine, dnnl_cpu, 0));

	int before = omp_get_max_threads();

	omp_set_num_threads(1);
	primitives_create(conv, shape);
	omp_set_num_threads(before);

	return PTR_PASS(conv);
}


void nn_dnnl_conv_free(struct nn_dnnl_conv_s* conv)
{
	for (int i = 0; i < conv->threads; i++) {

		struct worker_s* w = &conv->workers[i];

		CHECK(dnnl_memory_destroy(w->src));
		CHECK(dnnl_memory_destroy(w->weights));
		CHECK(dnnl_memory_destroy(w->dst));
		CHECK(dnnl_memory_destroy(w->scratch));
		CHECK(dnnl_stream_destroy(w->stream));
	}

	reorder_free(&conv->reorder);

	CHECK(dnnl_primitive_destroy(conv->primitive));
	CHECK(dnnl_engine_destroy(conv->engine));

	xfree(conv->workers);
	xfree(conv);
}


size_t nn_dnnl_conv_src_bytes(const struct nn_dnnl_conv_s* conv)
{
	return conv->src_bytes;
}


size_t nn_dnnl_conv_dst_bytes(const struct nn_dnnl_conv_s* conv)
{
	return conv->dst_bytes;
}


size_t nn_dnnl_conv_weights_bytes(const struct nn_dnnl_conv_s* conv)
{
	return conv->weights_bytes;
}


size_t nn_dnnl_conv_scratch_bytes(const struct nn_dnnl_conv_s* conv)
{
	return conv->scratch_bytes;
}


void nn_dnnl_conv_run(struct nn_dnnl_conv_s* conv, int thread, float* src, float* weights, float* dst, void* scratch)
{
	struct worker_s* w = &conv->workers[thread];
	bool forward = (NN_DNNL_FORWARD == conv->kind);

	CHECK(dnnl_memory_set_data_handle(w->src, src));
	CHECK(dnnl_memory_set_data_handle(w->weights, weights));
	CHECK(dnnl_memory_set_data_handle(w->dst, dst));
	CHECK(dnnl_memory_set_data_handle(w->scratch, scratch));

	const dnnl_exec_arg_t args[] = {

		{ DNNL_ARG_SRC, w->src },
		{ forward ? DNNL_ARG_WEIGHTS : DNNL_ARG_DIFF_WEIGHTS, w->weights },
		{ forward ? DNNL_ARG_DST : DNNL_ARG_DIFF_DST, w->dst },
		{ DNNL_ARG_SCRATCHPAD, w->scratch },
	};

	CHECK(dnnl_primitive_execute(conv->primitive, w->stream, ARRAY_SIZE(args), args));
	CHECK(dnnl_stream_wait(w->stream));
}


void nn_dnnl_conv_reorder(struct nn_dnnl_conv_s* conv, float* dst, float* src)
{
	CHECK(dnnl_memory_set_data_handle(conv->reorder.src, src));
	CHECK(dnnl_memory_set_data_handle(conv->reorder.dst, dst));

	const dnnl_exec_arg_t args[] = {

		{ DNNL_ARG_FROM, conv->reorder.src },
		{ DNNL_ARG_TO, conv->reorder.dst },
	};

	dnnl_stream_t stream = conv->workers[0].stream;

	CHECK(dnnl_primitive_execute(conv->reorder.primitive, stream, ARRAY_SIZE(args), args));
	CHECK(dnnl_stream_wait(stream));
}

#endif		// USE_DNNL
