/*
 * Reads `-C user=root,addr=192.0.2.1`, with which an administrator asks what would hold for somebody, and takes
 * ListenAddress values apart. Input: the command line, the configuration. Output: struct config_who, host and port.
 */
#include <errno.h>

#include "base/addresses.h"
#include "config/error.h"
#include "config/listeners.h"
#include "config/values.h"

static int set_user(struct config_who *who, const char *value)
{
    who->user = value;
    return value[0] != '\0' ? 0 : CONFIG_E_INVALID;
}

static int set_address(struct config_who *who, const char *value)
{
    struct address ignored;
    who->address = value;
    return address_parse(value, &ignored) ? 0 : CONFIG_E_INVALID;
}

static int set_local_address(struct config_who *who, const char *value)
{
    struct address ignored;
    who->local_address = value;
    return address_parse(value, &ignored) ? 0 : CONFIG_E_INVALID;
}

static int set_local_port(struct config_who *who, const char *value)
{
    uint64_t port = 0;
    if (!decimal_parse(value, UINT16_MAX, &port) || port == 0)
        return CONFIG_E_INVALID;
    who->local_port = (uint16_t)port;
    return 0;
}

static int set_listener(struct config_who *who, const char *value)
{
    who->listener = value;
    return value[0] != '\0' && strlen(value) <= CONFIG_LISTENER_MAX ? 0 : CONFIG_E_INVALID;
}

static int set_nothing(struct config_who *who, const char *value)
{
    return 0;
}

static const struct {
    const char *name;
    int (*set)(struct config_who *who, const char *value);
    const char *expected;
} fields[] = {
    {"user", set_user, "a name"},
    {"addr", set_address, "a numeric address"},
    {"laddr", set_local_address, "a numeric address"},
    {"lport", set_local_port, "a port number from 1 to 65535"},
    {"listener", set_listener, "the name of a listening socket"},
    {"host", set_nothing, ""},
    {"rdomain", set_nothing, ""},
};

static int set_field(struct config_who *who, const char *name, const char *value, struct config_error *error)
{
    for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
        if (strcmp(fields[i].name, name) != 0)
            continue;
        if (fields[i].set(who, value) == 0)
            return 0;
        return config_complain(error, NULL, "-C %s: expected %s, got \"%s\"", name, fields[i].expected,
                               value);
    }
    return config_complain(
        error, NULL, "-C: expected user=, host=, addr=, laddr=, lport=, listener= or rdomain=, got \"%s\"",
        name);
}

int config_who_parse(const char *text, struct config_who *who, char **storage, struct config_error *error)
{
    CLEANUP_FREE char *copy = strdup(text);
    struct config_who made = *who;
    char *rest = copy, *field;
    if (!copy)
        return -ENOMEM;
    while ((field = strsep(&rest, ",")) != NULL) {
        char *value = field;
        const char *name = strsep(&value, "=");
        if (!value)
            return config_complain(error, NULL, "-C: expected NAME=VALUE, got \"%s\"", field);
        int result = set_field(&made, name, value, error);
        if (result != 0)
            return result;
    }
    *who = made;
    *storage = TAKE(copy);
    return 0;
}

/* Where the host ends and what follows it: "[v6]", "[v6]:port", "v4:port", or one address alone. */
static size_t split_host(const char **text, const char **behind)
{
    if (**text == '[') {
        size_t size = strcspn(++*text, "]");
        *behind = *text + size + ((*text)[size] == ']' ? 1 : 0);
        return (*text)[size] == ']' ? size : 0;
    }
    const char *colon = strchr(*text, ':');
    size_t size = colon && !strchr(colon + 1, ':') ? (size_t)(colon - *text) : strlen(*text);
    *behind = *text + size;
    return size;
}

int config_listen_address(const char *text, char host[CONFIG_HOST_MAX], uint16_t *port)
{
    bool is_bracketed = text[0] == '[';
    const char *behind = NULL;
    char plain[CONFIG_HOST_MAX];
    struct address address;
    uint64_t number = 0;
    size_t size = split_host(&text, &behind);
    if (size == 0 || size >= sizeof plain)
        return CONFIG_E_INVALID;
    memcpy(plain, text, size);
    plain[size] = '\0';
    if (!address_parse(plain, &address) || (is_bracketed && !strchr(plain, ':')))
        return CONFIG_E_INVALID;
    if (*behind != '\0' && (*behind != ':' || !decimal_parse(behind + 1, UINT16_MAX, &number) || number == 0))
        return CONFIG_E_INVALID;
    memcpy(host, plain, size + 1);
    *port = (uint16_t)number;
    return 0;
}
