/*
 * Negotiation without a connection. Input: a policy on this machine, a client's KEXINIT. Output: what is chosen in each
 * list, or why nothing is. The server's KEXINIT is built as a worker builds it, and the signer's negotiate() decides.
 */
#include "ctl/negotiation.h"

#include <stdio.h>

#include <sallyport/registry.h>
#include <sallyport/wire.h>

#include "ipc/offer.h"
#include "policy/names.h"

#include "ctl/describe.h"

#define EXCEPTIONS_SIZE 24576u
#define KEYS_SIZE 4096u

struct server {
    uint8_t exceptions[EXCEPTIONS_SIZE], keys[KEYS_SIZE];
    struct offer_lists lists;
    uint8_t payload[KEXINIT_PAYLOAD_MAX];
    struct kexinit kexinit;
};

enum policy_kind negotiation_kind(enum kexinit_list list)
{
    static const enum policy_kind kinds[KEXINIT_NEGOTIATED] = {
        [KEXINIT_KEX] = POLICY_KEX,
        [KEXINIT_HOST_KEY] = POLICY_HOST_KEY,
        [KEXINIT_CIPHER_C2S] = POLICY_CIPHER,
        [KEXINIT_CIPHER_S2C] = POLICY_CIPHER,
        [KEXINIT_MAC_C2S] = POLICY_MAC,
        [KEXINIT_MAC_S2C] = POLICY_MAC,
        [KEXINIT_COMPRESSION_C2S] = POLICY_COMPRESSION,
        [KEXINIT_COMPRESSION_S2C] = POLICY_COMPRESSION,
    };
    return list < KEXINIT_NEGOTIATED ? kinds[list] : POLICY_KINDS;
}

/* The kinds that are offered are numbered alike in both. */
static struct sp_span exceptions_encode(const struct policy_effective *effective, struct server *server)
{
    struct sp_out out = {.data = server->exceptions, .capacity = sizeof server->exceptions};
    for (size_t i = 0; i < effective->exception_count; i++) {
        const struct policy_exception *from = &effective->exceptions[i];
        struct offer_exception to = {.kind = (enum offer_kind)from->kind,
                                     .name = sp_text(from->name),
                                     .not_after = from->not_after,
                                     .origin = sp_text(from->origin)};
        snprintf(to.addresses, sizeof to.addresses, "%s", from->addresses);
        if ((unsigned)from->kind < OFFER_KINDS)
            offer_put_exception(&to, &out);
    }
    return sp_written(&out);
}

/* One key that can sign with everything that the policy and the token allow; by certificates only where it is known that
 * there are any. */
static struct sp_span keys_encode(const struct subject *s, struct server *server)
{
    uint8_t algorithms[POLICY_LIST_MAX];
    struct sp_out list = {.data = algorithms, .capacity = sizeof algorithms},
                  out = {.data = server->keys, .capacity = sizeof server->keys};
    struct sp_span rest = sp_text(s->build.host_key);
    bool certificates = s->build.certificates || s->effective.rules.host_certificates;
    while (rest.size != 0) {
        struct sp_span name = sp_next_name(&rest);
        if (certificates || !memmem(name.data, name.size, "-cert-", 6))
            policy_list_add(&list, name);
    }
    offer_put_key(&(struct offer_key){.algorithms = sp_written(&list),
                                      .blob = sp_text("key"),
                                      .valid_before = UINT64_MAX},
                  &out);
    return sp_written(&out);
}

static int server_make(const struct subject *s, const char *address, struct server *server)
{
    static const uint8_t cookie[KEXINIT_COOKIE_SIZE];
    const struct policy_effective *effective = &s->effective;
    const struct msg_variant variant = {
        .policy = sp_text(s->spec),
        .kex = sp_text(effective->lists[POLICY_KEX]),
        .host_key_algorithms = sp_text(effective->lists[POLICY_HOST_KEY]),
        .ciphers = sp_text(effective->lists[POLICY_CIPHER]),
        .macs = sp_text(effective->lists[POLICY_MAC]),
        .compression = sp_text(effective->lists[POLICY_COMPRESSION]),
        .user_key_algorithms = sp_text(effective->lists[POLICY_USER_KEY]),
        .exceptions = exceptions_encode(effective, server),
    };
    struct sp_out out = {.data = server->payload, .capacity = sizeof server->payload};
    int r = offer_lists_make(&variant, keys_encode(s, server), address, s->now, &server->lists);
    if (r == 0)
        r = kexinit_build(&server->lists, cookie, true, &out);
    return r ? r : kexinit_parse(sp_written(&out), &server->kexinit);
}

/* Names that stand among the key exchange methods and are none. */
static bool is_signal(struct sp_span name)
{
    static const char *const signals[] = {"ext-info-c", "ext-info-s", "kex-strict-c-v00@openssh.com",
                                          "kex-strict-s-v00@openssh.com", "kexguess2@matt.ucc.asn.au"};
    for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
        if (sp_span_is(name, signals[i]))
            return true;
    return false;
}

static void names_describe(json_t *into, const char *key, struct sp_span list)
{
    uint8_t room[KEXINIT_PAYLOAD_MAX];
    struct sp_out out = {.data = room, .capacity = sizeof room};
    while (list.size != 0) {
        struct sp_span name = sp_next_name(&list);
        if (!is_signal(name))
            policy_list_add(&out, name);
    }
    found_set_names(into, key, sp_written(&out));
}

/* For each name of the client's, why this policy does not have it. */
static void refusal_describe(const struct subject *s, enum policy_kind kind, struct sp_span names,
                             json_t *into)
{
    json_t *reasons = found_make_array(into, "reasons");
    while (names.size != 0) {
        struct policy_verdict verdict;
        struct sp_span name = sp_next_name(&names);
        if (is_signal(name))
            continue;
        policy_explain(s->policy, &s->build.build, s->now, kind, name, &verdict);
        json_t *row = found_add_object(reasons);
        found_set(row, "name", name);
        found_set_string(row, "verdict", policy_reason_word(verdict.reason));
        found_set_string(row, "why", verdict.text);
    }
}

/* A name that counts for some time or for some addresses only is shown as that, whatever else it is. */
static void class_describe(const struct subject *s, enum policy_kind kind, struct sp_span name, json_t *row)
{
    found_set_string(row, "class", describe_class(kind, name));
    if (sp_list_has(sp_text(s->effective.lists[kind]), name))
        return;
    for (size_t i = 0; i < s->effective.exception_count; i++) {
        const struct policy_exception *exception = &s->effective.exceptions[i];
        if (exception->kind != kind || !sp_span_is(name, exception->name))
            continue;
        found_set_string(row, "class", "exception");
        if (exception->not_after != 0)
            found_set_time(row, "not_after", exception->not_after);
    }
}

static json_t *list_describe(const struct subject *s, json_t *lists, enum kexinit_list list,
                             struct sp_span chosen, bool implied)
{
    enum policy_kind kind = negotiation_kind(list);
    json_t *row = found_add_object(lists);
    found_set_string(row, "list", kexinit_list_name(list));
    found_set_string(row, "keyword", policy_keyword(kind));
    found_set(row, "chosen", chosen);
    if (chosen.size != 0)
        class_describe(s, kind, chosen, row);
    if (implied)
        found_set_bool(row, "implied", true);
    return row;
}

static bool is_post_quantum(struct sp_span kex)
{
    const struct sp_kex_info *info = kex_info_find(kex);
    return info && info->post_quantum;
}

static void refuse(json_t *into, const char *why)
{
    if (!found_is(into, "refused"))
        found_set_string(into, "why", why);
    found_set_bool(into, "refused", true);
}

/* The same again with each list that fails taken for granted, so that all of them are said. */
static void negotiate_all(const struct server *server, struct kexinit client, struct negotiated *result,
                          bool failed[KEXINIT_NEGOTIATED])
{
    enum kexinit_list at;
    for (size_t i = 0; i < KEXINIT_NEGOTIATED; i++) {
        if (negotiate(&client, &server->kexinit, result, &at) == 0)
            return;
        failed[at] = true;
        client.lists[at] = server->kexinit.lists[at];
    }
    if (negotiate(&client, &server->kexinit, result, &at))
        *result = (struct negotiated){0};
}

static void lists_describe(const struct subject *s, const struct server *server, const struct kexinit *client,
                           const struct negotiated *result, const bool failed[KEXINIT_NEGOTIATED],
                           json_t *into)
{
    char why[256];
    json_t *lists = found_make_array(into, "lists");
    for (enum kexinit_list list = 0; list < KEXINIT_NEGOTIATED; list++) {
        struct sp_span chosen = failed[list] ? (struct sp_span){0} : result->names[list];
        bool implied = !failed[list] && chosen.size == 0;
        json_t *row = list_describe(s, lists, list, chosen, implied);
        if (!failed[list])
            continue;
        snprintf(why, sizeof why, "no common %s", kexinit_list_name(list));
        refuse(into, why);
        names_describe(row, "client", client->lists[list]);
        names_describe(row, "server", server->kexinit.lists[list]);
        refusal_describe(s, negotiation_kind(list), client->lists[list], row);
    }
}

bool negotiation_describe(const struct subject *s, const struct kexinit *client, const char *address,
                          json_t *into)
{
    bool failed[KEXINIT_NEGOTIATED] = {false};
    struct negotiated result = {.strict = false};
    struct server *server CLEANUP_FREE = calloc(1, sizeof *server);
    found_set_bool(into, "refused", false);
    if (!server || server_make(s, address, server)) {
        refuse(into, "the policy's lists do not fit into a KEXINIT");
        return false;
    }
    negotiate_all(server, *client, &result, failed);
    lists_describe(s, server, client, &result, failed, into);
    found_set_bool(into, "strict_kex", result.strict);
    found_set_bool(into, "post_quantum", !failed[KEXINIT_KEX] && is_post_quantum(result.names[KEXINIT_KEX]));
    if (s->effective.rules.strict_kex && !result.strict) {
        const struct policy_origin *origin = &s->effective.rules.origins[POLICY_STRICT_KEX];
        char why[512];
        snprintf(why, sizeof why,
                 "RequireStrictKex (%s line %u): the client does not offer strict key exchange",
                 origin->file ? origin->file : "program", origin->line);
        refuse(into, why);
    }
    return !found_is(into, "refused");
}
