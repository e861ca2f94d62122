#include <math.h>
#include <complex.h>

#include "gleam/loss.h"

double gleam_loss_l1(long N, float scale, complex float grad[N], const complex float x[N], const complex float ref[N])
{
	double sum = 0.;

	for (long i = 0; i < N; i++) {

		complex float diff = x[i] - ref[i];
		float abs = sqrtf(crealf(diff) * crealf(diff) + cimagf(diff) * cimagf(diff));

		sum += (double)abs;
		grad[i] = (0.f < abs) ? (diff * (scale / abs)) : 0.f;
	}

	return sum;
}
