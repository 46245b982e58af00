/*
 * The wire half of user authentication (RFC 4252, RFC 4256): parses whole requests, forwards them to the
 * login process and puts its answers on the wire. It decides nothing: only the login process can say yes, and
 * the monitor believes nobody else. The methods' own fields are parsed by modules (include/sallyport/auth.h).
 *
 * Input: USERAUTH_REQUEST and INFO_RESPONSE of the client; auth_* of the login process (on_session.c).
 * Output: ask_login to the monitor, auth_* to the login process, messages 51 to 53 and 60 to the client.
 */
#pragma once

#include <sallyport/wire.h>

#include "base/util.h"

struct connection;
union msg_body;

#define AUTH_USER_MAX 255u
#define AUTH_REQUESTS_MAX 512u /* requests and responses of one client, however they are answered */

enum auth_state {
    AUTH_IDLE = 0, /* the client may send a request */
    AUTH_OPENING,  /* the first request waits, in `first`, for the link to the login process */
    AUTH_ASKED,    /* a request is with the login process */
    AUTH_PROMPTED, /* INFO_REQUEST is with the client; a new request abandons it */
};

/* As auth_success states them; 0: none. */
struct auth_limits {
    uint32_t alive_interval_s;
    uint32_t alive_count_max;
    uint64_t rekey_octets;
    uint32_t rekey_s;
};

struct auth {
    bool offered; /* SERVICE_ACCEPT for ssh-userauth was sent: set by on_ssh_service_request() */
    enum auth_state state;
    bool named;
    uint8_t user[AUTH_USER_MAX];
    uint8_t user_size;
    uint32_t requests;
    uint32_t prompts; /* of the open INFO_REQUEST */
    uint8_t *first;   /* owned, wiped: payload of the first request until it is forwarded */
    size_t first_size;
    struct auth_limits limits;
};

/* Handlers of ssh_messages.def. `in` stands behind the message number; secrets in it are wiped before they
 * return. */
int on_ssh_userauth_request(struct connection *c, struct sp_in *in) MUST_USE;
int on_ssh_userauth_info_response(struct connection *c, struct sp_in *in) MUST_USE;

/*
 * login_link has arrived from the monitor: takes the descriptor, opens c->session and forwards the request
 * that waits. (The phase is AUTH since ask_login was sent, as messages.def has it.)
 */
int auth_link_arrived(struct connection *c, int fd) MUST_USE;
/* Answers of the login process; called by on_session_message(). */
int auth_on_answer(struct connection *c, unsigned number, const union msg_body *body) MUST_USE;

/* Wipes and frees what is left. */
void auth_free(struct auth *auth);
