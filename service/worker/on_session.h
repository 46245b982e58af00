/*
 * Messages of the login process. Input: c->session, checked by the link against messages.def. Output: calls
 * into auth.c and channel*.c.
 */
#pragma once

#include <stdbool.h>

#include "base/util.h"

struct connection;

/* Call when c->session's descriptor is readable: handles what is there, a bounded number per turn. Its end of
 * file ends the connection, before login and after. Sending is the main loop's: link_wants_write(),
 * link_flush(). */
int on_session_message(struct connection *c) MUST_USE;

/*
 * True while no further message of the client may be dispatched, because the login process owes an answer: to
 * an authentication request, or to more channel requests than we keep. The main loop stops reading from the
 * client until it is false again, and then dispatches first what it already holds.
 */
bool session_is_behind(const struct connection *c);

/* What link_send() to the login process returned, as a handler's result: a link that failed ends the connection. */
int session_told(struct connection *c, int r) MUST_USE;
