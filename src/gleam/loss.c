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


double gleam_loss_combined(long frames, long maps, long pixels, float scale,
		complex float grad[frames][maps][pixels], const complex float x[frames][maps][pixels], const complex float ref[frames][pixels])
{
	double sum = 0.;

	for (long i = 0; i < frames * pixels; i++) {

		long t = i / pixels;
		long p = i % pixels;
		float square = 0.f;

		for (long e = 0; e < maps; e++)
			square += crealf(x[t][e][p]) * crealf(x[t][e][p]) + cimagf(x[t][e][p]) * cimagf(x[t][e][p]);

		float rss = sqrtf(square);
		float diff = rss - sqrtf(crealf(ref[t][p]) * crealf(ref[t][p]) + cimagf(ref[t][p]) * cimagf(ref[t][p]));
		float a = (0.f < rss) ? (copysignf(scale, diff) / rss) : 0.f;

		sum += (double)fabsf(diff);

		for (long e = 0; e < maps; e++)
			grad[t][e][p] = (0.f == a * diff) ? 0.f : (a * x[t][e][p]);
	}

	return sum;
}
