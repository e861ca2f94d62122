#include <complex.h>
#include <stddef.h>

#include "num/multind.h"
#include "num/flpmath.h"

#include "gleam/image.h"


void gleam_image_add_difference(long N, complex float x[N], const complex float a[N], const complex float b[N])
{
	md_zadd(1, MD_DIMS(N), x, x, a);
	md_zsub(1, MD_DIMS(N), x, x, b);
}

// BART's md_znorm sums in single precision
double gleam_image_energy(long N, const complex float a[N], const complex float b[N])
{
	double sum = 0.;

	for (long i = 0; i < N; i++) {

		complex double d = (complex double)a[i] - ((NULL == b) ? 0. : (complex double)b[i]);

		sum += creal(d) * creal(d) + cimag(d) * cimag(d);
	}

	return sum;
}
