/* The header of the PROXY protocol, versions 1 and 2 (HAProxy's proxy-protocol.txt), before the identification strings. */
#pragma once

#include <sallyport/types.h>

#include "base/util.h"
#include "ipc/messages.h"

struct connection;

#define PROXY_V1_MAX 107u /* octets of the line, CR LF included */
#define PROXY_V2_HEAD 16u
#define PROXY_V2_REST_MAX                                                                                    \
    536u /* octets behind that; the protocol wants all of it to fit into the smallest segment, of 536 */

enum {
    PROXY_E_MORE = 1,    /* not all of it is there yet */
    PROXY_E_FOREIGN,     /* something else */
    PROXY_E_MALFORMED,   /* it begins like one */
    PROXY_E_UNSUPPORTED, /* a command, or addresses, that do not go with SSH */
    PROXY_E_TOO_LONG,
    PROXY_E_CHECKSUM,
    PROXY_E_CUT, /* the connection ended in the middle of it */
};

struct proxy_header {
    enum proxied_kind kind;
    size_t address_size; /* 4 or 16; 0 unless kind is PROXIED_CLIENT */
    uint8_t source[16], destination[16];
    uint16_t source_port, destination_port;
};

/* The header at the start of `bytes`; *used: its octets. 0 or PROXY_E_*, of which only PROXY_E_MORE changes with more octets. */
int proxy_parse(struct sp_span bytes, struct proxy_header *header, size_t *used) MUST_USE;

/* How far a connection is that a balancer has opened. */
enum proxy_step {
    PROXY_NONE = 0, /* there is none, or all is said: the connection is the client's */
    PROXY_HEADER,   /* its header has to come */
    PROXY_ASKED,    /* the monitor has it: nothing of the client is handled */
};

/* Takes the header from the input buffer and tells the monitor. 0, PACKET_E_MORE, WORKER_E_END, -errno. */
int proxy_receive(struct connection *c) MUST_USE;
/* The monitor's answer: our identification goes out. By on_monitor.c. */
int proxy_on_policy(struct connection *c, const struct msg_proxied_policy *answer) MUST_USE;
/* The last words, to somebody who has not seen our identification: a line that a human understands. */
int proxy_refuse(struct connection *c) MUST_USE;
