#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "misc/misc.h"

#include "gleam/atomic.h"
#include "gleam/newfile.h"
#include "gleam/state_format.h"
#include "gleam/text.h"
#include "gleam/weights.h"

#include "gleam/state.h"

struct gleam_state_writer_s {

	struct atomic_s* file;
	unsigned int crc;
	size_t left;		// bytes of floats to come
};


char* gleam_state_name(const char* weights)
{
	return gleam_weights_beside(weights, ".state");
}

void gleam_state_prepare(const char* path)
{
	newfile_clean(path);
	atomic_check_replaceable(path);
}


static void append(struct gleam_state_writer_s* w, size_t size, const void* data)
{
	w->crc = atomic_crc32(w->crc, size, data);
	atomic_append(w->file, size, data);
}

static void print_text(const struct gleam_state_s* s, FILE* fp)
{
	fprintf(fp, STATE_MAGIC "format %d\n", STATE_FORMAT);
	fprintf(fp, "iteration %ld\nloss %.17g\nvalidated %d\n", s->iteration, s->loss, s->validated ? 1 : 0);
	fprintf(fp, "best %.17g\nbest-iteration %ld\nmisses %ld\n", s->best, s->best_iteration, s->misses);
	fprintf(fp, "metrics %d\n", s->has_metrics ? 1 : 0);
	fprintf(fp, "nrmse %.17g\npsnr %.17g\nssim %.17g\n", s->metrics.nrmse, s->metrics.psnr, s->metrics.ssim);
	fprintf(fp, "skipped %ld\n", s->skipped);
	fprintf(fp, "# Network\n");

	gleam_net_print(&s->net, fp);

	fprintf(fp, "# Conditions\n%s" "end\n", s->conditions);
}

struct gleam_state_writer_s* gleam_state_begin(const char* path, const struct gleam_state_s* state)
{
	char* text = NULL;
	size_t size = 0;
	FILE* fp = text_open(&text, &size);

	print_text(state, fp);
	fclose(fp);

	assert(STATE_TEXT_MAX >= size);

	PTR_ALLOC(struct gleam_state_writer_s, w);

	*w = (struct gleam_state_writer_s){ .file = atomic_begin(path), .left = state_data_bytes(state) };

	append(w, size, text);
	free(text);

	return PTR_PASS(w);
}

void gleam_state_append(struct gleam_state_writer_s* w, long N, const float x[N])
{
	size_t bytes = (size_t)N * sizeof(float);

	assert(bytes <= w->left);

	append(w, bytes, x);
	w->left -= bytes;
}

void gleam_state_commit(struct gleam_state_writer_s* w)
{
	char text[STATE_CHECKSUM_SIZE + 1];

	assert(0 == w->left);

	snprintf(text, sizeof(text), STATE_CHECKSUM, w->crc);
	atomic_append(w->file, STATE_CHECKSUM_SIZE, text);
	atomic_commit(w->file);

	xfree(w);
}
