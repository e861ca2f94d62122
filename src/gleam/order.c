#include <stdbool.h>

#include "misc/misc.h"

#include "gleam/data.h"
#include "gleam/warn.h"

#include "gleam/batch.h"

struct gleam_order_s {

	unsigned long long seed;
	bool shuffle;

	long count;
	long epoch;		// that perm is of, or -1
	long* used;		// samples that can be trained on
	long* perm;
};


// splitmix64 (Steele, Lea, Flood, OOPSLA 2014): a stateless hash of a counter
static unsigned long long hash(unsigned long long x)
{
	x += 0x9E3779B97F4A7C15ULL;
	x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
	x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;

	return x ^ (x >> 31);
}

// Fisher-Yates
static void permute(struct gleam_order_s* o, long epoch)
{
	for (long i = 0; i < o->count; i++)
		o->perm[i] = o->used[i];

	unsigned long long stream = hash(hash(o->seed) + (unsigned long long)epoch);

	for (long i = o->count - 1; o->shuffle && (0 < i); i--) {

		unsigned long long r = hash(stream + (unsigned long long)i);
		long j = (long)(r % (unsigned long long)(i + 1));

		SWAP(o->perm[i], o->perm[j]);
	}

	o->epoch = epoch;
}

struct gleam_order_s* gleam_order_create(const struct gleam_data_s* data, unsigned long long seed, bool shuffle)
{
	PTR_ALLOC(struct gleam_order_s, o);

	long samples = gleam_data_samples(data);

	o->seed = seed;
	o->shuffle = shuffle;
	o->count = 0;
	o->epoch = -1;
	o->used = xmalloc((size_t)samples * sizeof(long));
	o->perm = xmalloc((size_t)samples * sizeof(long));

	for (long i = 0; i < samples; i++) {

		if (gleam_data_empty(data, i)) {

			gleam_warn("%s: k-space of sample %ld is all zero; it is left out of training\n", gleam_data_name(data), i);
			continue;
		}

		o->used[o->count++] = i;
	}

	if (0 == o->count)
		error("%s: found nothing but zeros in the k-space of every sample, expected some to train on. "
			"If a pattern was given: does it go with this k-space?\n", gleam_data_name(data));

	return PTR_PASS(o);
}

void gleam_order_free(struct gleam_order_s* o)
{
	xfree(o->used);
	xfree(o->perm);
	xfree(o);
}

long gleam_order_epoch(const struct gleam_order_s* o)
{
	return o->count;
}

long gleam_order_sample(struct gleam_order_s* o, long position)
{
	long epoch = position / o->count;

	if (epoch != o->epoch)
		permute(o, epoch);

	return o->perm[position % o->count];
}
