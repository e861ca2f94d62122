
#include <limits.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "num/mpi_ops.h"

#include "misc/debug.h"
#include "misc/io.h"
#include "misc/misc.h"
#include "misc/version.h"

#include "gleam/atomic.h"
#include "gleam/conf.h"
#include "gleam/distinct.h"
#include "gleam/text.h"
#include "gleam/weights_format.h"

#include "gleam/weights.h"

struct weights_layout_s weights_layout(const struct gleam_net_s* net)
{
	long floats = net->iterations / net->modules * gleam_net_params(net);
	long packed = (floats + 1) / 2;

	return (struct weights_layout_s){ net->modules, floats, packed, (size_t)(net->modules * packed) * 2 * sizeof(float) };
}


struct gleam_weights_s* gleam_weights_create(const struct gleam_net_s* net)
{
	PTR_ALLOC(struct gleam_weights_s, weights);

	long P = gleam_net_params(net);
	size_t bytes = (size_t)(net->iterations * P) * sizeof(float);

	*weights = (struct gleam_weights_s){ .net = *net, .P = P, .params = xmalloc(bytes), .valid_nrmse = -1. };

	memset(weights->params, 0, bytes);

	for (long n = 0; n < net->iterations; n++)
		weights->params[n * P + P - 1] = (GLEAM_PGD == net->type) ? net->step_size : net->mu;

	return PTR_PASS(weights);
}


void gleam_weights_free(struct gleam_weights_s* weights)
{
	xfree(weights->params);
	xfree(weights);
}


char* gleam_weights_base(const char* name)
{
	if (!distinct_name(name))
		error("'%s': found no name in that of weights, expected one. Is a variable of a script not set?\n", name);

	if (FILE_TYPE_CFL != file_type(name))
		error("%s: weights are a pair of files, <name>.hdr and <name>.cfl: "
			"they cannot be read from or written to a stream, .ra, .coo, .shm or .mem. "
			"Give a name without suffix.\n", name);

	char* base = ptr_printf("%s", name);
	char* dot = strrchr(base, '.');

	if ((NULL != dot) && (dot != base) && ((0 == strcmp(dot, ".hdr")) || (0 == strcmp(dot, ".cfl"))))
		*dot = '\0';

	return base;
}

char* gleam_weights_beside(const char* name, const char* suffix)
{
	char* base = gleam_weights_base(name);
	char* path = ptr_printf("%s%s", base, suffix);

	xfree(base);

	return path;
}


void weights_print_dimensions(const struct weights_layout_s* layout, FILE* fp)
{
	fprintf(fp, "# Dimensions\n%ld \n# SizesDimensions\n", layout->modules * layout->packed);

	for (long m = 0; m < layout->modules; m++)
		fprintf(fp, "1 ");

	fprintf(fp, "\n# MultiDimensions\n");

	for (long m = 0; m < layout->modules; m++)
		fprintf(fp, "%ld \n", layout->packed);
}


static void print_section(const struct gleam_weights_s* weights, unsigned int crc, FILE* fp)
{
	double nrmse = (0. <= weights->valid_nrmse) ? weights->valid_nrmse : -1.;

	fprintf(fp, "# Gleam\nformat %d\nplugin %s\nbart %s\n", WEIGHTS_FORMAT, GLEAM_VERSION, bart_version);
	fprintf(fp, "iteration %ld\nvalid-nrmse %.17g\ncrc32 %08x\n", weights->iteration, nrmse, crc);

	gleam_net_print(&weights->net, fp);

	fprintf(fp, "# Creator\nBART %s\n", bart_version);
}


/* How the file came about, where there is room for it: BART reads no more of a
 * header than IO_MAX_HDR_SIZE. A '#' after a line break would start a section.
 */
static void print_command(size_t room, FILE* fp)
{
	static const char title[] = "# Command\n";

	if ((NULL == command_line) || (sizeof(title) + 1 + strlen(command_line) > room))
		return;

	fputs(title, fp);

	for (const char* p = command_line; '\0' != *p; p++)
		fputc(('\n' == *p) ? ' ' : *p, fp);

	fputc('\n', fp);
}


static struct atomic_part_s make_header(const char* name, const struct gleam_weights_s* weights, unsigned int crc)
{
	struct weights_layout_s layout = weights_layout(&weights->net);

	char* text = NULL;
	size_t size = 0;
	FILE* fp = text_open(&text, &size);

	weights_print_dimensions(&layout, fp);
	print_section(weights, crc, fp);
	fflush(fp);

	if (IO_MAX_HDR_SIZE < size)
		error("%s.hdr: found %ld modules, which need a header of %zu bytes; expected at most %d, as BART reads no more. "
			"Use fewer modules with more iterations each (--modules).\n",
			name, layout.modules, size, IO_MAX_HDR_SIZE);

	print_command(IO_MAX_HDR_SIZE - size, fp);
	fclose(fp);

	return (struct atomic_part_s){ size, text };
}


void gleam_weights_write(const char* name, const struct gleam_weights_s* weights)
{
	if (!mpi_is_main_proc())
		return;

	struct weights_layout_s layout = weights_layout(&weights->net);

	// modules as they lie in memory, each filled up to whole complex numbers
	static const float zero = 0.f;
	int N = 2 * (int)layout.modules;
	struct atomic_part_s data[N];
	unsigned int crc = 0;

	for (long m = 0; m < layout.modules; m++) {

		data[2 * m + 0] = (struct atomic_part_s){ (size_t)layout.floats * sizeof(float), weights->params + m * layout.floats };
		data[2 * m + 1] = (struct atomic_part_s){ (size_t)(2 * layout.packed - layout.floats) * sizeof(float), &zero };
	}

	for (int i = 0; i < N; i++)
		crc = atomic_crc32(crc, data[i].size, data[i].data);

	char* base = gleam_weights_base(name);
	struct atomic_part_s header = make_header(base, weights, crc);

	atomic_write_cfl(base, header, N, data);

	free((void*)header.data);
	xfree(base);
}


void gleam_weights_check_size(const char* name, const struct gleam_weights_s* weights)
{
	struct gleam_weights_s longest = *weights;

	longest.iteration = LONG_MAX;
	longest.valid_nrmse = 1. / 3.;

	struct atomic_part_s header = make_header(name, &longest, 0);

	free((void*)header.data);
}
