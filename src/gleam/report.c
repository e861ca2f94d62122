#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <stdbool.h>
#include <unistd.h>

#include "misc/debug.h"
#include "misc/misc.h"
#include "misc/types.h"

#include "gleam/memory.h"
#include "gleam/metrics.h"
#include "gleam/warn.h"

#include "gleam/report.h"

enum { PACE = 32 };

static const double PLAIN_INTERVAL = 10.;	// seconds between lines where nothing can be rewritten

struct gleam_report_s {

	const char* name;
	FILE* log;
	bool terminal;
	bool open;		// the cursor is behind a line that would be rewritten
	double printed;

	long errors;
	bool ranks;

	long count;
	double pace[PACE];
};


static void log_write(struct gleam_report_s* r, const char* text)
{
	if ((0 > fputs(text, r->log)) || (0 != fflush(r->log)))
		error("%s: cannot write the log: %s\n", r->name, strerror(errno));
}

static void log_open(struct gleam_report_s* r, long modules, const long at[])
{
	r->log = fopen(r->name, "w");

	if (NULL == r->log)
		error("%s: cannot create the log: %s\n", r->name, strerror(errno));

	log_write(r, "iteration,loss");

	for (long m = 1; m <= modules; m++) {

		char column[32];

		snprintf(column, sizeof(column), ",loss_%ld", m);
		log_write(r, column);
	}

	log_write(r, ",valid_nrmse,valid_psnr,valid_ssim,seconds_per_iteration,peak_bytes,forward_seconds,backward_seconds");

	for (long i = 0; i < r->errors; i++) {

		char column[48];

		snprintf(column, sizeof(column), ",inversion_error_%ld", at[i]);
		log_write(r, column);
	}

	log_write(r, r->ranks ? ",waiting_seconds\n" : "\n");
}

struct gleam_report_s* gleam_report_create(const char* log, long modules, long errors, const long at[errors], bool ranks)
{
	PTR_ALLOC(struct gleam_report_s, r);

	*r = (struct gleam_report_s){ .name = log, .errors = errors, .ranks = ranks, .terminal = (1 == isatty(STDERR_FILENO)) };

	if (NULL != log)
		log_open(r, modules, at);

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
		fclose(r->log);

	xfree(r);
}


static double mean_loss(const struct gleam_progress_s* p)
{
	double sum = 0.;

	for (long m = 0; m < p->modules; m++)
		sum += p->loss[m];

	return sum / (double)p->modules;
}

static void log_line(struct gleam_report_s* r, const struct gleam_progress_s* p)
{
	char text[64];

	snprintf(text, sizeof(text), "%ld,%.8g", p->iteration, mean_loss(p));
	log_write(r, text);

	for (long m = 0; m < p->modules; m++) {

		snprintf(text, sizeof(text), ",%.8g", p->loss[m]);
		log_write(r, text);
	}

	if (p->validated)
		snprintf(text, sizeof(text), ",%.6f,%.4f,%.5f", p->valid->nrmse, p->valid->psnr, p->valid->ssim);
	else
		snprintf(text, sizeof(text), ",,,");

	log_write(r, text);

	snprintf(text, sizeof(text), ",%.6f,%zu", p->seconds, p->peak);
	log_write(r, text);

	if (0. < p->forward)
		snprintf(text, sizeof(text), ",%.6f,%.6f", p->forward, p->backward);
	else
		snprintf(text, sizeof(text), ",,");

	log_write(r, text);

	for (long i = 0; i < r->errors; i++) {

		snprintf(text, sizeof(text), ",%.4g", p->errors[i]);
		log_write(r, text);
	}

	snprintf(text, sizeof(text), ",%.6f", p->waiting);
	log_write(r, r->ranks ? text : "");

	log_write(r, "\n");
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

void gleam_report_iteration(struct gleam_report_s* r, const struct gleam_progress_s* p)
{
	r->pace[r->count++ % PACE] = p->seconds;

	if (NULL != r->log)
		log_line(r, p);

	double now = timestamp();
	bool first = (1 == r->count);
	bool last = (0 < p->total) && (p->iteration == p->total);

	if (!r->terminal && !first && !last && !p->validated && (now - r->printed < PLAIN_INTERVAL))
		return;

	if (DP_INFO <= debug_level) {

		progress_line(r, p);
		r->open = r->terminal;
	}

	r->printed = now;
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
