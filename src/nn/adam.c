#include <float.h>
#include <math.h>
#include <stddef.h>

#include "nn/adam.h"


float nn_adam_cosine(float first, float last, long step, long steps)
{
	if (step >= steps)
		return last;

	double part = (double)(step - 1) / (double)(steps - 1);

	return (float)((double)last + 0.5 * ((double)first - (double)last) * (1. + cos(M_PI * part)));
}

float nn_adam_factor(const struct nn_adam_conf_s* conf, const double check[2])
{
	if (NULL == check)
		return 1.f;

	// written so that what is not a number fails, too
	if (!(fabs(check[0]) <= DBL_MAX) || !(check[1] <= (double)FLT_MAX))
		return 0.f;

	double clip = (double)conf->clip;

	return ((0. < clip) && (check[1] > clip * clip)) ? (float)(clip / sqrt(check[1])) : 1.f;
}

void nn_adam_rates(const struct nn_adam_conf_s* conf, long step, float rates[2])
{
	// corrections in double: 1 - beta2^t loses digits in float for small t
	double correction1 = 1. - pow((double)conf->beta1, (double)step);
	double correction2 = 1. - pow((double)conf->beta2, (double)step);

	rates[0] = (float)((double)conf->lr / correction1);
	rates[1] = (float)(1. / sqrt(correction2));
}
