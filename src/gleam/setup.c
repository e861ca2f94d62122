#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "num/init.h"

#include "misc/debug.h"
#include "misc/misc.h"
#include "misc/types.h"

#include "nn/backend.h"
#include "nn/device.h"
#ifdef GLEAM_GPU
#include "gpu/gpu.h"
#include "nn/cudnn_graph.h"
#endif

#include "gleam/warn.h"

#include "gleam/setup.h"


static void backend_names(int N, char list[N])
{
	list[0] = '\0';

	for (int i = 0; NULL != nn_backends[i]; i++) {

		// the others have the name of one of these, and --precision
		if (NN_FP32 != nn_backends[i]->precision)
			continue;

		strncat(list, " ", (size_t)N - strlen(list) - 1);
		strncat(list, nn_backends[i]->name, (size_t)N - strlen(list) - 1);
	}
}

static enum nn_precision precision_of(const char* name)
{
	static const char* const names[] = { [NN_FP32] = "fp32", [NN_TF32] = "tf32", [NN_BF16] = "bf16" };

	for (int i = 0; i < (int)ARRAY_SIZE(names); i++)
		if (0 == strcmp(names[i], name))
			return (enum nn_precision)i;

	error("--precision %s: there is none of this name; expected fp32, tf32 or bf16\n", name);
}

static bool wants_gpu(const struct gleam_compute_s* conf)
{
	bool gpu = conf->gpu || bart_use_gpu;
	bool named = (0 == strcmp("cudnn", conf->backend));

	if (gpu && !named && (0 != strcmp("auto", conf->backend)))
		error("--gpu (or BART_GPU) and --backend %s: this backend computes on the CPU. Leave one of the two out.\n", conf->backend);

	return gpu || named;
}

static void check_gpu_options(const struct gleam_compute_s* conf)
{
	if (conf->autotune || conf->fast_math)
		gleam_warn("--autotune and --fast-math have no effect without --gpu\n");

	if (NN_FP32 != precision_of(conf->precision))
		error("--precision %s: on the CPU there is only fp32. Add --gpu, or leave it out.\n", conf->precision);
}

static const struct nn_backend_s* find(const char* name, enum nn_precision precision)
{
	const struct nn_backend_s* backend = nn_backend_find(name, precision);

	if (NULL == backend) {

		char list[256];

		backend_names(sizeof(list), list);
		error("--backend %s: there is none of this name; this binary has: auto%s\n", name, list);
	}

	if (NULL != backend->missing())
		error("--backend %s: cannot be used here: %s\n", name, backend->missing());

	return backend;
}

#ifdef GLEAM_GPU
// once, not in every pass of a loop (bart -l)
static void tell_gpu(const struct gleam_compute_s* conf)
{
	static bool told = false;

	gpu_init();

	if (!told)
		debug_printf(DP_INFO, "GPU: %s, %s, %s\n", gpu_describe(), nn_cudnn_version(), conf->precision);

	told = true;
}
#endif

static const struct nn_backend_s* setup_gpu(const struct gleam_compute_s* conf)
{
#ifdef GLEAM_GPU
	nn_graph_options.autotune = conf->autotune;
	nn_graph_options.fast = conf->fast_math;

	const char* missing = gpu_missing();

	if (NULL != missing)
		error("--gpu (or --backend cudnn, or BART_GPU): %s. See what nvidia-smi shows and what CUDA_VISIBLE_DEVICES hides; "
			"without the option the CPU computes.\n", missing);

	// no library may round what is promised to be fp32
	if (NN_FP32 == precision_of(conf->precision))
		setenv("NVIDIA_TF32_OVERRIDE", "0", 1);

	tell_gpu(conf);

	return find("cudnn", precision_of(conf->precision));
#else
	(void)conf;

	error("--gpu: this binary was built without support for GPUs. 'make CUDA=1 CUDNN=1' builds one with it: build/cuda/bart.\n");
#endif
}

const struct nn_backend_s* gleam_setup_backend(const struct gleam_compute_s* conf)
{
	if (wants_gpu(conf))
		return setup_gpu(conf);

	check_gpu_options(conf);

	return find(conf->backend, NN_FP32);
}

void gleam_setup_trajectory(const struct nn_backend_s* backend, const char* trajectory)
{
	if ((NULL != trajectory) && !backend->device->host)
		error("--trajectory %s: trajectories are computed on the CPU only. Leave --gpu (and BART_GPU) out.\n", trajectory);
}
