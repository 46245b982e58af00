/*
 * What the control socket answers. Input: a question and the monitor's tables. Output: JSON; text that clients of SSH have
 * chosen is escaped by jansson, and what is no UTF-8 goes as hexadecimal.
 */
#include "monitor/control.h"

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
#define ID_DIGITS 16u /* of a connection's id, hexadecimal as in the log */

struct question {
    const char *name;
    /* 0, or CONTROL_E_UNANSWERED with *why. */
    int (*answer)(struct monitor *m, struct sp_span argument, json_t *into, char why[CONTROL_WHY_MAX]);
};

static int unanswered(char why[CONTROL_WHY_MAX], const char *text)
{
    snprintf(why, CONTROL_WHY_MAX, "%s", text);
    return CONTROL_E_UNANSWERED;
}

static void put_text(json_t *into, const char *key, struct sp_span text)
{
    char hex[2 * 256 + 1];
    json_t *value = json_stringn(text.data ? (const char *)text.data : "", text.size);
    if (!value) {
        size_t size = size_min(text.size, 256);
        for (size_t i = 0; i < size; i++)
            snprintf(hex + 2 * i, 3, "%02x", text.data[i]);
        value = json_sprintf("hex:%.*s", (int)(2 * size), hex);
    }
    (void)json_object_set_new(into, key, value);
}

static void put_string(json_t *into, const char *key, const char *text)
{
    put_text(into, key, sp_text(text ? text : ""));
}

static void put_number(json_t *into, const char *key, uint64_t number)
{
    (void)json_object_set_new(into, key, json_integer((json_int_t)number));
}

/* As the log writes them. */
static void put_id(json_t *into, const char *key, uint64_t id)
{
    char text[24];
    snprintf(text, sizeof text, "%016" PRIx64, id);
    put_string(into, key, text);
}

static void put_time(json_t *into, const char *key, int64_t seconds)
{
    char text[32];
    time_t at = (time_t)seconds;
    struct tm parts;
    if (seconds > 0 && gmtime_r(&at, &parts) && strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts))
        put_string(into, key, text);
}

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

static json_t *names_list(struct sp_span names)
{
    json_t *list = json_array();
    while (names.size != 0) {
        struct sp_span name = sp_next_name(&names);
        (void)json_array_append_new(list, json_stringn((const char *)name.data, name.size));
    }
    return list;
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

static void tokens_describe(const struct token_states *states, json_t *into)
{
    json_t *rows = json_array();
    for (size_t i = 0; i < states->count; i++)
        (void)json_array_append_new(rows, token_describe(states, &states->tokens[i]));
    (void)json_object_set_new(into, "tokens", rows);
}

static int answer_running(struct monitor *m, struct sp_span argument, json_t *into, char why[CONTROL_WHY_MAX])
{
    json_t *generations = json_array();
    (void)argument;
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

/* ---- connections ------------------------------------------------------------------------------------------- */

static json_t *connection_describe(const struct connection *c)
{
    json_t *row = json_object();
    put_id(row, "id", c->id);
    put_string(row, "address", c->remote.text);
    put_number(row, "port", c->remote.port);
    put_string(row, "listener", c->listener);
    if (c->balancer.address.text[0])
        put_string(row, "balancer", c->balancer.address.text);
    put_string(row, "phase", phase_name(c->phase));
    if (c->user)
        put_string(row, "user", c->user);
    put_number(row, "seconds", (clock_ms() - c->since_ms) / 1000);
    put_number(row, "generation", c->generation->number);
    return row;
}

/* As sign_done lists them. */
static void negotiated_describe(struct sp_span negotiated, json_t *row)
{
    static const char *const keys[] = {"client_version", "kex",    "host_key", "cipher_in",
                                       "cipher_out",     "mac_in", "mac_out",  "compression_in",
                                       "compression_out"};
    struct sp_in in = sp_in_of(negotiated);
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        struct sp_span text = sp_get_text(&in, 256);
        if (in.bad)
            return;
        put_text(row, keys[i], text);
    }
}

static void hex_put(json_t *row, const char *key, struct sp_span octets)
{
    static const char digits[] = "0123456789abcdef";
    char *text = malloc(2 * octets.size + 1);
    if (!text)
        return;
    for (size_t i = 0; i < octets.size; i++) {
        text[2 * i] = digits[octets.data[i] >> 4];
        text[2 * i + 1] = digits[octets.data[i] & 15];
    }
    (void)json_object_set_new(row, key, json_stringn(text, 2 * octets.size));
    free(text);
}

static bool id_read(struct sp_span text, uint64_t *id)
{
    char digits[ID_DIGITS + 1];
    if (text.size != ID_DIGITS)
        return false;
    memcpy(digits, text.data, ID_DIGITS);
    digits[ID_DIGITS] = '\0';
    if (strspn(digits, "0123456789abcdef") != ID_DIGITS)
        return false;
    *id = strtoull(digits, NULL, 16);
    return true;
}

/* Newest first; argument: the last id of the page before. "next" is there if there are more. */
static int answer_connections(struct monitor *m, struct sp_span argument, json_t *into,
                              char why[CONTROL_WHY_MAX])
{
    uint64_t after = 0;
    if (argument.size != 0 && !id_read(argument, &after))
        return unanswered(why, "expected a connection's id of 16 hexadecimal digits");
    const struct connection *c = m->connections.first;
    if (after != 0) {
        c = connection_find(m, after);
        if (!c)
            return unanswered(why, "the connection at the end of the last page has gone");
        c = c->next;
    }
    json_t *rows = json_array();
    const struct connection *last = NULL;
    for (; c && json_array_size(rows) < CONTROL_PAGE; c = c->next) {
        (void)json_array_append_new(rows, connection_describe(c));
        last = c;
    }
    (void)json_object_set_new(into, "connections", rows);
    if (c && last)
        put_id(into, "next", last->id);
    return 0;
}

static int answer_connection(struct monitor *m, struct sp_span argument, json_t *into,
                             char why[CONTROL_WHY_MAX])
{
    uint64_t id;
    if (!id_read(argument, &id))
        return unanswered(why, "expected a connection's id of 16 hexadecimal digits");
    const struct connection *c = connection_find(m, id);
    if (!c)
        return unanswered(why, "no such connection");
    json_t *row = connection_describe(c);
    put_text(row, "policy", c->policy);
    negotiated_describe(c->negotiated, row);
    hex_put(row, "client_kexinit", c->client_kexinit);
    (void)json_object_set_new(into, "connection", row);
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
static int answer_report(struct monitor *m, struct sp_span argument, json_t *into, char why[CONTROL_WHY_MAX])
{
    const struct report *report = &m->report;
    const struct report_client *client = report->newest;
    char address[ADDRESS_TEXT_MAX];
    mode_describe(m->generations.current, into);
    put_number(into, "count", report->count);
    put_number(into, "forgotten", report->forgotten);
    if (argument.size != 0) {
        snprintf(address, sizeof address, "%.*s", (int)size_min(argument.size, sizeof address - 1),
                 (const char *)argument.data);
        client = report_find(report, address);
        if (!client)
            return unanswered(why, "the address at the end of the last page is no longer there");
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
static int answer_keys(struct monitor *m, struct sp_span argument, json_t *into, char why[CONTROL_WHY_MAX])
{
    const struct generation *g = m->generations.current;
    uint64_t days = 30;
    size_t none;
    if (argument.size != 0 && (!id_read(argument, &days) || days == 0 || days > 3650))
        return unanswered(why, "expected a number of days from 1 to 3650");
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
static int answer_loads(struct monitor *m, struct sp_span argument, json_t *into, char why[CONTROL_WHY_MAX])
{
    const struct generation *loading = m->generations.loading;
    (void)argument;
    (void)why;
    put_number(into, "loads", m->generations.loads);
    (void)json_object_set_new(into, "loading", json_boolean(loading && !loading->waits));
    (void)json_object_set_new(into, "refused", json_boolean(m->generations.refused));
    return 0;
}

/* ---- all --------------------------------------------------------------------------------------------------- */

static const struct question questions[] = {
    {"running", answer_running},
    {"connection", answer_connection},
    {"connections", answer_connections},
    {"report", answer_report},
    {"keys", answer_keys},
    {"loads", answer_loads},
};

int control_answer(struct monitor *m, struct sp_span question, struct sp_span argument, json_t **answer,
                   char why[CONTROL_WHY_MAX])
{
    for (size_t i = 0; i < ARRAY_SIZE(questions); i++) {
        if (!sp_span_is(question, questions[i].name))
            continue;
        json_t *into = json_object();
        int r = into ? questions[i].answer(m, argument, into, why) : unanswered(why, "out of memory");
        if (r)
            json_decref(into);
        else
            *answer = into;
        return r;
    }
    return unanswered(why, "this server does not know that question");
}
