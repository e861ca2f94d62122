#include <complex.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <criterion/criterion.h>

#include "misc/io.h"
#include "misc/mri.h"

#include "data_files.h"


const struct gleam_files_s all = { .kspace = "k", .maps = "s", .reference = "r", .pattern = "p" };


complex float value(unsigned int seed, long i)
{
	uint32_t a = (uint32_t)(i + 1) * 2654435761u + seed * 40503u;

	a ^= a >> 15;
	a *= 2246822519u;
	a ^= a >> 13;

	return ((float)(a & 0xFFFF) + 1.f) / 65536.f - 0.7f + 1.if * ((float)(a >> 16) / 65536.f - 0.3f);
}


static long size(const long dims[DIMS])
{
	long N = 1;

	for (int i = 0; i < DIMS; i++)
		N *= dims[i];

	return N;
}


void write_cfl(const char* name, const long dims[DIMS], const complex float* data)
{
	char path[64];
	char text[256];
	int len = snprintf(text, sizeof(text), "# Dimensions\n");

	for (int i = 0; i < DIMS; i++)
		len += snprintf(text + len, sizeof(text) - (size_t)len, "%ld ", dims[i]);

	text[len++] = '\n';

	snprintf(path, sizeof(path), "%s.hdr", name);
	scratch_write(path, (size_t)len, text);

	snprintf(path, sizeof(path), "%s.cfl", name);
	scratch_write(path, (size_t)size(dims) * sizeof(complex float), data);

	io_reserve_input(name);
}


void write_filled(const char* name, const long dims[DIMS], enum fill fill, unsigned int seed)
{
	long N = size(dims);
	complex float* data = malloc((size_t)N * sizeof(complex float));

	for (long i = 0; i < N; i++)
		data[i] = (RANDOM == fill) ? value(seed, i) : ((ONES == fill) ? 1.f : 0.f);

	write_cfl(name, dims, data);
	free(data);
}


const long* dims_of(const long given[DIMS])
{
	static long dims[DIMS];

	for (int i = 0; i < DIMS; i++)
		dims[i] = (0 == given[i]) ? 1 : given[i];

	return dims;
}


void write_good(void)
{
	RANDOM_CFL("k", X, Y, [3] = C, [13] = 2);
	RANDOM_CFL("s", X, Y, [3] = C, [13] = 2);
	RANDOM_CFL("r", X, Y, [13] = 2);
	ONES_CFL("p", X, Y);
}


void poke(const char* name, long index, complex float val)
{
	char path[64];

	snprintf(path, sizeof(path), "%s.cfl", name);

	FILE* fp = fopen(path, "r+b");

	cr_assert(NULL != fp);
	fseek(fp, index * (long)sizeof(val), SEEK_SET);
	fwrite(&val, sizeof(val), 1, fp);
	fclose(fp);
}


void open_void(const void* files)
{
	gleam_data_close(gleam_data_open(files));
}
