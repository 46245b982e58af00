/*
 * The codec of internal messages: one routine driven by tables that are derived from messages.def.
 */
#pragma once

#include "ipc/messages.h"

enum {
    CODEC_E_MALFORMED = 1, /* short, trailing bytes, a NUL in text, a length over its field's limit */
    CODEC_E_NO_ROOM = 2,   /* does not fit into the output */
};

enum field_type {
    FIELD_END = 0,
    FIELD_U8,
    FIELD_U16,
    FIELD_U32,
    FIELD_U64,
    FIELD_BOOL,
    FIELD_BYTES,
    FIELD_TEXT,
};

struct field_row {
    enum field_type type;
    size_t offset; /* in the message's struct */
    size_t limit;  /* octets of BYTES and TEXT */
    const char *name;
};

struct message_row {
    const char *name;
    uint16_t number;
    enum ipc_role from;
    enum ipc_role to;
    unsigned phases;
    unsigned descriptors;
    const struct field_row *(*fields)(void); /* ends with FIELD_END, whose offset is the struct's size */
};

/* NULL past the end, and for a number that is no message. */
const struct message_row *message_at(size_t index);
const struct message_row *message_find(unsigned number);
const char *role_name(enum ipc_role role);
const char *phase_name(unsigned phase);

/* Encodes the fields alone, without a number. 0 or CODEC_E_NO_ROOM; a field over its limit is CODEC_E_NO_ROOM too. */
int message_encode(const struct message_row *row, const void *message, struct sp_out *out) SP_MUST_USE;
/* Decodes all fields; *message is written only on success. 0 or CODEC_E_MALFORMED. */
int message_decode(const struct message_row *row, struct sp_span bytes, void *message) SP_MUST_USE;
