/* When keys have been in use for long enough, and how often a client may ask for new ones. */
#pragma once

#include <stdint.h>

#include "base/util.h"

struct connection;

/* For the loop: begins an exchange when one is due; ends the connection when one does not come to its end. */
int rekey_tick(struct connection *c, uint64_t now_ms) MUST_USE;
/* How long the loop may sleep for rekey_tick()'s sake, in ms; -1: for ever. */
int rekey_wait_ms(const struct connection *c, uint64_t now_ms);
/* The client asks for an exchange: 0, or WORKER_E_END when it has asked more often than its use of the keys explains. */
int rekey_count_peer(struct connection *c) MUST_USE;
