/*
 * Applies a configured list to the default of its kind and keeps what exists. Input: the text behind an algorithm
 * keyword and the lists of what this build and the tokens have. Output: the ordered list that the signer, the worker
 * and the login processes use as it stands. The grammar of prefixes is that of sshd_config(5).
 */
#include "policy/lists.h"

#include <stdarg.h>
#include <stdio.h>

#include <sallyport/wire.h>

#include "policy/defaults.h"
#include "policy/names.h"

struct resolution {
    enum policy_kind kind;
    struct sp_span available, known;
    struct sp_out *wanted; /* in order, not yet cut to what is available */
    char *error;
    size_t error_size;
};

#define NAME_ARGS(span_) (int)(span_).size, (const char *)(span_).data

PRINTF_LIKE(2, 3) static int refuse(const struct resolution *r, const char *format, ...)
{
    int used = snprintf(r->error, r->error_size, "%s: ", policy_keyword(r->kind));
    if (used >= 0 && (size_t)used < r->error_size) {
        va_list args;
        va_start(args, format);
        (void)vsnprintf(r->error + used, r->error_size - (size_t)used, format, args);
        va_end(args);
    }
    return POLICY_E_INVALID;
}

static bool any_matches(struct sp_span list, struct sp_span pattern)
{
    while (list.size != 0)
        if (wildcard_matches(sp_next_name(&list), pattern))
            return true;
    return false;
}

static bool exists_elsewhere(enum policy_kind kind, struct sp_span name)
{
    struct sp_span families = sp_text(policy_elsewhere(kind));
    while (families.size != 0)
        if (wildcard_matches(name, sp_next_name(&families)))
            return true;
    return false;
}

/* A name to be offered has to be one that this build has, spelled exactly: a mistake must not weaken the list. */
static int check_offered(const struct resolution *r, struct sp_span name)
{
    if (!policy_is_name(name))
        return refuse(r, "expected algorithm names separated by commas, got \"%.*s\"", NAME_ARGS(name));
    if (wildcard_is_in(name))
        return refuse(r, "\"%.*s\": wildcards are possible only behind \"-\"", NAME_ARGS(name));
    if (sp_list_has(r->known, name))
        return 0;
    if (exists_elsewhere(r->kind, name))
        return refuse(r, "this server does not have \"%.*s\"; it has %.*s", NAME_ARGS(name),
                      NAME_ARGS(r->known));
    return refuse(r, "unknown algorithm \"%.*s\"; this server has %.*s", NAME_ARGS(name),
                  NAME_ARGS(r->known));
}

/* Removing what is not there is fine if it is a name that exists somewhere; a misspelled removal must not pass, or the
 * algorithm would stay in silently. */
static int check_removed(const struct resolution *r, struct sp_span pattern)
{
    if (!policy_is_name(pattern))
        return refuse(r, "expected algorithm names separated by commas, got \"%.*s\"", NAME_ARGS(pattern));
    if (any_matches(r->known, pattern) || exists_elsewhere(r->kind, pattern) ||
        any_matches(sp_text(policy_elsewhere(r->kind)), pattern))
        return 0;
    return refuse(r, "\"-%.*s\" would remove nothing; this server has %.*s", NAME_ARGS(pattern),
                  NAME_ARGS(r->known));
}

static int check_each(const struct resolution *r, struct sp_span list,
                      int (*check)(const struct resolution *, struct sp_span))
{
    if (list.size == 0 || list.data[list.size - 1] == ',')
        return refuse(r, "expected algorithm names separated by commas");
    while (list.size != 0) {
        int result = check(r, sp_next_name(&list));
        if (result != 0)
            return result;
    }
    return 0;
}

static void add_all(struct sp_out *wanted, struct sp_span list)
{
    while (list.size != 0)
        policy_list_add(wanted, sp_next_name(&list));
}

static bool is_removed(struct sp_span patterns, struct sp_span name)
{
    while (patterns.size != 0)
        if (wildcard_matches(name, sp_next_name(&patterns)))
            return true;
    return false;
}

static void add_remaining(struct sp_out *wanted, struct sp_span list, struct sp_span removed)
{
    while (list.size != 0) {
        struct sp_span name = sp_next_name(&list);
        if (!is_removed(removed, name))
            policy_list_add(wanted, name);
    }
}

static int apply_list(struct resolution *r, char prefix, struct sp_span names)
{
    struct sp_span defaults = sp_text(policy_default(r->kind));
    int result = check_each(r, names, prefix == '-' ? check_removed : check_offered);
    if (result != 0)
        return result;
    if (prefix == '-') {
        add_remaining(r->wanted, defaults, names);
        return 0;
    }
    if (prefix == '+')
        add_all(r->wanted, defaults);
    add_all(r->wanted, names);
    if (prefix == '^')
        add_all(r->wanted, defaults);
    return 0;
}

static int apply(struct resolution *r, const char *configured)
{
    if (configured[0] == '\0') {
        add_all(r->wanted, sp_text(policy_default(r->kind)));
        return 0;
    }
    bool has_prefix = strchr("+-^", configured[0]) != NULL;
    return apply_list(r, has_prefix ? configured[0] : '\0', sp_text(configured + (has_prefix ? 1 : 0)));
}

/* Why nothing is left: said with both sides, so that the reader sees which one to change. */
static int refuse_empty(const struct resolution *r)
{
    struct sp_span wanted = sp_written(r->wanted);
    if (wanted.size == 0)
        return refuse(r, "the list removes every algorithm");
    const char *who = r->kind == POLICY_HOST_KEY ? "the host keys can sign with" : "this machine has";
    if (r->available.size == 0)
        return refuse(r, "nothing is left: wanted %.*s; %s none", NAME_ARGS(wanted), who);
    return refuse(r, "nothing is left: wanted %.*s; %s %.*s", NAME_ARGS(wanted), who,
                  NAME_ARGS(r->available));
}

int lists_resolve_one(enum policy_kind kind, const char *configured, const char *available, const char *known,
                      char resolved[POLICY_LIST_MAX], char *error, size_t error_size)
{
    uint8_t wanted_room[POLICY_LIST_MAX], kept_room[POLICY_LIST_MAX];
    struct sp_out wanted = {.data = wanted_room, .capacity = sizeof wanted_room};
    struct sp_out kept = {.data = kept_room, .capacity = sizeof kept_room - 1};
    struct resolution r = {.kind = kind,
                           .available = sp_text(available),
                           .known = sp_text(known),
                           .wanted = &wanted,
                           .error = error,
                           .error_size = error_size};
    int result = apply(&r, configured);
    if (result != 0)
        return result;
    for (struct sp_span list = sp_written(&wanted); list.size != 0;) {
        struct sp_span name = sp_next_name(&list);
        if (sp_list_has(r.available, name))
            policy_list_add(&kept, name);
    }
    if (wanted.full || kept.full)
        return refuse(&r, "the list is longer than %u octets", POLICY_LIST_MAX - 1);
    if (kept.size == 0)
        return refuse_empty(&r);
    memcpy(resolved, kept_room, kept.size);
    resolved[kept.size] = '\0';
    return 0;
}
