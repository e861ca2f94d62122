/*
 * What the device does and when, as a file: a library that the CUDA driver loads
 * into any program, which needs no change for it.
 *
 *	CUDA_INJECTION64_PATH=libgleam_trace.so GLEAM_TRACE=out.csv bart gleam -g ...
 *
 * One line for each kernel, copy and fill: kind, begin and end in nanoseconds,
 * stream, bytes, name. Lines are in no order. split.py reads it.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cupti.h>


#define BUFFER_BYTES (4 << 20)

static FILE* out;
static size_t dropped;


static void failed(const char* call, CUptiResult code)
{
	const char* text = "unknown";

	cuptiGetResultString(code, &text);
	fprintf(stderr, "trace: %s: %s\n", call, text);
}

#define CHECK(call)						\
	do {							\
		CUptiResult code = (call);			\
								\
		if (CUPTI_SUCCESS != code) {			\
								\
			failed(#call, code);			\
			return 0;				\
		}						\
	} while (0)


static void buffer_requested(uint8_t** buffer, size_t* size, size_t* records)
{
	*buffer = aligned_alloc(8, BUFFER_BYTES);
	*size = (NULL == *buffer) ? 0 : BUFFER_BYTES;
	*records = 0;	// as many as fit
}


// names of kernels are mangled: no quotes in them
static void write_record(const CUpti_Activity* record)
{
	if (NULL == out)
		return;

	if ((CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL == record->kind) || (CUPTI_ACTIVITY_KIND_KERNEL == record->kind)) {

		const CUpti_ActivityKernel10* k = (const void*)record;

		fprintf(out, "kernel,%llu,%llu,%u,0,\"%s\"\n", (unsigned long long)k->start, (unsigned long long)k->end,
				k->streamId, (NULL == k->name) ? "" : k->name);

	} else if (CUPTI_ACTIVITY_KIND_MEMCPY == record->kind) {

		const CUpti_ActivityMemcpy6* c = (const void*)record;

		fprintf(out, "copy,%llu,%llu,%u,%llu,\"copy %d\"\n", (unsigned long long)c->start, (unsigned long long)c->end,
				c->streamId, (unsigned long long)c->bytes, c->copyKind);

	} else if (CUPTI_ACTIVITY_KIND_MEMSET == record->kind) {

		const CUpti_ActivityMemset4* s = (const void*)record;

		fprintf(out, "fill,%llu,%llu,%u,%llu,\"fill\"\n", (unsigned long long)s->start, (unsigned long long)s->end,
				s->streamId, (unsigned long long)s->bytes);
	}
}


static void buffer_completed(CUcontext context, uint32_t stream, uint8_t* buffer, size_t size, size_t valid)
{
	(void)size;

	CUpti_Activity* record = NULL;

	while ((0 < valid) && (CUPTI_SUCCESS == cuptiActivityGetNextRecord(buffer, valid, &record)))
		write_record(record);

	size_t lost = 0;

	if (CUPTI_SUCCESS == cuptiActivityGetNumDroppedRecords(context, stream, &lost))
		dropped += lost;

	free(buffer);
}


static void finish(void)
{
	CUptiResult code = cuptiActivityFlushAll(1);

	if (CUPTI_SUCCESS != code)
		failed("cuptiActivityFlushAll", code);

	if (0 < dropped)
		fprintf(stderr, "trace: %zu records were dropped\n", dropped);

	if (0 != fclose(out))
		perror("trace");

	out = NULL;
}


// called by the driver when it is initialised; the program goes on whatever this returns
int InitializeInjection(void);

int InitializeInjection(void)
{
	const char* name = getenv("GLEAM_TRACE");

	if ((NULL == name) || (NULL != out))
		return 1;

	CHECK(cuptiActivityRegisterCallbacks(buffer_requested, buffer_completed));
	CHECK(cuptiActivityEnable(CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL));
	CHECK(cuptiActivityEnable(CUPTI_ACTIVITY_KIND_MEMCPY));
	CHECK(cuptiActivityEnable(CUPTI_ACTIVITY_KIND_MEMSET));

	out = fopen(name, "w");

	if (NULL == out) {

		perror(name);
		exit(1);
	}

	fprintf(out, "kind,begin,end,stream,bytes,name\n");
	atexit(finish);

	return 1;
}
