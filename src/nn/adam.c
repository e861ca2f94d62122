#include <math.h>

#include "nn/adam.h"


void nn_adam_rates(const struct nn_adam_conf_s* conf, long step, float rates[2])
{
	// corrections in double: 1 - beta2^t loses digits in float for small t
	double correction1 = 1. - pow((double)conf->beta1, (double)step);
	double correction2 = 1. - pow((double)conf->beta2, (double)step);

	rates[0] = (float)((double)conf->lr / correction1);
	rates[1] = (float)(1. / sqrt(correction2));
}
