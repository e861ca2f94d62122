/*
 * An emulated GPU, for testing device code where there is none: the functions of
 * the CUDA runtime, cuFFT and cuDNN that this project uses, computed by the CPU, slowly,
 * and stricter than a GPU is.
 *
 *  - Device memory cannot be touched by the host. It is filled with NaN, and what is
 *    written out of its bounds is found.
 *  - Operations wait in their streams until something synchronises with them, and
 *    then no more is run than must be: results of missing synchronisation are wrong.
 *  - Blocks and threads run in a random order.
 *
 * What a program must not do ends it (abort) with a message that begins with
 * "emulated device:".
 *
 * Environment, read at the first call:
 *
 *	GLEAM_EMULATED		lazy (default); random: also runs ahead what another stream
 *				waits for; eager: operations run when they are called
 *	GLEAM_EMULATED_SEED	of all random orders
 *	GLEAM_EMULATED_MEMORY	MiB on the device, 1024 by default
 *	GLEAM_EMULATED_DEVICES	how many devices there are, 1 by default; 0 for none
 *	GLEAM_EMULATED_FUSION	0: cuDNN refuses graphs of several operations
 *	GLEAM_EMULATED_OPEN	1: the host can touch device memory, as an MPI does that is
 *				CUDA-aware; when is still the program's concern
 *	GLEAM_EMULATED_COUNTS	1: what has been counted is told on stderr in the end
 *
 * These functions are for tests.
 */
#ifndef _EMULATOR_H
#define _EMULATOR_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

// since the start of the process; operations count when they run, bytes when copied
struct emulated_counts_s {

	long launches;			// of kernels (in graphs, too)
	long ffts;
	long cudnn_executions;
	long graph_launches;
	long allocations;		// on the device, freed or not
	long host_allocations;		// page-locked
	long synchronisations;		// calls that wait
	long plans;			// of cuFFT and cuDNN

	size_t host_to_device;		// bytes
	size_t device_to_host;
	size_t device_to_device;
};

extern struct emulated_counts_s emulated_counts(void);

// what has not been freed
extern long emulated_live_allocations(void);
extern size_t emulated_live_bytes(void);

// operations that wait in all streams
extern long emulated_waiting(void);

// GLEAM_EMULATED_OPEN
extern bool emulated_open(void);

// is all of this memory on the device, within one allocation?
extern bool emulated_on_device(const void* ptr, size_t bytes);

#ifdef __cplusplus
}
#endif

#endif		// _EMULATOR_H
