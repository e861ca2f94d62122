#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <stdbool.h>
#include <unistd.h>

#include "misc/debug.h"
#include "misc/misc.h"
#include "misc/types.h"

#include "gleam/clock.h"
#include "gleam/log.h"
#include "gleam/memory.h"
#include "gleam/metrics.h"
#include "gleam/text.h"
#include "gleam/warn.h"

#include "gleam/report.h"

enum { PACE = 32 };

static const double PLAIN_INTERVAL = 10.;	// seconds between lines where nothing can be rewritten

struct gleam_report_s {

	struct gleam_log_s* log;	// or NULL
	bool terminal;
	bool open;		// the cursor is behind a line that would be rewritten
	double printed;

	long errors;
	bool ranks;

	long count;
	double pace[PACE];
};


double gleam_report_loss(long modules, const double loss[modules])
{
	double sum = 0.;

	for (long m = 0; m < modules; m++)
		sum += loss[m];

	return sum / (double)modules;
}

static char* log_title(long modules, long errors, const long at[errors], bool ranks)
{
	char* text = NULL;
	size_t size = 0;
	FILE* fp = text_open(&text, &size);

	fprintf(fp, "iteration,loss");

	for (long m = 1; m <= modules; m++)
		fprintf(fp, ",loss_%ld", m);

	fprintf(fp, ",valid_nrmse,valid_psnr,valid_ssim,seconds_per_iteration,peak_bytes,forward_seconds,backward_seconds");

	for (long i = 0; i < errors; i++)
		fprintf(fp, ",inversion_error_%ld", at[i]);

	fprintf(fp, "%s\n", ranks ? ",waiting_seconds" : "");
	fclose(fp);

	return text;
}

// where the column of this number begins, from 0
static const char* column(const char* line, long n)
{
	for (long i = 0; i < n; i++) {

		const char* comma = strchr(line, ',');

		if (NULL == comma)
			return NULL;

		line = comma + 1;
	}

	return line;
}

struct resumed_s {

	const struct gleam_report_resume_s* from;
	long modules;
};

/* The line after which a run goes on: it has the state's loss, or another run has written it;
 * and no validation that there was only since the run ended there.
 */
static char* resumed_line(const void* _data, const char* line)
{
	const struct resumed_s* data = _data;
	const struct gleam_report_resume_s* from = data->from;

	char* begin = ptr_printf("%ld,%.8g,", from->iteration, from->loss);
	bool same = (0 == strncmp(line, begin, strlen(begin)));

	xfree(begin);

	const char* valid = column(line, 2 + data->modules);
	const char* after = column(line, 5 + data->modules);

	if (!same || (NULL == after))
		return NULL;

	if (from->due)
		return ptr_printf("%s", line);

	return ptr_printf("%.*s,,,%s", (int)(valid - line), line, after);
}

// a run that has come so far has saved its state: somewhere else
static void check_unsaved(const char* log, const char* title, long unsaved)
{
	long last = gleam_log_last(log, title);

	if (unsaved < last)
		error("%s: found the log of a run that came to iteration %ld, but no state of it to resume from. Expected both: are these the folder and the name of its weights? "
			"To begin anew give another --log, or leave --resume out.\n", log, last);
}

static char* choose_title(const char* log, long modules, long errors, const long at[errors], bool* ranks, const struct gleam_report_resume_s* resume)
{
	char* title = log_title(modules, errors, at, *ranks);
	char* other = log_title(modules, errors, at, !*ranks);

	if (0 == resume->iteration) {

		check_unsaved(log, title, resume->unsaved);
		check_unsaved(log, other, resume->unsaved);
	}

	// the number of ranks may change, the columns of a log may not
	if ((0 < resume->iteration) && !gleam_log_has(log, title) && gleam_log_has(log, other)) {

		*ranks = !*ranks;
		SWAP(title, other);
	}

	free(other);

	return title;
}

struct gleam_report_s* gleam_report_create(const char* log, long modules, long errors, const long at[errors], bool ranks, struct gleam_report_resume_s resume)
{
	gleam_log_close_unfinished();

	PTR_ALLOC(struct gleam_report_s, r);

	*r = (struct gleam_report_s){ .errors = errors, .ranks = ranks, .terminal = (1 == isatty(STDERR_FILENO)) };

	if (NULL != log) {

		char* title = choose_title(log, modules, errors, at, &r->ranks, &resume);
		struct resumed_s resumed = { .from = &resume, .modules = modules };

		r->log = gleam_log_create(log, title, (struct gleam_log_resume_s){ resume.iteration, &resumed, resumed_line });
		free(title);
	}

	return PTR_PASS(r);
}

void gleam_report_break(struct gleam_report_s* r)
{
	if (NULL == r)
		return;

	if (r->open)
		fputc('\n', stderr);

	r->open = false;
}

void gleam_report_free(struct gleam_report_s* r)
{
	gleam_report_break(r);

	if (NULL != r->log)
		gleam_log_free(r->log);

	xfree(r);
}

bool gleam_report_failed(const struct gleam_report_s* r)
{
	return (NULL != r->log) && gleam_log_failed(r->log);
}

void gleam_report_check(const struct gleam_report_s* r, const char* kept)
{
	if (NULL != r->log)
		gleam_log_check(r->log, kept);
}

void gleam_report_sync(struct gleam_report_s* r)
{
	if (NULL != r->log)
		gleam_log_sync(r->log);
}


static double mean_loss(const struct gleam_progress_s* p)
{
	return gleam_report_loss(p->modules, p->loss);
}

static void print_validation(const struct gleam_metrics_s* valid, FILE* fp)
{
	if (NULL != valid)
		fprintf(fp, "%.6f,%.4f,%.5f", valid->nrmse, valid->psnr, valid->ssim);
	else
		fprintf(fp, ",,");
}

static void print_line(const struct gleam_report_s* r, const struct gleam_progress_s* p, FILE* fp)
{
	fprintf(fp, "%ld,%.8g", p->iteration, mean_loss(p));

	for (long m = 0; m < p->modules; m++)
		fprintf(fp, ",%.8g", p->loss[m]);

	fputc(',', fp);
	print_validation(p->validated ? p->valid : NULL, fp);

	fprintf(fp, ",%.6f,%zu", p->seconds, p->peak);

	if (0. < p->forward)
		fprintf(fp, ",%.6f,%.6f", p->forward, p->backward);
	else
		fprintf(fp, ",,");

	for (long i = 0; i < r->errors; i++)
		fprintf(fp, ",%.4g", p->errors[i]);

	if (r->ranks)
		fprintf(fp, ",%.6f", p->waiting);

	fputc('\n', fp);
}

static void log_iteration(struct gleam_report_s* r, const struct gleam_progress_s* p, bool again)
{
	if (NULL == r->log)
		return;

	char* text = NULL;
	size_t size = 0;
	FILE* fp = text_open(&text, &size);

	print_line(r, p, fp);
	fclose(fp);

	if (again)
		gleam_log_again(r->log, text);
	else
		gleam_log_line(r->log, text);

	free(text);
}

static void format_left(int N, char text[N], double seconds)
{
	long s = (long)seconds;

	if (0. > seconds)
		snprintf(text, (size_t)N, "?");
	else
		snprintf(text, (size_t)N, "%ld:%02ld:%02ld", s / 3600, (s / 60) % 60, s % 60);
}

static double largest(long N, const double x[N])
{
	double max = 0.;

	for (long i = 0; i < N; i++)
		max = MAX(max, x[i]);

	return max;
}

static void progress_line(struct gleam_report_s* r, const struct gleam_progress_s* p)
{
	char left[32];
	char total[32] = "";
	char valid[64] = "";
	char inversion[64] = "";

	format_left(sizeof(left), left, p->left);

	if (0 < p->total)
		snprintf(total, sizeof(total), "/%ld", p->total);

	if (NULL != p->valid)
		snprintf(valid, sizeof(valid), "valid nRMSE %.4f PSNR %.2f dB  ", p->valid->nrmse, p->valid->psnr);

	if (0 < r->errors)
		snprintf(inversion, sizeof(inversion), "inversion error %.2g  ", largest(r->errors, p->errors));

	fprintf(stderr, "%siteration %ld%s  loss %.4f (first module %.4f, last %.4f)  %s%s%.2f s/iter  left %s%s",
			r->terminal ? "\r\33[K" : "", p->iteration, total, mean_loss(p), p->loss[0], p->loss[p->modules - 1],
			valid, inversion, gleam_report_pace(r), left, r->terminal ? "" : "\n");
}

static int compare_double(const void* a, const void* b)
{
	double x = *(const double*)a;
	double y = *(const double*)b;

	return (x > y) - (x < y);
}

double gleam_report_pace(const struct gleam_report_s* r)
{
	long n = MIN(r->count, (long)PACE);
	double sorted[PACE];

	if (0 == n)
		return 0.;

	memcpy(sorted, r->pace, (size_t)n * sizeof(double));
	qsort(sorted, (size_t)n, sizeof(double), compare_double);

	return sorted[n / 2];
}

static void tell(struct gleam_report_s* r, const struct gleam_progress_s* p)
{
	if (DP_INFO <= debug_level) {

		progress_line(r, p);
		r->open = r->terminal;
	}

	r->printed = gleam_clock();
}

void gleam_report_iteration(struct gleam_report_s* r, const struct gleam_progress_s* p)
{
	r->pace[r->count++ % PACE] = p->seconds;

	log_iteration(r, p, false);

	bool first = (1 == r->count);
	bool last = (0 < p->total) && (p->iteration == p->total) && !p->again;

	if (r->terminal || first || last || p->validated || (gleam_clock() - r->printed >= PLAIN_INTERVAL))
		tell(r, p);
}

void gleam_report_again(struct gleam_report_s* r, const struct gleam_progress_s* p)
{
	// a resumed run that ends at once has reported nothing, but its log has that line
	log_iteration(r, p, true);
	tell(r, p);
}

void gleam_report_validation(struct gleam_report_s* r, long modules, const struct gleam_metrics_s* valid)
{
	const char* line = (NULL != r->log) ? gleam_log_resumed(r->log) : NULL;
	const char* place = (NULL != line) ? column(line, 2 + modules) : NULL;

	// one that it has was of this iteration, too
	if ((NULL == place) || (0 != strncmp(place, ",,,", 3)))
		return;

	char* text = NULL;
	size_t size = 0;
	FILE* fp = text_open(&text, &size);

	fprintf(fp, "%.*s", (int)(place - line), line);
	print_validation(valid, fp);
	fputs(place + 2, fp);
	fclose(fp);

	gleam_log_again(r->log, text);
	free(text);
}


void gleam_report_flush(void)
{
	if ((0 != fflush(stdout)) || (0 != ferror(stdout)))
		error("stdout: cannot be written: %s. Print to another place; files are as they were to be.\n", strerror(errno));
}


void gleam_report_stages(const char* start, long N, const struct gleam_metrics_stat_s stat[N + 1])
{
	if (!gleam_speaks())
		return;

	bart_printf("%-12s %16s %18s %18s\n", "stage", "PSNR [dB]", "SSIM", "nRMSE");

	for (long n = 0; n <= N; n++) {

		auto mean = gleam_metrics_mean(&stat[n]);
		auto std = gleam_metrics_std(&stat[n]);

		char name[32];

		if (0 < n)
			snprintf(name, sizeof(name), "%ld", n);
		else
			snprintf(name, sizeof(name), "%s", start);

		bart_printf("%-12s %7.2f +- %5.2f %8.4f +- %6.4f %8.4f +- %6.4f\n", name,
				mean.psnr, std.psnr, mean.ssim, std.ssim, mean.nrmse, std.nrmse);
	}
}
