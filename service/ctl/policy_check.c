/*
 * `sallyport policy check`: everything that would be found out when a server starts with it, or when somebody cannot log
 * in, found out before.
 */
#include <stdio.h>
#include <string.h>

#include "config/policies.h"
#include "config/source.h"
#include "policy/trust.h"

#include "ctl/keys.h"
#include "ctl/policy.h"

static void problem(json_t *found, const char *text)
{
    found_add_string(json_object_get(found, "problems"), text);
}

/* ---- signatures -------------------------------------------------------------------------------------------- */

static void trust_cleanup(struct policy_trust **trust)
{
    policy_trust_free(*trust);
}

static int file_verify(const struct policy_trust *trust, const struct policy_file *file, int64_t now,
                       json_t *found)
{
    struct policy_signature who;
    struct policy_error error = {.text = ""};
    int r = policy_trust_verify(trust, file, now, &who, &error);
    if (r < 0)
        return ctl_fail("%s: %s", file->path ? file->path : file->name, strerror(-r));
    if (r > 0) {
        problem(found, error.text);
        return 0;
    }
    json_t *row = found_add_object(json_object_get(found, "signatures"));
    found_set_string(row, "file", file->path);
    found_set_string(row, "signer", who.signer);
    found_set_string(row, "fingerprint", who.fingerprint);
    found_set_number(row, "serial", (int64_t)who.serial);
    return 0;
}

static int signatures_find(const struct ctl_options *o, const struct subject *s, json_t *found)
{
    CLEANUP(trust_cleanup) struct policy_trust *trust = NULL;
    CLEANUP_FREE uint8_t *text = NULL;
    const struct policy_files *files = s->files ? s->files : s->source->policies;
    const struct policy_file *file;
    struct policy_error error = {.text = ""};
    size_t size;
    found_make_array(found, "signatures");
    int r = subject_read_file(o->trust, POLICY_TRUST_MAX, &text, &size);
    if (r)
        return r;
    r = policy_trust_read(o->trust, sp_span_of(text, size), &trust, &error);
    if (r)
        return ctl_fail("%s", r < 0 ? strerror(-r) : error.text);
    for (size_t i = 0; r == 0 && files && (file = policy_files_at(files, i)); i++)
        if (!policy_trust_is_own(file))
            r = file_verify(trust, file, s->now, found);
    return r;
}

/* ---- what it comes to -------------------------------------------------------------------------------------- */

/* What is listed and would not be offered is no mistake, and good to know. */
static void notes_find(const struct subject *s, json_t *found)
{
    json_t *notes = found_make_array(found, "notes");
    for (enum policy_kind kind = 0; kind < POLICY_KINDS; kind++) {
        const struct policy_list *list = &s->policy->lists[kind];
        for (size_t i = 0; i < list->count; i++) {
            struct policy_verdict verdict;
            char text[640];
            policy_explain(s->policy, &s->build.build, s->now, kind, sp_text(list->entries[i].name),
                           &verdict);
            if (verdict.reason == POLICY_IN || verdict.reason == POLICY_IN_EXCEPTION)
                continue;
            snprintf(text, sizeof text, "%s: %s", policy_keyword(kind), verdict.text);
            found_add_string(notes, text);
        }
    }
}

/* Every policy that the configuration can choose, on this machine. */
static int choices_find(struct subject *s, json_t *found)
{
    struct config_policies policies = {.count = 0};
    struct config_error error = {.text = "out of memory"};
    json_t *choices = found_make_array(found, "policies");
    int r = config_policies_find(s->source, s->config, &policies, &error);
    for (size_t i = 0; r == 0 && i < policies.count; i++) {
        struct policy *policy = NULL;
        struct policy_error why;
        struct policy_effective *effective CLEANUP_FREE = calloc(1, sizeof *effective);
        found_add_string(choices, policies.specs[i]);
        r = effective ? config_policy_of(s->source, s->config, policies.specs[i], s->now, &policy, &error)
                      : -1;
        if (r == 0 && policy_resolve(policy, &s->build.build, s->now, effective, &why) > 0)
            problem(found, why.text);
        policy_free(policy);
    }
    config_policies_free(&policies);
    if (r > 0)
        problem(found, error.text);
    return r < 0 ? ctl_fail("%s", error.text) : 0;
}

static int configuration_find(const struct ctl_options *o, struct subject *s, json_t *found)
{
    struct config_error error = {.text = "out of memory"};
    int r = config_policies_check(s->source, s->now, &error);
    if (r < 0)
        return ctl_fail("%s", error.text);
    if (r > 0) {
        problem(found, error.text);
        return 0;
    }
    found_set_string(found, "configuration", o->config);
    return choices_find(s, found);
}

static int keys_find(const struct ctl_options *o, const struct subject *s, json_t *found)
{
    unsigned refused = 0;
    int r = 0;
    json_t *rows = found_make_array(found, "keys");
    for (size_t i = 0; r == 0 && i < o->key_count; i++)
        r = keys_judge(s, o->keys[i], rows, &refused);
    if (o->key_count)
        found_set_number(found, "keys_refused", refused);
    return r;
}

static int subject_find(const struct ctl_options *o, struct subject *s, json_t *found)
{
    struct policy_error error = {.text = ""};
    found_set_string(found, "policy", s->spec);
    int r = o->trust ? signatures_find(o, s, found) : 0;
    if (r)
        return r;
    r = subject_resolve(s, &error);
    if (r == CTL_FINDING)
        problem(found, error.text);
    if (r > CTL_FINDING)
        return r;
    if (s->resolved)
        found_set_string(found, "digest", s->digest);
    r = s->source && !s->files ? configuration_find(o, s, found) : 0;
    if (r == 0 && s->resolved)
        r = keys_find(o, s, found);
    if (r == 0)
        notes_find(s, found);
    return r;
}

int policy_check_find(const struct ctl_options *o, json_t *found)
{
    CLEANUP(subject_cleanup) struct subject *s = NULL;
    struct policy_error error = {.text = ""};
    json_t *problems = found_make_array(found, "problems");
    int r = subject_open(o, o->argument_count ? o->arguments[0] : NULL, &s, &error);
    if (r == CTL_FINDING)
        problem(found, error.text);
    else if (r == 0)
        r = subject_find(o, s, found);
    if (r > CTL_FINDING)
        return r;
    bool good = json_array_size(problems) == 0 && found_number(found, "keys_refused") == 0;
    found_set_bool(found, "ok", good);
    return good ? CTL_OK : CTL_FINDING;
}

static void key_show(const json_t *row)
{
    printf("%s line %lld: %s %s %s%s", found_get(row, "file"), (long long)found_number(row, "line"),
           found_get(row, "type"), found_get(row, "fingerprint"), found_get(row, "comment"),
           found_is(row, "authority") ? " (authority)" : "");
    printf(": %s%s\n", found_is(row, "allowed") ? "allowed" : "REFUSED: ", found_get(row, "why"));
}

static void strings_show(const json_t *strings, const char *in_front)
{
    for (size_t i = 0; i < json_array_size(strings); i++)
        printf("%s%s\n", in_front, json_string_value(json_array_get(strings, i)));
}

void policy_check_show(const struct ctl_options *o, const json_t *found)
{
    const json_t *signatures = json_object_get(found, "signatures"), *keys = json_object_get(found, "keys");
    (void)o;
    strings_show(json_object_get(found, "problems"), "error: ");
    strings_show(json_object_get(found, "notes"), "note: ");
    for (size_t i = 0; i < json_array_size(signatures); i++) {
        const json_t *row = json_array_get(signatures, i);
        printf("signed: %s by %s (%s), serial %lld\n", found_get(row, "file"), found_get(row, "signer"),
               found_get(row, "fingerprint"), (long long)found_number(row, "serial"));
    }
    for (size_t i = 0; i < json_array_size(keys); i++)
        key_show(json_array_get(keys, i));
    if (found_is(found, "ok"))
        printf("%s: good (digest %s)\n", found_get(found, "policy"), found_get(found, "digest"));
}
