/*
 * The form of a state file, for its writer and its reader: text up to a line "end", then
 * floats, then a line with the checksum of all before.
 */
#ifndef _STATE_FORMAT_H
#define _STATE_FORMAT_H

#include <math.h>
#include <stddef.h>

#include "gleam/state.h"

#define STATE_FORMAT 1
#define STATE_MAGIC "GLEAM training state\n"
#define STATE_END "\nend\n"
#define STATE_CHECKSUM "crc32 %08x\n"

enum { STATE_TEXT_MAX = 65536, STATE_CHECKSUM_SIZE = 15 };

// floats of a part: all iterations' parameters. A checked network keeps this below 2^60.
static inline long state_part_size(const struct gleam_state_s* state)
{
	return state->net.iterations * gleam_net_params(&state->net);
}

static inline long state_parts(const struct gleam_state_s* state)
{
	return isfinite(state->best) ? GLEAM_STATE_PARTS : GLEAM_STATE_BEST;
}

static inline size_t state_data_bytes(const struct gleam_state_s* state)
{
	return (size_t)(state_parts(state) * state_part_size(state)) * sizeof(float);
}

#endif		// _STATE_FORMAT_H
