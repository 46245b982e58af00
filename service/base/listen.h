/* Listening TCP sockets on numeric addresses. Nobody here asks a resolver. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/util.h"

#define LISTEN_SOCKETS_MAX 64u

struct listen_sockets {
    int fds[LISTEN_SOCKETS_MAX]; /* owned; close-on-exec, non-blocking */
    size_t count;
};

/* Adds one. Port 0: the kernel chooses. IPv6 sockets take no IPv4 clients. 0 or -errno: -EINVAL for what is no numeric
 * address, -E2BIG for one too many, -EAFNOSUPPORT on a machine without that family. */
int listen_add(struct listen_sockets *sockets, const char *host, uint16_t port) MUST_USE;
void listen_close(struct listen_sockets *sockets);
#define LISTEN_TEXT_MAX 64u
/* "127.0.0.1:2222" or "[::1]:2222"; "?" if fd is no such socket. */
void listen_text(int fd, char *out, size_t size);
