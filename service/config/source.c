/*
 * Collects the lines that mean something. Input: a file's text, or a text in memory. Output: struct config_source,
 * which is what gets evaluated and what travels to the other programs. Syntax errors are found here, wrong values when
 * it is evaluated.
 */
#include "config/source.h"

#include <errno.h>
#include <strings.h>

#include "config/include.h"
#include "base/lexer.h"

int source_new(struct config_source **source)
{
    struct config_source *made = calloc(1, sizeof *made);
    if (!made)
        return -ENOMEM;
    made->packed_size = SOURCE_HEAD_SIZE;
    int result = policy_files_new(&made->policies);
    if (result != 0) {
        free(made);
        return result;
    }
    *source = made;
    return 0;
}

void config_source_free(struct config_source *source)
{
    if (!source)
        return;
    for (size_t i = 0; i < source->count; i++)
        free(source->entries[i].text);
    free(source->entries);
    for (size_t i = 0; i < source->certificate_count; i++) {
        free(source->certificates[i].path);
        free(source->certificates[i].data);
    }
    free(source->certificates);
    for (size_t i = 0; i < source->module_count; i++)
        free(source->modules[i].path);
    policy_files_free(source->policies);
    free(source);
}

static int source_grow(struct config_source *source)
{
    if (source->count < source->capacity)
        return 0;
    size_t capacity = size_max(16, source->capacity * 2);
    struct source_entry *entries = reallocarray(source->entries, capacity, sizeof *entries);
    if (!entries)
        return -ENOMEM;
    source->entries = entries;
    source->capacity = capacity;
    return 0;
}

int source_add(struct config_source *source, enum source_entry_kind kind, uint32_t line, struct sp_span text)
{
    size_t size = SOURCE_ENTRY_HEAD_SIZE + text.size;
    if (size > CONFIG_SNAPSHOT_MAX - source->packed_size)
        return SOURCE_E_FULL;
    int result = source_grow(source);
    if (result != 0)
        return result;
    char *copy = calloc(1, text.size + 1);
    if (!copy)
        return -ENOMEM;
    if (text.size != 0)
        memcpy(copy, text.data, text.size);
    source->entries[source->count++] = (struct source_entry){.kind = kind, .line = line, .text = copy};
    source->packed_size += size;
    return 0;
}

static bool source_has_room(const struct config_source *source, size_t size)
{
    return size <= CONFIG_SNAPSHOT_MAX - source->packed_size;
}

int source_add_policy(struct config_source *source, const struct policy_file *file,
                      struct config_error *error)
{
    size_t size = SOURCE_ENTRY_HEAD_SIZE + strlen(file->path) + 8 + file->text.size + file->signature.size;
    struct policy_error why;
    if (!source_has_room(source, size))
        return SOURCE_E_FULL;
    int result = policy_files_add(source->policies, file->path, file->text, file->signature, &why);
    if (result == POLICY_E_INVALID)
        return config_complain(error, NULL, "%s", why.text);
    if (result == 0)
        source->packed_size += size;
    return result;
}

int source_add_certificate(struct config_source *source, const char *path, struct sp_span contents)
{
    size_t size = SOURCE_ENTRY_HEAD_SIZE + strlen(path) + 4 + contents.size;
    if (!source_has_room(source, size))
        return SOURCE_E_FULL;
    struct source_certificate *larger =
        reallocarray(source->certificates, source->certificate_count + 1, sizeof *larger);
    if (!larger)
        return -ENOMEM;
    source->certificates = larger;
    struct source_certificate *added = &larger[source->certificate_count];
    *added = (struct source_certificate){.path = strdup(path), .data = malloc(contents.size + 1)};
    if (!added->path || !added->data) {
        free(added->path);
        free(added->data);
        return -ENOMEM;
    }
    if (contents.size != 0)
        memcpy(added->data, contents.data, contents.size);
    added->size = contents.size;
    source->certificate_count++;
    source->packed_size += size;
    return 0;
}

bool config_certificate(const struct config_source *source, const char *path, struct sp_span *contents)
{
    for (size_t i = 0; i < source->certificate_count; i++)
        if (strcmp(source->certificates[i].path, path) == 0) {
            *contents = sp_span_of(source->certificates[i].data, source->certificates[i].size);
            return true;
        }
    return false;
}

static int add_or_complain(struct source_reading *reading, const struct config_place *place,
                           enum source_entry_kind kind, uint32_t line, struct sp_span text)
{
    int result = source_add(reading->source, kind, line, text);
    if (result == SOURCE_E_FULL)
        return config_complain(reading->error, place, "expected a configuration of at most %u octets",
                               CONFIG_SNAPSHOT_MAX);
    return result;
}

static int read_line(struct source_reading *reading, const struct config_place *place, struct sp_span line)
{
    struct lexer_line words;
    const char *why = NULL;
    int result = lexer_split(line, &words, &why);
    if (result == LEXER_E_EMPTY)
        return 0;
    if (result != 0)
        return config_complain(reading->error, place, "%s", why);
    if (strcasecmp(words.keyword, "Include") == 0)
        return include_line(reading, place, &words);
    return add_or_complain(reading, place, SOURCE_LINE, place->line, sp_text(words.raw));
}

static struct sp_span next_line(struct sp_span *text)
{
    const uint8_t *newline = memchr(text->data, '\n', text->size);
    struct sp_span line = sp_span_of(text->data, newline ? (size_t)(newline - text->data) : text->size);
    size_t used = line.size + (newline ? 1 : 0);
    text->data += used;
    text->size -= used;
    return line;
}

int source_read_text(struct source_reading *reading, const char *name, uint32_t line, struct sp_span text)
{
    struct config_place place = {.file = name};
    if (strlen(name) > SOURCE_NAME_MAX)
        return config_complain(reading->error, NULL, "expected a file name of at most %u octets",
                               SOURCE_NAME_MAX);
    if (reading->depth == CONFIG_INCLUDE_DEPTH_MAX)
        return config_complain(reading->error, &place, "expected at most %u levels of Include",
                               CONFIG_INCLUDE_DEPTH_MAX);
    reading->depth++;
    int result = add_or_complain(reading, &place, SOURCE_BEGIN, line, sp_text(name));
    while (result == 0 && text.size != 0) {
        place.line++;
        result = read_line(reading, &place, next_line(&text));
    }
    if (result == 0)
        result = add_or_complain(reading, &place, SOURCE_END, 0, (struct sp_span){0});
    reading->depth--;
    return result;
}

int config_source_parse(const char *name, struct sp_span text, struct config_source **source,
                        struct config_error *error)
{
    CLEANUP(source_cleanup) struct config_source *made = NULL;
    struct config_place place = {.file = name};
    if (text.size > CONFIG_SNAPSHOT_MAX)
        return config_complain(error, &place, "expected at most %u octets", CONFIG_SNAPSHOT_MAX);
    int result = source_new(&made);
    if (result != 0)
        return result;
    struct source_reading reading = {.source = made, .error = error};
    result = source_read_text(&reading, name, 0, text);
    if (result != 0)
        return result;
    *source = TAKE(made);
    return 0;
}
