#include <complex.h>
#include <stdbool.h>

#include "misc/misc.h"
#include "misc/types.h"

#include "nn/device.h"

#include "gleam/batch.h"
#include "gleam/exchange.h"
#include "gleam/place.h"
#include "gleam/team.h"

#include "gleam/pipeline_link.h"

/* Outputs that are kept until they have left. A message between busy ranks moves when either
 * of them looks after it: with one place, a rank that is a little slower for a while
 * would stop the other.
 */
enum { PLACES = 2 };	// for mini-batches, and for parts of each

struct link_s {

	const struct exchange_s* pipeline;
	const struct nn_device_s* device;
	bool alone;		// a single stage
	bool direct;		// MPI takes the memory that images lie in

	long N;
	struct gleam_batch_s** batch;
	long parts;
	size_t bytes;

	long places[2];
	long outs;				// of them all
	complex float* out[PLACES * PLACES];
	void* host_out[PLACES * PLACES];	// where images leave from, and arrive: theirs, or page-locked
	struct exchange_request_s* leaving[PLACES * PLACES];

	void** host_in;				// [N][parts]
	struct exchange_request_s** arriving;	// [N][parts]
};


// of mini-batches and of parts; a single stage keeps nothing
static long places_of(const struct gleam_team_s* team, long N)
{
	return (1 == team->schedule.stages) ? 1 : MIN(N, (long)PLACES);
}

size_t link_bytes(const struct gleam_team_s* team, long N, long parts, size_t bytes)
{
	return (size_t)(places_of(team, N) * places_of(team, parts)) * bytes;
}

static long place_of(const struct link_s* l, long batch, long part)
{
	return (batch % l->places[0]) * l->places[1] + part % l->places[1];
}

static void* host_alloc(const struct link_s* l)
{
	void* ptr = l->device->host_alloc(l->bytes);

	if (NULL == ptr)
		error("Out of memory: no %.1f MiB of page-locked memory for messages. A smaller --batch-size needs less.\n",
			(double)l->bytes / 1048576.);

	return ptr;
}

struct link_s* link_create(const struct gleam_team_s* team, const struct gleam_place_s* place,
		long N, struct gleam_batch_s* batch[N], long parts, size_t bytes)
{
	PTR_ALLOC(struct link_s, l);

	*l = (struct link_s){

		.pipeline = team->pipeline,
		.device = place->device,
		.alone = (1 == team->schedule.stages),
		.direct = place->device->host || exchange_takes_device(),
		.N = N,
		.batch = batch,
		.parts = parts,
		.bytes = bytes,
		.places = { places_of(team, N), places_of(team, parts) },
	};

	l->outs = l->places[0] * l->places[1];

	for (long i = 0; i < l->outs; i++) {

		l->out[i] = gleam_place_alloc(place, bytes);
		l->host_out[i] = l->direct ? l->out[i] : host_alloc(l);
	}

	l->arriving = xmalloc((size_t)(N * parts) * sizeof(struct exchange_request_s*));
	l->host_in = xmalloc((size_t)(N * parts) * sizeof(void*));

	for (long i = 0; i < N * parts; i++) {

		l->arriving[i] = NULL;
		l->host_in[i] = l->direct ? gleam_batch_x(batch[i / parts], i % parts) : host_alloc(l);
	}

	return PTR_PASS(l);
}

void link_free(struct link_s* l)
{
	link_finish(l);

	for (long i = 0; i < l->outs; i++) {

		l->device->free(l->out[i]);

		if (!l->direct)
			l->device->host_free(l->host_out[i]);
	}

	for (long i = 0; !l->direct && (i < l->N * l->parts); i++)
		l->device->host_free(l->host_in[i]);

	xfree(l->host_in);
	xfree(l->arriving);
	xfree(l);
}

// no two of which are on their way at the same time
static long number(const struct link_s* l, long batch, long module)
{
	return module * l->N + batch;
}

void link_expect(struct link_s* l, long batch, long module)
{
	if (l->alone)
		return;

	// MPI does not know what the device has still to do with its memory
	if (l->direct)
		l->device->sync();

	long stages = exchange_size(l->pipeline);
	long from = (exchange_rank(l->pipeline) + stages - 1) % stages;

	for (long i = batch * l->parts; i < (batch + 1) * l->parts; i++)
		l->arriving[i] = exchange_receive(l->pipeline, EXCHANGE_IMAGES, number(l, batch, module - 1), from, l->bytes, l->host_in[i]);
}

void link_arrive(struct link_s* l, long batch, long part)
{
	long i = batch * l->parts + part;

	if (l->alone)
		return;

	exchange_wait(&l->arriving[i]);

	if (!l->direct)
		l->device->upload(gleam_batch_x(l->batch[batch], part), l->host_in[i], l->bytes);
}

complex float* link_out(const struct link_s* l, long batch, long part)
{
	return l->out[place_of(l, batch, part)];
}

void link_clear(struct link_s* l, long batch, long part)
{
	exchange_wait(&l->leaving[place_of(l, batch, part)]);
}

static void leave(struct link_s* l, long batch, long module, long part)
{
	long i = place_of(l, batch, part);
	long to = (exchange_rank(l->pipeline) + 1) % exchange_size(l->pipeline);

	l->leaving[i] = exchange_send(l->pipeline, EXCHANGE_IMAGES, number(l, batch, module), to, l->bytes, l->host_out[i]);
}

/* The CPU has computed what it was asked to. A device goes on with the backward pass,
 * while this waits for the output only.
 */
void link_begin(struct link_s* l, long batch, long module, long part)
{
	long i = place_of(l, batch, part);

	if (l->alone)
		return;

	if (l->device->host) {

		leave(l, batch, module, part);
		return;
	}

	if (!l->direct)
		l->device->fetch(l->host_out[i], l->out[i], l->bytes);

	l->device->mark();
}

void link_send(struct link_s* l, long batch, long module, long part)
{
	if (l->alone) {

		l->device->copy(gleam_batch_x(l->batch[batch], part), link_out(l, batch, part), l->bytes);

	} else if (!l->device->host) {

		l->device->reach();
		leave(l, batch, module, part);
	}
}

void link_finish(struct link_s* l)
{
	for (long i = 0; i < l->outs; i++)
		exchange_wait(&l->leaving[i]);
}
