#ifdef GLEAM_GPU

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "gpu/bf16.h"
#include "gpu/gpu.h"

#include "cudnn_data.h"
#include "cudnn_help.h"


static int output_of(const struct conv_s* c)
{
	return (CONV_DATA == c->kind) ? DATA_X : (CONV_WEIGHTS == c->kind) ? DATA_W : DATA_Y;
}


static size_t element(const struct conv_s* c)
{
	return (CUDNN_DATA_BFLOAT16 == c->type) ? sizeof(bf16_t) : sizeof(float);
}


static double round_value(const struct conv_s* c, double v)
{
	return (double)((CUDNN_DATA_BFLOAT16 == c->type) ? bf16_to_float(bf16_from_float((float)v)) : (float)v);
}


static void upload(const struct conv_s* c, void* dst, long N, const double* src)
{
	char* bytes = malloc((size_t)N * element(c));

	for (long i = 0; i < N; i++) {

		if (CUDNN_DATA_BFLOAT16 == c->type)
			((bf16_t*)bytes)[i] = bf16_from_float((float)src[i]);
		else
			((float*)bytes)[i] = (float)src[i];
	}

	gpu_upload(dst, bytes, (size_t)N * element(c));
	free(bytes);
}


static void download(const struct conv_s* c, long N, double* dst, const void* src)
{
	char* bytes = malloc((size_t)N * element(c));

	gpu_download(bytes, src, (size_t)N * element(c));
	gpu_sync();

	for (long i = 0; i < N; i++)
		dst[i] = (double)((CUDNN_DATA_BFLOAT16 == c->type) ? bf16_to_float(((bf16_t*)bytes)[i]) : ((float*)bytes)[i]);

	free(bytes);
}


/* The definition, for all kinds: each product x w belongs to a y; one of the three
 * is the sum of the products of the others.
 */
static void direct(const struct conv_s* c, struct cudnn_data_s* d)
{
	int out = output_of(c);
	long ys[2] = { conv_output(c, 0), conv_output(c, 1) };

	memset(d->expected, 0, (size_t)d->size[out] * sizeof(double));
	memset(d->magnitude, 0, (size_t)d->size[out] * sizeof(double));

	for (long n = 0; n < c->N; n++)
	for (long i = 0; i < ys[0]; i++)
	for (long j = 0; j < ys[1]; j++)
	for (long k = 0; k < c->K; k++)
	for (long r = 0; r < c->R[0]; r++)
	for (long s = 0; s < c->R[1]; s++)
	for (long ch = 0; ch < c->C; ch++) {

		long xi = i + r - c->pad[0];
		long xj = j + s - c->pad[1];

		if ((0 > xi) || (c->X[0] <= xi) || (0 > xj) || (c->X[1] <= xj))
			continue;

		long pos[3] = {

			ch + c->C * (xj + c->X[1] * (xi + c->X[0] * n)),
			ch + c->C * (s + c->R[1] * (r + c->R[0] * k)),
			k + c->K * (j + ys[1] * (i + ys[0] * n)),
		};

		int a = (DATA_X == out) ? DATA_Y : DATA_X;
		int b = (DATA_W == out) ? DATA_Y : DATA_W;

		double product = d->host[a][pos[a]] * d->host[b][pos[b]];

		d->expected[pos[out]] += product;
		d->magnitude[pos[out]] += fabs(product);
	}

	if (CONV_FUSED == c->kind)
		for (long i = 0; i < d->size[DATA_Y]; i++)
			d->expected[i] = fmax(0., d->expected[i] + d->host[DATA_BIAS][i % c->K]);
}


struct cudnn_data_s cudnn_data_create(const struct conv_s* c)
{
	struct cudnn_data_s d = { .size = {

		c->N * c->C * c->X[0] * c->X[1], c->K * c->C * c->R[0] * c->R[1],
		c->N * c->K * conv_output(c, 0) * conv_output(c, 1), c->K } };

	for (int a = 0; a < DATA_ARRAYS; a++) {

		d.host[a] = malloc((size_t)d.size[a] * sizeof(double));
		d.device[a] = gpu_malloc((size_t)d.size[a] * element(c));

		for (long i = 0; i < d.size[a]; i++)
			d.host[a][i] = round_value(c, sin((double)(7 * i + a)));

		upload(c, d.device[a], d.size[a], d.host[a]);
	}

	d.expected = malloc((size_t)d.size[output_of(c)] * sizeof(double));
	d.magnitude = malloc((size_t)d.size[output_of(c)] * sizeof(double));
	d.workspace = gpu_malloc(1 << 24);

	direct(c, &d);

	return d;
}


void cudnn_data_free(struct cudnn_data_s* d)
{
	for (int a = 0; a < DATA_ARRAYS; a++) {

		free(d->host[a]);
		gpu_free(d->device[a]);
	}

	free(d->expected);
	free(d->magnitude);
	gpu_free(d->workspace);
}


descriptor_t cudnn_data_pack(const struct conv_s* c, const struct cudnn_data_s* d)
{
	int64_t uids[DATA_ARRAYS] = { UID_X, UID_W, UID_Y, UID_BIAS };

	return help_pack((CONV_FUSED == c->kind) ? 4 : 3, uids, d->device, d->workspace);
}


double cudnn_data_error(const struct conv_s* c, const struct cudnn_data_s* d, cudnnHandle_t handle, descriptor_t plan)
{
	int out = output_of(c);
	double* y = malloc((size_t)d->size[out] * sizeof(double));
	double error = 0.;

	gpu_clear(d->device[out], (size_t)d->size[out] * element(c));
	cr_assert(CUDNN_STATUS_SUCCESS == cudnnBackendExecute(handle, plan, cudnn_data_pack(c, d)));
	download(c, d->size[out], y, d->device[out]);

	for (long i = 0; i < d->size[out]; i++)
		error = fmax(error, fabs(y[i] - d->expected[i]) / d->magnitude[i]);

	free(y);

	return error;
}

#endif		// GLEAM_GPU
