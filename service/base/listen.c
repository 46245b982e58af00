/* Listening sockets. Input: words of a configuration. Output: descriptors that wait for clients. */
#include "base/listen.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define BACKLOG 512
#define DEFAULT_PORT "22"

/* Splits "host", "host:port", "[host]:port", and a bare IPv6 address, which has more than one colon. */
static int address_split(const char *text, char host[128], char port[16])
{
    const char *colon = strrchr(text, ':');
    size_t length = strlen(text);
    port[0] = '\0';
    if (text[0] == '[') {
        const char *end = strchr(text, ']');
        if (!end || (end[1] != '\0' && end[1] != ':'))
            return LISTEN_E_INVALID;
        colon = end[1] == ':' ? end + 1 : NULL;
        length = (size_t)(end - text) - 1;
        text++;
    } else if (colon && strchr(text, ':') == colon) {
        length = (size_t)(colon - text);
    } else {
        colon = NULL;
    }
    if (length == 0 || length >= 128 || (colon && (colon[1] == '\0' || strlen(colon + 1) >= 16)))
        return LISTEN_E_INVALID;
    memcpy(host, text, length);
    host[length] = '\0';
    snprintf(port, 16, "%s", colon ? colon + 1 : "");
    return 0;
}

static int socket_bind(const struct addrinfo *to)
{
    static const int on = 1;
    CLEANUP_CLOSE int fd = socket(to->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0)
        return -errno;
    if (to->ai_family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) < 0)
        return -errno;
    if (bind(fd, to->ai_addr, to->ai_addrlen) < 0 || listen(fd, BACKLOG) < 0)
        return -errno;
    return TAKE_FD(fd);
}

static void addrinfo_free(struct addrinfo **list)
{
    if (*list)
        freeaddrinfo(*list);
}

static bool family_wanted(const struct listen_request *request, int family)
{
    return (family == AF_INET && request->ipv4) || (family == AF_INET6 && request->ipv6);
}

static bool port_valid(const char *port)
{
    char *end;
    if (port[0] < '0' || port[0] > '9')
        return false;
    unsigned long value = strtoul(port, &end, 10);
    return *end == '\0' && value <= 65535;
}

struct opening {
    const struct listen_request *request;
    struct listen_sockets made;
    char *error;
    size_t error_size;
};

static int opening_fail(struct opening *o, int r, const char *host, const char *port, const char *why)
{
    snprintf(o->error, o->error_size, "cannot listen on %s port %s: %s", host, port, why);
    return r;
}

/* all: host stands for every address, and a machine without one of the families is no error. */
static int opening_add(struct opening *o, const char *host, const char *port, bool all)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC,
                                   .ai_socktype = SOCK_STREAM,
                                   .ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV};
    CLEANUP(addrinfo_free) struct addrinfo *found = NULL;
    if (!port_valid(port))
        return opening_fail(o, LISTEN_E_INVALID, host, port, "the port is no number from 0 to 65535");
    if (getaddrinfo(host, port, &hints, &found))
        return opening_fail(o, LISTEN_E_INVALID, host, port, "not a numeric IPv4 or IPv6 address");
    if (!family_wanted(o->request, found->ai_family))
        return 0;
    if (o->made.count == LISTEN_SOCKETS_MAX)
        return opening_fail(o, LISTEN_E_INVALID, host, port, "too many addresses");
    int fd = socket_bind(found);
    if (fd == -EAFNOSUPPORT && all)
        return 0;
    if (fd < 0)
        return opening_fail(o, fd, host, port, strerror(-fd));
    o->made.fds[o->made.count++] = fd;
    return 0;
}

static int opening_add_ports(struct opening *o, const char *host, bool all)
{
    static const char *const standard[] = {DEFAULT_PORT};
    const char *const *ports = o->request->port_count ? o->request->ports : standard;
    size_t count = o->request->port_count ? o->request->port_count : 1;
    int r = 0;
    for (size_t i = 0; i < count && r == 0; i++)
        r = opening_add(o, host, ports[i], all);
    return r;
}

static int opening_add_text(struct opening *o, const char *text)
{
    char host[128], port[16];
    if (address_split(text, host, port))
        return opening_fail(o, LISTEN_E_INVALID, text, "?", "not an address");
    return port[0] ? opening_add(o, host, port, false) : opening_add_ports(o, host, false);
}

static int opening_add_all(struct opening *o)
{
    int r = opening_add_ports(o, "0.0.0.0", true);
    return r ? r : opening_add_ports(o, "::", true);
}

int listen_open(const struct listen_request *request, struct listen_sockets *sockets, char *error,
                size_t error_size)
{
    struct opening o = {.request = request, .error = error, .error_size = error_size};
    int r = request->address_count ? 0 : opening_add_all(&o);
    for (size_t i = 0; i < request->address_count && r == 0; i++)
        r = opening_add_text(&o, request->addresses[i]);
    if (r == 0 && o.made.count == 0) {
        snprintf(error, error_size, "no address to listen on is left by AddressFamily");
        r = LISTEN_E_INVALID;
    }
    if (r) {
        listen_close(&o.made);
        return r;
    }
    *sockets = o.made;
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
    struct sockaddr_storage at;
    socklen_t length = sizeof at;
    char host[NI_MAXHOST], port[NI_MAXSERV];
    snprintf(out, size, "?");
    if (getsockname(fd, (struct sockaddr *)&at, &length) < 0)
        return;
    if (getnameinfo((const struct sockaddr *)&at, length, host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV))
        return;
    snprintf(out, size, at.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
}
