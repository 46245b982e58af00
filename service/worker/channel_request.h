/*
 * Requests on a channel and their replies. RFC 4254 section 4 gives replies no number: they go out in the order of the
 * requests, although the login process answers some of them and we the others, and although clients do not wait for
 * one before they send the next.
 */
#pragma once

#include "worker/channel.h"

/* The login process has answered the oldest request that it owes an answer for. Fails the connection if it owes none. */
int channel_reply_answer(struct connection *c, struct channel *ch, bool ok) MUST_USE;
/* What the oldest unanswered request is about; false: none is unanswered. */
bool channel_reply_expects(const struct channel *ch, enum channel_subject *subject);
