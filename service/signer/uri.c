/*
 * HostKey URIs: RFC 7512 section 2.3, and no more of it than can name a host key. Input: what the administrator wrote,
 * from the snapshot. Output: the parts in one canonical spelling, so that equal tokens compare equal.
 */
#include "signer/uri.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <strings.h>

#include <sallyport/wire.h>

enum attribute_part { PART_TOKEN, PART_OBJECT, PART_TYPE, PART_MODULE, PART_PIN, PART_REFUSED };

struct attribute_row {
    const char *name;
    bool query; /* behind the question mark */
    enum attribute_part part;
    const char *refusal;
};

/* Every attribute of RFC 7512 section 2.3, in the order in which we write them. */
static const struct attribute_row attributes[] = {
    {"token", false, PART_TOKEN, NULL},
    {"manufacturer", false, PART_TOKEN, NULL},
    {"serial", false, PART_TOKEN, NULL},
    {"model", false, PART_TOKEN, NULL},
    {"library-manufacturer", false, PART_REFUSED, "name the module by its path instead"},
    {"library-version", false, PART_REFUSED, "name the module by its path instead"},
    {"library-description", false, PART_REFUSED, "name the module by its path instead"},
    {"slot-manufacturer", false, PART_TOKEN, NULL},
    {"slot-description", false, PART_TOKEN, NULL},
    {"slot-id", false, PART_TOKEN, NULL},
    {"object", false, PART_OBJECT, NULL},
    {"id", false, PART_OBJECT, NULL},
    {"type", false, PART_TYPE, NULL},
    {"module-path", true, PART_MODULE, NULL},
    {"pin-source", true, PART_PIN, NULL},
    {"module-name", true, PART_REFUSED, "name the module by an absolute module-path"},
    {"pin-value", true, PART_REFUSED,
     "write the PIN into a file that only the signer can read, and name it in TokenPIN"},
};

#define ATTRIBUTE_COUNT ARRAY_SIZE(attributes)
#define VALUE_MAX 1024u /* octets of a decoded value */

struct value {
    bool present;
    uint8_t bytes[VALUE_MAX + 1]; /* a NUL behind */
    size_t size;
};

struct uri_reader {
    struct value values[ATTRIBUTE_COUNT];
    char *error;
    size_t error_size;
};

static PRINTF_LIKE(2, 3) int refuse(struct uri_reader *reader, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(reader->error, reader->error_size, format, args);
    va_end(args);
    return URI_E_INVALID;
}

static bool byte_in(uint8_t byte, const char *set)
{
    return byte != 0 && strchr(set, byte) != NULL;
}

static bool byte_is_unreserved(uint8_t byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
           byte_in(byte, "-._~");
}

/* pk11-pchar and pk11-qchar: what may stand for itself in a value. */
static bool byte_may_stand(uint8_t byte, bool query)
{
    return byte_is_unreserved(byte) || byte_in(byte, query ? ":[]@!$'()*+,=/?|" : ":[]@!$'()*+,=&");
}

static int hex_digit(uint8_t byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    uint8_t lower = byte | 0x20;
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* The next byte of a value, escapes resolved. -1: none that may stand there. */
static int value_byte(struct sp_span *text, bool query)
{
    uint8_t byte = text->data[0];
    size_t used = 1;
    int value = byte_may_stand(byte, query) ? byte : -1;
    if (byte == '%' && text->size >= 3) {
        int high = hex_digit(text->data[1]), low = hex_digit(text->data[2]);
        value = high >= 0 && low >= 0 ? high * 16 + low : -1;
        used = 3;
    }
    text->data += used;
    text->size -= used;
    return value;
}

static int value_decode(struct uri_reader *reader, const struct attribute_row *row, struct sp_span text)
{
    struct value *value = &reader->values[row - attributes];
    bool binary = strcmp(row->name, "id") == 0;
    if (value->present)
        return refuse(reader, "%s is given twice", row->name);
    if (text.size == 0)
        return refuse(reader, "%s is empty", row->name);
    while (text.size != 0) {
        int byte = value_byte(&text, row->query);
        if (byte < 0 || (!binary && (byte < 0x20 || byte == 0x7f)))
            return refuse(reader, "%s has a character that must be written as %%XX, or a bad %%XX",
                          row->name);
        if (value->size == VALUE_MAX)
            return refuse(reader, "%s is longer than %u bytes", row->name, VALUE_MAX);
        value->bytes[value->size++] = (uint8_t)byte;
    }
    value->present = true;
    return 0;
}

static const struct attribute_row *attribute_find(struct sp_span name, bool query)
{
    for (size_t i = 0; i < ATTRIBUTE_COUNT; i++)
        if (attributes[i].query == query && sp_span_is(name, attributes[i].name))
            return &attributes[i];
    return NULL;
}

static int attribute_read(struct uri_reader *reader, struct sp_span text, bool query)
{
    const uint8_t *equals = text.size ? memchr(text.data, '=', text.size) : NULL;
    if (!equals)
        return refuse(reader, "an attribute without a value");
    struct sp_span name = sp_span_of(text.data, (size_t)(equals - text.data));
    struct sp_span value = sp_span_of(equals + 1, text.size - name.size - 1);
    const struct attribute_row *row = attribute_find(name, query);
    if (!row)
        return refuse(reader, "unknown attribute \"%.*s\"", (int)size_min(name.size, 64),
                      (const char *)name.data);
    if (row->part == PART_REFUSED)
        return refuse(reader, "%s is not supported: %s", row->name, row->refusal);
    return value_decode(reader, row, value);
}

/* The text up to a separator, which it skips. */
static struct sp_span cut(struct sp_span *text, char separator)
{
    const uint8_t *end = text->size ? memchr(text->data, separator, text->size) : NULL;
    struct sp_span piece = sp_span_of(text->data, end ? (size_t)(end - text->data) : text->size);
    size_t used = piece.size + (end ? 1 : 0);
    text->data += used;
    text->size -= used;
    return piece;
}

static int attributes_read(struct uri_reader *reader, struct sp_span text, bool query)
{
    char separator = query ? '&' : ';';
    if (text.size != 0 && text.data[text.size - 1] == (uint8_t)separator)
        return refuse(reader, "ends in \"%c\"", separator);
    while (text.size != 0) {
        int r = attribute_read(reader, cut(&text, separator), query);
        if (r)
            return r;
    }
    return 0;
}

static int uri_read(struct uri_reader *reader, struct sp_span text)
{
    static const char scheme[] = "pkcs11:";
    size_t length = sizeof scheme - 1;
    if (text.size > URI_TEXT_MAX)
        return refuse(reader, "longer than %u bytes", URI_TEXT_MAX);
    if (text.size < length || strncasecmp((const char *)text.data, scheme, length) != 0)
        return refuse(reader,
                      "a host key is named by a pkcs11: URI (RFC 7512), not by a file: keys live in a token");
    text.data += length;
    text.size -= length;
    bool has_query = text.size != 0 && memchr(text.data, '?', text.size);
    int r = attributes_read(reader, cut(&text, '?'), false);
    if (r == 0 && has_query && text.size == 0)
        r = refuse(reader, "nothing behind the question mark");
    return r ? r : attributes_read(reader, text, true);
}

static void put_escaped(struct sp_out *out, const struct value *value)
{
    static const char hex[] = "0123456789ABCDEF";
    for (size_t i = 0; i < value->size; i++) {
        uint8_t byte = value->bytes[i];
        if (byte_is_unreserved(byte)) {
            sp_put_u8(out, byte);
        } else {
            sp_put_u8(out, '%');
            sp_put_u8(out, (uint8_t)hex[byte >> 4]);
            sp_put_u8(out, (uint8_t)hex[byte & 15]);
        }
    }
}

static int part_print(struct uri_reader *reader, enum attribute_part part, char text[URI_PART_MAX])
{
    struct sp_out out = {.data = (uint8_t *)text, .capacity = URI_PART_MAX};
    for (size_t i = 0; i < ATTRIBUTE_COUNT; i++) {
        if (attributes[i].part != part || !reader->values[i].present)
            continue;
        sp_put_raw(&out, sp_text(out.size ? ";" : ""));
        sp_put_raw(&out, sp_text(attributes[i].name));
        sp_put_u8(&out, '=');
        put_escaped(&out, &reader->values[i]);
    }
    sp_put_u8(&out, 0);
    return sp_put_end(&out) ? refuse(reader, "too long") : 0;
}

static const struct value *value_of(const struct uri_reader *reader, enum attribute_part part)
{
    for (size_t i = 0; i < ATTRIBUTE_COUNT; i++)
        if (attributes[i].part == part && reader->values[i].present)
            return &reader->values[i];
    return NULL;
}

static void value_copy(const struct uri_reader *reader, enum attribute_part part, char text[URI_PART_MAX])
{
    const struct value *value = value_of(reader, part);
    text[0] = 0;
    if (value)
        memcpy(text, value->bytes, value->size + 1);
}

static bool value_is_number(const struct value *value)
{
    for (size_t i = 0; i < value->size; i++)
        if (value->bytes[i] < '0' || value->bytes[i] > '9')
            return false;
    return value->size <= 10;
}

static int uri_check(struct uri_reader *reader)
{
    const struct value *type = value_of(reader, PART_TYPE);
    const struct value *module = value_of(reader, PART_MODULE);
    const struct attribute_row *slot = attribute_find(sp_text("slot-id"), false);
    const struct value *slot_id = &reader->values[slot - attributes];
    if (!value_of(reader, PART_OBJECT))
        return refuse(reader, "it names no key: an object or id attribute is missing");
    if (type && !sp_span_is(sp_span_of(type->bytes, type->size), "private"))
        return refuse(reader, "type must be private: a host key signs");
    if (module && module->bytes[0] != '/')
        return refuse(reader, "module-path must be absolute");
    if (slot_id->present && !value_is_number(slot_id))
        return refuse(reader, "slot-id must be a number");
    return 0;
}

int host_key_uri_parse(struct sp_span text, struct host_key_uri *uri, char *error, size_t error_size)
{
    CLEANUP_FREE struct uri_reader *reader = calloc(1, sizeof *reader);
    if (!reader)
        return -ENOMEM;
    reader->error = error;
    reader->error_size = error_size;
    int r = uri_read(reader, text);
    if (r == 0)
        r = uri_check(reader);
    if (r == 0)
        r = part_print(reader, PART_TOKEN, uri->token);
    if (r == 0)
        r = part_print(reader, PART_OBJECT, uri->object);
    if (r)
        return r;
    value_copy(reader, PART_MODULE, uri->module_path);
    value_copy(reader, PART_PIN, uri->pin_source);
    return 0;
}

int host_key_uri_print(const struct host_key_uri *uri, char *text, size_t size)
{
    int n = snprintf(text, size, "pkcs11:%s%s%s", uri->token, uri->token[0] ? ";" : "", uri->object);
    return n < 0 || (size_t)n >= size ? -ENAMETOOLONG : 0;
}
