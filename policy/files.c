/*
 * The set of files that policies are made from, in memory. Input: texts, with the path that each is shown with. Output:
 * texts by name. The program's own DEFAULT stands behind the set.
 */
#include "policy/files.h"

#include <errno.h>
#include <stdio.h>

#include "policy/builtin.h"
#include "policy/error.h"
#include "policy/source.h"

struct policy_files {
    struct policy_file items[POLICY_FILES_MAX];
    size_t count;
    char *loaded[POLICY_KINDS];
};

static void file_clear(struct policy_file *file)
{
    free(file->path);
    free(file->name);
    free((void *)file->text.data);
    free((void *)file->signature.data);
    *file = (struct policy_file){0};
}

int policy_files_new(struct policy_files **files)
{
    struct policy_files *made = calloc(1, sizeof *made);
    if (!made)
        return -ENOMEM;
    *files = made;
    return 0;
}

void policy_files_free(struct policy_files *files)
{
    if (!files)
        return;
    for (size_t i = 0; i < files->count; i++)
        file_clear(&files->items[i]);
    for (enum policy_kind kind = 0; kind < POLICY_KINDS; kind++)
        free(files->loaded[kind]);
    free(files);
}

/* "/etc/sallyport/policy.d/SITE.policy" is SITE; another file must be one that a distribution generates. */
static int name_of(const char *path, struct sp_span *name, struct policy_error *error)
{
    const struct policy_origin origin = {.file = path};
    const char *slash = strrchr(path, '/');
    struct sp_span last = sp_text(slash ? slash + 1 : path);
    size_t suffix = strlen(SOURCE_SUFFIX);
    bool is_policy =
        last.size >= suffix && memcmp(last.data + last.size - suffix, SOURCE_SUFFIX, suffix) == 0;
    if (!is_policy) {
        *name = sp_text(path);
        return path[0] == '/' && name->size < POLICY_SPEC_MAX && !strchr(path, ':')
                   ? 0
                   : policy_refuse(error, &origin,
                                   "expected the name of a policy's file to end with \"" SOURCE_SUFFIX
                                   "\", or an absolute path without \":\"");
    }
    last.size -= suffix;
    *name = last;
    if (!source_is_name(last) || sp_span_is(last, "SYSTEM"))
        return policy_refuse(error, &origin,
                             "expected a name of 1 to %u letters, digits, \"-\", \"_\" and \".\" in front of "
                             "\"" SOURCE_SUFFIX "\", and not SYSTEM",
                             POLICY_NAME_MAX);
    return 0;
}

static int copy_span(struct sp_span from, struct sp_span *to)
{
    uint8_t *data = malloc(from.size != 0 ? from.size : 1);
    if (!data)
        return -ENOMEM;
    if (from.size != 0)
        memcpy(data, from.data, from.size);
    *to = sp_span_of(data, from.size);
    return 0;
}

static int file_make(struct policy_file *file, const char *path, struct sp_span name, struct sp_span text,
                     struct sp_span signature)
{
    struct policy_file made = {.path = strdup(path), .name = strndup((const char *)name.data, name.size)};
    if (!made.path || !made.name || copy_span(text, &made.text) != 0 ||
        copy_span(signature, &made.signature) != 0) {
        file_clear(&made);
        return -ENOMEM;
    }
    *file = made;
    return 0;
}

static const struct policy_file *find(const struct policy_files *files, struct sp_span name)
{
    for (size_t i = 0; i < files->count; i++)
        if (sp_span_is(name, files->items[i].name))
            return &files->items[i];
    return NULL;
}

int policy_files_add(struct policy_files *files, const char *path, struct sp_span text,
                     struct sp_span signature, struct policy_error *error)
{
    const struct policy_origin origin = {.file = path};
    struct sp_span name;
    int result = name_of(path, &name, error);
    if (result != 0)
        return result;
    if (find(files, name))
        return 0;
    if (text.size > POLICY_FILE_MAX || signature.size > POLICY_SIGNATURE_MAX)
        return policy_refuse(error, &origin, "expected at most %u octets, and %u of a signature",
                             POLICY_FILE_MAX, POLICY_SIGNATURE_MAX);
    if (files->count == POLICY_FILES_MAX)
        return policy_refuse(error, &origin, "expected at most %u policies", POLICY_FILES_MAX);
    result = file_make(&files->items[files->count], path, name, text, signature);
    files->count += result == 0 ? 1 : 0;
    return result;
}

const struct policy_file *policy_files_find(const struct policy_files *files, const char *name)
{
    return find(files, sp_text(source_key(name)));
}

const struct policy_file *policy_files_at(const struct policy_files *files, size_t index)
{
    return index < files->count ? &files->items[index] : NULL;
}

const struct policy_file *policy_builtin(void)
{
    return &builtin_default;
}

const struct policy_file *files_source(const struct policy_files *files, const char *key)
{
    const struct policy_file *file = find(files, sp_text(key));
    return !file && strcmp(key, SOURCE_DEFAULT) == 0 ? policy_builtin() : file;
}

/* ---- names of modules -------------------------------------------------------------------------------------------- */

int policy_files_add_name(struct policy_files *files, enum policy_kind kind, const char *name)
{
    const char *before = files->loaded[kind];
    char *list = NULL;
    if (strlen(name) > POLICY_NAME_MAX || (before && strlen(before) + strlen(name) + 2 > POLICY_LIST_MAX))
        return POLICY_E_INVALID;
    if (asprintf(&list, "%s%s%s", before ? before : "", before ? "," : "", name) < 0)
        return -ENOMEM;
    free(files->loaded[kind]);
    files->loaded[kind] = list;
    return 0;
}

const char *files_loaded(const struct policy_files *files, enum policy_kind kind)
{
    return files->loaded[kind];
}
