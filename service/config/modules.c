/*
 * Loadable modules as a configuration sees them. Input: LoadModule lines, and the notes in the files that they name, read where
 * the configuration is read, once; no code of theirs runs here. Output: kind and name of each in the source, which travels to
 * the other programs, so that all of them know the same names.
 */
#include "config/modules.h"

#include <errno.h>
#include <stdio.h>

#include "base/module_note.h"

/* ---- in the source ----------------------------------------------------------------------------------------------- */

static bool is_taken(const struct config_source *source, const struct sp_module_facts *facts)
{
    for (size_t i = 0; i < source->module_count; i++)
        if (source->modules[i].kind == facts->kind && strcmp(source->modules[i].name, facts->name) == 0)
            return true;
    return false;
}

static int name_tell(struct config_source *source, const struct sp_module_facts *facts)
{
    int result =
        facts->kind == SP_KIND_MAC ? policy_files_add_name(source->policies, POLICY_MAC, facts->name) : 0;
    return result == POLICY_E_INVALID ? SOURCE_E_FULL : result;
}

int source_add_module(struct config_source *source, const char *path, const struct sp_module_facts *facts,
                      struct config_error *error)
{
    struct sp_span name = sp_span_of(facts->name, strnlen(facts->name, sizeof facts->name));
    size_t size = SOURCE_ENTRY_HEAD_SIZE + strlen(path) + 2 + 4 + name.size;
    if (!module_kind_is_loadable(facts->kind) || !module_name_is_valid(facts->kind, name))
        return config_complain(error, NULL, "LoadModule %s: its kind or name is none for a module", path);
    if (is_taken(source, facts) || (facts->kind == SP_KIND_MAC && policy_knows(POLICY_MAC, name)))
        return config_complain(error, NULL, "LoadModule %s: the name %s is already taken", path, facts->name);
    if (source->module_count == CONFIG_MODULES_MAX || size > CONFIG_SNAPSHOT_MAX - source->packed_size)
        return SOURCE_E_FULL;
    int result = name_tell(source, facts);
    if (result != 0)
        return result;
    struct source_module *added = &source->modules[source->module_count];
    *added = (struct source_module){.path = strdup(path), .kind = facts->kind};
    if (!added->path)
        return -ENOMEM;
    memcpy(added->name, facts->name, name.size);
    source->module_count++;
    source->packed_size += size;
    return 0;
}

/* ---- from files -------------------------------------------------------------------------------------------------- */

static struct config_place place_of(const struct config *config, const char *keyword)
{
    const struct config_line *line = config_line(config, keyword);
    return (struct config_place){.file = line ? line->file : "", .line = line ? line->line : 0};
}

static int module_attach(struct config_source *source, const char *path, const struct config_place *place,
                         struct config_error *error)
{
    struct sp_module_facts facts;
    struct config_error inside;
    char resolved[PATH_MAX], why[768];
    int result = module_describe(path, resolved, &facts, why, sizeof why);
    if (result != 0)
        return result < 0 ? result : config_complain(error, place, "LoadModule: %s", why);
    result = source_add_module(source, path, &facts, &inside);
    if (result == CONFIG_E_INVALID)
        return config_complain(error, place, "%s", inside.text);
    return result == SOURCE_E_FULL
               ? config_complain(error, place, "LoadModule %s: there is no room for it", path)
               : result;
}

static bool has_provider(const struct config_source *source, struct sp_span scheme)
{
    for (size_t i = 0; i < source->module_count; i++)
        if (source->modules[i].kind == SP_KIND_HOSTKEY && sp_span_is(scheme, source->modules[i].name))
            return true;
    return false;
}

static int host_keys_check(const struct config_source *source, const struct config *config,
                           const char *keyword, const struct config_list *keys, struct config_error *error)
{
    const struct config_place place = place_of(config, keyword);
    for (size_t i = 0; i < keys->count; i++) {
        struct sp_span scheme = config_host_key_scheme(keys->items[i]);
        if (!sp_span_is(scheme, "pkcs11") && !has_provider(source, scheme))
            return config_complain(error, &place, "%s %s: no LoadModule line names a provider of \"%.*s:\"",
                                   keyword, keys->items[i], (int)scheme.size, (const char *)scheme.data);
    }
    return 0;
}

int modules_attach(struct config_source *source, const struct config *config, struct config_error *error)
{
    const struct config_place place = place_of(config, "LoadModule");
    int result = 0;
    for (size_t i = 0; i < config->load_modules.count && result == 0; i++)
        result = module_attach(source, config->load_modules.items[i], &place, error);
    if (result == 0)
        result = host_keys_check(source, config, "HostKey", &config->host_keys, error);
    if (result == 0)
        result = host_keys_check(source, config, "HostKeyStaged", &config->host_keys_staged, error);
    return result;
}

/* ---- in the configuration ---------------------------------------------------------------------------------------- */

int modules_take(const struct config_source *source, struct config *config, struct config_error *error)
{
    const struct config_list *paths = &config->load_modules;
    if (paths->count > CONFIG_MODULES_MAX) {
        const struct config_place place = place_of(config, "LoadModule");
        return config_complain(error, &place, "LoadModule: expected at most %u modules", CONFIG_MODULES_MAX);
    }
    for (size_t i = 0; i < paths->count; i++)
        for (size_t k = 0; k < source->module_count; k++)
            if (strcmp(source->modules[k].path, paths->items[i]) == 0) {
                config->modules[i].kind = source->modules[k].kind;
                memcpy(config->modules[i].name, source->modules[k].name, sizeof config->modules[i].name);
            }
    return 0;
}

const char *config_module_find(const struct config *config, enum sp_module_kind kind, struct sp_span name)
{
    for (size_t i = 0; i < config->load_modules.count && i < CONFIG_MODULES_MAX; i++)
        if (config->modules[i].kind == kind && sp_span_is(name, config->modules[i].name))
            return config->load_modules.items[i];
    return NULL;
}

struct sp_span config_host_key_scheme(const char *host_key)
{
    const char *colon = strchr(host_key, ':');
    return sp_span_of(host_key, colon ? (size_t)(colon - host_key) : 0);
}
