/*
 * What the control socket answers. Input: a question and the monitor's tables. Output: JSON; text that clients of SSH have
 * chosen is escaped by jansson, and what is no UTF-8 goes as hexadecimal.
 */
#include "monitor/control_answers.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sallyport/wire.h>

#include "base/fd.h"
#include "base/loop.h"

#include "config/policies.h"

#include "ipc/codec.h"
#include "ipc/offer.h"

#include "monitor/monitor.h"

#define GENERATIONS_SHOWN 64u

/* ---- running ----------------------------------------------------------------------------------------------- */

static const char *generation_state_name(enum generation_state state)
{
    static const char *const names[] = {
        [GENERATION_CONFIGURING] = "configuring",
        [GENERATION_PREPARING] = "preparing",
        [GENERATION_CURRENT] = "current",
        [GENERATION_OLD] = "old",
    };
    return (size_t)state < ARRAY_SIZE(names) ? names[state] : "unknown";
}

static json_t *generation_describe(const struct generation *g)
{
    json_t *row = json_object();
    put_number(row, "number", g->number);
    put_string(row, "state", generation_state_name(g->state));
    put_number(row, "users", g->users);
    put_time(row, "loaded", g->loaded_s);
    put_string(row, "policy", g->policy);
    put_string(row, "digest", g->digest);
    return row;
}

/* Under the keywords that a configuration has for them. */
static void variant_describe(const struct msg_variant *variant, json_t *row)
{
    const struct {
        const char *keyword;
        struct sp_span names;
    } lists[] = {
        {"KexAlgorithms", variant->kex},
        {"HostKeyAlgorithms", variant->host_key_algorithms},
        {"Ciphers", variant->ciphers},
        {"MACs", variant->macs},
        {"CompressionAlgorithms", variant->compression},
        {"PubkeyAcceptedAlgorithms", variant->user_key_algorithms},
    };
    json_t *all = json_object();
    for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
        (void)json_object_set_new(all, lists[i].keyword, names_list(lists[i].names));
    (void)json_object_set_new(row, "lists", all);
}

/* What every key of the tokens can sign with, whatever the policy lets them. */
static void keys_describe(struct sp_span keys, json_t *row)
{
    json_t *algorithms = json_array();
    struct offer_key key;
    while (offer_next_key(&keys, &key)) {
        json_t *names = names_list(key.algorithms);
        (void)json_array_extend(algorithms, names);
        json_decref(names);
    }
    (void)json_object_set_new(row, "host_key_algorithms", algorithms);
}

/* The offer is the signer's, and has been checked by nobody here: what does not decode is left out. */
static void offer_describe(const struct generation *g, json_t *row)
{
    struct msg_offer offer;
    struct msg_variant variant;
    if (g->offer_size == 0 ||
        message_decode(message_find(MSG_offer), sp_span_of(g->offer, g->offer_size), &offer) != 0 ||
        offer_check(&offer) != 0)
        return;
    if (offer_variant_at(&offer, 0, &variant))
        variant_describe(&variant, row);
    keys_describe(offer.keys, row);
    json_t *policies = json_array();
    for (size_t i = 0; offer_variant_at(&offer, i, &variant); i++)
        (void)json_array_append_new(policies,
                                    json_stringn((const char *)variant.policy.data, variant.policy.size));
    (void)json_object_set_new(row, "policies", policies);
}

static void names_describe(const struct policy *policy, json_t *row)
{
    const struct policy_list *list = &policy->lists[POLICY_HOST_KEY];
    json_t *names = json_array();
    for (size_t i = 0; i < list->count; i++)
        (void)json_array_append_new(names, json_string(list->entries[i].name));
    (void)json_object_set_new(row, "host_keys_listed", names);
}

/* What the policy lists for host keys, whether a token has them or not: keys that it does not allow are in no offer. From
 * the snapshot, by the code that the signer has it from. */
static void listed_describe(const struct generation *g, json_t *row)
{
    struct config_error error;
    struct config_source *source = NULL;
    struct policy *policy = NULL;
    struct sp_span snapshot;
    if (fd_sealed_map(g->snapshot_fd, CONFIG_SNAPSHOT_MAX, &snapshot))
        return;
    if (config_source_unpack(snapshot, &source, &error) == 0 &&
        config_policy(source, g->config, 0, &policy, &error) == 0)
        names_describe(policy, row);
    policy_free(policy);
    config_source_free(source);
    fd_sealed_unmap(snapshot);
}

static void mode_describe(const struct generation *g, json_t *into)
{
    bool reports = g && g->config->policy_report[0] != '\0';
    put_string(into, "policy_mode", reports ? "report" : "enforce");
    if (reports)
        put_string(into, "policy_report", g->config->policy_report);
}

/* Every process on a token: how it is, and which of its keys can sign. */
static json_t *token_describe(const struct token_states *states, const struct token_state *token)
{
    json_t *row = json_object(), *keys = json_array();
    struct sp_span list = token->keys;
    struct token_state_key key;
    put_text(row, "token", token->name);
    put_text(row, "module", token->module);
    put_number(row, "process", token->replica);
    put_string(row, "state", token_condition_name(token->condition));
    put_text(row, "why", token->why);
    put_number(row, "seconds", token_state_age_s(states, token, clock_ms()));
    put_number(row, "waiting", token->waiting);
    put_number(row, "signatures", token->signatures);
    put_number(row, "failures", token->failures);
    while (token_state_next_key(&list, &key)) {
        json_t *one = json_object();
        put_text(one, "uri", key.uri);
        put_text(one, "fingerprint", key.fingerprint);
        (void)json_object_set_new(one, "can_sign", json_boolean(key.can_sign));
        (void)json_array_append_new(keys, one);
    }
    (void)json_object_set_new(row, "keys", keys);
    return row;
}

void tokens_describe(const struct token_states *states, json_t *into)
{
    json_t *rows = json_array();
    for (size_t i = 0; i < states->count; i++)
        (void)json_array_append_new(rows, token_describe(states, &states->tokens[i]));
    (void)json_object_set_new(into, "tokens", rows);
}

int answer_running(struct monitor *m, const struct control_asked *asked, json_t *into,
                   char why[CONTROL_WHY_MAX])
{
    json_t *generations = json_array();
    (void)asked;
    (void)why;
    put_string(into, "version", SALLYPORT_VERSION);
    put_number(into, "connections", m->connections.count);
    mode_describe(m->generations.current, into);
    for (const struct generation *g = m->generations.list;
         g && json_array_size(generations) < GENERATIONS_SHOWN; g = g->next) {
        json_t *row = generation_describe(g);
        if (g == m->generations.current) {
            offer_describe(g, row);
            listed_describe(g, row);
        }
        (void)json_array_append_new(generations, row);
    }
    (void)json_object_set_new(into, "generations", generations);
    tokens_describe(&m->token_states, into);
    return 0;
}

/* ---- report ------------------------------------------------------------------------------------------------ */

static json_t *client_describe(const struct report_client *client)
{
    json_t *row = json_object(), *kinds = json_object();
    put_string(row, "address", client->address);
    put_number(row, "count", client->count);
    put_time(row, "first", client->first);
    put_time(row, "last", client->last);
    put_string(row, "detail", client->detail);
    for (size_t i = 0; i < client->kinds; i++)
        put_number(kinds, client->by_kind[i].what, client->by_kind[i].count);
    (void)json_object_set_new(row, "by_kind", kinds);
    return row;
}

/* Newest first, by pages; argument: the last address of the page before. */
int answer_report(struct monitor *m, const struct control_asked *asked, json_t *into,
                  char why[CONTROL_WHY_MAX])
{
    const struct report *report = &m->report;
    const struct report_client *client = report->newest;
    char address[ADDRESS_TEXT_MAX];
    mode_describe(m->generations.current, into);
    put_number(into, "count", report->count);
    put_number(into, "forgotten", report->forgotten);
    if (asked->argument.size != 0) {
        snprintf(address, sizeof address, "%.*s", (int)size_min(asked->argument.size, sizeof address - 1),
                 (const char *)asked->argument.data);
        client = report_find(report, address);
        if (!client)
            return control_unanswered(why, "the address at the end of the last page is no longer there");
        client = client->older;
    }
    json_t *rows = json_array();
    for (; client && json_array_size(rows) < CONTROL_PAGE; client = client->older) {
        (void)json_array_append_new(rows, client_describe(client));
        if (client->older && json_array_size(rows) == CONTROL_PAGE)
            put_string(into, "next", client->address);
    }
    (void)json_object_set_new(into, "addresses", rows);
    return 0;
}

/* ---- keys -------------------------------------------------------------------------------------------------- */

/* Whether some token would sign with it now; nothing if no signer has said so. */
static void can_sign_describe(const struct monitor *m, struct sp_span fingerprint, struct sp_span uri,
                              json_t *row)
{
    enum token_key_ability ability = token_states_key(&m->token_states, fingerprint, uri);
    if (ability != TOKEN_KEY_UNKNOWN)
        (void)json_object_set_new(row, "can_sign", json_boolean(ability == TOKEN_KEY_CAN));
}

/* As messages.def has an item of host_keys. */
static bool host_key_next(const struct monitor *m, struct sp_in *in, int64_t since, json_t *row)
{
    size_t seen, proved;
    bool staged = sp_get_u8(in) != 0;
    struct sp_span fingerprint = sp_get_text(in, 512), algorithms = sp_get_text(in, 512);
    struct sp_span token = sp_get_text(in, 512);
    uint32_t processes = sp_get_u32(in);
    struct sp_span uri = sp_get_text(in, 512), token_uri = sp_get_text(in, 512);
    if (in->bad)
        return false;
    const struct known_key *key = known_keys_find(&m->known_keys, fingerprint);
    put_string(row, "role", staged ? "staged" : "current");
    put_text(row, "fingerprint", fingerprint);
    (void)json_object_set_new(row, "algorithms", names_list(algorithms));
    put_text(row, "token", token);
    put_number(row, "token_processes", processes);
    put_text(row, "uri", uri);
    can_sign_describe(m, fingerprint, token_uri, row);
    seen = known_keys_count(&m->known_keys, key, since, &proved);
    put_number(row, "addresses_proved", proved);
    put_number(row, "addresses_unproved", seen - proved);
    put_number(row, "proofs", key ? key->proofs : 0);
    if (key) {
        put_time(row, "first", key->first);
        put_time(row, "last", key->last);
    }
    return true;
}

/* argument: of how many days back clients count; 30 if it is empty. */
int answer_keys(struct monitor *m, const struct control_asked *asked, json_t *into, char why[CONTROL_WHY_MAX])
{
    const struct generation *g = m->generations.current;
    uint64_t days = 30;
    size_t none;
    if (asked->argument.size != 0 && (!control_id_read(asked->argument, &days) || days == 0 || days > 3650))
        return control_unanswered(why, "expected a number of days from 1 to 3650");
    int64_t since = (int64_t)time(NULL) - (int64_t)days * 86400;
    struct sp_in in =
        sp_in_of(sp_span_of(g ? g->host_keys : NULL, g && g->host_keys ? g->host_keys_size : 0));
    json_t *keys = json_array();
    while (in.left != 0 && !in.bad) {
        json_t *row = json_object();
        if (host_key_next(m, &in, since, row))
            (void)json_array_append(keys, row);
        json_decref(row);
    }
    put_number(into, "days", days);
    put_number(into, "addresses_seen", known_keys_count(&m->known_keys, NULL, since, &none));
    put_number(into, "addresses_forgotten", m->known_keys.forgotten);
    (void)json_object_set_new(into, "keys", keys);
    tokens_describe(&m->token_states, into);
    return 0;
}

/* ---- loads ------------------------------------------------------------------------------------------------- */

/* For who has sent SIGHUP and waits for what becomes of it; in this order, as service/launch/verdict.c reads it. */
static int answer_loads(struct monitor *m, const struct control_asked *asked, json_t *into,
                        char why[CONTROL_WHY_MAX])
{
    const struct generation *loading = m->generations.loading;
    (void)asked;
    (void)why;
    put_number(into, "loads", m->generations.loads);
    (void)json_object_set_new(into, "loading", json_boolean(loading && !loading->waits));
    (void)json_object_set_new(into, "refused", json_boolean(m->generations.refused));
    return 0;
}

/* ---- all --------------------------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    /* 0, or CONTROL_E_UNANSWERED with *why. */
    int (*answer)(struct monitor *m, const struct control_asked *asked, json_t *into,
                  char why[CONTROL_WHY_MAX]);
    bool changes; /* something: root alone */
} questions[] = {
    {"running", answer_running, false},
    {"status", answer_status, false},
    {"connection", answer_connection, false},
    {"connections", answer_connections, false},
    {"refresh", answer_refresh, false},
    {"report", answer_report, false},
    {"keys", answer_keys, false},
    {"loads", answer_loads, false},
    {"failures", answer_failures, false},
    {"metrics", answer_metrics, false},
    {"kill", answer_kill, true},
};

/* Who may ask may not change anything: that takes root, of whom the kernel has said that it connected. */
bool control_may(uid_t uid, bool changes)
{
    return !changes || uid == 0;
}

int control_answer(struct monitor *m, struct sp_span question, const struct control_asked *asked,
                   json_t **answer, char why[CONTROL_WHY_MAX])
{
    for (size_t i = 0; i < ARRAY_SIZE(questions); i++) {
        if (!sp_span_is(question, questions[i].name))
            continue;
        if (!control_may(asked->uid, questions[i].changes))
            return control_unanswered(why, "root alone may do that");
        json_t *into = json_object();
        int r = into ? questions[i].answer(m, asked, into, why) : control_unanswered(why, "out of memory");
        if (r)
            json_decref(into);
        else
            *answer = into;
        return r;
    }
    return control_unanswered(why, "this server does not know that question");
}
