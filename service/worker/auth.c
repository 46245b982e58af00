/*
 * Authentication requests (RFC 4252 section 5, RFC 4256 section 3.4). Input: USERAUTH_REQUEST and INFO_RESPONSE payloads.
 * Output: ask_login for the first one, then one auth_* message to the login process for each.
 *
 * A message is parsed to its last octet before anything is said about it, and what is said never depends on whether a
 * user exists: that is not known here. One request is under way at a time; session_is_behind() holds back the rest.
 */
#include "worker/auth.h"

#include <errno.h>
#include <sallyport/registry.h>

#include "worker/connection.h"
#include "worker/on_session.h"

#define SERVICE_CONNECTION "ssh-connection"

struct auth_request {
    struct sp_span user, service, method;
    bool refused; /* a method that we do not have, or a value over its limit: counts as a failure */
    struct sp_auth_ask ask;
};

/* Secrets of a handled message do not stay in the packet buffer. */
static void payload_wipe(struct sp_span payload)
{
    if (payload.size != 0)
        explicit_bzero((void *)(uintptr_t)payload.data, payload.size);
}

/* 0 or SP_E_MALFORMED. The fields of unknown methods are not looked at. */
static int request_parse(struct sp_span payload, struct auth_request *request)
{
    struct auth_request read = {0};
    struct sp_in in = sp_in_of(payload);
    read.user = sp_get_text(&in, AUTH_USER_MAX);
    read.service = sp_get_string(&in, in.left);
    read.method = sp_get_string(&in, in.left);
    if (in.bad)
        return SP_E_MALFORMED;
    const struct sp_auth_wire_ops *method = auth_wire_find(read.method);
    int r = method ? method->request(&in, &read.ask) : SP_E_REFUSED;
    if (r != 0 && r != SP_E_REFUSED)
        return SP_E_MALFORMED;
    read.refused = r == SP_E_REFUSED;
    *request = read;
    return 0;
}

static bool is_same_user(const struct auth *auth, struct sp_span user)
{
    return sp_span_equal(sp_span_of(auth->user, auth->user_size), user);
}

/* ---- to the login process ------------------------------------------------------------------------------- */

/* The name is for the log of the login process; one that could not be a method's is not repeated. */
static int ask_unknown(struct connection *c, struct sp_span method)
{
    if (method.size > 64 || (method.size != 0 && memchr(method.data, 0, method.size)))
        method = sp_text("invalid");
    return link_send(&c->session, auth_unknown, .method = method);
}

static int ask_none(struct connection *c, const struct sp_auth_ask *ask)
{
    return link_send(&c->session, auth_none);
}

static int ask_password(struct connection *c, const struct sp_auth_ask *ask)
{
    return link_send(&c->session, auth_password, .password = ask->password.password,
                     .change = ask->password.change, .new_password = ask->password.new_password);
}

static int ask_keyboard_interactive(struct connection *c, const struct sp_auth_ask *ask)
{
    return link_send(&c->session, auth_keyboard_interactive);
}

static int ask_publickey(struct connection *c, const struct sp_auth_ask *ask)
{
    return link_send(&c->session, auth_publickey, .algorithm = ask->publickey.algorithm,
                     .blob = ask->publickey.blob, .hostbound = ask->publickey.hostbound,
                     .host_key = ask->publickey.host_key, .signed_request = ask->publickey.signed_request,
                     .signature = ask->publickey.signature);
}

typedef int (*ask_fn)(struct connection *c, const struct sp_auth_ask *ask);

static const ask_fn asks[] = {
    [SP_AUTH_NONE] = ask_none,
    [SP_AUTH_PASSWORD] = ask_password,
    [SP_AUTH_KEYBOARD_INTERACTIVE] = ask_keyboard_interactive,
    [SP_AUTH_PUBLICKEY] = ask_publickey,
};

static int request_forward(struct connection *c, const struct auth_request *request)
{
    size_t kind = request->ask.kind;
    ask_fn ask = kind < ARRAY_SIZE(asks) ? asks[kind] : NULL;
    int r = request->refused || !ask ? ask_unknown(c, request->method) : ask(c, &request->ask);
    c->auth.state = AUTH_ASKED;
    c->auth.prompts = 0; /* a pending dialogue is over (RFC 4256 section 3.1) */
    return session_told(c, r);
}

/* ---- the first request ------------------------------------------------------------------------------------ */

static void first_forget(struct auth *auth)
{
    if (auth->first)
        explicit_bzero(auth->first, auth->first_size);
    free(TAKE(auth->first));
    auth->first_size = 0;
}

/* Names the user, once and for all, and asks the monitor for a login process; the request waits for it. */
static int login_ask(struct connection *c, struct sp_span payload, const struct auth_request *request)
{
    struct auth *auth = &c->auth;
    auth->first = malloc(payload.size);
    if (!auth->first)
        return -ENOMEM;
    memcpy(auth->first, payload.data, payload.size);
    auth->first_size = payload.size;
    if (request->user.size != 0)
        memcpy(auth->user, request->user.data, request->user.size);
    auth->user_size = (uint8_t)request->user.size;
    auth->named = true;
    auth->state = AUTH_OPENING;
    int r = link_send(&c->monitor, ask_login, .user = request->user);
    if (r)
        return connection_fail(c, SSH_DISCONNECT_BY_APPLICATION, "The server cannot authenticate you now");
    connection_move(c, PHASE_AUTH);
    return transport_ext_info_in_auth(c);
}

int auth_link_arrived(struct connection *c, int fd)
{
    struct auth *auth = &c->auth;
    struct auth_request request;
    if (auth->state != AUTH_OPENING || link_is_open(&c->session)) {
        close(fd);
        return connection_fail(c, SSH_DISCONNECT_BY_APPLICATION, "Internal error");
    }
    link_init(&c->session, fd, ROLE_WORKER, ROLE_SESSION);
    int r = request_parse(sp_span_of(auth->first, auth->first_size), &request);
    r = r ? connection_fail(c, SSH_DISCONNECT_BY_APPLICATION, "Internal error")
          : request_forward(c, &request);
    first_forget(auth);
    return r;
}

/* ---- the client's messages ---------------------------------------------------------------------------------- */

/* What has to hold for any request or response before it is looked into. */
static int request_allow(struct connection *c)
{
    if (!c->auth.offered)
        return connection_fail(c, SSH_DISCONNECT_PROTOCOL_ERROR, "Authentication was not requested first");
    /* The main loop holds requests back while one is under way, so this is our own mistake; it must not pass. */
    if (c->auth.state == AUTH_OPENING || c->auth.state == AUTH_ASKED)
        return connection_fail(c, SSH_DISCONNECT_BY_APPLICATION, "Internal error");
    if (++c->auth.requests > AUTH_REQUESTS_MAX)
        return connection_fail(c, SSH_DISCONNECT_NO_MORE_AUTH_METHODS, "Too many authentication requests");
    return 0;
}

static int request_handle(struct connection *c, struct sp_span payload)
{
    struct auth_request request;
    int r = request_allow(c);
    if (r)
        return r;
    if (request_parse(payload, &request))
        return connection_fail(c, SSH_DISCONNECT_PROTOCOL_ERROR, "Malformed authentication request");
    bool connects = sp_span_is(request.service, SERVICE_CONNECTION);
    if (c->auth.named && (!connects || !is_same_user(&c->auth, request.user)))
        return connection_fail(c, SSH_DISCONNECT_PROTOCOL_ERROR, "Change of username or service not allowed");
    if (!connects)
        return connection_fail(c, SSH_DISCONNECT_SERVICE_NOT_AVAILABLE, "Service not available");
    return c->auth.named ? request_forward(c, &request) : login_ask(c, payload, &request);
}

int on_ssh_userauth_request(struct connection *c, struct sp_in *in)
{
    struct sp_span payload = sp_get_raw(in, in->left);
    /* RFC 4252 section 5.1: after success, requests are silently ignored. */
    int r = c->phase == PHASE_LOGIN ? 0 : request_handle(c, payload);
    payload_wipe(payload);
    return r;
}

/* The answers as a span, if `payload` is count strings and nothing else. */
static int answers_parse(struct sp_span payload, uint32_t *count, struct sp_span *answers)
{
    struct sp_in in = sp_in_of(payload);
    uint32_t claimed = sp_get_u32(&in); /* num-responses */
    struct sp_span list = sp_span_of(in.at, in.left);
    for (uint32_t i = 0; i < claimed && !in.bad; i++)
        sp_get_string(&in, in.left); /* response[i] */
    if (sp_get_end(&in))
        return SP_E_MALFORMED;
    *count = claimed;
    *answers = list;
    return 0;
}

static int response_handle(struct connection *c, struct sp_span payload)
{
    struct sp_span answers;
    uint32_t count;
    int r = request_allow(c);
    if (r)
        return r;
    if (c->auth.state != AUTH_PROMPTED)
        return connection_fail(c, SSH_DISCONNECT_PROTOCOL_ERROR, "No authentication dialogue is open");
    if (answers_parse(payload, &count, &answers))
        return connection_fail(c, SSH_DISCONNECT_PROTOCOL_ERROR, "Malformed authentication response");
    /* A wrong count ends the attempt (RFC 4256 section 3.4), as too long answers do: a failure like any other. */
    if (count != c->auth.prompts || answers.size > 16384)
        r = ask_unknown(c, sp_text("keyboard-interactive"));
    else
        r = link_send(&c->session, auth_answers, .count = count, .answers = answers);
    c->auth.state = AUTH_ASKED;
    c->auth.prompts = 0;
    return session_told(c, r);
}

int on_ssh_userauth_info_response(struct connection *c, struct sp_in *in)
{
    struct sp_span payload = sp_get_raw(in, in->left);
    int r = response_handle(c, payload);
    payload_wipe(payload);
    return r;
}

void auth_free(struct auth *auth)
{
    first_forget(auth);
    explicit_bzero(auth, sizeof *auth);
}
