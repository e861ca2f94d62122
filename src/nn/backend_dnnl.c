/*
 * Convolutions by oneDNN, tile by tile: some rows of the input are copied to a
 * tile, in the layout that oneDNN is fastest with (twice as fast as channels-last
 * with AVX2), ReLU and padding on the way; the result is copied out, bias, sum and
 * mask on the way. Tiles stay in the cache, so that the copies cost a few percent.
 *
 * The data gradient is a forward convolution with the kernel turned around, which
 * gives the gradient with respect to the padded image; what belongs to the padding
 * is then added to the pixels that it was copied from.
 *
 * A tile is worked on by one thread, and gradients of weights are summed in an
 * order that does not depend on the threads, which oneDNN itself does not promise.
 */

#ifdef USE_DNNL

#include <stddef.h>
#include <string.h>

#include <omp.h>

#include "misc/misc.h"

#include "nn/bias.h"
#include "nn/dnnl_conv.h"
#include "nn/padding.h"
#include "nn/tile.h"

#include "nn/backend.h"

#define TILE_BYTES (1 << 21)	// of input and output together
#define GROUPS 16		// partial sums of the weight gradient

// an operation on tiles
struct part_s {

	struct nn_dnnl_conv_s* conv;

	struct nn_tile_s src;
	struct nn_tile_s dst;
	long strips;		// tiles along y
};

struct nn_plan_s {

	struct nn_conv_s conf;
	int threads;

	long in;		// channels, rounded up to blocks
	long out;
	long taps;

	bool margin[2];		// does the data gradient have x = -1 and n, y = -1 and n?

	struct part_s forward;
	struct part_s data;
	struct part_s weights;
};


static long round_up(long n, long multiple)
{
	return (n + multiple - 1) / multiple * multiple;
}


/* Rows of a tile, of total. All tiles have the same size, the last hangs over;
 * for the sake of folding at least 3 rows of it must not.
 */
static long choose_rows(long total, long row_bytes, long block)
{
	// with AVX-512 (and Winograd's algorithm) larger tiles are better
	long rows = CLAMP(TILE_BYTES / row_bytes, (16 == block) ? 16 : 4, 64);

	if (rows >= total)
		return total;

	while (((total - 1) % rows + 1 < 3) && (rows < total))
		rows++;

	return rows;
}


static struct part_s part_create(enum nn_dnnl_kind kind, const struct nn_plan_s* plan, long in, long out, const bool margin[2])
{
	const struct nn_conv_s* conf = &plan->conf;

	long block = nn_dnnl_block();
	long width = conf->in.dims[0] + (margin[0] ? 2 : 0);
	long height = conf->in.dims[1] + (margin[1] ? 2 : 0);
	long rows = choose_rows(height, width * (in + out) * (long)sizeof(float), block);

	struct nn_dnnl_shape_s shape = {

		.in = in,
		.out = out,
		.kernel = { conf->kernel[0], conf->kernel[1], conf->kernel[2] },
		.size = { width, rows, 1 },
	};

	struct part_s part = {

		.conv = nn_dnnl_conv_create(kind, &shape, plan->threads),
		.src = { .block = block, .channels = in },
		.dst = { .block = block, .channels = out, .dims = { width, rows, 1 } },
		.strips = (height + rows - 1) / rows,
	};

	for (int i = 0; i < NN_SPATIAL; i++)
		part.src.dims[i] = part.dst.dims[i] + conf->kernel[i] - 1;

	return part;
}


static struct nn_plan_s* dnnl_create(const struct nn_conv_s* conf)
{
	static const bool none[2] = { false, false };

	PTR_ALLOC(struct nn_plan_s, plan);

	plan->conf = *conf;
	plan->threads = omp_get_max_threads();
	plan->in = round_up(conf->in.channels, nn_dnnl_block());
	plan->out = round_up(conf->out.channels, nn_dnnl_block());
	plan->taps = conf->kernel[0] * conf->kernel[1] * conf->kernel[2];

	for (int i = 0; i < 2; i++)
		plan->margin[i] = (3 == conf->kernel[i]) && (NN_PAD_ZERO != conf->padding);

	plan->forward = part_create(NN_DNNL_FORWARD, plan, plan->in, plan->out, none);
	plan->data = part_create(NN_DNNL_FORWARD, plan, plan->out, plan->in, plan->margin);
	plan->weights = part_create(NN_DNNL_WEIGHTS, plan, plan->in, plan->out, none);

	return PTR_PASS(plan);
}


static void dnnl_free(struct nn_plan_s* plan)
{
	nn_dnnl_conv_free(plan->forward.conv);
	nn_dnnl_conv_free(plan->data.conv);
	nn_dnnl_conv_free(plan->weights.conv);

	xfree(plan);
}


static long count_tiles(const struct nn_plan_s* plan, const struct part_s* part)
{
	return part->strips * plan->conf.in.dims[2] * plan->conf.in.dims[3];
}


static long count_groups(const struct nn_plan_s* plan)
{
	return MIN(GROUPS, count_tiles(plan, &plan->weights));
}


// --- the workspace: weights as they are given and as oneDNN wants them, partial sums; for each thread two tiles, a gradient, oneDNN's own


struct space_s {

	float* plain;
	float* weights;
	float* sums;

	float* src;
	float* dst;
	float* gradient;
	void* scratch;

	size_t bytes;		// in all
};


// the next bytes of a workspace that need not be there yet
static void* take(char* ws, size_t* pos, size_t bytes)
{
	void* p = (NULL == ws) ? NULL : (ws + *pos);

	*pos += (bytes + 63) / 64 * 64;

	return p;
}


static struct space_s divide(const struct nn_plan_s* plan, bool forward_only, void* ws, int thread)
{
	const struct part_s* parts[] = { &plan->forward, &plan->data, &plan->weights };

	size_t src = 0;
	size_t dst = 0;
	size_t weights = 0;
	size_t scratch = 0;

	for (int i = 0; i < (forward_only ? 1 : 3); i++) {

		src = MAX(src, nn_dnnl_conv_src_bytes(parts[i]->conv));
		dst = MAX(dst, nn_dnnl_conv_dst_bytes(parts[i]->conv));
		weights = MAX(weights, nn_dnnl_conv_weights_bytes(parts[i]->conv));
		scratch = MAX(scratch, nn_dnnl_conv_scratch_bytes(parts[i]->conv));
	}

	size_t gradient = forward_only ? 0 : nn_dnnl_conv_weights_bytes(plan->weights.conv);

	struct space_s s;
	size_t pos = 0;

	s.plain = take(ws, &pos, (size_t)(plan->in * plan->out * plan->taps) * sizeof(float));
	s.weights = take(ws, &pos, weights);
	s.sums = take(ws, &pos, (size_t)count_groups(plan) * gradient);

	size_t shared = pos;

	s.src = take(ws, &pos, src);
	s.dst = take(ws, &pos, dst);
	s.gradient = take(ws, &pos, gradient);
	s.scratch = take(ws, &pos, scratch);

	size_t own = pos - shared;

	s.bytes = shared + (size_t)plan->threads * own;

	if (NULL != ws) {

		s.src = (float*)((char*)s.src + (size_t)thread * own);
		s.dst = (float*)((char*)s.dst + (size_t)thread * own);
		s.gradient = (float*)((char*)s.gradient + (size_t)thread * own);
		s.scratch = (char*)s.scratch + (size_t)thread * own;
	}

	return s;
}


static size_t dnnl_workspace(const struct nn_plan_s* plan, bool forward_only)
{
	return divide(plan, forward_only, NULL, 0).bytes;
}


// batch, and position of the first pixel of the output tile's inside
static long tile_position(const struct nn_plan_s* plan, const struct part_s* part, long tile, long pos[NN_SPATIAL])
{
	long Z = plan->conf.in.dims[2];

	pos[0] = 0;
	pos[1] = tile % part->strips * part->dst.dims[1];
	pos[2] = tile / part->strips % Z;

	return tile / part->strips / Z;
}


static void source_position(const struct nn_plan_s* plan, long src[NN_SPATIAL], const long dst[NN_SPATIAL])
{
	for (int i = 0; i < NN_SPATIAL; i++)
		src[i] = dst[i] - plan->conf.kernel[i] / 2;
}


// --- forward


static void forward_tile(const struct nn_plan_s* plan, long tile, float* y, bool add,
		const float* x, const float* bias, void* ws)
{
	const struct nn_conv_s* conf = &plan->conf;
	const struct part_s* part = &plan->forward;

	int thread = omp_get_thread_num();
	struct space_s s = divide(plan, true, ws, thread);

	long to[NN_SPATIAL];
	long from[NN_SPATIAL];

	long b = tile_position(plan, part, tile, to);
	source_position(plan, from, to);

	nn_tile_load(&part->src, s.src, &conf->in, x, conf->padding, conf->relu, from, b);
	nn_dnnl_conv_run(part->conv, thread, s.src, s.weights, s.dst, s.scratch);
	nn_tile_store(&part->dst, &conf->out, y, add, s.dst, bias, NULL, to, b);
}


static void dnnl_forward(struct nn_plan_s* plan, void* y, const void* res,
		const void* x, const void* _weights, const float* bias, void* ws)
{
	const float* weights = _weights;

	long I = plan->conf.in.channels;
	long O = plan->conf.out.channels;

	struct space_s s = divide(plan, true, ws, 0);

	memset(s.plain, 0, (size_t)(plan->out * plan->in * plan->taps) * sizeof(float));

	for (long o = 0; o < O; o++)
		memcpy(s.plain + o * plan->in * plan->taps, weights + o * I * plan->taps, (size_t)(I * plan->taps) * sizeof(float));

	nn_dnnl_conv_reorder(plan->forward.conv, s.weights, s.plain);

#pragma omp parallel for schedule(dynamic) num_threads(plan->threads)
	for (long t = 0; t < count_tiles(plan, &plan->forward); t++)
		forward_tile(plan, t, y, NULL != res, x, bias, ws);
}


// --- data gradient


/* A pixel in an edge plane is seen in the plane beyond it, too. As the convolution
 * is linear, that is as if the planes beside both were added.
 */
static void add_planes(const struct nn_plan_s* plan, float* dst, const float* dy, const long pos[NN_SPATIAL], long z, long b)
{
	const struct nn_conv_s* conf = &plan->conf;
	long Z = conf->in.dims[2];

	if ((1 == conf->kernel[2]) || (NN_PAD_ZERO == conf->padding))
		return;

	for (int side = 0; side < 2; side++) {

		long beyond = (0 == side) ? -1 : Z;
		long beside[NN_SPATIAL] = { pos[0], pos[1], beyond - 1 };

		if (z == nn_pad_index(conf->padding, beyond, Z))
			nn_tile_load_add(&plan->data.src, dst, &conf->out, dy, beside, b);
	}
}


static void data_tile(const struct nn_plan_s* plan, long tile, float* dx, bool add,
		const float* dy, const float* x, void* ws)
{
	const struct nn_conv_s* conf = &plan->conf;
	const struct part_s* part = &plan->data;

	int thread = omp_get_thread_num();
	struct space_s s = divide(plan, false, ws, thread);

	long to[NN_SPATIAL];
	long from[NN_SPATIAL];

	long b = tile_position(plan, part, tile, to);

	for (int i = 0; i < 2; i++)
		to[i] -= plan->margin[i] ? 1 : 0;

	source_position(plan, from, to);

	nn_tile_load(&part->src, s.src, &conf->out, dy, NN_PAD_ZERO, false, from, b);
	add_planes(plan, s.src, dy, from, to[2], b);

	nn_dnnl_conv_run(part->conv, thread, s.src, s.weights, s.dst, s.scratch);

	nn_tile_fold(&part->dst, s.dst, conf->padding, plan->margin, conf->in.dims, to[1]);
	nn_tile_store(&part->dst, &conf->in, dx, add, s.dst, NULL, conf->relu ? x : NULL, to, b);
}


static void dnnl_backward_data(struct nn_plan_s* plan, void* dx, bool add,
		const void* dy, const void* x, const void* _weights, void* ws)
{
	const float* weights = _weights;

	long I = plan->conf.in.channels;
	long O = plan->conf.out.channels;
	long T = plan->taps;

	struct space_s s = divide(plan, false, ws, 0);

	memset(s.plain, 0, (size_t)(plan->out * plan->in * T) * sizeof(float));

	for (long o = 0; o < O; o++)
		for (long i = 0; i < I; i++)
			for (long t = 0; t < T; t++)
				s.plain[(i * plan->out + o) * T + t] = weights[(o * I + i) * T + (T - 1 - t)];

	nn_dnnl_conv_reorder(plan->data.conv, s.weights, s.plain);

#pragma omp parallel for schedule(dynamic) num_threads(plan->threads)
	for (long t = 0; t < count_tiles(plan, &plan->data); t++)
		data_tile(plan, t, dx, add, dy, x, ws);
}


// --- weight gradient


// one partial sum
static void weights_group(const struct nn_plan_s* plan, long group, const float* x, const float* dy, void* ws)
{
	const struct nn_conv_s* conf = &plan->conf;
	const struct part_s* part = &plan->weights;

	int thread = omp_get_thread_num();
	struct space_s s = divide(plan, false, ws, thread);

	long N = (long)(nn_dnnl_conv_weights_bytes(part->conv) / sizeof(float));
	float* sum = s.sums + group * N;

	memset(sum, 0, (size_t)N * sizeof(float));

	for (long t = group; t < count_tiles(plan, part); t += count_groups(plan)) {

		long to[NN_SPATIAL];
		long from[NN_SPATIAL];

		long b = tile_position(plan, part, t, to);
		source_position(plan, from, to);

		nn_tile_load(&part->src, s.src, &conf->in, x, conf->padding, conf->relu, from, b);
		nn_tile_load(&part->dst, s.dst, &conf->out, dy, NN_PAD_ZERO, false, to, b);
		nn_dnnl_conv_run(part->conv, thread, s.src, s.gradient, s.dst, s.scratch);

#pragma omp simd
		for (long i = 0; i < N; i++)
			sum[i] += s.gradient[i];
	}
}


static void add_weights(const struct nn_plan_s* plan, float* dweights, const struct space_s* s)
{
	long I = plan->conf.in.channels;
	long O = plan->conf.out.channels;
	long T = plan->taps;
	long N = (long)(nn_dnnl_conv_weights_bytes(plan->weights.conv) / sizeof(float));

	for (long g = 1; g < count_groups(plan); g++)
		for (long i = 0; i < N; i++)
			s->sums[i] += s->sums[g * N + i];

	nn_dnnl_conv_reorder(plan->weights.conv, s->plain, s->sums);

	for (long o = 0; o < O; o++)
		for (long i = 0; i < I * T; i++)
			dweights[o * I * T + i] += s->plain[o * plan->in * T + i];
}


static void dnnl_backward_weights(struct nn_plan_s* plan, float* dweights, float* dbias,
		const void* x, const void* dy, void* ws)
{
	struct space_s s = divide(plan, false, ws, 0);

#pragma omp parallel for schedule(dynamic) num_threads(plan->threads)
	for (long g = 0; g < count_groups(plan); g++)
		weights_group(plan, g, x, dy, ws);

	add_weights(plan, dweights, &s);

	if (NULL != dbias)
		nn_bias_gradient(&plan->conf.out, dbias, dy, plan->threads);
}


const struct nn_backend_s nn_backend_dnnl = {

	.name = "dnnl",
	.device = &nn_device_cpu,
	.missing = nn_dnnl_missing,
	.channel_multiple = 1,
	.conv_create = dnnl_create,
	.conv_free = dnnl_free,
	.conv_workspace = dnnl_workspace,
	.conv_forward = dnnl_forward,
	.conv_backward_data = dnnl_backward_data,
	.conv_backward_weights = dnnl_backward_weights,
};

#endif		// USE_DNNL
