#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdnoreturn.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "misc/misc.h"

#include "gleam/atomic.h"
#include "gleam/conf.h"
#include "gleam/state_format.h"

#include "gleam/state.h"

enum { BLOCK = 1 << 18 };

static const char way_out[] = "Train anew without --resume, or from weights with --load";

struct gleam_state_reader_s {

	int fd;
	char* path;
	char text[STATE_TEXT_MAX + 1];
	off_t data;		// where the floats begin
	struct gleam_state_s state;
};


/* Where BART is a library error() goes back to the program, which has no way to close this.
 * The next training of this thread does.
 */
static _Thread_local struct gleam_state_reader_s* unfinished = NULL;

static noreturn void __attribute__((format(printf, 2, 3))) refuse(const struct gleam_state_reader_s* r, const char* fmt, ...)
{
	char text[512];

	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);

	error("%s: %s. %s.\n", r->path, text, way_out);
}

// all of these bytes, or it is no such file
static void read_at(const struct gleam_state_reader_s* r, off_t at, size_t bytes, void* data)
{
	char* p = data;

	while (0 < bytes) {

		ssize_t n = pread(r->fd, p, bytes, at);

		if ((-1 == n) && (EINTR == errno))
			continue;

		if (1 > n)
			refuse(r, "cannot be read: %s", (0 == n) ? "it was cut short meanwhile" : strerror(errno));

		p += n;
		at += n;
		bytes -= (size_t)n;
	}
}


// the lines of the text, one after the other
struct lines_s {

	const struct gleam_state_reader_s* reader;
	char* p;
};

static char* next_line(struct lines_s* l)
{
	char* line = l->p;
	char* end = strchr(line, '\n');

	if (NULL == end)
		refuse(l->reader, "found its text cut short: it is damaged");

	*end = '\0';
	l->p = end + 1;

	return line;
}

static const char* value_of(struct lines_s* l, const char* name)
{
	char* line = next_line(l);
	size_t len = strlen(name);

	if ((0 != strncmp(line, name, len)) || (' ' != line[len]))
		refuse(l->reader, "found '%.40s' where its '%s' was expected: it is damaged", line, name);

	return line + len + 1;
}

static long take_long(struct lines_s* l, const char* name, long min)
{
	const char* text = value_of(l, name);
	char* end;

	errno = 0;
	long val = strtol(text, &end, 10);

	if ((end == text) || ('\0' != *end) || (0 != errno) || (min > val) || (LONG_MAX / 2 < val))
		refuse(l->reader, "found %s %.40s, expected a number of at least %ld: it is damaged", name, text, min);

	return val;
}

static double take_double(struct lines_s* l, const char* name)
{
	const char* text = value_of(l, name);
	char* end;
	double val = strtod(text, &end);

	if ((end == text) || ('\0' != *end))
		refuse(l->reader, "found %s %.40s, expected a number: it is damaged", name, text);

	return val;
}

static void take_values(struct lines_s* l, struct gleam_state_s* s)
{
	s->iteration = take_long(l, "iteration", 1);
	s->loss = take_double(l, "loss");
	s->validated = (0 != take_long(l, "validated", 0));
	s->best = take_double(l, "best");
	s->best_iteration = take_long(l, "best-iteration", 0);
	s->misses = take_long(l, "misses", 0);
	s->has_metrics = (0 != take_long(l, "metrics", 0));
	s->metrics.nrmse = take_double(l, "nrmse");
	s->metrics.psnr = take_double(l, "psnr");
	s->metrics.ssim = take_double(l, "ssim");
	s->skipped = take_long(l, "skipped", 0);

	if (!(0. <= s->best) || (s->best_iteration > s->iteration))
		refuse(l->reader, "found numbers of progress that cannot be: it is damaged");
}

static void take_format(struct lines_s* l)
{
	if (0 != strncmp(l->p, STATE_MAGIC, strlen(STATE_MAGIC)))
		refuse(l->reader, "found no training state in it, expected the file that 'bart gleam' saves");

	l->p += strlen(STATE_MAGIC);

	long format = take_long(l, "format", 0);

	if (STATE_FORMAT != format)
		refuse(l->reader, "found format %ld, expected %d: it was saved by another version", format, STATE_FORMAT);
}

// the network's lines are up to the title of the next section
static void take_network(struct lines_s* l, struct gleam_state_s* s)
{
	static const char first[] = "# Network\n";
	static const char second[] = "\n# Conditions\n";

	char* end = strstr(l->p, second);

	if ((0 != strncmp(l->p, first, strlen(first))) || (NULL == end))
		refuse(l->reader, "found no description of the network in it: it is damaged");

	end[1] = '\0';

	const char* msg = gleam_net_parse(&s->net, l->p + strlen(first));

	if (NULL != msg)
		refuse(l->reader, "its description of the network is damaged or of another version: %s", msg);

	s->conditions = end + strlen(second);
}

// returns the length of the text
static size_t read_text(struct gleam_state_reader_s* r, off_t size)
{
	size_t bytes = (size_t)MIN(size, (off_t)STATE_TEXT_MAX);

	read_at(r, 0, bytes, r->text);
	r->text[bytes] = '\0';

	char* end = strstr(r->text, STATE_END);

	if (NULL == end)
		refuse(r, "found no training state in it, expected the file that 'bart gleam' saves");

	end[1] = '\0';

	return (size_t)(end - r->text) + strlen(STATE_END);
}

static void check_size(const struct gleam_state_reader_s* r, off_t size)
{
	size_t expected = (size_t)r->data + state_data_bytes(&r->state) + STATE_CHECKSUM_SIZE;

	if (expected != (size_t)size)
		refuse(r, "found %lld bytes, expected %zu for its network: it is truncated or damaged", (long long)size, expected);
}

static bool all_finite(long N, const float x[N])
{
	for (long i = 0; i < N; i++)
		if (!isfinite(x[i]))
			return false;

	return true;
}

static void check_data(const struct gleam_state_reader_s* r)
{
	off_t end = r->data + (off_t)state_data_bytes(&r->state);
	unsigned int crc = 0;
	float* block = xmalloc(BLOCK * sizeof(float));
	char text[STATE_CHECKSUM_SIZE + 1] = { };
	char expected[STATE_CHECKSUM_SIZE + 1];
	bool finite = true;

	for (off_t at = 0; at < end; ) {

		// up to the data, then blocks of floats
		size_t bytes = (size_t)MIN((at < r->data) ? (r->data - at) : (end - at), (off_t)(BLOCK * sizeof(float)));

		read_at(r, at, bytes, block);
		crc = atomic_crc32(crc, bytes, block);

		finite = finite && ((at < r->data) || all_finite((long)(bytes / sizeof(float)), block));
		at += (off_t)bytes;
	}

	xfree(block);

	read_at(r, end, STATE_CHECKSUM_SIZE, text);
	snprintf(expected, sizeof(expected), STATE_CHECKSUM, crc);

	if (0 != strcmp(text, expected))
		refuse(r, "found another checksum than that of its contents: it is damaged");

	if (!finite)
		refuse(r, "found NaN or Inf in its numbers, expected finite ones");
}

void gleam_state_close_unfinished(void)
{
	if (NULL != unfinished)
		gleam_state_close(unfinished);
}

struct gleam_state_reader_s* gleam_state_open(const char* path)
{
	int fd = open(path, O_RDONLY|O_NONBLOCK|O_CLOEXEC);

	if ((-1 == fd) && (ENOENT == errno))
		return NULL;

	struct gleam_state_reader_s* r = xmalloc(sizeof(*r));
	struct stat st;

	unfinished = r;

	r->fd = fd;
	r->path = ptr_printf("%s", path);

	if ((-1 == fd) || (0 != fstat(fd, &st)))
		error("%s: cannot be read: %s. Expected the state that --resume goes on from. %s.\n", path, strerror(errno),
			(EACCES == errno) ? "Give yourself the right to read it (chmod)" : "Check its disk");

	if (!S_ISREG(st.st_mode))
		refuse(r, "found no plain file, expected the one that 'bart gleam' saves");

	r->state = (struct gleam_state_s){ };
	r->data = (off_t)read_text(r, st.st_size);

	struct lines_s lines = { .reader = r, .p = r->text };

	take_format(&lines);
	take_values(&lines, &r->state);
	take_network(&lines, &r->state);

	check_size(r, st.st_size);
	check_data(r);

	return r;
}

void gleam_state_close(struct gleam_state_reader_s* r)
{
	if (r == unfinished)
		unfinished = NULL;

	if (-1 != r->fd)
		close(r->fd);

	xfree(r->path);
	xfree(r);
}

const struct gleam_state_s* gleam_state_values(const struct gleam_state_reader_s* r)
{
	return &r->state;
}

void gleam_state_read(const struct gleam_state_reader_s* r, enum gleam_state_part part, long skip, long N, float x[N])
{
	off_t first = (off_t)part * state_part_size(&r->state) + skip;

	read_at(r, r->data + first * (off_t)sizeof(float), (size_t)N * sizeof(float), x);
}
