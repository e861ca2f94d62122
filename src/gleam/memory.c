#include <stdio.h>
#include <string.h>
#include <assert.h>

#include "misc/debug.h"
#include "misc/misc.h"
#include "misc/mri.h"

#include "gleam/memory.h"


static const double MIB = 1024. * 1024.;

void gleam_memory_add(struct gleam_memory_s* plan, const char* what, size_t bytes)
{
	if (0 == bytes)
		return;

	assert(plan->n < GLEAM_MEMORY_MAX);

	plan->what[plan->n] = what;
	plan->bytes[plan->n] = bytes;
	plan->n++;
}

void gleam_memory_unit(struct gleam_memory_s* plan, const long img_dims[DIMS], size_t bytes)
{
	size_t length = (size_t)snprintf(plan->unit, sizeof(plan->unit), "of it for one sample at once,");
	const char* times = "";

	for (int i = 0; (i < BATCH_DIM) && (length < sizeof(plan->unit)); i++) {

		if (1 == img_dims[i])
			continue;

		length += (size_t)snprintf(plan->unit + length, sizeof(plan->unit) - length, "%s %ld", times, img_dims[i]);
		times = " x";
	}

	plan->unit_bytes = bytes;
}

size_t gleam_memory_total(const struct gleam_memory_s* plan)
{
	size_t total = 0;

	for (int i = 0; i < plan->n; i++)
		total += plan->bytes[i];

	return total;
}

void gleam_memory_print(const struct gleam_memory_s* plan)
{
	for (int i = 0; i < plan->n; i++)
		bart_printf("%-44s %9.2f MiB\n", plan->what[i], (double)plan->bytes[i] / MIB);

	bart_printf("%-44s %9.2f MiB\n", "in all", (double)gleam_memory_total(plan) / MIB);

	if (0 < plan->unit_bytes)
		bart_printf("%-44s %9.2f MiB\n", plan->unit, (double)plan->unit_bytes / MIB);
}

// a line "<key>  <number> kB" of a file below /proc; 0 where there is none
static size_t proc_bytes(const char* file, const char* key)
{
	FILE* fp = fopen(file, "r");

	if (NULL == fp)
		return 0;

	char line[256];
	unsigned long kib = 0;

	while (NULL != fgets(line, sizeof(line), fp))
		if ((0 == strncmp(line, key, strlen(key))) && (1 == sscanf(line + strlen(key), ": %lu", &kib)))
			break;

	fclose(fp);

	return 1024UL * kib;
}

/* Without files that are mapped (data, and this program): what the system can drop at
 * any time.
 */
static size_t without_files(const char* key)
{
	size_t bytes = proc_bytes("/proc/self/status", key);
	size_t files = proc_bytes("/proc/self/status", "RssFile");

	return (bytes > files) ? (bytes - files) : 0;
}

size_t gleam_memory_resident(void)
{
	return without_files("VmRSS");
}

size_t gleam_memory_peak(void)
{
	return without_files("VmHWM");
}

void gleam_memory_restart_peak(void)
{
	FILE* fp = fopen("/proc/self/clear_refs", "w");

	if (NULL == fp)
		return;

	fputs("5", fp);		// proc(5); since Linux 4.0
	fclose(fp);
}

size_t gleam_memory_available(void)
{
	return proc_bytes("/proc/meminfo", "MemAvailable");
}

void gleam_memory_check(const struct gleam_memory_s* plan, size_t available, size_t margin)
{
	if ((0 == available) || (gleam_memory_total(plan) + margin <= available))
		return;

	// behind the first comma
	const char* help = ('\0' == plan->help[0]) ? "Smaller images" : (plan->help + 2);

	double needed = (double)gleam_memory_total(plan) / MIB;
	double found = (double)available / MIB;

	if (0 < margin)
		error("The plan needs %.1f MiB of the GPU, CUDA and cuDNN up to %.0f MiB more for their kernels, but only %.1f MiB are free. "
			"What would help: %s, or the CPU.\n", needed, (double)margin / MIB, found, help);

	debug_printf(DP_WARN, "The plan needs %.0f MiB, but only %.0f MiB are free. What would help: %s.\n", needed, found, help);
}

void gleam_memory_help(struct gleam_memory_s* plan, const char* option)
{
	size_t length = strlen(plan->help);

	snprintf(plan->help + length, sizeof(plan->help) - length, ", %s", option);
}
