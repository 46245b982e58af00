/* Merging what keys restrict. Input: the options of a verdict (helper_verdict). Output: struct restrictions. */
#include "session/restrictions.h"

#include <errno.h>

#include <sallyport/wire.h>

#define OPTION_MAX 8192u

static const struct {
    const char *name;
    unsigned bit;
} denials[] = {
    {"no-pty", RESTRICT_PTY},
    {"no-port-forwarding", RESTRICT_PORT_FORWARDING},
    {"no-agent-forwarding", RESTRICT_AGENT_FORWARDING},
    {"no-x11-forwarding", RESTRICT_X11_FORWARDING},
    {"no-user-rc", RESTRICT_USER_RC},
};

static unsigned denial_find(struct sp_span name)
{
    for (size_t i = 0; i < ARRAY_SIZE(denials); i++)
        if (sp_span_is(name, denials[i].name))
            return denials[i].bit;
    return 0;
}

static char *text_of(struct sp_span span)
{
    return strndup((const char *)span.data, span.size);
}

static int command_add(struct restrictions *r, struct sp_span value)
{
    /* Two keys that force different commands: there is no session that would satisfy both. */
    if (r->command)
        return sp_span_is(value, r->command) ? 0 : RESTRICTIONS_E_REFUSED;
    r->command = text_of(value);
    return r->command ? 0 : -ENOMEM;
}

static int environment_add(struct restrictions *r, struct sp_span value)
{
    if (r->environment_count == RESTRICTIONS_ENVIRONMENT_MAX)
        return RESTRICTIONS_E_REFUSED;
    char *text = text_of(value);
    if (!text)
        return -ENOMEM;
    r->environment[r->environment_count++] = text;
    return 0;
}

static int option_add(struct restrictions *r, struct sp_span name, struct sp_span value)
{
    unsigned bit = denial_find(name);
    if (bit) {
        r->denied |= bit;
        return 0;
    }
    if (sp_span_is(name, "command"))
        return command_add(r, value);
    if (sp_span_is(name, "environment"))
        return environment_add(r, value);
    return RESTRICTIONS_E_REFUSED;
}

static int restrictions_copy(const struct restrictions *from, struct restrictions *to)
{
    *to = (struct restrictions){.denied = from->denied};
    if (from->command && !(to->command = strdup(from->command)))
        return -ENOMEM;
    for (size_t i = 0; i < from->environment_count; i++)
        if (environment_add(to, sp_text(from->environment[i])))
            return -ENOMEM;
    return 0;
}

int restrictions_merge(struct restrictions *restrictions, struct sp_span options)
{
    struct restrictions merged;
    struct sp_in in = sp_in_of(options);
    int r = restrictions_copy(restrictions, &merged);
    while (r == 0 && in.left != 0 && !in.bad) {
        struct sp_span name = sp_get_text(&in, OPTION_MAX);
        struct sp_span value = sp_get_text(&in, OPTION_MAX);
        if (!in.bad)
            r = option_add(&merged, name, value);
    }
    if (r == 0 && sp_get_end(&in))
        r = RESTRICTIONS_E_REFUSED;
    if (r) {
        restrictions_free(&merged);
        return r;
    }
    restrictions_free(restrictions);
    *restrictions = merged;
    return 0;
}

bool restrictions_force_command(struct sp_span options)
{
    struct sp_in in = sp_in_of(options);
    while (in.left != 0 && !in.bad) {
        struct sp_span name = sp_get_text(&in, OPTION_MAX);
        (void)sp_get_text(&in, OPTION_MAX);
        if (!in.bad && sp_span_is(name, "command"))
            return true;
    }
    return false;
}

void restrictions_free(struct restrictions *restrictions)
{
    free(restrictions->command);
    for (size_t i = 0; i < restrictions->environment_count; i++)
        free(restrictions->environment[i]);
    *restrictions = (struct restrictions){0};
}
