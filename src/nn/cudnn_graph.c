/*
 * Which of cuDNN's engines computes a convolution, and calling it.
 *
 * cuDNN's heuristics list configurations of engines, the presumably fastest first.
 * Engines say of themselves how they compute; those that break what a precision
 * promises are passed over. Whether an engine can compute a graph at all shows
 * when its plan is finalized.
 */

#ifdef GLEAM_GPU

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cudnn.h>

#include "misc/debug.h"
#include "misc/misc.h"

#include "gpu/gpu.h"

#include "nn/backend.h"
#include "nn/cudnn_desc.h"
#include "nn/cudnn_time.h"
#include "nn/tensor.h"

#include "nn/cudnn_graph.h"

#define MAX_CONFIGS 64
#define MAX_NOTES 32

struct nn_graph_options_s nn_graph_options = { .fast = false, .autotune = false, .device = NULL };

struct nn_graph_s {

	struct nn_graph_conf_s conf;
	bool found;		// an engine

	struct nn_desc_s desc;		// what the plan refers to
	cudnnBackendDescriptor_t config;
	cudnnBackendDescriptor_t plan;
	size_t workspace;
	char text[64];

	struct nn_graph_s* next;
};

static struct nn_graph_s* graphs = NULL;
static struct nn_graph_s** last = &graphs;


// one for the process; NULL where graphs are for a device that is not here
static cudnnHandle_t get_handle(void)
{
	static cudnnHandle_t handle = NULL;

	if ((NULL == handle) && (NULL == nn_graph_options.device)) {

		gpu_init();
		CUDNN_CHECK(cudnnCreate(&handle));
		CUDNN_CHECK(cudnnSetStream(handle, gpu_stream()));
	}

	return handle;
}


const char* nn_cudnn_version(void)
{
	static char text[32];
	int version = (int)cudnnGetVersion();

	snprintf(text, sizeof(text), "cuDNN %d.%d.%d", version / 10000, version / 100 % 100, version % 100);

	return text;
}


static cudnnBackendDescriptor_t get_device(void)
{
	static cudnnBackendDescriptor_t d = NULL;

	if ((NULL == d) && (NULL != nn_graph_options.device)) {

		d = nn_desc_new(CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR);

		nn_desc_set(d, CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION, CUDNN_TYPE_CHAR,
				(int64_t)strlen(nn_graph_options.device), nn_graph_options.device);
		CUDNN_CHECK(cudnnBackendFinalize(d));
	}

	return d;
}


// --- engines

struct engine_s {

	int64_t index;
	int64_t notes;
	cudnnBackendNumericalNote_t note[MAX_NOTES];
};


static struct engine_s engine_of(cudnnBackendDescriptor_t config)
{
	struct engine_s e = { .index = -1, .notes = 0 };
	int64_t count;

	cudnnBackendDescriptor_t d = nn_desc_new(CUDNN_BACKEND_ENGINE_DESCRIPTOR);

	CUDNN_CHECK(cudnnBackendGetAttribute(config, CUDNN_ATTR_ENGINECFG_ENGINE, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &count, &d));
	CUDNN_CHECK(cudnnBackendGetAttribute(d, CUDNN_ATTR_ENGINE_GLOBAL_INDEX, CUDNN_TYPE_INT64, 1, &count, &e.index));
	CUDNN_CHECK(cudnnBackendGetAttribute(d, CUDNN_ATTR_ENGINE_NUMERICAL_NOTE, CUDNN_TYPE_NUMERICAL_NOTE, MAX_NOTES, &e.notes, e.note));
	CUDNN_CHECK(cudnnBackendDestroyDescriptor(d));

	return e;
}


/* fp32 promises no more error than sums of fp32 products have: tensor cores and
 * conversion round the operands; FFT and Winograd's larger tiles (4x4 outputs and
 * more) lose digits in their transforms. TF32 and bfloat16 ask for tensor cores and
 * rounded operands; large Winograd tiles and FFT would lose more than the operands'
 * rounding. Sums in less than fp32 break the promise of all three.
 */
static bool is_excluded(enum nn_precision precision, cudnnBackendNumericalNote_t note)
{
	switch (note) {

	case CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC:
		return !nn_graph_options.fast;

	case CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION:
	case CUDNN_NUMERICAL_NOTE_FFT:
	case CUDNN_NUMERICAL_NOTE_WINOGRAD_TILE_13x13:
		return true;

	case CUDNN_NUMERICAL_NOTE_TENSOR_CORE:
	case CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS:
	case CUDNN_NUMERICAL_NOTE_WINOGRAD_TILE_6x6:
		return (NN_FP32 == precision);

	default:
		return false;
	}
}


static bool is_allowed(const struct engine_s* engine, enum nn_precision precision)
{
	for (int64_t i = 0; i < engine->notes; i++)
		if (is_excluded(precision, engine->note[i]))
			return false;

	return true;
}


// --- plans


// NULL if the engine does not support the graph
static cudnnBackendDescriptor_t plan_create(cudnnBackendDescriptor_t config)
{
	cudnnHandle_t handle = get_handle();
	cudnnBackendDescriptor_t d = nn_desc_new(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);

	nn_desc_set_one(d, CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, config);

	if (NULL == nn_graph_options.device)
		nn_desc_set(d, CUDNN_ATTR_EXECUTION_PLAN_HANDLE, CUDNN_TYPE_HANDLE, 1, &handle);
	else
		nn_desc_set_one(d, CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP, get_device());

	if (CUDNN_STATUS_SUCCESS == cudnnBackendFinalize(d))
		return d;

	CUDNN_CHECK(cudnnBackendDestroyDescriptor(d));

	return NULL;
}


static size_t plan_workspace(cudnnBackendDescriptor_t plan)
{
	int64_t bytes = 0;
	int64_t count;

	CUDNN_CHECK(cudnnBackendGetAttribute(plan, CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE, CUDNN_TYPE_INT64, 1, &count, &bytes));

	return (size_t)bytes;
}


struct choice_s {

	cudnnBackendDescriptor_t plan;
	cudnnBackendDescriptor_t config;	// of the plan
	int64_t engine;
	size_t workspace;
	float ms;		// when measured

	int64_t refused;	// the first engine that does not support the graph, or -1
	int offered;
	int tried;
};


/* Some engines copy their operands to another layout, and need as much memory as
 * the activations of a whole layer: the last choice, unless they are measured to be
 * faster. So is the first engine for gradients of weights: it is offered for few
 * channels, is said to be slow (pytorch issue 34977), and by cuDNN's manual its
 * ancestor (CUDNN_CONVOLUTION_BWD_FILTER_ALGO_0) does not give the same bits each
 * time, which its notes do not say.
 */
static bool is_doubtful(const struct nn_graph_conf_s* conf, const struct choice_s* choice)
{
	return (NN_GRAPH_FILTER == conf->kind) && (0 == choice->engine) && !nn_graph_options.fast;
}


static bool is_last_choice(const struct nn_graph_conf_s* conf, const struct choice_s* choice)
{
	return ((32 << 20) < choice->workspace) || is_doubtful(conf, choice);
}


static bool is_settled(const struct nn_graph_conf_s* conf, const struct choice_s* choice)
{
	return !nn_graph_options.autotune && (NULL != choice->plan) && !is_last_choice(conf, choice);
}


static bool is_better(const struct nn_graph_conf_s* conf, const struct choice_s* a, const struct choice_s* b)
{
	if (NULL == b->plan)
		return true;

	if (is_doubtful(conf, a) != is_doubtful(conf, b))
		return is_doubtful(conf, b);

	if (nn_graph_options.autotune)
		return a->ms < b->ms;

	return !is_last_choice(conf, a) && is_last_choice(conf, b);
}


// frees what has been made of it so far
static void reject(const struct choice_s* choice)
{
	if (NULL != choice->plan)
		CUDNN_CHECK(cudnnBackendDestroyDescriptor(choice->plan));

	if (NULL != choice->config)
		CUDNN_CHECK(cudnnBackendDestroyDescriptor(choice->config));
}


// takes the config
static void try_config(struct choice_s* best, const struct nn_graph_conf_s* conf, cudnnBackendDescriptor_t config)
{
	struct engine_s engine = engine_of(config);
	struct choice_s other = { .config = config, .engine = engine.index };

	best->offered++;

	if (!is_allowed(&engine, conf->precision) || is_settled(conf, best)) {

		reject(&other);
		return;
	}

	best->tried++;
	other.plan = plan_create(config);

	if (NULL == other.plan) {

		if (-1 == best->refused)
			best->refused = engine.index;

		reject(&other);
		return;
	}

	other.workspace = plan_workspace(other.plan);

	if (nn_graph_options.autotune)
		other.ms = nn_cudnn_time(conf, get_handle(), other.plan, other.workspace);

	if (!is_better(conf, &other, best)) {

		reject(&other);
		return;
	}

	reject(best);

	best->config = other.config;
	best->plan = other.plan;
	best->engine = other.engine;
	best->workspace = other.workspace;
	best->ms = other.ms;
}


static void try_configs(struct choice_s* choice, const struct nn_graph_conf_s* conf, cudnnBackendDescriptor_t graph, cudnnBackendHeurMode_t mode)
{
	cudnnBackendDescriptor_t configs[MAX_CONFIGS];
	cudnnBackendDescriptor_t heuristics = nn_desc_new(CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR);
	int64_t count = 0;

	for (int i = 0; i < MAX_CONFIGS; i++)
		configs[i] = nn_desc_new(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR);

	nn_desc_set_one(heuristics, CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, graph);
	nn_desc_set(heuristics, CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, 1, &mode);

	if (NULL != get_device())
		nn_desc_set_one(heuristics, CUDNN_ATTR_ENGINEHEUR_DEVICEPROP, get_device());

	// no heuristics for a graph: nothing supports it
	if (CUDNN_STATUS_SUCCESS == cudnnBackendFinalize(heuristics))
		CUDNN_CHECK(cudnnBackendGetAttribute(heuristics, CUDNN_ATTR_ENGINEHEUR_RESULTS,
				CUDNN_TYPE_BACKEND_DESCRIPTOR, MAX_CONFIGS, &count, configs));

	for (int i = 0; i < count; i++)
		try_config(choice, conf, configs[i]);

	for (int i = (int)count; i < MAX_CONFIGS; i++)
		CUDNN_CHECK(cudnnBackendDestroyDescriptor(configs[i]));

	CUDNN_CHECK(cudnnBackendDestroyDescriptor(heuristics));
}


// once, so that an unexpected choice can be explained
static void tell_fallback(const struct choice_s* choice)
{
	static bool told = false;

	if ((-1 == choice->refused) || (NULL == choice->plan) || told)
		return;

	told = true;
	debug_printf(DP_INFO, "cuDNN: engine %ld does not support a convolution, using engine %ld.\n", (long)choice->refused, (long)choice->engine);
}


static struct nn_graph_s* graph_create(const struct nn_graph_conf_s* conf)
{
	PTR_ALLOC(struct nn_graph_s, g);

	g->conf = *conf;
	g->desc.N = 0;

	cudnnBackendDescriptor_t graph = nn_desc_graph(&g->desc, get_handle(), conf);
	struct choice_s choice = { .plan = NULL, .refused = -1 };

	try_configs(&choice, conf, graph, CUDNN_HEUR_MODE_A);

	if (NULL == choice.plan)
		try_configs(&choice, conf, graph, CUDNN_HEUR_MODE_FALLBACK);

	tell_fallback(&choice);

	g->found = (NULL != choice.plan);
	g->config = choice.config;
	g->plan = choice.plan;
	g->workspace = choice.workspace;
	snprintf(g->text, sizeof(g->text), "engine %ld, %d tried of %d offered", (long)choice.engine, choice.tried, choice.offered);

	return PTR_PASS(g);
}


static bool same_conf(const struct nn_graph_conf_s* a, const struct nn_graph_conf_s* b)
{
	for (int i = 0; i < a->spatial; i++)
		if ((a->dims[i] != b->dims[i]) || (a->kernel[i] != b->kernel[i]))
			return false;

	return (a->kind == b->kind) && (a->precision == b->precision)
		&& (a->spatial == b->spatial) && (a->batch == b->batch)
		&& (a->in == b->in) && (a->out == b->out)
		&& (a->type == b->type) && (a->bias == b->bias) && (a->res == b->res) && (a->relu == b->relu);
}


const struct nn_graph_s* nn_graph_get(const struct nn_graph_conf_s* conf)
{
	struct nn_graph_s* g = NULL;

#pragma omp critical(nn_graph)
	{
		for (g = graphs; NULL != g; g = g->next)
			if (same_conf(&g->conf, conf))
				break;

		if (NULL == g) {

			g = graph_create(conf);
			g->next = NULL;

			*last = g;
			last = &g->next;
		}
	}

	return g->found ? g : NULL;
}


size_t nn_graph_workspace(const struct nn_graph_s* graph)
{
	return graph->workspace;
}


void nn_graph_each(nn_graph_fun fun)
{
	for (const struct nn_graph_s* g = graphs; NULL != g; g = g->next)
		fun(&g->conf, g->found ? g : NULL);
}


const char* nn_graph_describe(const struct nn_graph_s* graph)
{
	return graph->text;
}


void nn_graph_run(const struct nn_graph_s* graph, const struct nn_graph_args_s* args, void* ws)
{
	// threads that share a handle must not use it at the same time (bart -p)
#pragma omp critical(nn_graph_run)
	if (!nn_cudnn_execute(&graph->conf, get_handle(), graph->plan, args, ws))
		error("cuDNN: %s failed for a convolution of %ld to %ld channels.\n", graph->text, graph->conf.in, graph->conf.out);
}

#endif		// GLEAM_GPU
