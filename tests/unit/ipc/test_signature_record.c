/* Records of the chain of signatures: one form, and nothing else is read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "ipc/signature_record.h"

#define ZERO "0000000000000000000000000000000000000000000000000000000000000000"
#define LINE                                                                                                 \
    "{\"n\":7,\"time\":\"2024-02-29T23:59:58.000012Z\",\"key\":\"SHA256:abc+/9\","                           \
    "\"algorithm\":\"ssh-ed25519\",\"purpose\":\"rekey\",\"connection\":\"000000000000000c\",\"peer\":"      \
    "\"2001:db8::1%eth0\","                                                                                  \
    "\"latency_us\":345,\"unrecorded\":2,\"previous\":\"" ZERO "\"}"

static const struct signature_record sample = {.number = 7,
                                               .time_us = UINT64_C(1709251198000012),
                                               .key = "SHA256:abc+/9",
                                               .algorithm = "ssh-ed25519",
                                               .purpose = "rekey",
                                               .connection = 12,
                                               .peer = "2001:db8::1%eth0",
                                               .latency_us = 345,
                                               .unrecorded = 2};

static bool is_read(const char *text)
{
    struct signature_record record;
    return signature_record_read(sp_text(text), &record);
}

static void writes_one_form(void **state)
{
    char line[SIGNATURE_RECORD_MAX];
    assert_int_equal(signature_record_write(&sample, line), strlen(LINE));
    assert_string_equal(line, LINE);
}

static void reads_what_it_writes(void **state)
{
    struct signature_record record;
    assert_true(signature_record_read(sp_text(LINE), &record));
    assert_int_equal(record.number, 7);
    assert_true(record.time_us == sample.time_us);
    assert_string_equal(record.key, sample.key);
    assert_string_equal(record.algorithm, sample.algorithm);
    assert_string_equal(record.purpose, sample.purpose);
    assert_int_equal(record.connection, 12);
    assert_string_equal(record.peer, sample.peer);
    assert_int_equal(record.latency_us, 345);
    assert_int_equal(record.unrecorded, 2);
}

/* Days known from elsewhere, leap years among them. */
static void knows_the_calendar(void **state)
{
    static const struct {
        uint64_t seconds;
        const char *text;
    } days[] = {
        {0, "1970-01-01T00:00:00"},          {951782400, "2000-02-29T00:00:00"},
        {1735689599, "2024-12-31T23:59:59"}, {1735689600, "2025-01-01T00:00:00"},
        {4107542400, "2100-03-01T00:00:00"}, {253402300799, "9999-12-31T23:59:59"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(days); i++) {
        struct signature_record record = sample, again;
        char line[SIGNATURE_RECORD_MAX];
        record.time_us = days[i].seconds * 1000000;
        size_t size = signature_record_write(&record, line);
        assert_non_null(strstr(line, days[i].text));
        assert_true(signature_record_read(sp_span_of(line, size), &again));
        assert_true(again.time_us == record.time_us);
    }
}

static void the_largest_record_fits(void **state)
{
    struct signature_record record = {.number = UINT64_MAX,
                                      .time_us = UINT64_MAX,
                                      .connection = UINT64_MAX,
                                      .latency_us = UINT64_MAX,
                                      .unrecorded = UINT64_MAX};
    char line[SIGNATURE_RECORD_MAX];
    memset(record.key, 'k', sizeof record.key - 1);
    memset(record.algorithm, 'a', sizeof record.algorithm - 1);
    memset(record.purpose, 'p', sizeof record.purpose - 1);
    memset(record.peer, 'f', sizeof record.peer - 1);
    size_t size = signature_record_write(&record, line);
    assert_in_range(size, 1, SIGNATURE_RECORD_MAX - 1);
    assert_int_equal(strlen(line), size);
    assert_true(signature_record_read(sp_span_of(line, size), &record));
}

/* A monitor that were not ours cannot write what looks like another field. */
static void texts_cannot_end_their_field(void **state)
{
    struct signature_record record = sample, again;
    char line[SIGNATURE_RECORD_MAX];
    snprintf(record.peer, sizeof record.peer, "1\",\"n\":\"\\\n\x80");
    size_t size = signature_record_write(&record, line);
    assert_null(memchr(line, '\n', size));
    assert_true(signature_record_read(sp_span_of(line, size), &again));
    assert_string_equal(again.peer, "1???n?:????");
}

static void rejects_any_altered_octet_of_its_form(void **state)
{
    char line[sizeof LINE];
    for (size_t i = 0; i < strlen(LINE); i++) {
        memcpy(line, LINE, sizeof line);
        line[i] = '\n';
        assert_false(is_read(line));
    }
}

static void rejects_every_shorter_and_longer_line(void **state)
{
    struct signature_record record;
    for (size_t size = 0; size < strlen(LINE); size++)
        assert_false(signature_record_read(sp_span_of(LINE, size), &record));
    assert_false(signature_record_read(sp_span_of(LINE, sizeof LINE), &record)); /* a NUL */
    assert_false(is_read(LINE " "));
}

static void rejects_other_spellings(void **state)
{
    static const char *const changes[][2] = {
        {"\"n\":7", "\"n\":07"},
        {"\"n\":7", "\"n\":0"},
        {"\"n\":7", "\"n\":18446744073709551616"},
        {"\"n\":7", "\"n\": 7"},
        {"\"n\":7", "\"n\":-7"},
        {"02-29", "02-30"},
        {"2024-02-29", "2023-02-29"},
        {"2024-02-29", "1969-02-28"},
        {"-02-", "-13-"},
        {"-29T", "-00T"},
        {"T23", "T24"},
        {"59:58", "60:58"},
        {"000012Z", "00012Z"},
        {"rekey", "re\\u006bey"},
        {"000c", "000C"},
        {"000c", "0000c"},
        {"000c", "00c"},
        {"rekey", "a-purpose-that-is-too-long"},
        {ZERO, "A000000000000000000000000000000000000000000000000000000000000000"},
        {ZERO, "00"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
        char line[2 * sizeof LINE];
        const char *at = strstr(LINE, changes[i][0]);
        assert_non_null(at);
        snprintf(line, sizeof line, "%.*s%s%s", (int)(at - LINE), LINE, changes[i][1],
                 at + strlen(changes[i][0]));
        if (is_read(line))
            fail_msg("read: %s", line);
    }
}

static void the_head_has_one_form(void **state)
{
    struct signature_head head = {.number = 12}, again = {.number = 1};
    char text[SIGNATURE_HEAD_MAX];
    head.hash[0] = 0xab;
    size_t size = signature_head_write(&head, text);
    assert_true(signature_head_read(sp_span_of(text, size), &again));
    assert_int_equal(again.number, 12);
    assert_memory_equal(again.hash, head.hash, sizeof head.hash);
    for (size_t less = 0; less < size; less++)
        assert_false(signature_head_read(sp_span_of(text, less), &again));
    head.number = 0; /* there is no such record, and it must not pass for no head */
    char none[SIGNATURE_HEAD_MAX];
    size_t none_size = signature_head_write(&head, none);
    assert_false(signature_head_read(sp_span_of(none, none_size), &again));
    text[0] = 'x';
    assert_false(signature_head_read(sp_span_of(text, size), &again));
}

static void a_file_that_is_aside_is_known_by_its_name(void **state)
{
    static const char *const yes[] = {"signatures.log.00000000000000000005",
                                      "signatures.log.00000000000000000005.001"};
    static const char *const no[] = {"signatures.log",
                                     "signatures.log.5",
                                     "signatures.log.00000000000000000005.1",
                                     "signatures.log.00000000000000000005.0001",
                                     "signatures.log.00000000000000000005.",
                                     "signatures.log.00000000000000000005x",
                                     "signatures.log.0000000000000000000a",
                                     "signatures.head.00000000000000000005"};
    for (size_t i = 0; i < ARRAY_SIZE(yes); i++)
        assert_true(signature_file_is_aside(yes[i]));
    for (size_t i = 0; i < ARRAY_SIZE(no); i++)
        assert_false(signature_file_is_aside(no[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_that_is_aside_is_known_by_its_name),
        cmocka_unit_test(writes_one_form),
        cmocka_unit_test(reads_what_it_writes),
        cmocka_unit_test(knows_the_calendar),
        cmocka_unit_test(the_largest_record_fits),
        cmocka_unit_test(texts_cannot_end_their_field),
        cmocka_unit_test(rejects_any_altered_octet_of_its_form),
        cmocka_unit_test(rejects_every_shorter_and_longer_line),
        cmocka_unit_test(rejects_other_spellings),
        cmocka_unit_test(the_head_has_one_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
