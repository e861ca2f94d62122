#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "misc/io.h"
#include "misc/misc.h"
#include "misc/types.h"

#include "gleam/atomic.h"
#include "gleam/conf.h"
#include "gleam/newfile.h"
#include "gleam/text.h"
#include "gleam/warn.h"
#include "gleam/weights_format.h"

#include "gleam/weights.h"


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


// a fifo would be waited for
static FILE* open_plain(const char* path)
{
	struct stat st;

	if ((0 == stat(path, &st)) && !S_ISREG(st.st_mode)) {

		errno = S_ISDIR(st.st_mode) ? EISDIR : ESPIPE;
		return NULL;
	}

	return fopen(path, "rb");
}

static const char* way_out(int err, const char* other)
{
	return (EACCES == err) ? "Give yourself the right to read it (chmod)" : other;
}

static bool read_header(const char* path, char text[IO_MAX_HDR_SIZE + 1], struct cause_s* cause)
{
	FILE* fp = open_plain(path);

	if (NULL == fp)
		return because(cause, "%s: %s. Expected weights written by 'bart gleam' (<name>.hdr and <name>.cfl). %s",
				path, strerror(errno), way_out(errno, "Check the name, or train first"));

	size_t len = fread(text, 1, IO_MAX_HDR_SIZE, fp);
	bool failed = (0 != ferror(fp));

	fclose(fp);
	text[len] = '\0';

	if (failed)
		return because(cause, "%s: cannot be read: %s. Check the name, and the disk", path, strerror(errno));

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

	if ((NULL == p) && (NULL != strstr(text, "\n# Gleam\r\n")))
		return because(cause, "%s: found lines that end with carriage returns (CRLF), expected them without. "
				"Copy the file as it is, not as text; tr -d '\\r' mends it", path);

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

	if (WEIGHTS_FORMAT != section->format)
		return because(cause, "%s: found format %ld, expected %d. %s", path, section->format, WEIGHTS_FORMAT,
				(WEIGHTS_FORMAT < section->format) ? "It was written by a newer version: update this one" : "Train again");

	if (!(seen[0] && seen[1] && seen[2]))
		return because(cause, "%s: 'iteration', 'valid-nrmse' or 'crc32' is missing in the '# Gleam' section: "
				"the header is damaged. Copy the file again", path);

	return true;
}


// the dimensions of the file are those of its network, or it is not taken
static bool check_dimensions(const char* path, const char* text, const struct weights_layout_s* layout, struct cause_s* cause)
{
	char* expected = NULL;
	size_t size = 0;
	FILE* fp = text_open(&expected, &size);

	weights_print_dimensions(layout, fp);
	fclose(fp);

	bool ok = (0 == strncmp(text, expected, size));

	free(expected);

	return ok || because(cause, "%s: its dimensions are not those of its network: expected %ld modules of %ld complex numbers. "
				"The header was changed or is damaged. Copy the file again", path, layout->modules, layout->packed);
}


// the size is compared before anything of it is allocated
static float* read_data(const char* path, size_t bytes, struct cause_s* cause)
{
	FILE* fp = open_plain(path);
	struct stat st;

	if ((NULL == fp) || (0 != fstat(fileno(fp), &st))) {

		because(cause, "%s: %s. Weights are a pair of files, <name>.hdr and <name>.cfl. %s", path, strerror(errno), way_out(errno, "Copy both"));

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

			because(cause, "%s: cannot be read: %s. Check the name, and the disk", path, strerror(errno));
			XFREE(data);
		}
	}

	fclose(fp);

	return data;
}


static bool check_data(const char* path, const struct weights_layout_s* layout, const float* data, unsigned int expected, struct cause_s* cause)
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
	struct weights_layout_s layout = weights_layout(net);
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

	struct weights_layout_s layout = weights_layout(&net);

	if (!check_dimensions(hdr, text, &layout, cause))
		return NULL;

	float* data = read_data(cfl, layout.bytes, cause);
	struct gleam_weights_s* weights = NULL;

	if ((NULL != data) && check_data(cfl, &layout, data, section.crc, cause))
		weights = unpack(&section, &net, data);

	xfree(data);

	return weights;
}


// a header that was left behind, and the weights that it describes
struct pending_s {

	const char* cfl;
	char* hdr;
	struct gleam_weights_s* weights;
};


static bool try_pending(const char* name, void* data)
{
	struct pending_s* p = data;

	p->weights = read_pair(name, p->cfl, &(struct cause_s){ });

	if (NULL == p->weights)
		return false;

	p->hdr = ptr_printf("%s", name);

	return true;
}


/* A writer was stopped between its two renames: the header that belongs to the data is
 * still a new file.
 */
static struct pending_s find_pending(const char* hdr, const char* cfl)
{
	struct pending_s p = { .cfl = cfl };

	newfile_left(hdr, try_pending, &p);

	return p;
}


enum { READS = 500 };	// ten milliseconds apart

// is somebody writing it, or has done so since? Asked in this order nothing is missed in between.
static bool is_written(const char* hdr, const struct stat* before)
{
	struct stat now;

	return    newfile_held(hdr)
	       || (   (0 == stat(hdr, &now))
		   && (   (now.st_ino != before->st_ino)
		       || (now.st_mtim.tv_sec != before->st_mtim.tv_sec) || (now.st_mtim.tv_nsec != before->st_mtim.tv_nsec)));
}


/* Training may replace them meanwhile, one file after the other: what does not fit is read again, for
 * some seconds.
 */
static struct gleam_weights_s* read_settled(const char* hdr, const char* cfl, struct cause_s* cause)
{
	const struct timespec pause = { .tv_nsec = 10000000 };

	for (int i = 0; ; i++) {

		struct stat before = { };

		stat(hdr, &before);

		auto weights = read_pair(hdr, cfl, cause);

		if ((NULL != weights) || (READS <= i) || !is_written(hdr, &before))
			return weights;

		nanosleep(&pause, NULL);
	}
}


struct gleam_weights_s* gleam_weights_find(const char* name, char** message)
{
	char* base = gleam_weights_base(name);
	char* hdr = ptr_printf("%s.hdr", base);
	char* cfl = ptr_printf("%s.cfl", base);

	struct cause_s cause;
	struct gleam_weights_s* weights = read_settled(hdr, cfl, &cause);

	if (NULL == weights) {

		auto pending = find_pending(hdr, cfl);

		weights = pending.weights;

		if (NULL != weights)
			gleam_warn("%s: its writer was interrupted; the header is taken from %s\n", base, pending.hdr);

		xfree(pending.hdr);
	}

	if ((NULL == weights) && (NULL != message))
		*message = ptr_printf("%s", cause.text);

	xfree(cfl);
	xfree(hdr);
	xfree(base);

	return weights;
}


struct gleam_weights_s* gleam_weights_read(const char* name)
{
	char* message = NULL;
	auto weights = gleam_weights_find(name, &message);

	if (NULL == weights)
		error("%s.\n", message);

	return weights;
}


// finishes what a writer that was killed had begun, and removes what else it left
static void tidy(const char* base)
{
	char* hdr = ptr_printf("%s.hdr", base);
	char* cfl = ptr_printf("%s.cfl", base);

	auto pending = find_pending(hdr, cfl);

	// one that fits is the header of the last write, or of the same weights
	if (NULL != pending.weights) {

		if (0 != rename(pending.hdr, hdr))
			error("%s: cannot be put in the place of %s: %s\n", pending.hdr, hdr, strerror(errno));

		gleam_weights_free(pending.weights);
	}

	xfree(pending.hdr);
	newfile_clean(hdr);
	newfile_clean(cfl);

	xfree(cfl);
	xfree(hdr);
}


void gleam_weights_prepare(const char* name)
{
	char* base = gleam_weights_base(name);
	char* hdr = ptr_printf("%s.hdr", base);
	char* cfl = ptr_printf("%s.cfl", base);

	tidy(base);

	atomic_check_replaceable(cfl);
	atomic_check_replaceable(hdr);

	xfree(cfl);
	xfree(hdr);
	xfree(base);
}
