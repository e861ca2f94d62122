#ifdef USE_MPI
#include <mpi.h>
#endif

#include <assert.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "num/mpi_ops.h"

#include "misc/debug.h"
#include "misc/misc.h"

#include "gleam/clock.h"

#include "gleam/exchange.h"

struct exchange_s {

	long rank;
	long size;
#ifdef USE_MPI
	MPI_Comm comm;
#endif
};

struct exchange_request_s {
#ifdef USE_MPI
	MPI_Request request;
#else
	bool none;
#endif
};

static double waited = 0.;

#ifdef USE_MPI
#ifdef GLEAM_EMULATE
extern bool emulated_open(void);	// tests/emulator
#else
extern bool cuda_aware_mpi;		// of num/mpi_ops.c, which has asked MPI
#endif
#endif


long exchange_rank(const struct exchange_s* x)
{
	return x->rank;
}

long exchange_size(const struct exchange_s* x)
{
	return x->size;
}

double exchange_waited(void)
{
	return waited;
}

// elements of the share that a rank adds up; the last ranks' may be smaller, or none
static long share(const struct exchange_s* x, long N)
{
	return (N + x->size - 1) / x->size;
}

long exchange_sum_room(const struct exchange_s* x, long N)
{
	return x->size * share(x, N);
}


#ifdef USE_MPI

static struct exchange_s* create(MPI_Comm comm)
{
	PTR_ALLOC(struct exchange_s, x);

	int rank;
	int size;

	MPI_Comm_rank(comm, &rank);
	MPI_Comm_size(comm, &size);

	*x = (struct exchange_s){ .rank = rank, .size = size, .comm = comm };

	return PTR_PASS(x);
}

// without mpirun MPI has not been started
static struct exchange_s* alone(void)
{
	PTR_ALLOC(struct exchange_s, x);

	*x = (struct exchange_s){ .rank = 0, .size = 1, .comm = MPI_COMM_NULL };

	return PTR_PASS(x);
}

struct exchange_s* exchange_world(void)
{
	if (1 == mpi_get_num_procs())
		return alone();

	MPI_Comm comm;
	MPI_Comm_dup(MPI_COMM_WORLD, &comm);

	return create(comm);
}

struct exchange_s* exchange_split(const struct exchange_s* x, long colour)
{
	if (MPI_COMM_NULL == x->comm)
		return (0 > colour) ? NULL : alone();

	MPI_Comm comm;
	MPI_Comm_split(x->comm, (0 > colour) ? MPI_UNDEFINED : (int)colour, (int)x->rank, &comm);

	return (MPI_COMM_NULL == comm) ? NULL : create(comm);
}

struct exchange_s* exchange_node(const struct exchange_s* x)
{
	if (MPI_COMM_NULL == x->comm)
		return alone();

	MPI_Comm comm;
	MPI_Comm_split_type(x->comm, MPI_COMM_TYPE_SHARED, (int)x->rank, MPI_INFO_NULL, &comm);

	return create(comm);
}

void exchange_free(struct exchange_s* x)
{
	if ((NULL != x) && (MPI_COMM_NULL != x->comm))
		MPI_Comm_free(&x->comm);

	xfree(x);
}

bool exchange_takes_device(void)
{
#ifdef GLEAM_EMULATE
	return emulated_open();
#else
	return cuda_aware_mpi;
#endif
}


// in units of eight bytes, since MPI counts in int
static int units(size_t bytes)
{
	assert(0 == bytes % 8);

	if (INT_MAX < bytes / 8)
		error("Ranks would exchange %.1f GiB at once, of which MPI takes less than 16. A smaller --batch-size needs less.\n",
			(double)bytes / (double)(1 << 30));

	return (int)(bytes / 8);
}

static int tag(enum exchange_kind kind, long number)
{
	return (int)(number * EXCHANGE_KINDS + kind);
}

struct exchange_request_s* exchange_send(const struct exchange_s* x, enum exchange_kind kind, long number, long to, size_t bytes, const void* data)
{
	PTR_ALLOC(struct exchange_request_s, r);

	MPI_Isend(data, units(bytes), MPI_INT64_T, (int)to, tag(kind, number), x->comm, &r->request);

	return PTR_PASS(r);
}

struct exchange_request_s* exchange_receive(const struct exchange_s* x, enum exchange_kind kind, long number, long from, size_t bytes, void* data)
{
	PTR_ALLOC(struct exchange_request_s, r);

	MPI_Irecv(data, units(bytes), MPI_INT64_T, (int)from, tag(kind, number), x->comm, &r->request);

	return PTR_PASS(r);
}

void exchange_wait(struct exchange_request_s** r)
{
	if (NULL == *r)
		return;

	double begin = gleam_clock();

	MPI_Wait(&(*r)->request, MPI_STATUS_IGNORE);

	waited += gleam_clock() - begin;

	XFREE(*r);
}

void exchange_progress(const struct exchange_s* x)
{
	int flag;

	MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, x->comm, &flag, MPI_STATUS_IGNORE);
}

bool exchange_arrived(struct exchange_request_s* r)
{
	int flag;

	// one that has is then MPI's null request, for which nothing waits
	MPI_Test(&r->request, &flag, MPI_STATUS_IGNORE);

	return (0 != flag);
}


void exchange_broadcast(const struct exchange_s* x, long root, size_t bytes, void* data)
{
	if (1 == x->size)
		return;

	double begin = gleam_clock();

	for (size_t n = 0; n < bytes; n += INT_MAX / 2)
		MPI_Bcast((char*)data + n, (int)MIN(bytes - n, (size_t)INT_MAX / 2), MPI_BYTE, (int)root, x->comm);

	waited += gleam_clock() - begin;
}

void exchange_gather(const struct exchange_s* x, size_t bytes, const void* mine, void* all)
{
	if (1 == x->size) {

		memcpy(all, mine, bytes);
		return;
	}

	int n = units(bytes);

	MPI_Gather(mine, n, MPI_INT64_T, all, n, MPI_INT64_T, 0, x->comm);
}

double exchange_max(const struct exchange_s* x, double v)
{
	if (1 < x->size)
		MPI_Allreduce(MPI_IN_PLACE, &v, 1, MPI_DOUBLE, MPI_MAX, x->comm);

	return v;
}

/* Each rank adds up its share of the elements and hands it to all: as little crosses as
 * in MPI_Allreduce, which does not promise an order.
 */
void exchange_sum(const struct exchange_s* x, long N, float data[N], float* room)
{
	if (1 == x->size)
		return;

	double begin = gleam_clock();

	long S = share(x, N);
	int counts[x->size];
	int places[x->size];
	int mine[x->size];
	int room_places[x->size];

	if (INT_MAX < x->size * S)
		error("Replicas would add up %ld parameters of a module at once, of which MPI counts at most %d. "
			"More --modules, or fewer --features, need less.\n", N, INT_MAX);

	for (long r = 0; r < x->size; r++) {

		counts[r] = (int)MAX(0, MIN(S, N - r * S));
		places[r] = (int)MIN(N, r * S);
		room_places[r] = (int)(r * S);
	}

	for (long r = 0; r < x->size; r++)
		mine[r] = counts[x->rank];

	MPI_Alltoallv(data, counts, places, MPI_FLOAT, room, mine, room_places, MPI_FLOAT, x->comm);

	for (long r = 1; r < x->size; r++)
		for (long i = 0; i < mine[0]; i++)
			room[i] += room[r * S + i];

	MPI_Allgatherv(room, mine[0], MPI_FLOAT, data, counts, places, MPI_FLOAT, x->comm);

	waited += gleam_clock() - begin;
}

void exchange_meet(const struct exchange_s* x)
{
	if (1 == x->size)
		return;

	MPI_Request request;
	MPI_Ibarrier(x->comm, &request);

	int here = 0;

	while (MPI_Test(&request, &here, MPI_STATUS_IGNORE), !here)
		nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
}

#else

struct exchange_s* exchange_world(void)
{
	PTR_ALLOC(struct exchange_s, x);

	*x = (struct exchange_s){ .rank = 0, .size = 1 };

	return PTR_PASS(x);
}

struct exchange_s* exchange_split(const struct exchange_s*, long colour)
{
	return (0 > colour) ? NULL : exchange_world();
}

struct exchange_s* exchange_node(const struct exchange_s*)
{
	return exchange_world();
}

void exchange_free(struct exchange_s* x)
{
	xfree(x);
}

bool exchange_takes_device(void)
{
	return false;
}

// with one rank there is no one to name
struct exchange_request_s* exchange_send(const struct exchange_s*, enum exchange_kind, long, long, size_t, const void*)
{
	return NULL;
}

struct exchange_request_s* exchange_receive(const struct exchange_s*, enum exchange_kind, long, long, size_t, void*)
{
	return NULL;
}

void exchange_wait(struct exchange_request_s**)
{
}

void exchange_progress(const struct exchange_s*)
{
}

bool exchange_arrived(struct exchange_request_s*)
{
	return true;
}

void exchange_broadcast(const struct exchange_s*, long, size_t, void*)
{
}

void exchange_gather(const struct exchange_s*, size_t bytes, const void* mine, void* all)
{
	memcpy(all, mine, bytes);
}

double exchange_max(const struct exchange_s*, double x)
{
	return x;
}

void exchange_sum(const struct exchange_s*, long N, float[N], float*)
{
}

void exchange_meet(const struct exchange_s*)
{
}

#endif		// USE_MPI
