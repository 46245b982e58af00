/*
 * Global requests (RFC 4254 section 4) and the question whether the client is still there
 * (ClientAliveInterval), which is a global request of ours.
 */
#pragma once

#include <sallyport/wire.h>

#include "base/util.h"

struct connection;

int on_ssh_global_request(struct connection *c, struct sp_in *in) MUST_USE;
int on_ssh_request_reply(struct connection *c, struct sp_in *in) MUST_USE;

/*
 * For the main loop, in LOGIN: alive_wait_ms() is the longest time to poll (-1: for ever); alive_tick() asks
 * the client when it is due, and ends the connection when alive_count_max questions in a row were not
 * answered. Any message received counts as an answer: call alive_heard().
 */
int alive_wait_ms(const struct connection *c, uint64_t now_ms);
int alive_tick(struct connection *c, uint64_t now_ms) MUST_USE;
void alive_heard(struct connection *c);
