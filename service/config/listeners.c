/*
 * Names of listening sockets. Input: ListenerName, ProxyProtocol and ProxyTrusted, and what is known of a socket: its
 * address and the name that a service manager handed it over with. Output: one name for each socket, by which Match
 * Listener and ProxyProtocol know it, and who may speak there for others.
 */
#include "config/listeners.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/addresses.h"
#include "base/decimal.h"
#include "base/lexer.h"
#include "config/error.h"

bool config_listener_is_name(const char *text)
{
    static const char others[] = "._-@";
    size_t size = strlen(text);
    bool has_letter = false;
    if (size == 0 || size > CONFIG_LISTENER_MAX)
        return false;
    for (size_t i = 0; i < size; i++) {
        if (!isalnum((unsigned char)text[i]) && !strchr(others, text[i]))
            return false;
        has_letter = has_letter || isalpha((unsigned char)text[i]);
    }
    return has_letter;
}

static bool is_port(const char *text, uint16_t *port)
{
    uint64_t number = 0;
    if (!decimal_parse(text, UINT16_MAX, &number) || number == 0)
        return false;
    *port = (uint16_t)number;
    return true;
}

/* A PORT on any address, or one ADDRESS:PORT. */
static bool target_is(const char *target, const struct address *at, uint16_t port)
{
    char host[CONFIG_HOST_MAX];
    struct address other;
    uint16_t wanted;
    if (is_port(target, &wanted))
        return wanted == port;
    return config_listen_address(target, host, &wanted) == 0 && wanted == port &&
           address_parse(host, &other) && other.bits == at->bits &&
           memcmp(other.bytes, at->bytes, at->bits / 8) == 0;
}

/* The item is the line without its keyword, "NAME TARGET...", which reads like a line itself. */
static bool line_names(const char *item, const struct address *at, uint16_t port, char *name)
{
    struct lexer_line line;
    const char *why;
    if (lexer_split(sp_text(item), &line, &why) != 0)
        return false; /* it was read before */
    for (size_t i = 0; i < line.count; i++) {
        if (!target_is(line.arguments[i], at, port))
            continue;
        (void)snprintf(name, CONFIG_LISTENER_MAX + 1, "%s", line.keyword);
        return true;
    }
    return false;
}

void config_listener_name(const struct config *config, const char *address, uint16_t port, const char *given,
                          char name[CONFIG_LISTENER_MAX + 1])
{
    struct address at;
    bool has_address = address_parse(address, &at);
    for (size_t i = 0; has_address && i < config->listener_names.count; i++)
        if (line_names(config->listener_names.items[i], &at, port, name))
            return;
    if (config_listener_is_name(given))
        (void)snprintf(name, CONFIG_LISTENER_MAX + 1, "%s", given);
    else if (has_address)
        (void)snprintf(name, CONFIG_LISTENER_MAX + 1, strchr(address, ':') ? "[%.45s]:%u" : "%.45s:%u",
                       address, port);
    else
        name[0] = '\0';
}

bool config_listener_is(const char *item, const char *name, uint16_t port)
{
    uint16_t wanted;
    return is_port(item, &wanted) ? wanted == port : strcmp(item, name) == 0;
}

static bool says_none(const struct config_list *list)
{
    return list->count == 1 && strcmp(list->items[0], "none") == 0;
}

bool config_listener_is_proxied(const struct config *config, const char *name, uint16_t port)
{
    const struct config_list *list = &config->proxy_protocol;
    for (size_t i = 0; i < list->count && !says_none(list); i++)
        if (config_listener_is(list->items[i], name, port))
            return true;
    return false;
}

bool config_proxy_is_trusted(const struct config *config, const char *address)
{
    const struct config_list *list = &config->proxy_trusted;
    for (size_t i = 0; i < list->count && !says_none(list); i++)
        if (addresses_match(address, list->items[i]) == 1)
            return true;
    return false;
}

/* ---- checks ------------------------------------------------------------------------------------------------ */

int check_listener_name(const char *argument, struct config_error *why)
{
    if (config_listener_is_name(argument) && strcmp(argument, "none") != 0)
        return 0;
    return config_complain(
        why, NULL,
        "expected a name with a letter in it, of at most %u letters, digits, \".\", \"_\", "
        "\"-\" and \"@\", got \"%s\"",
        CONFIG_LISTENER_MAX, argument);
}

static bool is_place(const char *text)
{
    char host[CONFIG_HOST_MAX];
    uint16_t port = 0;
    return config_listen_address(text, host, &port) == 0 && port != 0;
}

int check_listener_target(const char *argument, struct config_error *why)
{
    uint16_t port;
    if (is_port(argument, &port) || is_place(argument))
        return 0;
    return config_complain(why, NULL,
                           "expected a port number from 1 to 65535, or an address with one such as "
                           "192.0.2.1:22 or [2001:db8::1]:22, got \"%s\"",
                           argument);
}

int check_listener(const char *argument, struct config_error *why)
{
    uint16_t port;
    if (is_port(argument, &port) || is_place(argument) || config_listener_is_name(argument))
        return 0;
    return config_complain(
        why, NULL, "expected \"none\", or ports and names of listening sockets, got \"%s\"", argument);
}

/* No patterns and no negation: what is believed here decides who is who. */
int check_network(const char *argument, struct config_error *why)
{
    if (addresses_are_valid(argument, true) && !strpbrk(argument, ",!*?"))
        return 0;
    return config_complain(why, NULL,
                           "expected \"none\", or numeric addresses and CIDR blocks without host bits, got "
                           "\"%s\"",
                           argument);
}

int listeners_check(const struct config *config, struct config_error *error)
{
    if (says_none(&config->proxy_protocol) || !says_none(&config->proxy_trusted))
        return 0;
    const struct config_line *line = config_line(config, "ProxyProtocol");
    const struct config_place place = {.file = line ? line->file : "", .line = line ? line->line : 0};
    return config_complain(
        error, &place,
        "ProxyProtocol: expected ProxyTrusted with the addresses of the balancers too; without "
        "one nobody could connect there");
}
