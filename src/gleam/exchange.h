/*
 * Messages between the ranks of a run. Built with MPI=1 and started by mpirun they
 * are MPI's; otherwise there is one rank, which has no one to speak with.
 *
 * Memory is the host's, or the device's where exchange_takes_device() says so. Who is
 * named in a call is so by rank among those of the exchange.
 */
#ifndef _GLEAM_EXCHANGE_H
#define _GLEAM_EXCHANGE_H

#include <stdbool.h>
#include <stddef.h>

struct exchange_s;		// ranks that speak with one another
struct exchange_request_s;	// a message on its way

// all ranks of this run; all of them are to call it, and the next ones
extern struct exchange_s* exchange_world(void);

// those of the same colour, in the same order; NULL for those whose colour is negative
extern struct exchange_s* exchange_split(const struct exchange_s* exchange, long colour);

// those on the same machine
extern struct exchange_s* exchange_node(const struct exchange_s* exchange);

// may be NULL
extern void exchange_free(struct exchange_s* exchange);

extern long exchange_rank(const struct exchange_s* exchange);
extern long exchange_size(const struct exchange_s* exchange);

// does MPI read and write the device's memory by itself ("CUDA-aware")?
extern bool exchange_takes_device(void);


/* Begins to send or to receive that many bytes, a multiple of eight; returns at once.
 * Their memory is in use until exchange_wait, which waits for the message and sets the
 * request to NULL; of NULL it does nothing. Messages of a kind and number from one rank to
 * another arrive in the order in which they were sent.
 */
enum exchange_kind { EXCHANGE_IMAGES, EXCHANGE_RESULTS, EXCHANGE_ORDERS, EXCHANGE_KINDS };

extern struct exchange_request_s* exchange_send(const struct exchange_s* exchange, enum exchange_kind kind, long number, long to, size_t bytes, const void* data);
extern struct exchange_request_s* exchange_receive(const struct exchange_s* exchange, enum exchange_kind kind, long number, long from, size_t bytes, void* data);

extern void exchange_wait(struct exchange_request_s** request);

/* An MPI may move messages only while it is called: a rank that computes for long calls
 * this now and then, so that others need not wait for it.
 */
extern void exchange_progress(const struct exchange_s* exchange);

// whether exchange_wait would return at once
extern bool exchange_arrived(struct exchange_request_s* request);

// seconds that this rank has waited in exchange_wait, exchange_sum and exchange_broadcast
extern double exchange_waited(void);


// all ranks of the exchange are to call these

extern void exchange_broadcast(const struct exchange_s* exchange, long root, size_t bytes, void* data);

// what each rank has (a multiple of eight bytes), to rank 0: [ranks][bytes]
extern void exchange_gather(const struct exchange_s* exchange, size_t bytes, const void* mine, void* all);

// the largest of each rank's
extern double exchange_max(const struct exchange_s* exchange, double x);

/* data = the sum of all ranks' data, added in the order of ranks, which is the same
 * for every element and every run.
 * @param room		exchange_sum_room(exchange, N) elements
 */
extern void exchange_sum(const struct exchange_s* exchange, long N, float data[N], float* room);
extern long exchange_sum_room(const struct exchange_s* exchange, long N);

/* Waits until all have come here, asleep: a rank that has nothing to do leaves the
 * processor to those that have.
 */
extern void exchange_meet(const struct exchange_s* exchange);

#endif		// _GLEAM_EXCHANGE_H
