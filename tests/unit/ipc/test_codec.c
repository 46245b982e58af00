/* The codec, for every row of messages.def: what it must take, and what it must not. */
#include <stdio.h>
#include <stdlib.h>

#include "sample.h"

#define SHORT_OCTETS 5u

static uint8_t room[LINK_MESSAGE_MAX];

static struct sp_span encode(const struct message_row *row, const union msg_body *body)
{
    struct sp_out out = {.data = room, .capacity = sizeof room};
    assert_int_equal(message_encode(row, body, &out), 0);
    return sp_written(&out);
}

/* Decodes from memory of exactly that size, so that a sanitizer sees one octet too many. */
static int decode(const struct message_row *row, struct sp_span bytes, union msg_body *body)
{
    uint8_t *copy = malloc(bytes.size + 1);
    assert_non_null(copy);
    memcpy(copy, bytes.data, bytes.size);
    int r = message_decode(row, sp_span_of(copy, bytes.size), body);
    free(copy);
    return r;
}

static void every_message_survives_the_wire(void **state)
{
    static const size_t sizes[] = {0, 1, SHORT_OCTETS, SAMPLE_ROOM};
    (void)state;
    for (size_t i = 0; message_at(i); i++) {
        const struct message_row *row = message_at(i);
        for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
            union msg_body sent, got;
            sample_fill(row, &sent, sizes[s]);
            struct sp_span bytes = encode(row, &sent);
            assert_int_equal(message_decode(row, bytes, &got), 0);
            if (!sample_equal(row, &sent, &got))
                fail_msg("%s changed on its way", row->name);
        }
    }
}

static void every_message_fits_a_link(void **state)
{
    (void)state;
    for (size_t i = 0; message_at(i); i++) {
        union msg_body body;
        sample_fill(message_at(i), &body, SAMPLE_ROOM);
        uint8_t encoded[LINK_MESSAGE_MAX];
        assert_in_range(sample_encode(message_at(i), &body, encoded, sizeof encoded), 2, LINK_MESSAGE_MAX);
        assert_in_range(message_at(i)->descriptors, 0, LINK_DESCRIPTORS_MAX);
    }
}

static void rejects_trailing_byte(void **state)
{
    (void)state;
    for (size_t i = 0; message_at(i); i++) {
        const struct message_row *row = message_at(i);
        union msg_body sent, got;
        sample_fill(row, &sent, SHORT_OCTETS);
        struct sp_span bytes = encode(row, &sent);
        room[bytes.size] = 0;
        if (decode(row, sp_span_of(room, bytes.size + 1), &got) != CODEC_E_MALFORMED)
            fail_msg("%s takes a trailing byte", row->name);
    }
}

static void rejects_truncation_at_each_byte(void **state)
{
    (void)state;
    for (size_t i = 0; message_at(i); i++) {
        const struct message_row *row = message_at(i);
        union msg_body sent, got;
        sample_fill(row, &sent, SHORT_OCTETS);
        struct sp_span bytes = encode(row, &sent);
        for (size_t cut = 0; cut < bytes.size; cut++)
            if (decode(row, sp_span_of(bytes.data, cut), &got) != CODEC_E_MALFORMED)
                fail_msg("%s is taken when cut at %zu", row->name, cut);
    }
}

static void output_is_untouched_on_failure(void **state)
{
    (void)state;
    for (size_t i = 0; message_at(i); i++) {
        const struct message_row *row = message_at(i);
        union msg_body sent, got, before;
        sample_fill(row, &sent, SHORT_OCTETS);
        struct sp_span bytes = encode(row, &sent);
        memset(&got, 0x11, sizeof got);
        before = got;
        if (bytes.size != 0)
            assert_int_equal(message_decode(row, sp_span_of(bytes.data, bytes.size - 1), &got),
                             CODEC_E_MALFORMED);
        assert_memory_equal(&got, &before, sizeof got);
    }
}

static bool is_span(const struct field_row *field)
{
    return field->type == FIELD_BYTES || field->type == FIELD_TEXT;
}

/* The length in front of a field raised over its limit, with that many bytes really there. */
static void rejects_each_field_over_its_limit(void **state)
{
    (void)state;
    for (size_t i = 0; message_at(i); i++) {
        const struct message_row *row = message_at(i);
        for (const struct field_row *field = row->fields(); field->type != FIELD_END; field++) {
            union msg_body sent, got;
            if (!is_span(field))
                continue;
            sample_fill(row, &sent, 0);
            *(struct sp_span *)(void *)((uint8_t *)&sent + field->offset) = sample_bytes(field->limit);
            struct sp_span bytes = encode(row, &sent);
            assert_int_equal(decode(row, bytes, &got), 0);
            size_t at = sample_offset(row, field, 0), end = at + 4 + field->limit;
            memmove(room + end + 1, room + end, bytes.size - end);
            room[end] = 'x';
            struct sp_out length = {.data = room + at, .capacity = 4};
            sp_put_u32(&length, (uint32_t)field->limit + 1);
            if (decode(row, sp_span_of(room, bytes.size + 1), &got) != CODEC_E_MALFORMED)
                fail_msg("%s takes %s over its limit", row->name, field->name);
        }
    }
}

static void refuses_to_encode_a_field_over_its_limit(void **state)
{
    (void)state;
    for (size_t i = 0; message_at(i); i++) {
        const struct message_row *row = message_at(i);
        for (const struct field_row *field = row->fields(); field->type != FIELD_END; field++) {
            union msg_body body;
            struct sp_out out = {.data = room, .capacity = sizeof room};
            if (!is_span(field) || field->limit + 1 > SAMPLE_ROOM)
                continue;
            sample_fill(row, &body, 0);
            *(struct sp_span *)(void *)((uint8_t *)&body + field->offset) = sample_bytes(field->limit + 1);
            if (message_encode(row, &body, &out) != CODEC_E_NO_ROOM)
                fail_msg("%s encodes %s over its limit", row->name, field->name);
        }
    }
}

static void rejects_nul_in_each_text(void **state)
{
    (void)state;
    for (size_t i = 0; message_at(i); i++) {
        const struct message_row *row = message_at(i);
        for (const struct field_row *field = row->fields(); field->type != FIELD_END; field++) {
            union msg_body sent, got;
            if (!is_span(field))
                continue;
            sample_fill(row, &sent, SHORT_OCTETS);
            struct sp_span bytes = encode(row, &sent);
            room[sample_offset(row, field, SHORT_OCTETS) + 4 + 2] = 0;
            int expected = field->type == FIELD_TEXT ? CODEC_E_MALFORMED : 0;
            if (decode(row, bytes, &got) != expected)
                fail_msg("%s, %s: a NUL is treated as the other kind of field", row->name, field->name);
        }
    }
}

static void rejects_each_boolean_but_0_and_1(void **state)
{
    (void)state;
    for (size_t i = 0; message_at(i); i++) {
        const struct message_row *row = message_at(i);
        for (const struct field_row *field = row->fields(); field->type != FIELD_END; field++) {
            union msg_body sent, got;
            if (field->type != FIELD_BOOL)
                continue;
            sample_fill(row, &sent, SHORT_OCTETS);
            struct sp_span bytes = encode(row, &sent);
            for (unsigned value = 0; value < 256; value++) {
                room[sample_offset(row, field, SHORT_OCTETS)] = (uint8_t)value;
                assert_int_equal(decode(row, bytes, &got), value <= 1 ? 0 : CODEC_E_MALFORMED);
            }
        }
    }
}

static void numbers_and_names_are_unique(void **state)
{
    (void)state;
    for (size_t i = 0; message_at(i); i++) {
        assert_ptr_equal(message_find(message_at(i)->number), message_at(i));
        for (size_t k = 0; k < i; k++) {
            assert_int_not_equal(message_at(i)->number, message_at(k)->number);
            assert_string_not_equal(message_at(i)->name, message_at(k)->name);
        }
    }
    assert_null(message_find(0));
    assert_null(message_find(65535));
}

/* What only the monitor and the signer may decide must not be sendable by a worker. */
static void no_worker_can_claim_what_is_not_its_own(void **state)
{
    static const uint16_t taken[] = {MSG_ask_signature, MSG_ask_login, MSG_ended, MSG_ask_proof,
                                     MSG_proxied,       MSG_resumed,   MSG_report};
    (void)state;
    for (size_t i = 0; message_at(i); i++) {
        const struct message_row *row = message_at(i);
        if (row->from != ROLE_WORKER || row->to != ROLE_MONITOR)
            continue;
        bool known = false;
        for (size_t k = 0; k < sizeof taken / sizeof taken[0]; k++)
            known = known || taken[k] == row->number;
        if (!known)
            fail_msg("a worker may now send %s to the monitor: is that meant?", row->name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_message_survives_the_wire),
        cmocka_unit_test(every_message_fits_a_link),
        cmocka_unit_test(rejects_trailing_byte),
        cmocka_unit_test(rejects_truncation_at_each_byte),
        cmocka_unit_test(output_is_untouched_on_failure),
        cmocka_unit_test(rejects_each_field_over_its_limit),
        cmocka_unit_test(refuses_to_encode_a_field_over_its_limit),
        cmocka_unit_test(rejects_nul_in_each_text),
        cmocka_unit_test(rejects_each_boolean_but_0_and_1),
        cmocka_unit_test(numbers_and_names_are_unique),
        cmocka_unit_test(no_worker_can_claim_what_is_not_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
