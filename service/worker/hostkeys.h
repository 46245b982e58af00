/*
 * Host keys after login (OpenSSH PROTOCOL section 2.5): the client is told of all of them, those that are to be used later
 * among them, and may have each proved once, so that it knows a key before the first exchange that is signed with it.
 */
#pragma once

#include <sallyport/wire.h>

#include "base/util.h"
#include "ipc/messages.h"

struct connection;

#define HOSTKEYS_MAX 32u /* keys that one request may name; there are no more */
#define HOSTKEYS_DEFERRED_MAX                                                                                \
    16u /* replies that wait for proofs; with more no message of the client is handled */

struct hostkeys {
    struct sp_span offered; /* the offer's list of keys */
    uint64_t asked;         /* which of them the client wanted proved: bits by position */
    bool waits;             /* the monitor owes an answer */
    uint8_t *keys;          /* owned; which it owes one for, while it waits */
    size_t keys_size;
    /* Replies to requests that came behind, in their order: whether each is a success (RFC 4254 section 4). */
    size_t deferred_count;
    bool deferred[HOSTKEYS_DEFERRED_MAX];
};

/* After USERAUTH_SUCCESS. */
int hostkeys_announce(struct connection *c) MUST_USE;

/*
 * A request for proofs, behind "want reply". *later: the answer follows; else it is a failure. It ends the connection if it
 * is malformed, too long, or names a key for the second time.
 */
int hostkeys_prove(struct connection *c, struct sp_in *in, bool *later) MUST_USE;
/* What the monitor answers. */
int hostkeys_on_proofs(struct connection *c, const struct msg_proofs *proofs) MUST_USE;

/* Asks again for what it waits for, if it does; or does without the answer, as the monitor has gone. */
int hostkeys_resume(struct connection *c) MUST_USE;
int hostkeys_give_up(struct connection *c) MUST_USE;
void hostkeys_forget_keys(struct hostkeys *h);

/* REQUEST_SUCCESS or REQUEST_FAILURE for another global request, now or when the proofs have come. */
int hostkeys_reply(struct connection *c, bool success) MUST_USE;
/* True while there is no room for another reply that has to wait. */
bool hostkeys_is_behind(const struct connection *c);
