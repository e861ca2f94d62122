/*
 * Adam (Kingma and Ba, ICLR 2015) with bias correction and coupled l2
 * regularisation: the decay is added to the gradient, as in torch.optim.Adam.
 */
#ifndef _NN_ADAM_H
#define _NN_ADAM_H

struct nn_adam_conf_s {

	float lr;
	float beta1;
	float beta2;
	float eps;
	float weight_decay;
};

#define NN_ADAM_DEFAULTS { .lr = 1.E-4, .beta1 = 0.9, .beta2 = 0.999, .eps = 1.E-8, .weight_decay = 1.E-4 }

// one update of N parameters; step counts from 1; m and v are the moments
extern void nn_adam_update(const struct nn_adam_conf_s* conf, long step, long N,
		float params[N], float m[N], float v[N], const float grad[N]);

#endif		// _NN_ADAM_H
