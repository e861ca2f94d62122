/*
 * The architecture of the prox networks, their parameters and initial values.
 *
 * The networks are those of: Ozturkler B, Sahiner A, Ergen T, Desai AD, Sandino
 * CM, Vasanawala S, Pauly JM, Mardani M, Pilanci M. GLEAM: Greedy Learning for
 * Large-Scale Accelerated MRI Reconstruction. arXiv:2207.08393.
 */

#include <math.h>
#include <stdint.h>

#include "misc/misc.h"

#include "nn/backend.h"
#include "nn/prox_net.h"

#include "nn/prox_layers.h"


bool nn_relu_ends_block(const struct nn_prox_conf_s* conf)
{
	return (NN_PROX_RESNET == conf->type) && (3 == conf->spatial);
}


long nn_layer_A(long block)
{
	return (0 == block) ? 0 : (2 * block + 1);
}


long nn_layer_B(long block)
{
	return nn_layer_A(block) + 1;
}


static bool is_layer_A(long l)
{
	return (0 == l) || ((NN_LAYER_SHORTCUT < l) && (1 == l % 2));
}


long nn_layers_count(const struct nn_prox_conf_s* conf)
{
	return (NN_PROX_RESNET == conf->type) ? (2 * conf->blocks + 2) : conf->layers;
}


void nn_prox_check(const struct nn_prox_conf_s* conf)
{
	if ((2 != conf->spatial) && (3 != conf->spatial))
		error("Prox network: %d spatial dimensions; there are networks for 2 and 3.\n", conf->spatial);

	if ((1 > conf->maps) || (1 > conf->features))
		error("Prox network: %ld maps and %ld features; at least 1 of each is needed.\n", conf->maps, conf->features);

	if ((NN_PROX_RESNET == conf->type) && (1 > conf->blocks))
		error("Prox network: %ld residual blocks; at least 1 is needed.\n", conf->blocks);

	if ((NN_PROX_REVNET == conf->type) && (2 > conf->layers))
		error("Prox network: %ld layers; at least 2 are needed.\n", conf->layers);
}


static struct nn_layer_s revnet_layer(const struct nn_prox_conf_s* conf, long N, long l)
{
	return (struct nn_layer_s){

		.from_image = (0 == l),
		.to_image = (N - 1 == l),
		.kernel = 3,
		.padding = (2 == conf->spatial) ? NN_PAD_REFLECT : NN_PAD_REPLICATE,
		.relu = (0 != l),
		.relu_in_done = (0 != l),
		.relu_out = (N - 1 != l),
		.has_res = (N - 1 == l),
	};
}


static struct nn_layer_s resnet_layer(const struct nn_prox_conf_s* conf, long N, long l)
{
	bool ends = nn_relu_ends_block(conf);

	if (N - 1 == l)
		return (struct nn_layer_s){ .to_image = true, .kernel = 3, .padding = NN_PAD_ZERO, .has_bias = true, .has_res = true };

	if (NN_LAYER_SHORTCUT == l)
		return (struct nn_layer_s){ .from_image = true, .kernel = 1, .padding = NN_PAD_ZERO, .has_bias = true, .has_res = ends };

	return (struct nn_layer_s){

		.from_image = (0 == l),
		.kernel = 3,
		.padding = (2 == conf->spatial) ? NN_PAD_REFLECT : NN_PAD_REPLICATE,
		.relu = !(ends && is_layer_A(l)),
		.relu_in_done = !is_layer_A(l),
		.relu_out = is_layer_A(l),
		.has_res = !ends && !is_layer_A(l),
	};
}


long nn_layers_list(const struct nn_prox_conf_s* conf, long N, struct nn_layer_s layers[N])
{
	long pos = 0;

	for (long l = 0; l < N; l++) {

		struct nn_layer_s layer = (NN_PROX_RESNET == conf->type) ? resnet_layer(conf, N, l) : revnet_layer(conf, N, l);

		layer.in = layer.from_image ? (2 * conf->maps) : conf->features;
		layer.out = layer.to_image ? (2 * conf->maps) : conf->features;
		layer.taps = 1;

		for (int i = 0; i < conf->spatial; i++)
			layer.taps *= layer.kernel;

		layer.weights = pos;
		pos += layer.out * layer.in * layer.taps;

		layer.bias = pos;
		pos += layer.has_bias ? layer.out : 0;

		layers[l] = layer;
	}

	return pos;
}


bool nn_layer_same(const struct nn_layer_s* a, const struct nn_layer_s* b)
{
	return (a->from_image == b->from_image) && (a->to_image == b->to_image)
		&& (a->kernel == b->kernel) && (a->padding == b->padding)
		&& (a->relu == b->relu) && (a->relu_in_done == b->relu_in_done) && (a->relu_out == b->relu_out)
		&& (a->has_bias == b->has_bias) && (a->has_res == b->has_res);
}


long nn_prox_params(const struct nn_prox_conf_s* conf)
{
	nn_prox_check(conf);

	long N = nn_layers_count(conf);
	struct nn_layer_s layers[N];

	return nn_layers_list(conf, N, layers);
}


/* The output function of splitmix64: Steele GL, Lea D, Flood CH. Fast splittable
 * pseudorandom number generators. OOPSLA 2014:453-472.
 */
static uint64_t mix(uint64_t x)
{
	x += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);

	return x ^ (x >> 31);
}


// in (-1, 1), a function of the key and a counter
static double uniform(uint64_t key, long counter)
{
	uint64_t bits = mix(key ^ mix((uint64_t)counter)) >> 40;

	return ((double)bits + 0.5) / 8388608. - 1.;	// 24 bits
}


void nn_prox_init(const struct nn_prox_conf_s* conf, long P, float params[P], unsigned long long seed, int network)
{
	nn_prox_check(conf);

	long N = nn_layers_count(conf);
	struct nn_layer_s layers[N];

	if (P != nn_layers_list(conf, N, layers))
		error("Prox network: %ld parameters, expected %ld.\n", P, nn_prox_params(conf));

	uint64_t key = mix(mix((uint64_t)seed) + (uint64_t)network);

	for (long l = 0; l < N; l++) {

		long end = (N - 1 == l) ? P : layers[l + 1].weights;
		double bound = 1. / sqrt((double)(layers[l].in * layers[l].taps));

		for (long i = layers[l].weights; i < end; i++)
			params[i] = (float)(bound * uniform(key, i));
	}
}
