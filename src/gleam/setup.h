/*
 * What training and inference check alike before they begin.
 */
#ifndef _GLEAM_SETUP_H
#define _GLEAM_SETUP_H

#include "nn/backend.h"

// the backend of that name; error() when there is none or it cannot run here
extern const struct nn_backend_s* gleam_setup_backend(const char* name);

#endif		// _GLEAM_SETUP_H
