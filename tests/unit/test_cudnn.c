/*
 * What the networks promise on the GPU beside right results: their memory, no
 * allocations on the way, recording, and other ways to choose engines.
 */

#include <math.h>
#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

#include "misc/misc.h"

#include "nn/backend.h"
#include "nn/prox_net.h"

#include "nn_test.h"
#include "nn_net_oracle.h"
#include "nn_transfer.h"

#ifdef GLEAM_GPU

#include "gpu/gpu.h"

#include "nn/cudnn_graph.h"


// --- a network and one pass through it, forward and back

struct pass_s {

	struct nn_prox_s* prox;

	struct nn_tensor_s image;
	long N;
	long P;

	// on the device
	float* params;
	float* in;
	float* out;
	float* dout;
	float* din;
	float* dparams;

	// on the host: out, din, dparams of the last pass
	float* result;
};

static const long dims[NN_DIMS] = { 24, 18, 1, 2 };


static float* random_floats(long N, unsigned int seed)
{
	float val[N];

	nn_test_random(N, val, seed);

	return nn_transfer_floats(&nn_device_gpu, N, val);
}


static struct pass_s pass_create(const struct nn_backend_s* backend, const struct nn_prox_conf_s* conf)
{
	long strs[NN_DIMS] = { 1, dims[0], dims[0] * dims[1], dims[0] * dims[1] };

	struct pass_s p = { .image = nn_tensor_image(1, strs[3], dims, strs), .P = nn_prox_params(conf) };

	p.N = nn_tensor_size(&p.image);

	float params[p.P];

	nn_prox_init(conf, p.P, params, 1, 0);

	p.params = nn_transfer_floats(&nn_device_gpu, p.P, params);
	p.in = random_floats(p.N, 1);
	p.dout = random_floats(p.N, 2);
	p.out = random_floats(p.N, 3);
	p.din = random_floats(p.N, 3);
	p.dparams = random_floats(p.P, 3);
	p.result = xmalloc((size_t)(2 * p.N + p.P) * sizeof(float));

	p.prox = nn_prox_create(backend, conf, &p.image, 1);
	nn_prox_alloc(p.prox);

	return p;
}


static void pass_free(struct pass_s* p)
{
	void* all[] = { p->params, p->in, p->dout, p->out, p->din, p->dparams };

	for (unsigned int i = 0; i < ARRAY_SIZE(all); i++)
		gpu_free(all[i]);

	nn_prox_free(p->prox);
	xfree(p->result);
}


static void pass_run(const struct pass_s* p)
{
	gpu_clear(p->dparams, (size_t)p->P * sizeof(float));

	nn_prox_load(p->prox, 0, p->params);
	nn_prox_forward(p->prox, 0, p->out, p->in);
	nn_prox_backward(p->prox, 0, p->din, p->dparams, p->dout, p->in);
}


static void pass_fetch(const struct pass_s* p)
{
	nn_transfer_back(&nn_device_gpu, p->N, p->result, p->out);
	nn_transfer_back(&nn_device_gpu, p->N, p->result + p->N, p->din);
	nn_transfer_back(&nn_device_gpu, p->P, p->result + 2 * p->N, p->dparams);
}


static const struct nn_prox_conf_s nets[] = { RESNET(6, 2, 1, 2), REVNET(5, 4, 1, 2), RESNET(3, 2, 1, 3) };


static void for_passes(const char* test, void (*fun)(const struct nn_backend_s* backend, const struct nn_prox_conf_s* conf))
{
	for (int i = 0; NULL != nn_backends[i]; i++)
		if (!nn_backends[i]->device->host && nn_test_can_run(nn_backends[i], test))
			for (unsigned int j = 0; j < ARRAY_SIZE(nets); j++)
				fun(nn_backends[i], &nets[j]);
}


// --- memory


static void check_memory(const struct nn_backend_s* backend, const struct nn_prox_conf_s* conf)
{
	struct pass_s p = pass_create(backend, conf);

	gpu_sync();

	size_t taken = gpu_memory().taken;
	size_t peak = gpu_memory().peak;

	// so that more than before would be seen
	void* rest = gpu_malloc(peak - taken);

	pass_run(&p);
	gpu_sync();

	cr_assert_eq(peak, gpu_memory().taken, "%s: allocates on the way", backend->name);
	cr_assert_eq(peak, gpu_memory().peak, "%s: allocates on the way and frees it", backend->name);

	gpu_free(rest);

	size_t bytes = nn_prox_bytes(p.prox);

	nn_prox_free(p.prox);
	cr_assert_eq(bytes, taken - gpu_memory().taken, "%s: not what was said", backend->name);

	p.prox = nn_prox_create(backend, conf, &p.image, 0);
	nn_prox_alloc(p.prox);
	cr_assert_eq(nn_prox_bytes(p.prox), gpu_memory().taken - (taken - bytes), "%s: not what was said, for inference", backend->name);

	pass_free(&p);
}


Test(cudnn, takes_the_memory_that_it_says)
{
	for_passes("cudnn memory", check_memory);
}


// --- recording


static void check_recording(const struct nn_backend_s* backend, const struct nn_prox_conf_s* conf)
{
	struct pass_s p = pass_create(backend, conf);
	size_t bytes = (size_t)(2 * p.N + p.P) * sizeof(float);

	pass_run(&p);
	pass_fetch(&p);

	float* direct = xmalloc(bytes);
	memcpy(direct, p.result, bytes);

	gpu_graph_begin();
	pass_run(&p);

	struct gpu_graph_s* graph = gpu_graph_end();

	for (int i = 0; i < 2; i++) {

		// recording has not run anything, and nothing is left from the last time
		gpu_clear(p.out, (size_t)p.N * sizeof(float));
		gpu_clear(p.din, (size_t)p.N * sizeof(float));
		gpu_clear(p.dparams, (size_t)p.P * sizeof(float));

		gpu_graph_launch(graph);
		pass_fetch(&p);

		cr_assert_eq(0, memcmp(direct, p.result, bytes), "%s: recorded, run %d", backend->name, i);
	}

	gpu_graph_free(graph);
	xfree(direct);
	pass_free(&p);
}


Test(cudnn, can_be_recorded)
{
	for_passes("cudnn recording", check_recording);
}


// --- engines chosen by their time: the same results up to rounding, and the same choice for the same graph


static int graphs;
static int unsupported;


static void count_graph(const struct nn_graph_conf_s* conf, const struct nn_graph_s* graph)
{
	graphs++;
	unsupported += (NULL == graph) ? 1 : 0;

	if (NULL != graph)
		cr_assert_eq(graph, nn_graph_get(conf));
}


static void check_autotune(const struct nn_backend_s* backend, const struct nn_prox_conf_s* conf)
{
	struct pass_s p = pass_create(backend, conf);

	pass_run(&p);
	pass_fetch(&p);

	double out[p.N];
	double in[p.N];
	float val[p.N];
	double params[p.P];
	float weights[p.P];

	nn_transfer_back(&nn_device_gpu, p.N, val, p.in);
	nn_transfer_back(&nn_device_gpu, p.P, weights, p.params);

	// from interleaved real and imaginary parts to channel after channel
	long pixels = dims[0] * dims[1];

	for (long i = 0; i < p.N; i++)
		in[i / 2 % pixels + pixels * (i % 2 + 2 * (i / 2 / pixels))] = val[i];

	for (long i = 0; i < p.P; i++)
		params[i] = weights[i];

	nn_net_oracle(conf, dims, out, in, params);

	for (long i = 0; i < p.N; i++)
		in[i] = out[i / 2 % pixels + pixels * (i % 2 + 2 * (i / 2 / pixels))];

	double distance = nn_test_distance_double(p.N, p.result, in);

	cr_assert(nn_test_tolerance(backend) > distance, "%s: %g", backend->name, distance);

	pass_free(&p);
}


Test(cudnn, engines_chosen_by_their_time)
{
	nn_graph_options.autotune = true;

	for_passes("cudnn autotune", check_autotune);

	nn_graph_each(count_graph);

	if (NULL == gpu_missing())
		cr_assert_lt(unsupported, graphs);
}

#else

Test(cudnn, networks)
{
	nn_test_absent("cudnn networks");
}

#endif		// GLEAM_GPU
