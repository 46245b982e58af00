/* The listening sockets' names, and on which of them clients come through a balancer (the PROXY protocol). */
#pragma once

#include "config/config.h"

#define CONFIG_LISTENER_MAX 64u /* octets of a name; ADDRESS:PORT has at most 53 */

/* Letters, digits, ".", "_", "-" and "@", not a number: so that no name passes for a port or for ADDRESS:PORT. */
bool config_listener_is_name(const char *text);

/*
 * What the socket on that numeric address and port is called: as ListenerName says; else as it was handed over (`given`,
 * if that is a name); else ADDRESS:PORT. address "": it has none, and `given` is all that there is.
 */
void config_listener_name(const struct config *config, const char *address, uint16_t port, const char *given,
                          char name[CONFIG_LISTENER_MAX + 1]);

/* Whether an item of ProxyProtocol means that socket: its name, or its port. */
bool config_listener_is(const char *item, const char *name, uint16_t port);
/* Whether any does. */
bool config_listener_is_proxied(const struct config *config, const char *name, uint16_t port);
/* Whether a balancer at that numeric address is believed (ProxyTrusted). */
bool config_proxy_is_trusted(const struct config *config, const char *address);

/* What ListenerName, ProxyProtocol and ProxyTrusted have to look like: for checks.c. */
int check_listener_name(const char *argument, struct config_error *why) MUST_USE;
int check_listener_target(const char *argument, struct config_error *why) MUST_USE;
int check_listener(const char *argument, struct config_error *why) MUST_USE;
int check_network(const char *argument, struct config_error *why) MUST_USE;
/* What they have to be together: a listener for balancers without balancers would serve nobody. */
int listeners_check(const struct config *config, struct config_error *error) MUST_USE;
