/*
 * oneDNN's own 3D convolutions as the library would have them: layouts of its
 * choice, whole volumes, channels of padding or none, and zeros as padding or an
 * input that has its rim already. What ours (gleam_bench_conv -3) are to be held
 * against.
 *
 *	gleam_bench_dnnl
 *
 * Rates count a direct convolution of the channels without padding, 128x128x20
 * pixels with 3x3x3 kernels; the fastest of several runs. "any" lets the library
 * choose; what it takes and computes with is printed. Bringing tensors to that
 * layout and back is not in the time. Its plain loops ("ref") are not waited for.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <math.h>
#include <time.h>

#ifdef USE_DNNL

#include <dnnl.h>

#define MIN_SECONDS 0.7
#define MIN_RUNS 3

#define PIXELS (128L * 128L * 20L)
#define TAPS 27L
#define NDIMS 5

enum operation { FORWARD, DATA, WEIGHTS, OPERATIONS };

enum { SRC, KERNEL, DST, TENSORS };


static void check(dnnl_status_t status, const char* call)
{
	if (dnnl_success != status) {

		fprintf(stderr, "oneDNN: status %d from %s\n", (int)status, call);
		exit(1);
	}
}

#define CHECK(call) check((call), #call)


static const struct layout_s { dnnl_format_tag_t tag; const char* name; } layouts[] = {

	{ dnnl_format_tag_any, "any" },
	{ dnnl_nCdhw8c, "nCdhw8c" },
	{ dnnl_nCdhw16c, "nCdhw16c" },
	{ dnnl_ndhwc, "ndhwc" },
	{ dnnl_ncdhw, "ncdhw" },	// only to name it: slower than all others
};

#define LAYOUTS (sizeof(layouts) / sizeof(layouts[0]))

static const dnnl_dims_t ones = { 1, 1, 1 };
static const dnnl_dims_t zeros = { 0, 0, 0 };

// channels counted, channels there are, pixels that the library pads with
struct problem_s { long channels; long padded; bool pad; };


// --- versions 2 and 3 of the library

#if 3 <= DNNL_VERSION_MAJOR

typedef const_dnnl_memory_desc_t layout_t;

static dnnl_memory_desc_t tensor(const dnnl_dims_t dims, dnnl_format_tag_t tag)
{
	dnnl_memory_desc_t desc;
	CHECK(dnnl_memory_desc_create_with_tag(&desc, NDIMS, dims, dnnl_f32, tag));

	return desc;
}

static bool same(layout_t a, dnnl_memory_desc_t b)
{
	return 0 != dnnl_memory_desc_equal(a, b);
}

static dnnl_status_t describe(enum operation op, dnnl_primitive_desc_t* desc, dnnl_engine_t engine,
		const dnnl_memory_desc_t t[TENSORS], bool padding, const_dnnl_primitive_desc_t forward)
{
	const int64_t* pad = padding ? ones : zeros;

	switch (op) {

	case FORWARD:
		return dnnl_convolution_forward_primitive_desc_create(desc, engine, dnnl_forward_training, dnnl_convolution_direct,
				t[SRC], t[KERNEL], NULL, t[DST], ones, zeros, pad, pad, NULL);
	case DATA:
		return dnnl_convolution_backward_data_primitive_desc_create(desc, engine, dnnl_convolution_direct,
				t[SRC], t[KERNEL], t[DST], ones, zeros, pad, pad, forward, NULL);
	default:
		return dnnl_convolution_backward_weights_primitive_desc_create(desc, engine, dnnl_convolution_direct,
				t[SRC], t[KERNEL], NULL, t[DST], ones, zeros, pad, pad, forward, NULL);
	}
}

#else

typedef const dnnl_memory_desc_t* layout_t;

static dnnl_memory_desc_t tensor(const dnnl_dims_t dims, dnnl_format_tag_t tag)
{
	dnnl_memory_desc_t desc;
	CHECK(dnnl_memory_desc_init_by_tag(&desc, NDIMS, dims, dnnl_f32, tag));

	return desc;
}

static bool same(layout_t a, dnnl_memory_desc_t b)
{
	return 0 != dnnl_memory_desc_equal(a, &b);
}

static dnnl_status_t describe(enum operation op, dnnl_primitive_desc_t* desc, dnnl_engine_t engine,
		const dnnl_memory_desc_t t[TENSORS], bool padding, const_dnnl_primitive_desc_t forward)
{
	const int64_t* pad = padding ? ones : zeros;
	dnnl_convolution_desc_t conv;

	switch (op) {

	case FORWARD:
		CHECK(dnnl_convolution_forward_desc_init(&conv, dnnl_forward_training, dnnl_convolution_direct,
				&t[SRC], &t[KERNEL], NULL, &t[DST], ones, pad, pad));
		break;

	case DATA:
		CHECK(dnnl_convolution_backward_data_desc_init(&conv, dnnl_convolution_direct,
				&t[SRC], &t[KERNEL], &t[DST], ones, pad, pad));
		break;

	default:
		CHECK(dnnl_convolution_backward_weights_desc_init(&conv, dnnl_convolution_direct,
				&t[SRC], &t[KERNEL], NULL, &t[DST], ones, pad, pad));
	}

	return dnnl_primitive_desc_create(desc, &conv, NULL, engine, forward);
}

#endif


// --- one convolution

struct conv_s {

	dnnl_primitive_desc_t desc;
	dnnl_primitive_t primitive;
	dnnl_memory_t memory[TENSORS];
	dnnl_stream_t stream;
};

// what each operation calls its tensors
static const int arguments[OPERATIONS][TENSORS] = {

	{ DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST },
	{ DNNL_ARG_DIFF_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DIFF_DST },
	{ DNNL_ARG_SRC, DNNL_ARG_DIFF_WEIGHTS, DNNL_ARG_DIFF_DST },
};

static const dnnl_query_t queries[OPERATIONS][TENSORS] = {

	{ dnnl_query_src_md, dnnl_query_weights_md, dnnl_query_dst_md },
	{ dnnl_query_diff_src_md, dnnl_query_weights_md, dnnl_query_diff_dst_md },
	{ dnnl_query_src_md, dnnl_query_diff_weights_md, dnnl_query_diff_dst_md },
};


static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);

	return (double)t.tv_sec + 1.e-9 * (double)t.tv_nsec;
}


static void fill(dnnl_memory_t memory, layout_t layout)
{
	void* data;
	CHECK(dnnl_memory_get_data_handle(memory, &data));

	for (size_t i = 0; i < dnnl_memory_desc_get_size(layout) / sizeof(float); i++)
		((float*)data)[i] = 0.01f * (float)(i % 97);
}


static void conv_start(struct conv_s* conv, dnnl_engine_t engine, enum operation op)
{
	CHECK(dnnl_primitive_create(&conv->primitive, conv->desc));
	CHECK(dnnl_stream_create(&conv->stream, engine, dnnl_stream_default_flags));

	for (int i = 0; i < TENSORS; i++) {

		layout_t layout = dnnl_primitive_desc_query_md(conv->desc, queries[op][i], 0);

		CHECK(dnnl_memory_create(&conv->memory[i], layout, engine, DNNL_MEMORY_ALLOCATE));
		fill(conv->memory[i], layout);
	}
}


static void conv_stop(struct conv_s* conv)
{
	CHECK(dnnl_primitive_destroy(conv->primitive));
	CHECK(dnnl_stream_destroy(conv->stream));

	for (int i = 0; i < TENSORS; i++)
		CHECK(dnnl_memory_destroy(conv->memory[i]));
}


static double fastest(const struct conv_s* conv, enum operation op)
{
	dnnl_exec_arg_t args[TENSORS];
	double best = INFINITY;
	double begin = seconds();

	for (int i = 0; i < TENSORS; i++)
		args[i] = (dnnl_exec_arg_t){ arguments[op][i], conv->memory[i] };

	for (int i = 0; (i < MIN_RUNS) || (seconds() - begin < MIN_SECONDS); i++) {

		double start = seconds();

		CHECK(dnnl_primitive_execute(conv->primitive, conv->stream, TENSORS, args));
		CHECK(dnnl_stream_wait(conv->stream));
		best = fmin(best, seconds() - start);
	}

	return best;
}


static const char* layout_name(layout_t layout, const dnnl_dims_t dims)
{
	for (size_t i = 1; i < LAYOUTS; i++)
		if (same(layout, tensor(dims, layouts[i].tag)))
			return layouts[i].name;

	return "another";
}


static void measure_operation(dnnl_engine_t engine, const struct problem_s* p, enum operation op,
		const dnnl_memory_desc_t t[TENSORS], const dnnl_dims_t dims, const_dnnl_primitive_desc_t forward)
{
	struct conv_s conv;
	const char* name;

	if (dnnl_success != describe(op, &conv.desc, engine, t, p->pad, forward)) {

		printf("  - not offered");
		return;
	}

	CHECK(dnnl_primitive_desc_query(conv.desc, dnnl_query_impl_info_str, 0, &name));

	if (NULL == strstr(name, "ref")) {

		conv_start(&conv, engine, op);

		double rate = 2.e-9 * (double)(p->channels * p->channels * TAPS * PIXELS) / fastest(&conv, op);

		printf("  %6.1f %s %s", rate, name, layout_name(dnnl_primitive_desc_query_md(conv.desc, queries[op][SRC], 0), dims));
		conv_stop(&conv);

	} else {

		printf("  - %s", name);
	}

	fflush(stdout);
	CHECK(dnnl_primitive_desc_destroy(conv.desc));
}


static void measure(dnnl_engine_t engine, const struct problem_s* p, const struct layout_s* layout)
{
	long rim = p->pad ? 0 : 2;
	const dnnl_dims_t in = { 1, p->padded, 20 + rim, 128 + rim, 128 + rim };
	const dnnl_dims_t out = { 1, p->padded, 20, 128, 128 };
	const dnnl_dims_t kernel = { p->padded, p->padded, 3, 3, 3 };
	dnnl_memory_desc_t t[TENSORS] = { tensor(in, layout->tag), tensor(kernel, dnnl_format_tag_any), tensor(out, layout->tag) };
	dnnl_primitive_desc_t forward;

	printf("%2ld in %2ld channels, %s, %-8s:", p->channels, p->padded, p->pad ? "zeros" : "rim  ", layout->name);

	if (dnnl_success != describe(FORWARD, &forward, engine, t, p->pad, NULL)) {

		printf("  not offered\n");
		return;
	}

	for (int op = 0; op < OPERATIONS; op++)
		measure_operation(engine, p, (enum operation)op, t, in, forward);

	printf("\n");
	CHECK(dnnl_primitive_desc_destroy(forward));
}


int main(void)
{
	static const long sizes[][2] = { { 60, 60 }, { 60, 64 }, { 50, 50 }, { 50, 56 } };
	const dnnl_version_t* v = dnnl_version();
	dnnl_engine_t engine;

	CHECK(dnnl_engine_create(&engine, dnnl_cpu, 0));

	printf("oneDNN %d.%d.%d, 128x128x20, 3x3x3; GFLOP/s of direct convolution: forward, data gradient, weight gradient; "
		"what computes it, layout of the input\n", v->major, v->minor, v->patch);

	for (size_t i = 0; i < 2 * sizeof(sizes) / sizeof(sizes[0]); i++) {

		struct problem_s p = { sizes[i / 2][0], sizes[i / 2][1], 0 == i % 2 };

		for (size_t j = 0; j < LAYOUTS - 1; j++)
			measure(engine, &p, &layouts[j]);
	}

	CHECK(dnnl_engine_destroy(engine));

	return 0;
}

#else

int main(void)
{
	printf("SKIP: built without oneDNN\n");

	return 0;
}

#endif
