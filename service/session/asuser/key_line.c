/* Lines of authorized_keys. Input: a line of a user's file. Output: its parts. */
#include "session/asuser/key_line.h"

#include <sallyport/registry.h>
#include <sallyport/wire.h>

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static void skip_blanks(struct sp_span *rest)
{
    while (rest->size && is_blank(rest->data[0])) {
        rest->data++;
        rest->size--;
    }
}

static struct sp_span take(struct sp_span *rest, size_t size)
{
    struct sp_span taken = sp_span_of(rest->data, size);
    rest->data += size;
    rest->size -= size;
    return taken;
}

static struct sp_span word_take(struct sp_span *rest)
{
    size_t size = 0;
    while (size < rest->size && !is_blank(rest->data[size]))
        size++;
    return take(rest, size);
}

/* Options end at the first blank outside quotes; a quote is escaped by a backslash. */
static int options_take(struct sp_span *rest, struct sp_span *options)
{
    bool quoted = false;
    size_t size = 0;
    for (; size < rest->size && (quoted || !is_blank(rest->data[size])); size++) {
        if (rest->data[size] == '\\' && size + 1 < rest->size && rest->data[size + 1] == '"')
            size++;
        else if (rest->data[size] == '"')
            quoted = !quoted;
    }
    if (quoted)
        return KEY_LINE_E_INVALID;
    *options = take(rest, size);
    return 0;
}

/* The type's own name; signature algorithms of RSA have others and are not types. */
static bool is_type(struct sp_span word)
{
    const struct sp_keytype_ops *ops;
    for (size_t i = 0; (ops = keytype_at(i)) != NULL; i++)
        if (sp_span_is(word, ops->blob_type))
            return true;
    return false;
}

bool key_line_is_empty(struct sp_span line)
{
    skip_blanks(&line);
    return line.size == 0 || line.data[0] == '#';
}

void key_line_words(struct sp_span line, struct sp_span *type, struct sp_span *base64)
{
    skip_blanks(&line);
    *type = word_take(&line);
    skip_blanks(&line);
    *base64 = word_take(&line);
}

int key_line_parse(struct sp_span line, struct key_line *parsed)
{
    struct key_line read = {0};
    struct sp_span rest = line;
    if (line.size > KEY_LINE_MAX || (line.size && memchr(line.data, 0, line.size)))
        return KEY_LINE_E_INVALID;
    if (key_line_is_empty(line))
        return KEY_LINE_E_EMPTY;
    skip_blanks(&rest);
    struct sp_span after = rest;
    read.type = word_take(&after);
    if (!is_type(read.type)) {
        after = rest;
        if (options_take(&after, &read.options))
            return KEY_LINE_E_INVALID;
        skip_blanks(&after);
        read.type = word_take(&after);
    }
    skip_blanks(&after);
    read.base64 = word_take(&after);
    if (!is_type(read.type) || read.base64.size == 0)
        return KEY_LINE_E_INVALID;
    *parsed = read;
    return 0;
}

/* Behind a '#' that is neither quoted nor inside a word stands a comment. */
static bool is_over(struct sp_span *rest)
{
    skip_blanks(rest);
    return rest->size == 0 || rest->data[0] == '#';
}

int principal_line_parse(struct sp_span line, struct principal_line *parsed)
{
    struct principal_line read = {0};
    struct sp_span rest = line;
    if (line.size > KEY_LINE_MAX || (line.size && memchr(line.data, 0, line.size)))
        return KEY_LINE_E_INVALID;
    if (key_line_is_empty(line))
        return KEY_LINE_E_EMPTY;
    skip_blanks(&rest);
    struct sp_span after = rest;
    if (options_take(&after, &read.options))
        return KEY_LINE_E_INVALID;
    if (is_over(&after)) { /* one word: the principal */
        read.principal = read.options;
        read.options = (struct sp_span){0};
    } else {
        read.principal = word_take(&after);
    }
    if (!is_over(&after))
        return KEY_LINE_E_INVALID;
    *parsed = read;
    return 0;
}
