/* Options of certificates. Input: a parsed certificate. Output: the same struct as for a line of authorized_keys. */
#include "session/asuser/cert_options.h"

#include <stdio.h>

#include "base/addresses.h"

#define ADDRESSES_MAX 4096u

static const struct {
    const char *name;
    enum key_permission permission;
} permits[] = {
    {"permit-pty", KEY_PTY},
    {"permit-port-forwarding", KEY_PORT_FORWARDING},
    {"permit-agent-forwarding", KEY_AGENT_FORWARDING},
    {"permit-X11-forwarding", KEY_X11_FORWARDING},
    {"permit-user-rc", KEY_USER_RC},
};

static int refuse(struct sp_span name, const char *what, char *why, size_t why_size)
{
    snprintf(why, why_size, "%s \"%.*s\"", what, (int)(name.size < 64 ? name.size : 64),
             (const char *)name.data);
    return KEY_OPTIONS_E_REFUSED;
}

/* Copied, as the blob may be gone when the options are used. */
static int text_take(struct sp_span data, struct key_options *options, struct sp_span *text)
{
    struct sp_span read;
    if (certificate_option_text(data, &read) || read.size == 0 ||
        read.size > sizeof options->text - options->text_used)
        return KEY_OPTIONS_E_REFUSED;
    char *copy = options->text + options->text_used;
    memcpy(copy, read.data, read.size);
    options->text_used += read.size;
    *text = sp_span_of(copy, read.size);
    return 0;
}

/* Addresses and blocks with commas alone: patterns and negations are for authorized_keys. */
static bool is_cidr_list(struct sp_span text)
{
    char list[ADDRESSES_MAX];
    if (text.size >= sizeof list)
        return false;
    memcpy(list, text.data, text.size);
    list[text.size] = 0;
    return list[strspn(list, "0123456789abcdefABCDEF:.,/")] == 0 && addresses_are_valid(list, true);
}

static int critical_apply(struct sp_span name, struct sp_span data, struct key_options *options, char *why,
                          size_t why_size)
{
    bool good = false;
    if (sp_span_is(name, "force-command")) {
        good = text_take(data, options, &options->command) == 0;
        options->has_command = good;
    } else if (sp_span_is(name, "source-address")) {
        good = text_take(data, options, &options->from) == 0 && is_cidr_list(options->from);
        options->has_from = good;
    } else if (sp_span_is(name, "verify-required")) {
        good = data.size == 0;
        options->verify = good;
    } else {
        return refuse(name, "unknown critical option", why, why_size);
    }
    return good ? 0 : refuse(name, "bad value of critical option", why, why_size);
}

static int extension_apply(struct sp_span name, struct sp_span data, struct key_options *options, char *why,
                           size_t why_size)
{
    bool known = sp_span_is(name, "no-touch-required");
    if (known)
        options->no_touch = true;
    for (size_t i = 0; i < sizeof permits / sizeof permits[0]; i++) {
        if (!sp_span_is(name, permits[i].name))
            continue;
        known = true;
        options->denied[permits[i].permission] = false;
    }
    return known && data.size ? refuse(name, "bad value of extension", why, why_size) : 0;
}

int cert_options_read(const struct sp_certificate *certificate, struct key_options *options, char *why,
                      size_t why_size)
{
    struct sp_span critical = certificate->critical_options, extensions = certificate->extensions;
    struct sp_span name, data;
    int r = 0;
    *options = (struct key_options){0};
    for (size_t i = 0; i < KEY_PERMISSIONS; i++)
        options->denied[i] = true;
    while (r == 0 && certificate_next_option(&critical, &name, &data))
        r = critical_apply(name, data, options, why, why_size);
    while (r == 0 && certificate_next_option(&extensions, &name, &data))
        r = extension_apply(name, data, options, why, why_size);
    return r;
}
