/*
 * Client -> program: CHANNEL_DATA is written straight from the packet while the program reads; the rest waits in a
 * queue that the window bounds. The window is given back as the program drains it, and grows with what it drains.
 *
 * Invariant: window + queued <= window_target, and the targets' sum is bounded for the connection (channel.h).
 */
#pragma once

#include "worker/channel.h"

/* Writes what the program takes now; the rest waits for POLLOUT. */
int channel_input_flush(struct connection *c, struct channel *ch) MUST_USE;
/* The program reads no more: the queue is dropped, what comes later too, and the client is told once (eow). */
int channel_input_fail(struct connection *c, struct channel *ch) MUST_USE;
/* The client sends no more: standard input is closed when the queue is empty. */
void channel_input_finish(struct connection *c, struct channel *ch);
/* The channel is over: as channel_input_fail(), without a word. */
void channel_input_drop(struct connection *c, struct channel *ch);
