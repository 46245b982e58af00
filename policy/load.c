/*
 * From files and a spec to a policy. Input: the set of files, "BASE:SUB:SUB". Output: a policy that points to none of
 * the files. A base is applied from the bottom of its Inherit chain upwards, then the sub-policies as they stand in the
 * spec; each line of each file works on what the lines before it made.
 */
#include <errno.h>
#include <stdio.h>

#include "policy/date.h"
#include "policy/error.h"
#include "policy/files.h"
#include "policy/hint.h"
#include "policy/history.h"
#include "policy/list.h"
#include "policy/parse.h"
#include "policy/source.h"

struct loader {
    const struct policy_files *files;
    int64_t now;
    struct policy *policy;
    struct policy_error *error;
};

/* A file that is being loaded, and the one that inherits it. */
struct level {
    const struct level *above;
    const char *name;
    struct policy_origin asked; /* its Inherit line; of the file that is asked for: nothing */
    unsigned depth;
};

/* "A -> B -> C", as far as it fits. */
static void chain_text(const struct level *level, char *text, size_t size)
{
    if (level->above)
        chain_text(level->above, text, size);
    else
        text[0] = '\0';
    size_t used = strlen(text);
    snprintf(text + used, size - used, "%s%s", level->above ? " -> " : "", level->name);
}

static int check_level(struct loader *loader, const struct level *level)
{
    char chain[512];
    for (const struct level *other = level->above; other; other = other->above)
        if (strcmp(other->name, level->name) == 0) {
            chain_text(level, chain, sizeof chain);
            return policy_refuse(loader->error, &level->asked, "Inherit: these inherit each other: %s",
                                 chain);
        }
    if (level->depth <= POLICY_DEPTH_MAX)
        return 0;
    chain_text(level, chain, sizeof chain);
    return policy_refuse(loader->error, &level->asked,
                         "Inherit: expected at most %u policies below one, got %s", POLICY_DEPTH_MAX, chain);
}

static int refuse_missing(struct loader *loader, const char *name, const struct policy_origin *asked)
{
    struct hint hint = {0};
    const struct policy_file *file;
    for (size_t i = 0; (file = policy_files_at(loader->files, i)) != NULL; i++)
        hint_try(&hint, sp_text(name), file->name);
    return policy_refuse(loader->error, asked, "there is no policy \"%s\"%s%s%s", name,
                         hint.best ? ", perhaps \"" : "", hint.best ? hint.best : "", hint.best ? "\"" : "");
}

/* What the file says of itself, into the policy. */
static int take_facts(struct loader *loader, const char *file, const struct parse_facts *facts)
{
    struct policy *policy = loader->policy;
    struct policy_origin origin = {.file = file, .line = facts->expires_line};
    char date[DATE_TEXT_MAX];
    if (facts->serial > policy->serial)
        policy->serial = facts->serial;
    if (facts->expires == 0)
        return 0;
    if (policy->expires == 0 || facts->expires < policy->expires)
        policy->expires = facts->expires;
    if (loader->now != 0 && facts->expires < loader->now)
        return policy_refuse(loader->error, &origin, "Expires: this policy was good until %s",
                             date_text(facts->expires, date));
    return 0;
}

/* Of a base it replaces what was inherited; of a sub-policy it comes behind. */
static int take_description(struct policy *policy, const char *description, bool is_sub)
{
    char *made = NULL;
    if (!is_sub)
        made = strdup(description ? description : "");
    else if (!description)
        return 0;
    else if (asprintf(&made, "%s%s%s", policy->description, policy->description[0] != '\0' ? "; " : "",
                      description) < 0)
        return -ENOMEM;
    if (!made)
        return -ENOMEM;
    free(policy->description);
    policy->description = made;
    return 0;
}

static void facts_clear(struct parse_facts *facts)
{
    free(facts->description);
}

static int apply_file(struct loader *loader, const char *file, struct sp_span text,
                      const struct source_header *header)
{
    struct parse_facts facts CLEANUP(facts_clear) = {0};
    int result = parse_file(loader->policy, file, text, header, &facts, loader->error);
    if (result == 0)
        result = take_facts(loader, file, &facts);
    if (result != 0)
        return result;
    if (header->says_loosening && !(header->is_sub && header->may_loosen))
        loader->policy->may_loosen = header->may_loosen;
    return take_description(loader->policy, facts.description, header->is_sub);
}

static int load_base(struct loader *loader, const struct level *level);

static int load_below(struct loader *loader, const struct level *level, const char *name, const char *file,
                      unsigned line)
{
    struct level below = {.above = level,
                          .name = source_key(name),
                          .asked = {.file = file, .line = line},
                          .depth = level->depth + 1};
    return load_base(loader, &below);
}

static int load_generated(struct loader *loader, const struct level *level, const struct policy_file *source,
                          const char *file)
{
    int result = load_below(loader, level, SOURCE_DEFAULT, file, 0);
    if (result == 0)
        result = parse_generated(loader->policy, file, source->text, loader->error);
    return result != 0 ? result
                       : take_description(loader->policy, "what the distribution generates for sshd", false);
}

static int load_written(struct loader *loader, const struct level *level, const struct policy_file *source,
                        const char *file)
{
    struct source_header header;
    int result = 0;
    source_scan(source->text, &header);
    if (header.is_sub)
        return policy_refuse(loader->error, level->above ? &level->asked : NULL,
                             "policy \"%s\" is a sub-policy: expected it behind a \":\", as in \"%s:%s\"",
                             level->name, SOURCE_DEFAULT, level->name);
    if (header.inherit[0] != '\0')
        result = load_below(loader, level, header.inherit, file, header.inherit_line);
    return result != 0 ? result : apply_file(loader, file, source->text, &header);
}

static int load_base(struct loader *loader, const struct level *level)
{
    int result = check_level(loader, level);
    if (result != 0)
        return result;
    const struct policy_file *source = files_source(loader->files, level->name);
    const char *file = NULL;
    if (!source)
        return refuse_missing(loader, level->name, level->above ? &level->asked : NULL);
    result = history_file(loader->policy->history, source->path, &file);
    if (result != 0)
        return result;
    return source_is_generated(level->name) ? load_generated(loader, level, source, file)
                                            : load_written(loader, level, source, file);
}

static int load_sub(struct loader *loader, const char *name)
{
    struct source_header header = {0};
    const struct policy_file *source = files_source(loader->files, name);
    const char *file = NULL;
    if (!source)
        return refuse_missing(loader, name, NULL);
    source_scan(source->text, &header);
    if (!header.is_sub)
        return policy_refuse(
            loader->error, NULL,
            "policy \"%s\" is complete by itself: expected it first, and only policies that say "
            "\"SubPolicy yes\" behind \":\"",
            name);
    int result = history_file(loader->policy->history, source->path, &file);
    return result != 0 ? result : apply_file(loader, file, source->text, &header);
}

static int load_parts(struct loader *loader, const char *spec)
{
    char part[POLICY_SPEC_MAX];
    int result = source_next_part(&spec, true, part, loader->error);
    if (result != 0)
        return result;
    const struct level top = {.name = source_key(part)};
    result = load_base(loader, &top);
    for (unsigned subs = 1; result == 0 && *spec == ':'; subs++) {
        spec++;
        result = source_next_part(&spec, false, part, loader->error);
        if (result == 0 && subs > POLICY_SUBS_MAX)
            result = policy_refuse(loader->error, NULL,
                                   "expected at most %u sub-policies behind \":\", got \"%s\" too",
                                   POLICY_SUBS_MAX, part);
        if (result == 0)
            result = load_sub(loader, part);
    }
    return result;
}

static int loaded_copy(const struct policy_files *files, struct policy *policy)
{
    for (enum policy_kind kind = 0; kind < POLICY_KINDS; kind++) {
        const char *names = files_loaded(files, kind);
        policy->loaded[kind] = names ? strdup(names) : NULL;
        if (names && !policy->loaded[kind])
            return -ENOMEM;
    }
    return 0;
}

static struct policy *policy_new(const char *spec)
{
    struct policy *policy = calloc(1, sizeof *policy);
    if (!policy)
        return NULL;
    policy->spec = strdup(spec);
    policy->description = strdup("");
    policy->history = calloc(1, sizeof *policy->history);
    if (policy->spec && policy->description && policy->history)
        return policy;
    policy_free(policy);
    return NULL;
}

void policy_free(struct policy *policy)
{
    if (!policy)
        return;
    for (enum policy_kind kind = 0; kind < POLICY_KINDS; kind++) {
        list_clear(&policy->lists[kind]);
        free(policy->loaded[kind]);
    }
    history_free(policy->history);
    free(policy->spec);
    free(policy->description);
    free(policy);
}

static void cleanup_policy(struct policy **policy)
{
    policy_free(*policy);
}

int policy_load(const struct policy_files *files, const char *spec, int64_t now, struct policy **policy,
                struct policy_error *error)
{
    if (strlen(spec) >= POLICY_SPEC_MAX)
        return policy_refuse(error, NULL, "expected at most %u octets of policies' names",
                             POLICY_SPEC_MAX - 1);
    struct policy *made CLEANUP(cleanup_policy) = policy_new(spec);
    if (!made)
        return -ENOMEM;
    struct loader loader = {.files = files, .now = now, .policy = made, .error = error};
    int result = loaded_copy(files, made);
    if (result == 0)
        result = load_parts(&loader, spec);
    if (result != 0)
        return result;
    *policy = TAKE(made);
    return 0;
}
