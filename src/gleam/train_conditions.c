#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "misc/misc.h"
#include "misc/types.h"
#include "misc/version.h"

#include "nn/backend.h"

#include "gleam/conf.h"
#include "gleam/data.h"
#include "gleam/distinct.h"
#include "gleam/input.h"
#include "gleam/text.h"
#include "gleam/train_conf.h"
#include "gleam/train_setup.h"
#include "gleam/weights.h"

#include "gleam/train_conditions.h"


static const char* precision_name(enum nn_precision precision)
{
	return (NN_BF16 == precision) ? "bf16" : ((NN_TF32 == precision) ? "tf32" : "fp32");
}

// as short as brings it back to the same bits
struct number_s { char text[32]; };

static struct number_s number(float val)
{
	struct number_s n;

	for (int digits = 6; digits <= 9; digits++) {

		snprintf(n.text, sizeof(n.text), "%.*g", digits, (double)val);

		if (strtof(n.text, NULL) == val)
			break;
	}

	return n;
}

static void print_trainer(const struct gleam_trainer_s* t, FILE* fp)
{
	static const char* const names[] = { [GLEAM_GREEDY] = "greedy", [GLEAM_END_TO_END] = "end-to-end", [GLEAM_CHECKPOINT] = "checkpoint", [GLEAM_MEL] = "mel" };

	fprintf(fp, "--trainer: %s\n", names[t->conf->trainer.type]);

	if (GLEAM_MEL == t->conf->trainer.type)
		fprintf(fp, "--checkpoints: %ld\n--fixed-point: %d\n", t->keep.checkpoints, t->keep.fixed_point);
}

static void print_optimiser(const struct gleam_trainer_s* t, FILE* fp)
{
	const struct nn_adam_conf_s* adam = &t->conf->adam;

	fprintf(fp, "--lr: %s\n", number(adam->lr).text);

	if (GLEAM_LR_SAME == t->conf->lr_end)
		fprintf(fp, "--lr-end: none\n");
	else
		fprintf(fp, "--lr-end: %s at iteration %ld (--max-iter or --epochs)\n", number(t->conf->lr_end).text, t->total);

	fprintf(fp, "--weight-decay: %s\n--clip-norm: %s\n", number(adam->weight_decay).text, number(adam->clip).text);
	fprintf(fp, "--adam: beta1=%s,beta2=%s,epsilon=%s\n", number(adam->beta1).text, number(adam->beta2).text, number(adam->eps).text);
}

// when training is resumed these are others
static bool is_replaced(const struct gleam_train_s* c)
{
	char* base = gleam_weights_base(c->weights);
	char* last = gleam_train_last(c);
	bool replaced = distinct_same(c->load, base) || distinct_same(c->load, last);

	xfree(last);
	xfree(base);

	return replaced;
}

static const char* next_line(const char* line)
{
	const char* end = strchr(line, '\n');

	return (NULL == end) ? "" : (end + 1);
}

// the line of that name, up to its end; or NULL
static const char* find_line(const char* text, const char* name, int* len)
{
	for (const char* line = text; (NULL != line) && ('\0' != *line); line = next_line(line)) {

		*len = (int)strcspn(line, "\n");

		if (0 == strncmp(line, name, strlen(name)))
			return line;
	}

	return NULL;
}

// a state has all that came of them
static bool is_gone(const char* weights)
{
	char* hdr = gleam_weights_beside(weights, ".hdr");
	bool gone = (0 != access(hdr, F_OK)) && (ENOENT == errno);

	xfree(hdr);

	return gone;
}

// their contents, since names may change; those that are gone are taken for the saved ones
static void print_load(const struct gleam_train_s* c, const char* saved, FILE* fp)
{
	int len;
	const char* before = find_line(saved, "--load: weights", &len);

	if ((NULL != c->load) && (NULL != before) && is_gone(c->load)) {

		fprintf(fp, "%.*s\n", len, before);
		return;
	}

	if ((NULL == c->load) || is_replaced(c)) {

		fprintf(fp, "--load: %s\n", (NULL == c->load) ? "none" : "what this training replaces");
		return;
	}

	auto w = gleam_weights_read(c->load);
	size_t bytes = (size_t)(w->net.iterations * w->P) * sizeof(float);

	fprintf(fp, "--load: weights with contents %016llx\n", (unsigned long long)input_hash(INPUT_HASH_START, bytes, w->params));

	gleam_weights_free(w);
}

static void print_options(const struct gleam_trainer_s* t, const char* saved, FILE* fp)
{
	const struct gleam_train_s* c = t->conf;

	fprintf(fp, "--ref-kspace: %s\n", c->train.ref_kspace ? "yes" : "no");
	fprintf(fp, "--valid-every: %ld\n", t->valid_every);
	fprintf(fp, "--batch-size: %ld\n--micro-batch: %ld\n--replicas: %ld\n", c->batch_size, c->micro_batch, c->replicas);
	fprintf(fp, "--seed: %llu\n--no-shuffle: %s\n", c->seed, c->shuffle ? "no" : "yes");

	print_load(c, saved, fp);
	print_trainer(t, fp);
	print_optimiser(t, fp);

	fprintf(fp, "--backend: %s\n--precision: %s\n", t->backend->name, precision_name(t->backend->precision));
	fprintf(fp, "--fast-math: %s\n", c->compute.fast_math ? "yes" : "no");
}

// "name value" lines, of which names are those of options
static void print_network(const struct gleam_net_s* net, FILE* fp)
{
	char* text = NULL;
	size_t size = 0;
	FILE* lines = text_open(&text, &size);

	gleam_net_print(net, lines);
	fclose(lines);

	for (char* line = strtok(text, "\n"); NULL != line; line = strtok(NULL, "\n")) {

		int len = (int)strcspn(line, " ");

		fprintf(fp, "network %.*s:%s\n", len, line, line + len);
	}

	free(text);
}

char* gleam_trainer_conditions(const struct gleam_trainer_s* t, const char* saved)
{
	char* text = NULL;
	size_t size = 0;
	FILE* fp = text_open(&text, &size);

	fprintf(fp, "version: gleam %s in BART %s\n", GLEAM_VERSION, bart_version);

	gleam_data_print(t->data, "training", fp);

	if (NULL != t->valid)
		gleam_data_print(t->valid, "validation", fp);
	else
		fprintf(fp, "validation k-space: none\n");

	print_options(t, saved, fp);
	print_network(&t->weights->net, fp);

	fclose(fp);

	return text;
}


// its value, or its end where there is none
static const char* value_of(const char* line, int* name, int* len)
{
	*len = (int)strcspn(line, "\n");
	*name = (int)strcspn(line, ":\n");

	const char* value = line + *name + ((':' == line[*name]) ? 1 : 0);

	value += (' ' == *value) ? 1 : 0;
	*len -= (int)(value - line);

	return value;
}

char* gleam_trainer_check_conditions(const struct gleam_trainer_s* t, const char* path, const char* saved)
{
	char* now = gleam_trainer_conditions(t, saved);
	const char* a = now;
	const char* b = saved;

	while ((0 == strncmp(a, b, strcspn(a, "\n") + 1)) && ('\0' != *a)) {

		a = next_line(a);
		b = next_line(b);
	}

	if (('\0' != *a) || ('\0' != *b)) {

		int name[2];
		int len[2];
		const char* value[2] = { value_of(a, &name[0], &len[0]), value_of(b, &name[1], &len[1]) };
		bool same = (name[0] == name[1]) && (0 == strncmp(a, b, (size_t)name[0]));

		error("%s: was saved with another %.*s: found '%.*s', expected '%.*s%s%.*s'. To resume with this state, only "
			"--max-iter and --epochs (without --lr-end), --max-time, --patience, --save-every, --skip-nonfinite, --max-inversion-error, "
			"--log, names of files, and the number of threads and ranks may change. For anything else begin a new training, "
			"from its weights with --load if you like.\n",
			path, name[0], a, len[0], value[0], same ? 0 : name[1], b, same ? "" : ": ", len[1], value[1]);
	}

	return now;
}
