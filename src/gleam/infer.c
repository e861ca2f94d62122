#include <complex.h>
#include <math.h>
#include <string.h>
#include <stdbool.h>

#include "num/multind.h"
#include "num/flpmath.h"

#include "misc/debug.h"
#include "misc/misc.h"
#include "misc/mmio.h"
#include "misc/mri.h"
#include "misc/types.h"

#include "nn/backend.h"

#include "gleam/batch.h"
#include "gleam/data.h"
#include "gleam/memory.h"
#include "gleam/metrics.h"
#include "gleam/output.h"
#include "gleam/place.h"
#include "gleam/report.h"
#include "gleam/setup.h"
#include "gleam/streams.h"
#include "gleam/unroll.h"
#include "gleam/validate.h"
#include "gleam/distinct.h"
#include "gleam/warn.h"
#include "gleam/weights.h"

#include "gleam/infer.h"

const struct gleam_infer_s gleam_infer_defaults = {

	.compute = GLEAM_COMPUTE_DEFAULTS,
	.iterations = GLEAM_UNSET,
};

struct infer_s {

	const struct gleam_infer_s* conf;
	const struct nn_backend_s* backend;
	const struct gleam_place_s* place;

	struct gleam_weights_s* weights;
	struct gleam_data_s* data;
	struct gleam_dims_s dims;
	long img_dims[DIMS];

	long N;				// iterations that are run
	struct gleam_memory_s plan;

	struct gleam_unroll_s* unroll;
	struct gleam_batch_s* batch;

	// on the device
	float* params;			// on the CPU those of the weights
	complex float* next;

	// on the host; on the CPU, the images themselves
	size_t img_bytes;
	complex float* host_x;
	complex float* host_ref;
	complex float* host_next;

	long out_dims[DIMS];
	struct output_s* out;

	struct gleam_metrics_stat_s* stat;	// [N + 1], of stages
	long steps;				// run in all, for --tol
};


static void check_conf(const struct gleam_infer_s* c)
{
	if (!(0. <= c->tol) || !isfinite(c->tol))
		error("--tol is %g, but must be finite and not negative\n", c->tol);

	if ((0 == strcmp("-", c->output)) && gleam_streams_lost())
		error("-: found stdout closed, expected a pipe or a file for the images. Give the output a file name.\n");

	if ((NULL != c->files.reference) && (0 == strcmp("-", c->output)))
		error("--reference prints metrics to stdout, where the output '-' goes: give the output a file name\n");
}

static void check_network(struct infer_s* s)
{
	const struct gleam_infer_s* c = s->conf;
	const struct gleam_net_s* net = &s->weights->net;

	if ((GLEAM_UNSET != c->iterations) && ((1 > c->iterations) || (net->iterations < c->iterations)))
		error("--iterations is %ld, but %s holds a network of %ld: give 1 to %ld\n",
			c->iterations, c->weights, net->iterations, net->iterations);

	// of what the network makes in between nothing was asked in training
	long length = net->iterations / net->modules;
	bool within = (GLEAM_UNSET != c->iterations) && (0 != c->iterations % length);

	if (within || ((0. < c->tol) && (1 < length)))
		debug_printf(DP_WARN, "%s: modules of %ld iterations were trained, and only behind each of them is there an image. "
			"--iterations and --tol are for networks with as many modules as iterations.\n", c->weights, length);

	gleam_data_expect(s->data, c->weights, net->prox.maps, net->prox.spatial);

	const char* const inputs[] = { c->files.kspace, c->files.maps, c->files.pattern, c->files.trajectory, c->files.reference };

	// in place is fine, where BART sees that it is
	distinct_check("images", c->output, true, 1, inputs);
	distinct_check("images", c->output, false, ARRAY_SIZE(inputs) - 1, inputs + 1);
	distinct_check("images", c->output, false, 1, &c->weights);

	output_check(c->output);
}

static void plan_memory(struct infer_s* s)
{
	auto bytes = gleam_unroll_bytes(&s->weights->net, s->backend, &s->dims, 0);
	size_t image = (size_t)md_calc_size(DIMS, s->img_dims) * CFL_SIZE;

	gleam_memory_add(&s->plan, "activations and workspace", bytes.activations + bytes.workspace);
	gleam_memory_add(&s->plan, "data consistency", bytes.dc);
	gleam_memory_add(&s->plan, "images of one sample", bytes.images + image + gleam_batch_bytes(s->place, s->data, 1, 1));
	gleam_memory_unit(&s->plan, s->img_dims, bytes.activations + bytes.workspace + bytes.dc + bytes.images + image);

	if (NULL != s->conf->files.reference)
		gleam_memory_add(&s->plan, "metrics", gleam_validate_bytes(s->place, s->data));

	if (!s->place->device->host && (NN_BF16 != s->backend->precision))
		gleam_memory_help(&s->plan, "--precision bf16");

	gleam_memory_add(&s->plan, "weights", (size_t)(s->weights->net.iterations * s->weights->P) * sizeof(float));
}

static void output_dims(struct infer_s* s)
{
	gleam_data_loop_dims(s->data, s->out_dims);

	for (int i = 0; i < DIMS; i++)
		s->out_dims[i] *= s->img_dims[i];

	if (s->conf->stages)
		s->out_dims[ITER_DIM] = s->N;
}

static void store(struct infer_s* s, long sample, long stage, const complex float* x)
{
	long pos[DIMS];
	gleam_data_position(s->data, sample, pos);

	pos[ITER_DIM] = s->conf->stages ? (stage - 1) : 0;

	md_copy_block(DIMS, pos, s->out_dims, output_data(s->out), s->img_dims, x, CFL_SIZE);
}

static void measure(struct infer_s* s, long stage, const complex float* x)
{
	if (NULL == s->stat)
		return;

	long dims[DIMS];
	gleam_data_ref_dims(s->data, dims);

	size_t bytes = (size_t)md_calc_size(DIMS, dims) * CFL_SIZE;
	const complex float* ref = gleam_place_on_host(s->place, s->host_ref, gleam_batch_ref(s->batch, 0), bytes);

	gleam_validate_image(&s->stat[stage], s->img_dims, x, dims, ref);
}

static bool converged(const struct infer_s* s, const complex float* next, const complex float* x)
{
	return md_zrmse(DIMS, s->img_dims, next, x) < s->conf->tol * md_zrms(DIMS, s->img_dims, next);
}

// x is on the host
static void finish_stage(struct infer_s* s, long sample, long stage, const complex float* x)
{
	measure(s, stage, x);

	if (!s->conf->stages && (s->N != stage))
		return;

	md_zsmul(DIMS, s->img_dims, s->host_next, x, gleam_batch_scale(s->batch, 0));
	store(s, sample, stage, s->host_next);
}

// will anybody look at this stage's image?
static bool needs_image(const struct infer_s* s, long stage)
{
	return (NULL != s->stat) || s->conf->stages || (s->N == stage);
}

// one more stage from x to x; has it converged?
static bool next_stage(struct infer_s* s, long n, complex float* x)
{
	gleam_unroll_load(s->unroll, 0, s->params + (n - 1) * s->weights->P);
	gleam_unroll_forward(s->unroll, 0, s->next, x, gleam_batch_x0(s->batch, 0));

	s->steps++;

	bool done = false;

	if (0. != s->conf->tol) {

		const complex float* next = gleam_place_on_host(s->place, s->host_next, s->next, s->img_bytes);

		done = converged(s, next, gleam_place_on_host(s->place, s->host_x, x, s->img_bytes));
	}

	s->place->device->copy(x, s->next, s->img_bytes);

	return done;
}

static void reconstruct(struct infer_s* s, long sample)
{
	gleam_batch_load(s->batch, &sample);
	gleam_batch_ahead_next(s->batch, sample);

	complex float* x = gleam_batch_x(s->batch, 0);
	const complex float* image = NULL;	// on the host, where somebody looks at it
	bool done = false;

	if (NULL != s->stat)
		measure(s, 0, gleam_place_on_host(s->place, s->host_x, x, s->img_bytes));

	for (long n = 1; n <= s->N; n++) {

		// after an early exit the later stages are the last image
		if (!done) {

			done = next_stage(s, n, x);
			image = (done || needs_image(s, n)) ? gleam_place_on_host(s->place, s->host_x, x, s->img_bytes) : image;
		}

		finish_stage(s, sample, n, image);
	}

	gleam_batch_upload(s->batch);

	if (!isfinite(md_zrms(DIMS, s->img_dims, image)))
		error("%s: the reconstruction of sample %ld is not finite: the network of '%s' has diverged. Train it again, with a smaller --lr.\n",
			s->conf->output, sample, s->conf->weights);
}

static void reconstruct_all(struct infer_s* s)
{
	for (long i = 0; i < gleam_data_samples(s->data); i++) {

		if (gleam_data_empty(s->data, i)) {

			gleam_warn("%s: sample %ld is all zero, and so is its reconstruction\n", s->conf->files.kspace, i);
			continue;		// the output begins as zero
		}

		reconstruct(s, i);
	}
}

static void infer_open(struct infer_s* s)
{
	const struct gleam_infer_s* c = s->conf;

	check_conf(c);

	s->backend = gleam_setup_backend(&c->compute);
	s->place = gleam_place(s->backend->device);

	gleam_setup_trajectory(s->backend, c->files.trajectory);

	s->weights = gleam_weights_read(c->weights);
	s->data = gleam_data_open(&c->files);
	s->dims = gleam_batch_dims(s->data, 1);

	gleam_data_tell_reference(s->data);

	check_network(s);

	gleam_dims_image(&s->dims, s->img_dims);

	s->N = (GLEAM_UNSET != c->iterations) ? c->iterations : s->weights->net.iterations;

	plan_memory(s);
}

static void alloc_images(struct infer_s* s)
{
	bool host = s->place->device->host;

	s->img_bytes = (size_t)md_calc_size(DIMS, s->img_dims) * CFL_SIZE;
	s->next = gleam_place_alloc(s->place, s->img_bytes);

	s->host_next = host ? s->next : xmalloc(s->img_bytes);
	s->host_x = host ? NULL : xmalloc(s->img_bytes);
	s->host_ref = host ? NULL : xmalloc(s->img_bytes);
}

static void alloc_params(struct infer_s* s)
{
	const struct nn_device_s* device = s->place->device;
	size_t bytes = (size_t)(s->weights->net.iterations * s->weights->P) * sizeof(float);

	s->params = device->host ? s->weights->params : gleam_place_alloc(s->place, bytes);

	if (device->host)
		return;

	device->upload(s->params, s->weights->params, bytes);
	device->sync();
}

static void free_memory(struct infer_s* s)
{
	const struct nn_device_s* device = s->place->device;

	if (!device->host) {

		device->free(s->params);
		xfree(s->host_next);
		xfree(s->host_x);
		xfree(s->host_ref);
	}

	device->free(s->next);
}

static void infer_run(struct infer_s* s)
{
	output_dims(s);

	s->out = output_create(s->conf->output, DIMS, s->out_dims);

	s->unroll = gleam_unroll_create(&s->weights->net, s->backend, &s->dims, 0);
	s->batch = gleam_batch_create(s->data, s->unroll, 1, 1);

	alloc_images(s);
	alloc_params(s);

	if (NULL != s->conf->files.reference) {

		s->stat = xmalloc((size_t)(s->N + 1) * sizeof(*s->stat));
		memset(s->stat, 0, (size_t)(s->N + 1) * sizeof(*s->stat));
	}

	reconstruct_all(s);

	if (NULL != s->stat)
		gleam_report_stages(gleam_data_start(s->data), s->N, s->stat);

	if (0. < s->conf->tol)
		debug_printf(DP_INFO, "iterations run per sample: %.1f of %ld\n",
				(double)s->steps / (double)gleam_data_samples(s->data), s->N);

	output_finish(s->out);
	xfree(s->stat);

	free_memory(s);

	gleam_batch_free(s->batch);
	gleam_unroll_free(s->unroll);
}

void gleam_infer(const struct gleam_infer_s* conf)
{
	struct infer_s s = { .conf = conf };

	infer_open(&s);

	if (conf->memory) {

		if (gleam_speaks())
			gleam_memory_print(&s.plan);

	} else {

		gleam_memory_check(&s.plan, s.place->available(), s.place->margin);
		infer_run(&s);
	}

	gleam_data_close(s.data);
	gleam_weights_free(s.weights);
	gleam_report_flush();
}
