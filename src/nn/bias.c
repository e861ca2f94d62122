#include "misc/misc.h"

#include "nn/backend.h"

#include "nn/bias.h"

#define PARTS 16		// sums of rows, added in their order
#define CHANNELS 16		// at a time: they share a line of the cache


static void add_row(const struct nn_tensor_s* tensor, long n, double sum[n], const float* row, const long offset[n])
{
	for (long x = 0; x < tensor->dims[0]; x++)
		for (long c = 0; c < n; c++)
			sum[c] += (double)row[x * tensor->strs[0] + offset[c]];
}


// rows first .. last - 1 of the tensor, channels c0 .. c0 + n - 1
static void add_rows(const struct nn_tensor_s* tensor, long n, double sum[n], const float* dy, long c0, long first, long last)
{
	long Y = tensor->dims[1];
	long Z = tensor->dims[2];
	long offset[n];

	for (long c = 0; c < n; c++)
		offset[c] = (c0 + c) % tensor->group + (c0 + c) / tensor->group * tensor->group_str;

	for (long r = first; r < last; r++)
		add_row(tensor, n, sum, dy + r % Y * tensor->strs[1] + r / Y % Z * tensor->strs[2] + r / (Y * Z) * tensor->strs[3], offset);
}


void nn_bias_gradient(const struct nn_tensor_s* tensor, float* dbias, const float* dy, int threads)
{
	long rows = tensor->dims[1] * tensor->dims[2] * tensor->dims[3];
	long channels = tensor->channels;
	double sums[PARTS][channels];

#pragma omp parallel for num_threads(threads)
	for (long i = 0; i < PARTS; i++) {

		for (long c = 0; c < channels; c++)
			sums[i][c] = 0.;

		for (long c = 0; c < channels; c += CHANNELS)
			add_rows(tensor, MIN(CHANNELS, channels - c), sums[i] + c, dy, c, i * rows / PARTS, (i + 1) * rows / PARTS);
	}

	for (long c = 0; c < channels; c++) {

		double total = 0.;

		for (long i = 0; i < PARTS; i++)
			total += sums[i][c];

		dbias[c] = (float)((double)dbias[c] + total);
	}
}
