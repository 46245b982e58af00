/* Policies as JSON. Input: a resolved policy. Output: everything about it that a command shows, once. */
#include "ctl/describe.h"

#include <stdio.h>
#include <string.h>

#include "base/lexer.h"
#include "config/source.h"
#include "policy/catalog.h"
#include "policy/history.h"
#include "policy/rules.h"
#include "policy/source.h"

#include "ctl/negotiation.h"

void describe_origin(json_t *into, struct policy_origin origin)
{
    char text[POLICY_ORIGIN_MAX];
    found_set_string(into, "file", origin.file ? origin.file : "");
    if (origin.line != 0)
        found_set_number(into, "line", origin.line);
    found_set_string(into, "origin", policy_origin_text(origin, text));
}

/* ---- classes ----------------------------------------------------------------------------------------------- */

static bool has(struct sp_span name, const char *part)
{
    return memmem(name.data, name.size, part, strlen(part)) != NULL;
}

const char *describe_class(enum policy_kind kind, struct sp_span name)
{
    static const char *const post_quantum[] = {"mlkem", "sntrup", "mldsa", "slh-dsa"};
    static const char *const legacy[] = {"sha1", "-cbc",     "md5",  "umac-64",
                                         "-96",  "group14-", "3des", "arcfour"};
    if (catalog_class(kind, name, NULL) == CATALOG_BROKEN)
        return "broken";
    for (size_t i = 0; i < ARRAY_SIZE(post_quantum); i++)
        if (has(name, post_quantum[i]))
            return "post-quantum";
    for (size_t i = 0; i < ARRAY_SIZE(legacy); i++)
        if (has(name, legacy[i]))
            return "legacy";
    return "classical";
}

/* ---- lists ------------------------------------------------------------------------------------------------- */

static void describe_entry(const struct subject *s, enum policy_kind kind, const struct policy_entry *entry,
                           json_t *names)
{
    struct policy_verdict verdict;
    json_t *row = found_add_object(names);
    policy_explain(s->policy, &s->build.build, s->now, kind, sp_text(entry->name), &verdict);
    found_set_string(row, "name", entry->name);
    found_set_string(row, "verdict", policy_reason_word(verdict.reason));
    found_set_string(row, "class", describe_class(kind, sp_text(entry->name)));
    found_set_string(row, "why", verdict.text);
    describe_origin(row, entry->origin);
    if (entry->not_after != 0)
        found_set_time(row, "not_after", entry->not_after);
    if (entry->addresses)
        found_set_string(row, "addresses", entry->addresses);
}

static void describe_lists(const struct subject *s, json_t *into)
{
    json_t *lists = found_make_array(into, "lists");
    for (enum policy_kind kind = 0; kind < POLICY_KINDS; kind++) {
        const struct policy_list *list = &s->policy->lists[kind];
        json_t *row = found_add_object(lists);
        found_set_string(row, "keyword", policy_keyword(kind));
        json_t *names = found_make_array(row, "names");
        for (size_t i = 0; i < list->count; i++)
            describe_entry(s, kind, &list->entries[i], names);
    }
}

/* ---- rules ------------------------------------------------------------------------------------------------- */

void describe_rule(enum policy_rule rule, const char *value, char *text, size_t size)
{
    static const char *const words[POLICY_RULES] = {
        [POLICY_RSA_SIZE] = "RSA keys have at least %s bits.",
        [POLICY_RSA_SIZES] = "RSA keys have one of these sizes in bits, and no other: %s.",
        [POLICY_EC_SIZE] = "ECDSA keys have at least %s bits.",
        [POLICY_DH_SIZE] = "Groups that are negotiated have at least %s bits.",
        [POLICY_REKEY_LIMIT] =
            "New keys are agreed on after %s at the latest (octets, and time if there is one).",
        [POLICY_POST_QUANTUM] = "Only key exchanges count that a quantum computer cannot undo (%s).",
        [POLICY_STRICT_KEX] =
            "Clients must have strict key exchange, so that no message of a handshake can be cut out (%s).",
        [POLICY_HOST_CERTIFICATES] = "The server shows certificates of its host keys, and no plain key (%s).",
        [POLICY_CONSTANT_CIPHER] = "A rekey keeps the ciphers and MACs of the connection (%s).",
        [POLICY_FIPS_PROVIDER] = "The cryptographic library serves from an approved provider alone (%s).",
        [POLICY_AUTH_METHODS] = "Users may log in by these methods, and no other: %s.",
    };
    const char *at = strstr(words[rule], "%s");
    snprintf(text, size, "%.*s%s%s", (int)(at - words[rule]), words[rule], value, at + 2);
}

static void describe_rules(const struct policy_rules *rules, json_t *into)
{
    json_t *array = found_make_array(into, "rules");
    for (enum policy_rule rule = 0; rule < POLICY_RULES; rule++) {
        char value[256], words[512];
        if (!rule_is_set(rule, rules))
            continue;
        rule_text(rule, rules, value, sizeof value);
        describe_rule(rule, value, words, sizeof words);
        json_t *row = found_add_object(array);
        found_set_string(row, "keyword", policy_rule_keyword(rule));
        found_set_string(row, "value", value);
        found_set_string(row, "words", words);
        describe_origin(row, rules->origins[rule]);
    }
}

/* ---- sources ----------------------------------------------------------------------------------------------- */

static void describe_citations(struct sp_span text, json_t *into)
{
    json_t *citations = found_make_array(into, "citations");
    struct sp_span line;
    while (source_next_line(&text, &line)) {
        struct lexer_line words;
        const char *why;
        if (lexer_split(line, &words, &why) == 0 && strcasecmp(words.keyword, "Source") == 0 &&
            words.count != 0)
            found_add_string(citations, words.arguments[0]);
    }
}

static const struct policy_file *file_of(const struct subject *s, const char *path)
{
    const struct policy_files *files = s->source && !s->files ? s->source->policies : s->files;
    const struct policy_file *file;
    for (size_t i = 0; path && files && (file = policy_files_at(files, i)); i++)
        if (file->path && strcmp(file->path, path) == 0)
            return file;
    return path ? NULL : policy_builtin();
}

static bool source_is_new(const json_t *sources, const char *path)
{
    for (size_t i = 0; i < json_array_size(sources); i++)
        if (strcmp(found_get(json_array_get(sources, i), "file"), path) == 0)
            return false;
    return true;
}

/* Every file that a line in force or out of force comes from, in the order in which they were applied. */
static void describe_sources(const struct subject *s, json_t *into)
{
    json_t *sources = found_make_array(into, "sources");
    const struct policy_history *history = s->policy->history;
    for (size_t i = 0; i < history->count; i++) {
        const char *path = history->events[i].origin.file;
        if (!source_is_new(sources, path ? path : "this program"))
            continue;
        const struct policy_file *file = file_of(s, path);
        json_t *row = found_add_object(sources);
        found_set_string(row, "file", path ? path : "this program");
        if (file)
            describe_citations(file->text, row);
    }
}

/* ---- all --------------------------------------------------------------------------------------------------- */

void describe_policy(const struct subject *s, json_t *into)
{
    found_set_string(into, "policy", s->spec);
    found_set_string(into, "description", s->policy->description);
    found_set_string(into, "digest", s->digest);
    found_set_string(into, "version", SALLYPORT_VERSION);
    if (s->policy->serial != 0)
        found_set_number(into, "serial", (int64_t)s->policy->serial);
    if (s->policy->expires != 0)
        found_set_time(into, "expires", s->policy->expires);
    describe_sources(s, into);
    describe_lists(s, into);
    describe_rules(&s->policy->rules, into);
}

static void describe_exceptions(const struct policy_effective *effective, json_t *into)
{
    json_t *exceptions = found_make_array(into, "exceptions");
    for (size_t i = 0; i < effective->exception_count; i++) {
        const struct policy_exception *exception = &effective->exceptions[i];
        json_t *row = found_add_object(exceptions);
        found_set_string(row, "keyword", policy_keyword(exception->kind));
        found_set_string(row, "name", exception->name);
        if (exception->not_after != 0)
            found_set_time(row, "not_after", exception->not_after);
        if (exception->addresses[0])
            found_set_string(row, "addresses", exception->addresses);
        found_set_string(row, "origin", exception->origin);
    }
}

void describe_effective(const struct policy_effective *effective, const char *digest, json_t *into)
{
    json_t *lists = found_make_object(into, "lists");
    found_set_string(into, "digest", digest);
    for (enum policy_kind kind = 0; kind < POLICY_KINDS; kind++)
        found_set_names(lists, policy_keyword(kind), sp_text(effective->lists[kind]));
    describe_exceptions(effective, into);
    json_t *rules = found_make_object(into, "rules");
    for (enum policy_rule rule = 0; rule < POLICY_RULES; rule++) {
        char value[256];
        if (!rule_is_set(rule, &effective->rules))
            continue;
        rule_text(rule, &effective->rules, value, sizeof value);
        found_set_string(rules, policy_rule_keyword(rule), value);
    }
}

struct clients_context {
    const struct subject *s;
    const char *address;
    json_t *array;
};

static void describe_client(const struct capture *capture, void *context)
{
    const struct clients_context *c = context;
    json_t *row = found_add_object(c->array);
    found_set_string(row, "client", capture->name);
    found_set_string(row, "description", capture->description);
    found_set_string(row, "date", capture->date);
    (void)negotiation_describe(c->s, &capture->kexinit, c->address, row);
}

int describe_clients(const struct ctl_options *o, const struct subject *s, json_t *into)
{
    struct clients_context context = {
        .s = s, .address = o->address, .array = found_make_array(into, "clients")};
    return clients_each(o, describe_client, &context);
}
