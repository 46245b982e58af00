/* Listening sockets of a configuration: every ListenAddress on its own port or on each Port; without any, all addresses. */
#include "config/listen.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define DEFAULT_PORT 22

struct opening {
    const struct config *config;
    struct listen_sockets made;
    struct config_error *error;
};

static bool family_wanted(const struct config *config, const char *host)
{
    bool ipv6 = strchr(host, ':') != NULL;
    return strcmp(config->address_family, ipv6 ? "inet" : "inet6") != 0;
}

/* any: host stands for all addresses of its family, which the machine may not have. */
static int add_port(struct opening *o, const char *host, uint16_t port, bool any)
{
    if (!family_wanted(o->config, host))
        return 0;
    int r = listen_add(&o->made, host, port);
    if (r == -EAFNOSUPPORT && any)
        return 0;
    if (r)
        snprintf(o->error->text, sizeof o->error->text, "cannot listen on %s port %u: %s", host, port,
                 strerror(-r));
    return r;
}

static int add_host(struct opening *o, const char *host, bool any)
{
    const struct config_list *ports = &o->config->ports;
    int r = ports->count == 0 ? add_port(o, host, DEFAULT_PORT, any) : 0;
    for (size_t i = 0; i < ports->count && r == 0; i++)
        r = add_port(o, host, (uint16_t)strtoul(ports->items[i], NULL, 10),
                     any); /* checked when it was evaluated */
    return r;
}

static int add_address(struct opening *o, const char *text)
{
    char host[CONFIG_HOST_MAX];
    uint16_t port;
    int r = config_listen_address(text, host, &port);
    if (r) {
        snprintf(o->error->text, sizeof o->error->text, "cannot listen on %s: not a numeric address", text);
        return r;
    }
    return port != 0 ? add_port(o, host, port, false) : add_host(o, host, false);
}

static int add_all(struct opening *o)
{
    const struct config_list *addresses = &o->config->listen_addresses;
    int r = 0;
    if (addresses->count == 0) {
        r = add_host(o, "0.0.0.0", true);
        return r ? r : add_host(o, "::", true);
    }
    for (size_t i = 0; i < addresses->count && r == 0; i++)
        r = add_address(o, addresses->items[i]);
    return r;
}

int config_listen(const struct config *config, struct listen_sockets *sockets, struct config_error *error)
{
    struct opening o = {.config = config, .error = error};
    int r = add_all(&o);
    if (r == 0 && o.made.count == 0) {
        snprintf(error->text, sizeof error->text, "AddressFamily %s leaves no address to listen on",
                 config->address_family);
        r = CONFIG_E_INVALID;
    }
    if (r) {
        listen_close(&o.made);
        return r;
    }
    *sockets = o.made;
    return 0;
}
