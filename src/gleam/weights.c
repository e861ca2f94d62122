
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
#include "gleam/weights.h"

#define FORMAT 1


/* How the parameters lie in the file: one array per module, two floats in every
 * complex number, a zero at the end where their number is odd. The ranges of a
 * checked network keep all these products below 2^60.
 */
struct layout_s {

	long modules;
	long floats;	// of one module
	long packed;	// complex numbers of one module
	size_t bytes;	// of all
};


static struct layout_s layout_of(const struct gleam_net_s* net)
{
	long floats = net->iterations / net->modules * gleam_net_params(net);
	long packed = (floats + 1) / 2;

	return (struct layout_s){ net->modules, floats, packed, (size_t)(net->modules * packed) * 2 * sizeof(float) };
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


static void print_dimensions(const struct layout_s* layout, FILE* fp)
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

	fprintf(fp, "# Gleam\nformat %d\nplugin %s\nbart %s\n", FORMAT, GLEAM_VERSION, bart_version);
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
	struct layout_s layout = layout_of(&weights->net);

	char* text = NULL;
	size_t size = 0;
	FILE* fp = open_memstream(&text, &size);

	if (NULL == fp)
		error("Could not allocate memory.\n");

	print_dimensions(&layout, fp);
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

	struct layout_s layout = layout_of(&weights->net);

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


void gleam_weights_check_writable(const char* name)
{
	char* base = gleam_weights_base(name);

	if (mpi_is_main_proc())
		atomic_check_cfl(base);

	xfree(base);
}


// what is wrong with a pair of files, for the one place that tells it
struct cause_s {

	char text[1024];
};


static bool __attribute__((format(printf, 2, 3))) because(struct cause_s* cause, const char* fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(cause->text, sizeof(cause->text), fmt, ap);
	va_end(ap);

	return false;
}


static bool read_header(const char* path, char text[IO_MAX_HDR_SIZE + 1], struct cause_s* cause)
{
	FILE* fp = fopen(path, "rb");

	if (NULL == fp)
		return because(cause, "%s: %s. Expected weights written by 'bart gleam' (<name>.hdr and <name>.cfl). "
				"Check the name, or train first", path, strerror(errno));

	size_t len = fread(text, 1, IO_MAX_HDR_SIZE, fp);
	bool failed = (0 != ferror(fp));

	fclose(fp);
	text[len] = '\0';

	if (failed)
		return because(cause, "%s: cannot be read: %s", path, strerror(errno));

	return true;
}


struct section_s {

	long format;
	long iteration;
	double valid_nrmse;
	unsigned int crc;

	char net[IO_MAX_HDR_SIZE + 1];
};


// lines that are not about the file describe the network
static void parse_line(struct section_s* section, bool seen[3], size_t len, const char line[len])
{
	char text[128];

	snprintf(text, sizeof(text), "%.*s", (int)MIN(len, sizeof(text) - 1), line);

	if (   (1 == sscanf(text, "format %ld", &section->format))
	    || (0 == strncmp(text, "plugin ", 7))
	    || (0 == strncmp(text, "bart ", 5)))
		return;

	if (1 == sscanf(text, "iteration %ld", &section->iteration))
		seen[0] = true;
	else if (1 == sscanf(text, "valid-nrmse %lf", &section->valid_nrmse))
		seen[1] = true;
	else if (1 == sscanf(text, "crc32 %8x", &section->crc))
		seen[2] = true;
	else
		snprintf(section->net + strlen(section->net), sizeof(section->net) - strlen(section->net), "%.*s\n", (int)len, line);
}


static bool parse_section(const char* path, const char* text, struct section_s* section, struct cause_s* cause)
{
	const char* p = strstr(text, "\n# Gleam\n");

	if (NULL == p)
		return because(cause, "%s: found no '# Gleam' section in it. Expected weights written by 'bart gleam'; "
				"weights of other tools (reconet, nlinvnet) describe other networks. Train with 'bart gleam'", path);

	bool seen[3] = { };

	*section = (struct section_s){ .format = -1 };

	for (p += strlen("\n# Gleam\n"); ('\0' != *p) && ('#' != *p); ) {

		size_t len = strcspn(p, "\n");

		parse_line(section, seen, len, p);

		p += len + (('\n' == p[len]) ? 1 : 0);
	}

	if (FORMAT != section->format)
		return because(cause, "%s: found format %ld, expected %d. %s", path, section->format, FORMAT,
				(FORMAT < section->format) ? "It was written by a newer version: update this one" : "Train again");

	if (!(seen[0] && seen[1] && seen[2]))
		return because(cause, "%s: 'iteration', 'valid-nrmse' or 'crc32' is missing in the '# Gleam' section: "
				"the header is damaged. Copy the file again", path);

	return true;
}


// the dimensions of the file are those of its network, or it is not taken
static bool check_dimensions(const char* path, const char* text, const struct layout_s* layout, struct cause_s* cause)
{
	char* expected = NULL;
	size_t size = 0;
	FILE* fp = open_memstream(&expected, &size);

	if (NULL == fp)
		error("Could not allocate memory.\n");

	print_dimensions(layout, fp);
	fclose(fp);

	bool ok = (0 == strncmp(text, expected, size));

	free(expected);

	return ok || because(cause, "%s: its dimensions are not those of its network: expected %ld modules of %ld complex numbers. "
				"The header was changed or is damaged. Copy the file again", path, layout->modules, layout->packed);
}


// the size is compared before anything of it is allocated
static float* read_data(const char* path, size_t bytes, struct cause_s* cause)
{
	FILE* fp = fopen(path, "rb");
	struct stat st;

	if ((NULL == fp) || (0 != fstat(fileno(fp), &st))) {

		because(cause, "%s: %s. Weights are a pair of files, <name>.hdr and <name>.cfl. Copy both", path, strerror(errno));

		if (NULL != fp)
			fclose(fp);

		return NULL;
	}

	float* data = NULL;

	if ((0 > st.st_size) || (bytes != (size_t)st.st_size)) {

		because(cause, "%s: found %lld bytes, expected %zu for the network of the header: truncated, or not of this header. "
				"Copy both files again", path, (long long)st.st_size, bytes);

	} else {

		data = xmalloc(bytes);

		if (1 != fread(data, bytes, 1, fp)) {

			because(cause, "%s: cannot be read: %s", path, strerror(errno));
			XFREE(data);
		}
	}

	fclose(fp);

	return data;
}


static bool check_data(const char* path, const struct layout_s* layout, const float* data, unsigned int expected, struct cause_s* cause)
{
	unsigned int found = atomic_crc32(0, layout->bytes, data);

	if (expected != found)
		return because(cause, "%s: found checksum %08x, expected %08x from the header: the data is damaged, "
				"or the two files were not written together. Copy both files again, or train again", path, found, expected);

	for (size_t i = 0; i < layout->bytes / sizeof(float); i++)
		if (!isfinite(data[i]))
			return because(cause, "%s: found NaN or Inf at parameter %zu, expected finite numbers: "
					"the training diverged. Train with a smaller --lr", path, i);

	return true;
}


static struct gleam_weights_s* unpack(const struct section_s* section, const struct gleam_net_s* net, const float* data)
{
	struct layout_s layout = layout_of(net);
	struct gleam_weights_s* weights = gleam_weights_create(net);

	weights->iteration = section->iteration;
	weights->valid_nrmse = section->valid_nrmse;

	for (long m = 0; m < layout.modules; m++)
		memcpy(weights->params + m * layout.floats, data + m * 2 * layout.packed, (size_t)layout.floats * sizeof(float));

	return weights;
}


static struct gleam_weights_s* read_pair(const char* hdr, const char* cfl, struct cause_s* cause)
{
	char text[IO_MAX_HDR_SIZE + 1];
	struct section_s section;
	struct gleam_net_s net;

	if (!read_header(hdr, text, cause) || !parse_section(hdr, text, &section, cause))
		return NULL;

	const char* msg = gleam_net_parse(&net, section.net);

	if (NULL != msg) {

		because(cause, "%s: the description of the network is damaged or of another version: %s. "
				"Copy the file again, or train again", hdr, msg);
		return NULL;
	}

	struct layout_s layout = layout_of(&net);

	if (!check_dimensions(hdr, text, &layout, cause))
		return NULL;

	float* data = read_data(cfl, layout.bytes, cause);
	struct gleam_weights_s* weights = NULL;

	if ((NULL != data) && check_data(cfl, &layout, data, section.crc, cause))
		weights = unpack(&section, &net, data);

	xfree(data);

	return weights;
}


struct gleam_weights_s* gleam_weights_read(const char* name)
{
	char* base = gleam_weights_base(name);
	char* hdr = ptr_printf("%s.hdr", base);
	char* cfl = ptr_printf("%s.cfl", base);
	char* pending = ptr_printf("%s" ATOMIC_SUFFIX, hdr);

	struct cause_s cause;
	struct gleam_weights_s* weights = read_pair(hdr, cfl, &cause);

	// a writer was stopped between its two renames: this is the data's header
	if (NULL == weights) {

		weights = read_pair(pending, cfl, &(struct cause_s){ });

		if (NULL != weights)
			debug_printf(DP_WARN, "%s: its writer was interrupted; the header is taken from %s\n", base, pending);
	}

	if (NULL == weights)
		error("%s.\n", cause.text);

	xfree(pending);
	xfree(cfl);
	xfree(hdr);
	xfree(base);

	return weights;
}
