/* Steps of a rotation, in a file. Input: its text and a step. Output: its text afterwards, or why the step is none. */
#include "ctl/host_key_file.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <sallyport/wire.h>

#include "base/lexer.h"
#include "ctl/found.h"

enum line_kind { LINE_OTHER, LINE_CURRENT, LINE_STAGED };

struct line {
    enum line_kind kind;
    struct sp_span text; /* without its newline */
    char uri[HOST_KEY_URI_MAX];
};

struct editing {
    const char *path;
    struct line *lines;
    size_t count;
    json_t *removed, *added;
    char *why;
    size_t why_size;
};

static PRINTF_LIKE(2, 3) int refuse(struct editing *e, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(e->why, e->why_size, format, args);
    va_end(args);
    return HOST_KEY_FILE_E_INVALID;
}

/* ---- reading ----------------------------------------------------------------------------------------------- */

static int key_line_read(struct editing *e, const struct lexer_line *words, struct line *line)
{
    if (strcasecmp(words->keyword, "HostKey") == 0)
        line->kind = LINE_CURRENT;
    else if (strcasecmp(words->keyword, "HostKeyStaged") == 0)
        line->kind = LINE_STAGED;
    else
        return refuse(e, "%s line %zu: expected HostKey and HostKeyStaged lines alone, got %s", e->path,
                      e->count, words->keyword);
    if (words->count != 1 || strlen(words->arguments[0]) >= HOST_KEY_URI_MAX)
        return refuse(e, "%s line %zu: %s: expected one URI of less than %u octets", e->path, e->count,
                      words->keyword, HOST_KEY_URI_MAX);
    snprintf(line->uri, sizeof line->uri, "%s", words->arguments[0]);
    return 0;
}

static int line_read(struct editing *e, struct sp_span text, struct lexer_line *words)
{
    const char *what = "";
    if (e->count == HOST_KEY_FILE_LINES_MAX)
        return refuse(e, "%s: expected at most %u lines", e->path, HOST_KEY_FILE_LINES_MAX);
    struct line *line = &e->lines[e->count++];
    *line = (struct line){.text = text};
    int r = lexer_split(text, words, &what);
    if (r == LEXER_E_EMPTY)
        return 0;
    if (r == LEXER_E_MALFORMED)
        return refuse(e, "%s line %zu: %s", e->path, e->count, what);
    return r ? r : key_line_read(e, words, line);
}

static int lines_read(struct editing *e, struct sp_span text)
{
    CLEANUP_FREE struct lexer_line *words = malloc(sizeof *words);
    int r = words ? 0 : -ENOMEM;
    while (r == 0 && text.size != 0) {
        const uint8_t *end = memchr(text.data, '\n', text.size);
        size_t size = end ? (size_t)(end - text.data) : text.size, used = size + (end ? 1 : 0);
        r = line_read(e, sp_span_of(text.data, size), words);
        text = sp_span_of(text.data + used, text.size - used);
    }
    return r;
}

/* ---- steps ------------------------------------------------------------------------------------------------- */

static struct line *line_find(const struct editing *e, const char *uri)
{
    for (size_t i = 0; i < e->count; i++)
        if (e->lines[i].kind != LINE_OTHER && strcmp(e->lines[i].uri, uri) == 0)
            return &e->lines[i];
    return NULL;
}

static struct line *kind_first(const struct editing *e, enum line_kind kind, size_t *count)
{
    struct line *first = NULL;
    *count = 0;
    for (size_t i = 0; i < e->count; i++)
        if (e->lines[i].kind == kind) {
            first = first ? first : &e->lines[i];
            ++*count;
        }
    return first;
}

static void note_removed(struct editing *e, const struct line *line)
{
    json_array_append_new(e->removed, found_text(line->text));
}

static void put_key(struct editing *e, const char *keyword, const char *uri, struct sp_out *out)
{
    char text[HOST_KEY_URI_MAX + 32];
    snprintf(text, sizeof text, "%s %s", keyword, uri);
    found_add_string(e->added, text);
    sp_put_raw(out, sp_text(text));
    sp_put_raw(out, sp_text("\n"));
}

/* All lines but `without`, and before `before` the line of `uri`. NULL: nothing is left out, or put in. */
static void put_lines(struct editing *e, const struct line *without, const struct line *before,
                      const char *uri, struct sp_out *out)
{
    for (size_t i = 0; i < e->count; i++) {
        const struct line *line = &e->lines[i];
        if (line == before)
            put_key(e, "HostKey", uri, out);
        if (line == without)
            continue;
        sp_put_raw(out, line->text);
        sp_put_raw(out, sp_text("\n"));
    }
}

static int step_stage(struct editing *e, const char *uri, struct sp_out *out)
{
    const struct line *line = line_find(e, uri);
    if (line)
        return refuse(e, "%s has a %s line of that key already", e->path,
                      line->kind == LINE_STAGED ? "HostKeyStaged" : "HostKey");
    put_lines(e, NULL, NULL, NULL, out);
    put_key(e, "HostKeyStaged", uri, out);
    return 0;
}

static int step_switch(struct editing *e, const char *uri, struct sp_out *out)
{
    size_t staged, current;
    const struct line *line = kind_first(e, LINE_STAGED, &staged);
    const struct line *first = kind_first(e, LINE_CURRENT, &current);
    if (uri)
        line = line_find(e, uri);
    else if (staged != 1)
        return refuse(e, "%s has %zu HostKeyStaged lines: say which key is meant", e->path, staged);
    if (!line || line->kind != LINE_STAGED)
        return refuse(e, "%s has no HostKeyStaged line of that key", e->path);
    if (!first)
        return refuse(e, "%s has no HostKey line", e->path);
    note_removed(e, line);
    put_lines(e, line, first, line->uri, out);
    return 0;
}

static int step_retire(struct editing *e, const char *uri, struct sp_out *out)
{
    size_t current;
    const struct line *line = line_find(e, uri);
    if (!line)
        return refuse(e, "%s has no line of that key", e->path);
    if (line == kind_first(e, LINE_CURRENT, &current))
        return refuse(e, "%s: the first HostKey is in use: switch to another first", e->path);
    note_removed(e, line);
    put_lines(e, line, NULL, NULL, out);
    return 0;
}

/* A URI is one word of a line, whatever is in it. */
static bool uri_is_word(const char *uri)
{
    size_t size = strlen(uri);
    for (size_t i = 0; i < size; i++)
        if ((unsigned char)uri[i] <= ' ' || (unsigned char)uri[i] >= 0x7f || strchr("\"'\\#", uri[i]))
            return false;
    return size != 0 && size < HOST_KEY_URI_MAX;
}

static int step_take(struct editing *e, enum host_key_step step, const char *uri, struct sp_out *out)
{
    if (uri && !uri_is_word(uri))
        return refuse(e, "expected a URI without blanks and quotes, of less than %u octets",
                      HOST_KEY_URI_MAX);
    switch (step) {
    case HOST_KEY_STAGE:
        return step_stage(e, uri, out);
    case HOST_KEY_SWITCH:
        return step_switch(e, uri, out);
    case HOST_KEY_RETIRE:
        return step_retire(e, uri, out);
    }
    return -EINVAL;
}

int host_key_file_edit(const char *path, struct sp_span text, enum host_key_step step, const char *uri,
                       json_t *found, char **edited, char *why, size_t why_size)
{
    CLEANUP_FREE struct line *lines = calloc(HOST_KEY_FILE_LINES_MAX, sizeof *lines);
    CLEANUP_FREE char *made = calloc(1, text.size + HOST_KEY_URI_MAX + 64);
    struct editing e = {.path = path, .lines = lines, .why = why, .why_size = why_size};
    struct sp_out out = {.data = (uint8_t *)made, .capacity = text.size + HOST_KEY_URI_MAX + 63};
    if (!lines || !made)
        return -ENOMEM;
    e.removed = found_make_array(found, "removed");
    e.added = found_make_array(found, "added");
    bool has_nul = text.size != 0 && memchr(text.data, 0, text.size);
    int r = has_nul ? refuse(&e, "%s: expected text, got an octet 0", path) : lines_read(&e, text);
    if (r == 0)
        r = step_take(&e, step, uri, &out);
    if (r == 0 && sp_put_end(&out))
        r = refuse(&e, "%s: it would become too long", path);
    if (r)
        return r;
    found_set_string(found, "uri",
                     uri ? uri : strchr(json_string_value(json_array_get(e.added, 0)), ' ') + 1);
    *edited = TAKE(made);
    return 0;
}
