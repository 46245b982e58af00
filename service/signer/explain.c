/*
 * Explanations. Input: a policy with its history, the two KEXINITs as the transcript's check has taken them apart. Output:
 * sentences with file and line for whoever has to change something, be it the policy or the client.
 */
#include "signer/explain.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include <sallyport/registry.h>
#include <sallyport/wire.h>

#define VERDICTS_MAX 8u /* names explained one by one */
#define NAMES_MAX                                                                                            \
    64u /* names of a client's list that are looked at: it may have thousands, for us to work on */
#define LIST_SHOWN_MAX 512u /* octets of a list in the log */

struct text {
    char *at;
    size_t size, used;
};

static PRINTF_LIKE(2, 3) void text_add(struct text *text, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text->at + text->used, text->size - text->used, format, args);
    va_end(args);
    if (n > 0)
        text->used = size_min(text->used + (size_t)n, text->size - 1);
}

static enum policy_kind kind_of(enum kexinit_list list)
{
    return (enum policy_kind)kexinit_list_kind(list); /* one numbering: offer.c */
}

/* Names that nobody can turn on here are of no use to the reader. */
static bool is_worth_a_word(const struct policy_verdict *verdict)
{
    return verdict->reason != POLICY_UNKNOWN && verdict->reason != POLICY_NOT_IN_BUILD;
}

/* Of the registry, or of a loaded module. */
static bool is_in_build(const struct variant *variant, enum kexinit_list list, struct sp_span name)
{
    const char *known = variant->build->build.known[kind_of(list)];
    return known && sp_list_has(sp_text(known), name);
}

static void verdicts_add(const struct variant *variant, enum kexinit_list list, struct sp_span names,
                         int64_t now, struct text *text)
{
    size_t said = 0;
    for (size_t seen = 0; names.size != 0 && said < VERDICTS_MAX && seen < NAMES_MAX; seen++) {
        struct policy_verdict verdict;
        struct sp_span name = sp_next_name(&names);
        if (!policy_knows(kind_of(list), name) && !is_in_build(variant, list, name))
            continue;
        policy_explain(variant->policy, &variant->build->build, now, kind_of(list), name, &verdict);
        if (!is_worth_a_word(&verdict))
            continue;
        text_add(text, "; %s", verdict.text);
        said++;
    }
}

static void field_put(struct sp_out *fields, const char *key, struct sp_span value)
{
    sp_put_text(fields, key);
    sp_put_string(fields, sp_span_of(value.data, size_min(value.size, LIST_SHOWN_MAX)));
}

int explain_refusal(const struct variant *variant, const struct transcript_refusal *refusal, int64_t now,
                    char why[EXPLAIN_WHY_MAX], struct sp_out *fields)
{
    struct text text = {.at = why, .size = EXPLAIN_WHY_MAX};
    text_add(&text, "%s", refusal->why);
    field_put(fields, "policy", sp_text(variant->spec));
    if (refusal->rule)
        field_put(fields, "rule", sp_text(refusal->rule));
    if (refusal->by_list) {
        text_add(&text, "; policy %s", variant->spec);
        verdicts_add(variant, refusal->list, refusal->client_list, now, &text);
        field_put(fields, "list", sp_text(policy_keyword(kind_of(refusal->list))));
        field_put(fields, "client_offers", refusal->client_list);
        field_put(fields, "server_offers", refusal->server_list);
        field_put(fields, "client_version", refusal->client_version);
    }
    return sp_put_end(fields) ? -EMSGSIZE : 0;
}

/* ---- another policy ---------------------------------------------------------------------------------------------- */

/* Everything that this client would be offered, exceptions included. */
static int lists_make(const struct variant *variant, const struct transcript_context *context,
                      struct offer_lists *lists)
{
    uint8_t room[24576];
    struct sp_out exceptions = {.data = room, .capacity = sizeof room};
    struct msg_variant offered;
    int r = offer_variant_make(variant->spec, variant->digest, variant->effective, &exceptions, &offered);
    return r || offer_lists_make(&offered, context->keys, context->address, context->now, lists) ? -EMSGSIZE
                                                                                                 : 0;
}

static int server_kexinit(const struct offer_lists *lists, struct sp_out *payload, struct kexinit *server)
{
    static const uint8_t no_cookie[KEXINIT_COOKIE_SIZE];
    if (kexinit_build(lists, no_cookie, true, payload) || kexinit_parse(sp_written(payload), server))
        return -EMSGSIZE;
    return 0;
}

bool explain_report(const struct variant *reported, const struct transcript_context *context,
                    const struct transcript_result *result, const char **what, char *detail,
                    size_t detail_size)
{
    struct offer_lists lists;
    uint8_t bytes[16384];
    struct sp_out payload = {.data = bytes, .capacity = sizeof bytes};
    struct kexinit server;
    struct negotiated chosen;
    enum kexinit_list failed;
    struct text text = {.at = detail, .size = detail_size};
    if (lists_make(reported, context, &lists) || server_kexinit(&lists, &payload, &server))
        return false;
    if (negotiate(&result->client, &server, &chosen, &failed)) {
        struct sp_span offered = result->client.lists[failed];
        *what = policy_keyword(kind_of(failed));
        text_add(&text, "no common %s; the client offers %.*s", kexinit_list_name(failed),
                 (int)size_min(offered.size, 300), (const char *)offered.data);
        verdicts_add(reported, failed, offered, context->now, &text);
        return true;
    }
    if (!reported->effective->rules.strict_kex || chosen.strict)
        return false;
    *what = policy_rule_keyword(POLICY_STRICT_KEX);
    char place[POLICY_ORIGIN_MAX];
    text_add(&text, "the client does not support strict key exchange (%s)",
             policy_origin_text(reported->effective->rules.origins[POLICY_STRICT_KEX], place));
    return true;
}
