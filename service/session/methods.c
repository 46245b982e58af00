/* Chains of methods. Input: AuthenticationMethods. Output: what may be tried next, and whether it would be enough. */
#include "session/methods.h"

#include <stdio.h>

#include "config/config.h"

static const char *const names[METHOD_COUNT] = {
    [METHOD_PUBLICKEY] = "publickey",
    [METHOD_PASSWORD] = "password",
    [METHOD_KEYBOARD_INTERACTIVE] = "keyboard-interactive",
};

const char *method_name(enum method method)
{
    return method < METHOD_COUNT ? names[method] : "none";
}

/* "keyboard-interactive:pam" names the one device that there is. */
static enum method method_find(struct sp_span name)
{
    if (sp_span_is(name, "keyboard-interactive:pam"))
        return METHOD_KEYBOARD_INTERACTIVE;
    for (unsigned m = 0; m < METHOD_COUNT; m++)
        if (sp_span_is(name, names[m]))
            return (enum method)m;
    return METHOD_NONE;
}

static int chain_parse(const char *item, struct method_chain *chain, char *error, size_t error_size)
{
    struct method_chain read = {0};
    const char *at = item;
    for (;;) {
        const char *comma = strchr(at, ',');
        struct sp_span name = sp_span_of(at, comma ? (size_t)(comma - at) : strlen(at));
        enum method method = method_find(name);
        if (method == METHOD_NONE || read.count == METHODS_CHAIN_MAX) {
            snprintf(error, error_size, "AuthenticationMethods \"%s\": %s", item,
                     method == METHOD_NONE ? "there is no such method" : "too many methods");
            return METHODS_E_INVALID;
        }
        read.steps[read.count++] = method;
        if (!comma)
            break;
        at = comma + 1;
    }
    *chain = read;
    return 0;
}

static bool chain_is_possible(const struct method_chain *chain, unsigned enabled)
{
    for (size_t i = 0; i < chain->count; i++)
        if (!(enabled & (1u << chain->steps[i])))
            return false;
    return true;
}

static void methods_any(unsigned enabled, struct methods *methods)
{
    for (unsigned m = 0; m < METHOD_COUNT; m++)
        if (enabled & (1u << m))
            methods->chains[methods->count++] = (struct method_chain){.steps = {(enum method)m}, .count = 1};
}

int methods_parse(const struct config_list *list, unsigned enabled, struct methods *methods, char *error,
                  size_t error_size)
{
    struct methods read = {0};
    bool any = list->count == 0 || (list->count == 1 && strcmp(list->items[0], "any") == 0);
    if (any)
        methods_any(enabled, &read);
    for (size_t i = 0; !any && i < list->count; i++) {
        struct method_chain chain;
        int r = chain_parse(list->items[i], &chain, error, error_size);
        if (r)
            return r;
        if (!chain_is_possible(&chain, enabled))
            continue;
        if (read.count == METHODS_CHAINS_MAX) {
            snprintf(error, error_size, "AuthenticationMethods: more than %u lists", METHODS_CHAINS_MAX);
            return METHODS_E_INVALID;
        }
        read.chains[read.count++] = chain;
    }
    if (read.count == 0) {
        snprintf(error, error_size, "no list of AuthenticationMethods has only methods that are switched on");
        return METHODS_E_INVALID;
    }
    *methods = read;
    return 0;
}

unsigned methods_next(const struct methods *methods)
{
    unsigned next = 0;
    for (size_t i = 0; i < methods->count; i++) {
        const struct method_chain *chain = &methods->chains[i];
        if (chain->done < chain->count)
            next |= 1u << chain->steps[chain->done];
    }
    return next;
}

void methods_list(unsigned next, char text[METHODS_TEXT_MAX])
{
    size_t used = 0;
    text[0] = 0;
    for (unsigned m = 0; m < METHOD_COUNT; m++)
        if (next & (1u << m))
            used += (size_t)snprintf(text + used, METHODS_TEXT_MAX - used, "%s%s", used ? "," : "", names[m]);
}

static bool chain_awaits(const struct method_chain *chain, enum method method)
{
    return chain->done < chain->count && chain->steps[chain->done] == method;
}

bool methods_would_complete(const struct methods *methods, enum method method)
{
    for (size_t i = 0; i < methods->count; i++)
        if (chain_awaits(&methods->chains[i], method) &&
            methods->chains[i].done + 1 == methods->chains[i].count)
            return true;
    return false;
}

void methods_advance(struct methods *methods, enum method method)
{
    for (size_t i = 0; i < methods->count; i++)
        if (chain_awaits(&methods->chains[i], method))
            methods->chains[i].done++;
}
