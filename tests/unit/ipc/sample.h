/* Messages made from messages.def: every field of a row filled, to its limit or with something short. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <sallyport/wire.h>

#include "ipc/link.h"

#define SAMPLE_ROOM 65536u

/* Bytes without NUL, so that they are good for TEXT too. Static: lives as long as the program. */
static inline struct sp_span sample_bytes(size_t size)
{
    static uint8_t room[SAMPLE_ROOM];
    assert_true(size <= sizeof room);
    if (room[0] == 0)
        for (size_t i = 0; i < sizeof room; i++)
            room[i] = (uint8_t)('a' + i % 26);
    return sp_span_of(room, size);
}

/* octets: of each BYTES and TEXT field, cut to the field's limit. */
static inline void sample_fill(const struct message_row *row, union msg_body *body, size_t octets)
{
    memset(body, 0, sizeof *body);
    for (const struct field_row *field = row->fields(); field->type != FIELD_END; field++) {
        uint8_t *at = (uint8_t *)body + field->offset;
        switch (field->type) {
        case FIELD_U8:
            *at = 0xa5;
            break;
        case FIELD_BOOL:
            *(bool *)(void *)at = true;
            break;
        case FIELD_U16:
            *(uint16_t *)(void *)at = 0xa5b6;
            break;
        case FIELD_U32:
            *(uint32_t *)(void *)at = 0xa5b6c7d8;
            break;
        case FIELD_U64:
            *(uint64_t *)(void *)at = 0xa5b6c7d8e9fa0b1c;
            break;
        case FIELD_BYTES:
        case FIELD_TEXT:
            *(struct sp_span *)(void *)at = sample_bytes(octets < field->limit ? octets : field->limit);
            break;
        case FIELD_END:
            break;
        }
    }
}

/* The message as link_receive() would see it, number first. */
static inline size_t sample_encode(const struct message_row *row, const union msg_body *body, uint8_t *out,
                                   size_t room)
{
    struct sp_out o = {.data = out, .capacity = room};
    sp_put_u16(&o, row->number);
    assert_int_equal(message_encode(row, body, &o), 0);
    return o.size;
}

static inline bool sample_equal(const struct message_row *row, const union msg_body *a,
                                const union msg_body *b)
{
    for (const struct field_row *field = row->fields(); field->type != FIELD_END; field++) {
        const uint8_t *x = (const uint8_t *)a + field->offset, *y = (const uint8_t *)b + field->offset;
        static const size_t sizes[] = {[FIELD_U8] = 1,  [FIELD_BOOL] = 1,  [FIELD_U16] = 2, [FIELD_U32] = 4,
                                       [FIELD_U64] = 8, [FIELD_BYTES] = 0, [FIELD_TEXT] = 0};
        if (field->type == FIELD_BYTES || field->type == FIELD_TEXT) {
            if (!sp_span_equal(*(const struct sp_span *)(const void *)x,
                               *(const struct sp_span *)(const void *)y))
                return false;
        } else if (memcmp(x, y, sizes[field->type]) != 0) {
            return false;
        }
    }
    return true;
}

/* Where field `wanted` begins in the encoding of a sample with that many octets per span. */
static inline size_t sample_offset(const struct message_row *row, const struct field_row *wanted,
                                   size_t octets)
{
    size_t at = 0;
    static const size_t sizes[] = {[FIELD_U8] = 1,  [FIELD_BOOL] = 1,  [FIELD_U16] = 2, [FIELD_U32] = 4,
                                   [FIELD_U64] = 8, [FIELD_BYTES] = 4, [FIELD_TEXT] = 4};
    for (const struct field_row *field = row->fields(); field != wanted; field++) {
        at += sizes[field->type];
        if (field->type == FIELD_BYTES || field->type == FIELD_TEXT)
            at += octets < field->limit ? octets : field->limit;
    }
    return at;
}
