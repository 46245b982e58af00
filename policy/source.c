/*
 * Policies as text and as names. Input: the text of a file, a spec. Output: lines, the few things that decide how they
 * are applied, and the parts of a spec.
 */
#include "policy/source.h"

#include <stdio.h>
#include <strings.h>

#include "base/lexer.h"
#include "policy/error.h"

bool source_next_line(struct sp_span *text, struct sp_span *line)
{
    if (text->size == 0)
        return false;
    const uint8_t *end = memchr(text->data, '\n', text->size);
    *line = sp_span_of(text->data, end ? (size_t)(end - text->data) : text->size);
    size_t used = line->size + (end ? 1 : 0);
    *text = sp_span_of(text->data + used, text->size - used);
    return true;
}

static void scan_line(const struct lexer_line *line, unsigned number, struct source_header *header)
{
    if (line->count != 1)
        return;
    bool is_yes = strcasecmp(line->arguments[0], "yes") == 0;
    if (strcasecmp(line->keyword, "SubPolicy") == 0) {
        header->is_sub = header->is_sub || is_yes;
    } else if (strcasecmp(line->keyword, "AllowLoosening") == 0) {
        header->says_loosening = true;
        header->may_loosen = is_yes;
    } else if (strcasecmp(line->keyword, "Inherit") == 0 && strlen(line->arguments[0]) < POLICY_SPEC_MAX) {
        memcpy(header->inherit, line->arguments[0], strlen(line->arguments[0]) + 1);
        header->inherit_line = number;
    }
}

void source_scan(struct sp_span text, struct source_header *header)
{
    struct source_header made = {0};
    struct sp_span line;
    struct lexer_line split;
    const char *why;
    for (unsigned number = 1; source_next_line(&text, &line); number++)
        if (lexer_split(line, &split, &why) == 0)
            scan_line(&split, number, &made);
    *header = made;
}

bool source_is_name(struct sp_span name)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";
    if (name.size == 0 || name.size > POLICY_NAME_MAX || name.data[0] == '.')
        return false;
    for (size_t i = 0; i < name.size; i++)
        if (!memchr(letters, name.data[i], sizeof letters - 1))
            return false;
    return true;
}

const char *source_key(const char *name)
{
    return strcmp(name, "SYSTEM") == 0 ? SOURCE_SYSTEM_FILE : name;
}

bool source_is_generated(const char *key)
{
    return key[0] == '/';
}

static bool is_generated_path(const char *part)
{
    size_t size = strlen(part), suffix = strlen(SOURCE_SUFFIX);
    return part[0] == '/' && (size < suffix || strcmp(part + size - suffix, SOURCE_SUFFIX) != 0);
}

int source_next_part(const char **spec, bool is_first, char part[POLICY_SPEC_MAX], struct policy_error *error)
{
    size_t size = strcspn(*spec, ":");
    if (size >= POLICY_SPEC_MAX)
        return policy_refuse(error, NULL, "expected a policy's name of at most %u octets",
                             POLICY_SPEC_MAX - 1);
    memcpy(part, *spec, size);
    part[size] = '\0';
    if (!source_is_name(sp_text(part)) && !(is_first && is_generated_path(part)))
        return policy_refuse(error, NULL,
                             "policy \"%s\": expected %s of letters, digits, \"-\", \"_\" and \".\"%s", part,
                             is_first ? "a name" : "a sub-policy's name behind \":\",",
                             is_first ? ", or the absolute path of a generated opensshserver.config" : "");
    *spec += size;
    return 0;
}
