/* Listening sockets. Input: addresses of a configuration. Output: descriptors that wait for clients. */
#include "base/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define BACKLOG 512

union listen_address {
    struct sockaddr any;
    struct sockaddr_in ipv4;
    struct sockaddr_in6 ipv6;
    struct sockaddr_storage storage;
};

/* The size of the address, or 0. */
static socklen_t address_parse(const char *host, uint16_t port, union listen_address *address)
{
    *address = (union listen_address){.storage = {0}};
    if (inet_pton(AF_INET, host, &address->ipv4.sin_addr) == 1) {
        address->ipv4.sin_family = AF_INET;
        address->ipv4.sin_port = htons(port);
        return sizeof address->ipv4;
    }
    if (inet_pton(AF_INET6, host, &address->ipv6.sin6_addr) == 1) {
        address->ipv6.sin6_family = AF_INET6;
        address->ipv6.sin6_port = htons(port);
        return sizeof address->ipv6;
    }
    return 0;
}

static int socket_bind(const union listen_address *address, socklen_t size)
{
    static const int on = 1;
    int family = address->any.sa_family;
    CLEANUP_CLOSE int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0)
        return -errno;
    if (family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) < 0)
        return -errno;
    if (bind(fd, &address->any, size) < 0 || listen(fd, BACKLOG) < 0)
        return -errno;
    return TAKE_FD(fd);
}

int listen_add(struct listen_sockets *sockets, const char *host, uint16_t port)
{
    union listen_address address;
    socklen_t size = address_parse(host, port, &address);
    if (size == 0)
        return -EINVAL;
    if (sockets->count == LISTEN_SOCKETS_MAX)
        return -E2BIG;
    int fd = socket_bind(&address, size);
    if (fd < 0)
        return fd;
    sockets->fds[sockets->count++] = fd;
    return 0;
}

void listen_close(struct listen_sockets *sockets)
{
    for (size_t i = 0; i < sockets->count; i++)
        close(sockets->fds[i]);
    sockets->count = 0;
}

void listen_text(int fd, char *out, size_t size)
{
    union listen_address at;
    socklen_t length = sizeof at;
    char host[INET6_ADDRSTRLEN];
    snprintf(out, size, "?");
    if (getsockname(fd, &at.any, &length) < 0)
        return;
    if (at.any.sa_family == AF_INET && inet_ntop(AF_INET, &at.ipv4.sin_addr, host, sizeof host))
        snprintf(out, size, "%s:%u", host, ntohs(at.ipv4.sin_port));
    if (at.any.sa_family == AF_INET6 && inet_ntop(AF_INET6, &at.ipv6.sin6_addr, host, sizeof host))
        snprintf(out, size, "[%s]:%u", host, ntohs(at.ipv6.sin6_port));
}
