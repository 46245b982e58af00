/*
 * Tables and codec of internal messages. Input: messages.def and a message's bytes. Output: the message's struct, or
 * nothing at all: decoding works on a copy that is handed over only when every byte was accounted for.
 */
#include "ipc/codec.h"

#include <sallyport/wire.h>

#define MESSAGE(name_, number_, from_, to_, phases_, descriptors_)                                           \
    static const struct field_row *fields_of_##name_(void)                                                   \
    {                                                                                                        \
        typedef struct msg_##name_ self;                                                                     \
        static const struct field_row list[] = {
#define ROW(type_, field_, limit_) {FIELD_##type_, offsetof(self, field_), (limit_), #field_},
#define U8(field_) ROW(U8, field_, 0)
#define U16(field_) ROW(U16, field_, 0)
#define U32(field_) ROW(U32, field_, 0)
#define U64(field_) ROW(U64, field_, 0)
#define BOOL(field_) ROW(BOOL, field_, 0)
#define BYTES(field_, limit_) ROW(BYTES, field_, limit_)
#define TEXT(field_, limit_) ROW(TEXT, field_, limit_)
#define END(name_)                                                                                           \
    {FIELD_END, sizeof(self), 0, NULL}                                                                       \
    }                                                                                                        \
    ;                                                                                                        \
    return list;                                                                                             \
    }
#include "ipc/messages.def"
#include "ipc/messages_undef.h"

static const struct message_row rows[] = {
#define MESSAGE(name_, number_, from_, to_, phases_, descriptors_)                                           \
    {#name_, (number_), (from_), (to_), (phases_), (descriptors_), fields_of_##name_},
#define U8(field_)
#define U16(field_)
#define U32(field_)
#define U64(field_)
#define BOOL(field_)
#define BYTES(field_, limit_)
#define TEXT(field_, limit_)
#define END(name_)
#include "ipc/messages.def"
#include "ipc/messages_undef.h"
};

enum row_index {
#define MESSAGE(name_, number_, from_, to_, phases_, descriptors_) INDEX_##name_,
#define U8(field_)
#define U16(field_)
#define U32(field_)
#define U64(field_)
#define BOOL(field_)
#define BYTES(field_, limit_)
#define TEXT(field_, limit_)
#define END(name_)
#include "ipc/messages.def"
#include "ipc/messages_undef.h"
};

const struct message_row *message_at(size_t index)
{
    return index < sizeof rows / sizeof rows[0] ? &rows[index] : NULL;
}

const struct message_row *message_find(unsigned number)
{
    switch (number) {
#define MESSAGE(name_, number_, from_, to_, phases_, descriptors_)                                           \
    case (number_):                                                                                          \
        return &rows[INDEX_##name_];
#define U8(field_)
#define U16(field_)
#define U32(field_)
#define U64(field_)
#define BOOL(field_)
#define BYTES(field_, limit_)
#define TEXT(field_, limit_)
#define END(name_)
#include "ipc/messages.def"
#include "ipc/messages_undef.h"
    default:
        return NULL;
    }
}

const char *role_name(enum ipc_role role)
{
    static const char *const names[] = {
        [ROLE_NONE] = "none",         [ROLE_MONITOR] = "monitor", [ROLE_SIGNER] = "signer",
        [ROLE_TOKEN] = "token",       [ROLE_ZYGOTE] = "zygote",   [ROLE_WORKER] = "worker",
        [ROLE_ACCEPTOR] = "acceptor", [ROLE_SESSION] = "session", [ROLE_HELPER] = "helper",
        [ROLE_LAUNCH] = "launch",     [ROLE_SPAWNER] = "spawner", [ROLE_CTL] = "ctl",
        [ROLE_ANY] = "any",
    };
    return (size_t)role < sizeof names / sizeof names[0] ? names[role] : "unknown";
}

const char *phase_name(unsigned phase)
{
    switch (phase) {
    case PHASE_START:
        return "start";
    case PHASE_READY:
        return "ready";
    case PHASE_AUTH:
        return "auth";
    case PHASE_LOGIN:
        return "login";
    case PHASE_CLOSING:
        return "closing";
    default:
        return "any";
    }
}

static void field_encode(const struct field_row *field, const uint8_t *at, struct sp_out *out)
{
    const struct sp_span *span = (const void *)at;
    switch (field->type) {
    case FIELD_U8:
        sp_put_u8(out, *at);
        break;
    case FIELD_BOOL:
        sp_put_bool(out, *(const bool *)(const void *)at);
        break;
    case FIELD_U16:
        sp_put_u16(out, *(const uint16_t *)(const void *)at);
        break;
    case FIELD_U32:
        sp_put_u32(out, *(const uint32_t *)(const void *)at);
        break;
    case FIELD_U64:
        sp_put_u64(out, *(const uint64_t *)(const void *)at);
        break;
    case FIELD_BYTES:
    case FIELD_TEXT:
        if (span->size > field->limit)
            out->full = true;
        sp_put_string(out, *span);
        break;
    case FIELD_END:
        break;
    }
}

int message_encode(const struct message_row *row, const void *message, struct sp_out *out)
{
    for (const struct field_row *field = row->fields(); field->type != FIELD_END; field++)
        field_encode(field, (const uint8_t *)message + field->offset, out);
    return sp_put_end(out) ? CODEC_E_NO_ROOM : 0;
}

static void field_decode(const struct field_row *field, struct sp_in *in, uint8_t *at)
{
    uint8_t boolean;
    switch (field->type) {
    case FIELD_U8:
        *at = sp_get_u8(in);
        break;
    case FIELD_BOOL:
        boolean = sp_get_u8(in);
        if (boolean > 1) /* our own programs write 0 or 1; anything else is not one of them */
            in->bad = true;
        *(bool *)(void *)at = boolean == 1;
        break;
    case FIELD_U16:
        *(uint16_t *)(void *)at = sp_get_u16(in);
        break;
    case FIELD_U32:
        *(uint32_t *)(void *)at = sp_get_u32(in);
        break;
    case FIELD_U64:
        *(uint64_t *)(void *)at = sp_get_u64(in);
        break;
    case FIELD_BYTES:
        *(struct sp_span *)(void *)at = sp_get_string(in, field->limit);
        break;
    case FIELD_TEXT:
        *(struct sp_span *)(void *)at = sp_get_text(in, field->limit);
        break;
    case FIELD_END:
        break;
    }
}

int message_decode(const struct message_row *row, struct sp_span bytes, void *message)
{
    union msg_body body = {0};
    struct sp_in in = sp_in_of(bytes);
    const struct field_row *field = row->fields();
    for (; field->type != FIELD_END; field++)
        field_decode(field, &in, (uint8_t *)&body + field->offset);
    if (sp_get_end(&in))
        return CODEC_E_MALFORMED;
    memcpy(message, &body, field->offset);
    return 0;
}
