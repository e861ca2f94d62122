/*
 * Adam (Kingma and Ba, ICLR 2015) with bias correction and coupled l2
 * regularisation: the decay is added to the gradient, as in torch.optim.Adam.
 * The update itself is the device's (nn/device.h).
 */
#ifndef _NN_ADAM_H
#define _NN_ADAM_H

#include <stdbool.h>

struct nn_adam_conf_s {

	float lr;
	float beta1;
	float beta2;
	float eps;
	float weight_decay;
	float clip;		// largest norm of a gradient, which is scaled down to it; 0: none
};

#define NN_ADAM_DEFAULTS { .lr = 1.E-4, .beta1 = 0.9, .beta2 = 0.999, .eps = 1.E-8, .weight_decay = 1.E-4 }

/* The last of each network's parameters, if it is of another kind than the others:
 * not decayed and kept at min at least; left alone when not trained.
 */
struct nn_adam_tail_s {

	bool trained;
	float min;
};

/* The learning rate of a step (from 1 to steps): half a cosine from first to last
 * (Loshchilov and Hutter, SGDR, ICLR 2017, eq. 5, without restarts). After the
 * last step it stays.
 */
extern float nn_adam_cosine(float first, float last, long step, long steps);

/* What a gradient is multiplied by before everything else, from the loss and the sum of its
 * squares: 1, less where its norm is clipped (Pascanu et al., ICML 2013, Algorithm 1), and
 * 0, which stands for no update at all, where one of them is not finite: a sum of squares
 * that no float holds is not, either.
 */
extern float nn_adam_factor(const struct nn_adam_conf_s* conf, const double check[2]);

// what changes from step to step, which counts from 1: { lr / (1 - beta1^step), 1 / sqrt(1 - beta2^step) }
extern void nn_adam_rates(const struct nn_adam_conf_s* conf, long step, float rates[2]);

#endif		// _NN_ADAM_H
