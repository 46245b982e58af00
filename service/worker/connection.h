/*
 * One connection: everything that a worker process knows. The state of each subject is a struct of that subject's
 * own header; this file joins them and names the few operations that all subjects share.
 */
#pragma once

#include "ipc/link.h"
#include "ipc/log.h"

#include "worker/auth.h"
#include "worker/channel.h"
#include "worker/hostkeys.h"
#include "worker/proxy.h"
#include "worker/transport.h"

/* RFC 4250 section 4.2.2. */
enum ssh_disconnect {
    SSH_DISCONNECT_HOST_NOT_ALLOWED = 1,
    SSH_DISCONNECT_PROTOCOL_ERROR = 2,
    SSH_DISCONNECT_KEY_EXCHANGE_FAILED = 3,
    SSH_DISCONNECT_MAC_ERROR = 5,
    SSH_DISCONNECT_COMPRESSION_ERROR = 6,
    SSH_DISCONNECT_SERVICE_NOT_AVAILABLE = 7,
    SSH_DISCONNECT_PROTOCOL_VERSION = 8,
    SSH_DISCONNECT_CONNECTION_LOST = 10,
    SSH_DISCONNECT_BY_APPLICATION = 11,
    SSH_DISCONNECT_TOO_MANY_CONNECTIONS = 12,
    SSH_DISCONNECT_NO_MORE_AUTH_METHODS = 14,
};

/* What every handler may return besides 0 and -errno: the connection is to end, and why has been noted. */
#define WORKER_E_END 64

struct worker_setup; /* what the zygote prepared for this generation: setup.h */

struct connection {
    uint64_t id;
    enum ipc_phase phase;
    int socket;
    struct link monitor;
    struct link session; /* closed until the monitor has sent login_link */
    struct link_inbox *inbox;
    struct log log;
    const struct worker_setup *setup;
    const struct worker_variant *variant; /* the policy that holds for this client: variant.h */
    char remote_address[65], local_address[65];
    uint16_t remote_port, local_port;
    enum proxy_step proxy_step; /* until it is PROXY_NONE, the address and the variant are not the client's */

    struct transport transport;
    struct auth auth;
    struct channels channels;
    struct hostkeys hostkeys;

    /* How it ends: noted once, by connection_fail() or connection_close(). */
    bool ending;
    bool end_by_peer;
    bool end_by_reset; /* its socket broke */
    uint32_t end_reason;
    char end_text[512];
};

/*
 * Notes why the connection ends (the first note stands), to be sent as DISCONNECT and told to the monitor, and returns
 * WORKER_E_END, so that a handler says: return connection_fail(c, SSH_DISCONNECT_PROTOCOL_ERROR, "...").
 * The text goes to the client: it may tell a human what to do and an attacker nothing.
 */
int connection_fail(struct connection *c, enum ssh_disconnect reason, const char *format, ...) PRINTF_LIKE(3, 4);
/* The peer ended it: nothing more is sent. */
int connection_ended_by_peer(struct connection *c, uint32_t reason, struct sp_span text);

/* The one place where the phase changes; logs old -> new. */
void connection_move(struct connection *c, enum ipc_phase phase);
