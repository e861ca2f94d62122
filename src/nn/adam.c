#include <math.h>

#include "nn/adam.h"

void nn_adam_update(const struct nn_adam_conf_s* conf, long step, long N,
		float params[N], float m[N], float v[N], const float grad[N])
{
	// corrections in double: 1 - beta2^t loses digits in float for small t
	double correction1 = 1. - pow((double)conf->beta1, (double)step);
	double correction2 = 1. - pow((double)conf->beta2, (double)step);

	float rate = (float)((double)conf->lr / correction1);
	float root = (float)(1. / sqrt(correction2));

	float beta1 = conf->beta1;
	float beta2 = conf->beta2;
	float eps = conf->eps;
	float decay = conf->weight_decay;

#pragma omp parallel for
	for (long i = 0; i < N; i++) {

		float g = grad[i] + decay * params[i];

		m[i] = beta1 * m[i] + (1.f - beta1) * g;
		v[i] = beta2 * v[i] + (1.f - beta2) * g * g;

		params[i] -= rate * m[i] / (root * sqrtf(v[i]) + eps);
	}
}
