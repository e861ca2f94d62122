/*
 * Does cuDNN have engines for all that the networks need? Asked of the real library
 * for devices that are only described: no GPU is needed, and where there is no driver
 * driver.c takes its place.
 *
 * Prints for each network what it needs of memory, and the engine of each of its
 * graphs. Ends with an error where one has none.
 */

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "misc/misc.h"

#include "nn/backend.h"
#include "nn/cudnn_graph.h"
#include "nn/prox_net.h"
#include "nn/tensor.h"

// what cuDNN wants to know of a device
#define DEVICE(name, version, bytes, processors, clock, memory_clock, l2)			\
	"{\"deviceVer\":" #version ",\"driverVer\":13000,\"cudaDeviceId\":0,"			\
	"\"totalGlobalMem\":" #bytes ",\"maxGridSize\":[2147483647,65535,65535],"		\
	"\"maxBlockSize\":[1024,1024,64],\"regsPerBlock\":65536,"				\
	"\"multiProcessorCount\":" #processors ",\"warpSize\":32,"				\
	"\"maxSharedMemoryPerBlock\":49152,\"maxSharedMemoryPerBlockOptin\":232448,"		\
	"\"reservedSharedMemoryPerBlock\":1024,\"maxRegistersPerSM\":65536,\"maxCtasPerSM\":32,"	\
	"\"maxThreadsPerBlock\":1024,\"maxThreadsPerSM\":2048,\"pciDeviceId\":0,\"isTccDriver\":0,"	\
	"\"supportCoopLaunch\":1,\"smClockRateKHz\":" #clock ",\"memClockRateKHz\":" #memory_clock ","	\
	"\"l2CacheSize\":" #l2 ",\"deviceName\":\"" name "\"}"

static const struct { const char* name; const char* text; } devices[] = {

	{ "H100", DEVICE("NVIDIA H100 80GB HBM3", 900, 85029158912, 132, 1980000, 2619000, 52428800) },
	{ "H200", DEVICE("NVIDIA H200", 900, 150110011392, 132, 1980000, 3201000, 62914560) },
};

static const struct {

	const char* name;
	struct nn_prox_conf_s conf;
	long dims[NN_DIMS];

} nets[] = {

	{ "PGD, 100 features, 320x256, batch 4", { .type = NN_PROX_RESNET, .features = 100, .blocks = 2, .maps = 1, .spatial = 2 }, { 320, 256, 1, 4 } },
	{ "MoDL, 70 features, 320x256, batch 4", { .type = NN_PROX_REVNET, .features = 70, .layers = 5, .maps = 1, .spatial = 2 }, { 320, 256, 1, 4 } },
	{ "PGD 3D, 60 features, 128x128x20", { .type = NN_PROX_RESNET, .features = 60, .blocks = 2, .maps = 1, .spatial = 3 }, { 128, 128, 20, 1 } },
};


static void print_graph(const struct nn_graph_conf_s* conf, const struct nn_graph_s* graph)
{
	static const char* const precisions[] = { "fp32", "tf32", "bf16" };

	printf("  %s %-7s %ldx%ld%s %3ld -> %3ld %s%s%s: ", precisions[conf->precision],
			(NN_GRAPH_FILTER == conf->kind) ? "filter" : "forward",
			conf->kernel[0], conf->kernel[1], (3 == conf->spatial) ? " 3D" : "",
			conf->in, conf->out, conf->res ? "+ sum " : "", conf->bias ? "+ bias " : "", conf->relu ? "+ ReLU" : "");

	if (NULL == graph)
		printf("no engine: not fused\n");
	else
		printf("%s, workspace %.1f MiB\n", nn_graph_describe(graph), (double)nn_graph_workspace(graph) / 1048576.);
}


// all graphs are made with the plans of a network, for training and for inference
static void make_plans(enum nn_precision precision, const struct nn_prox_conf_s* conf, const long dims[NN_DIMS])
{
	long strs[NN_DIMS] = { 1, dims[0], dims[0] * dims[1], dims[0] * dims[1] * dims[2] };

	struct nn_tensor_s image = nn_tensor_image(conf->maps, strs[3], dims, strs);
	const struct nn_backend_s* backend = nn_backend_find("cudnn", precision);

	for (int slots = 1; 0 <= slots; slots--) {

		struct nn_prox_s* prox = nn_prox_create(backend, conf, &image, slots);

		printf("  %s, %s: %.1f MiB\n", backend->name, (0 < slots) ? "training" : "inference", (double)nn_prox_bytes(prox) / 1048576.);

		nn_prox_free(prox);
	}
}


int main(int argc, char* argv[argc])
{
	if (2 != argc)
		error("Usage: %s H100|H200\n", argv[0]);

	for (unsigned int i = 0; i < ARRAY_SIZE(devices); i++)
		if (0 == strcmp(devices[i].name, argv[1]))
			nn_graph_options.device = devices[i].text;

	if (NULL == nn_graph_options.device)
		error("There is no description of a device '%s'.\n", argv[1]);

	printf("%s, %s\n", argv[1], nn_cudnn_version());

	for (unsigned int i = 0; i < ARRAY_SIZE(nets); i++) {

		printf("%s\n", nets[i].name);

		for (enum nn_precision p = NN_FP32; p <= NN_BF16; p++)
			make_plans(p, &nets[i].conf, nets[i].dims);
	}

	printf("graphs\n");
	nn_graph_each(print_graph);

	return 0;
}
