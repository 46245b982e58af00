/* The worker's side of a session: its requests for channels, as messages.def has them. */
#pragma once

#include <stdint.h>

#include "base/util.h"

/* A loop_io_fn; context is the struct programs. */
int on_worker(void *context, uint32_t events) MUST_USE;
