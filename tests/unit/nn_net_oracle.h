/*
 * The prox networks once more, in double and without any economies, on plain
 * arrays [batch][channel][z][y][x].
 */
#ifndef _NN_NET_ORACLE_H
#define _NN_NET_ORACLE_H

#include "nn/backend.h"
#include "nn/prox_net.h"

// struct nn_prox_conf_s: features, blocks or layers, maps, spatial dimensions
#define RESNET(F, B, E, D) { .type = NN_PROX_RESNET, .features = F, .blocks = B, .maps = E, .spatial = D }
#define REVNET(F, L, E, D) { .type = NN_PROX_REVNET, .features = F, .layers = L, .maps = E, .spatial = D }

/* How near an argument of a ReLU in the hidden layers of the last network came to
 * zero, relative to the layer's root mean square: so much may arguments be off
 * before a gradient jumps.
 */
extern double nn_net_oracle_margin(void);

extern void nn_net_oracle(const struct nn_prox_conf_s* conf, const long dims[NN_DIMS], double* out, const double* in, const double* params);

#endif		// _NN_NET_ORACLE_H
