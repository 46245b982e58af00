/* Listening TCP sockets for addresses as they stand in a configuration. Numeric only: nobody here asks a resolver. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/util.h"

#define LISTEN_SOCKETS_MAX 64u

enum {
    LISTEN_E_INVALID = 1, /* an address or port that is none, or too many of them; error says which */
};

struct listen_request {
    const char *const *addresses; /* host, host:port, [host]:port; none: all addresses */
    size_t address_count;
    const char *const *ports; /* for addresses without one; none: 22. Port 0: the kernel chooses */
    size_t port_count;
    bool ipv4, ipv6;
};

struct listen_sockets {
    int fds[LISTEN_SOCKETS_MAX]; /* owned; close-on-exec, non-blocking */
    size_t count;
};

/* Binds all of them, or none. 0, LISTEN_E_INVALID or -errno, both with a sentence in `error`. */
int listen_open(const struct listen_request *request, struct listen_sockets *sockets, char *error,
                size_t error_size) MUST_USE;
void listen_close(struct listen_sockets *sockets);
/* "127.0.0.1:2222" or "[::1]:2222"; "?" if fd is no such socket. */
void listen_text(int fd, char *out, size_t size);
