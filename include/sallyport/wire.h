/*
 * The data types of RFC 4251 section 5, read from a span and written into caller-owned room.
 *
 * Both directions are sticky: after the first failure reads give zeros and writes do nothing, so a caller reads
 * all fields into locals and asks once, with wire_end(), whether every byte was there and none was left over.
 */
#pragma once

#include <sallyport/types.h>

struct sp_in {
    const uint8_t *at;
    size_t left;
    bool bad;
};

static inline struct sp_in sp_in_of(struct sp_span span)
{
    return (struct sp_in){.at = span.data, .left = span.size};
}

/* The next `size` bytes as they stand, without a length. */
static inline struct sp_span sp_get_raw(struct sp_in *in, size_t size)
{
    if (in->bad || in->left < size) {
        in->bad = true;
        return (struct sp_span){0};
    }
    struct sp_span span = sp_span_of(in->at, size);
    in->at += size;
    in->left -= size;
    return span;
}

static inline uint64_t sp_get_number(struct sp_in *in, size_t size)
{
    struct sp_span span = sp_get_raw(in, size);
    uint64_t value = 0;
    for (size_t i = 0; i < span.size; i++)
        value = value << 8 | span.data[i];
    return value;
}

static inline uint8_t sp_get_u8(struct sp_in *in)
{
    return (uint8_t)sp_get_number(in, 1);
}

static inline uint16_t sp_get_u16(struct sp_in *in)
{
    return (uint16_t)sp_get_number(in, 2);
}

static inline uint32_t sp_get_u32(struct sp_in *in)
{
    return (uint32_t)sp_get_number(in, 4);
}

static inline uint64_t sp_get_u64(struct sp_in *in)
{
    return sp_get_number(in, 8);
}

/* RFC 4251: "all non-zero values MUST be interpreted as TRUE". */
static inline bool sp_get_bool(struct sp_in *in)
{
    return sp_get_u8(in) != 0;
}

/* A string of at most `limit` bytes; a longer one is malformed. */
static inline struct sp_span sp_get_string(struct sp_in *in, size_t limit)
{
    uint32_t size = sp_get_u32(in);
    if (size > limit)
        in->bad = true;
    return sp_get_raw(in, size);
}

/* A string without NUL, as user names, paths and algorithm names must be. */
static inline struct sp_span sp_get_text(struct sp_in *in, size_t limit)
{
    struct sp_span span = sp_get_string(in, limit);
    if (span.size != 0 && memchr(span.data, 0, span.size))
        in->bad = true;
    return in->bad ? (struct sp_span){0} : span;
}

/* A non-negative mpint in its shortest form, as the big-endian magnitude without the sign byte. */
static inline struct sp_span sp_get_mpint(struct sp_in *in, size_t limit)
{
    struct sp_span span = sp_get_string(in, limit + 1);
    if (span.size == 0)
        return span;
    if (span.data[0] & 0x80) {
        in->bad = true;
        return (struct sp_span){0};
    }
    if (span.data[0] == 0) {
        if (span.size == 1 || !(span.data[1] & 0x80)) {
            in->bad = true;
            return (struct sp_span){0};
        }
        span.data++;
        span.size--;
    }
    if (span.size > limit)
        in->bad = true;
    return in->bad ? (struct sp_span){0} : span;
}

/* 0 if every read succeeded and nothing is left; else SP_E_MALFORMED. */
static inline SP_MUST_USE int sp_get_end(const struct sp_in *in)
{
    return in->bad || in->left != 0 ? SP_E_MALFORMED : 0;
}

static inline void sp_put_raw(struct sp_out *out, struct sp_span span)
{
    if (out->full || out->capacity - out->size < span.size) {
        out->full = true;
        return;
    }
    if (span.size != 0)
        memcpy(out->data + out->size, span.data, span.size);
    out->size += span.size;
}

static inline void sp_put_number(struct sp_out *out, uint64_t value, size_t size)
{
    uint8_t bytes[8];
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(value >> (8 * (size - 1 - i)));
    sp_put_raw(out, sp_span_of(bytes, size));
}

static inline void sp_put_u8(struct sp_out *out, uint8_t value)
{
    sp_put_number(out, value, 1);
}

static inline void sp_put_u16(struct sp_out *out, uint16_t value)
{
    sp_put_number(out, value, 2);
}

static inline void sp_put_u32(struct sp_out *out, uint32_t value)
{
    sp_put_number(out, value, 4);
}

static inline void sp_put_u64(struct sp_out *out, uint64_t value)
{
    sp_put_number(out, value, 8);
}

static inline void sp_put_bool(struct sp_out *out, bool value)
{
    sp_put_u8(out, value ? 1 : 0);
}

static inline void sp_put_string(struct sp_out *out, struct sp_span span)
{
    if (span.size > UINT32_MAX) {
        out->full = true;
        return;
    }
    sp_put_u32(out, (uint32_t)span.size);
    sp_put_raw(out, span);
}

static inline void sp_put_text(struct sp_out *out, const char *text)
{
    sp_put_string(out, sp_text(text));
}

/* Any big-endian magnitude, leading zeros allowed, as the shortest mpint. */
static inline void sp_put_mpint(struct sp_out *out, struct sp_span magnitude)
{
    while (magnitude.size != 0 && magnitude.data[0] == 0) {
        magnitude.data++;
        magnitude.size--;
    }
    bool sign = magnitude.size != 0 && (magnitude.data[0] & 0x80);
    sp_put_u32(out, (uint32_t)magnitude.size + (sign ? 1 : 0));
    if (sign)
        sp_put_u8(out, 0);
    sp_put_raw(out, magnitude);
}

/* 0 if everything fitted; else SP_E_NO_ROOM. */
static inline SP_MUST_USE int sp_put_end(const struct sp_out *out)
{
    return out->full ? SP_E_NO_ROOM : 0;
}

/* The next name of a comma-separated list, which it shortens; the empty span at the end. */
static inline struct sp_span sp_next_name(struct sp_span *list)
{
    const uint8_t *comma = list->size ? memchr(list->data, ',', list->size) : NULL;
    struct sp_span name = sp_span_of(list->data, comma ? (size_t)(comma - list->data) : list->size);
    size_t used = name.size + (comma ? 1 : 0);
    list->data += used;
    list->size -= used;
    return name;
}

static inline bool sp_list_has(struct sp_span list, struct sp_span name)
{
    while (list.size != 0)
        if (sp_span_equal(sp_next_name(&list), name))
            return true;
    return false;
}
