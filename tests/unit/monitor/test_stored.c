/* Files that one monitor leaves to the next: what is written is what is read, and nothing else is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

#include <sallyport/wire.h>

#include "base/fd.h"
#include "ipc/codec.h"

#include "monitor/admission.h"
#include "monitor/known_keys.h"
#include "monitor/report.h"
#include "monitor/stored.h"

static const struct msg_stored_connection sample = {
    .connection = 7,
    .generation = 3,
    .worker_node = 11,
    .session_node = 12,
    .phase = PHASE_LOGIN,
    .since_ms = 99,
    .source_family = 4,
};

/* The sample's texts, which a constant cannot have. */
static struct msg_stored_connection connection_sample(void)
{
    static const uint8_t source[16] = {192, 0, 2};
    struct msg_stored_connection c = sample;
    c.session_id = sp_text("0123456789abcdef0123456789abcdef");
    c.user = sp_text("alice");
    c.remote_address = sp_text("192.0.2.1");
    c.local_address = sp_text("2001:db8::1");
    c.negotiated = sp_text("negotiated");
    c.source = sp_span_of(source, sizeof source);
    return c;
}

static int connection_read(const struct msg_stored_connection *c)
{
    uint8_t bytes[STORED_CONNECTION_MAX];
    struct sp_out out = {.data = bytes, .capacity = sizeof bytes};
    struct msg_stored_connection read;
    assert_int_equal(message_encode(message_find(MSG_stored_connection), c, &out), 0);
    return stored_connection_read(&(struct stored){.kind = STORED_CONNECTION, .body = sp_written(&out)},
                                  &read);
}

static void a_file_comes_back_as_it_was(void **state)
{
    CLEANUP_CLOSE int fd = stored_make(STORED_REPORT, sp_text("first"));
    struct stored stored;
    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(stored_read(fd, &stored), 0);
    assert_int_equal(stored.kind, STORED_REPORT);
    assert_true(sp_span_is(stored.body, "first"));
    stored_free(&stored);
    assert_int_equal(stored_rewrite(fd, STORED_REPORT, sp_text("other")), 0);
    assert_int_equal(stored_read(fd, &stored), 0);
    assert_true(sp_span_is(stored.body, "other"));
    stored_free(&stored);
    assert_true(stored_rewrite(fd, STORED_REPORT, sp_text("longer")) < 0);
    assert_true(ftruncate(fd, 3) < 0);
}

static int file_of(struct sp_span bytes)
{
    int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    assert_true(fd >= 0);
    assert_int_equal(fd_write_all(fd, bytes), 0);
    return fd;
}

static int read_bytes(const uint8_t *bytes, size_t size)
{
    CLEANUP_CLOSE int fd = file_of(sp_span_of(bytes, size));
    struct stored stored = {0};
    int r = stored_read(fd, &stored);
    stored_free(&stored);
    return r;
}

static void what_is_not_such_a_file_is_told_from_what_is_damaged(void **state)
{
    uint8_t bytes[64];
    struct sp_out out = {.data = bytes, .capacity = sizeof bytes};
    CLEANUP_CLOSE int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    struct stored stored;
    (void)state;
    sp_put_raw(&out, sp_text("sallyprt"));
    sp_put_u64(&out, stored_form());
    sp_put_u32(&out, STORED_REPORT);
    sp_put_text(&out, "body");
    assert_int_equal(read_bytes(bytes, out.size), 0);
    assert_int_equal(read_bytes(bytes, out.size - 1), STORED_E_MALFORMED);
    assert_int_equal(read_bytes(bytes, out.size + 1), STORED_E_MALFORMED);
    assert_int_equal(read_bytes(bytes, 23), STORED_E_FOREIGN);
    assert_int_equal(stored_read(null, &stored), STORED_E_FOREIGN);
    bytes[19] = STORED_KINDS;
    assert_int_equal(read_bytes(bytes, out.size), STORED_E_MALFORMED);
    bytes[8] ^= 1;
    assert_int_equal(read_bytes(bytes, out.size), STORED_E_OTHER);
    bytes[0] ^= 1;
    assert_int_equal(read_bytes(bytes, out.size), STORED_E_FOREIGN);
}

static void a_connection_is_what_it_must_be(void **state)
{
    const struct msg_stored_connection good = connection_sample();
    struct msg_stored_connection bad[12];
    (void)state;
    assert_int_equal(connection_read(&good), 0);
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        bad[i] = good;
    bad[0].connection = 0;
    bad[1].generation = 0;
    bad[2].phase = PHASE_AUTH;
    bad[3].phase = PHASE_LOGIN | PHASE_CLOSING;
    bad[4].user = sp_text("");
    bad[5].session_id = sp_text("");
    bad[6].remote_address = sp_text("192.0.2.256");
    bad[7].local_address = sp_text("localhost");
    bad[8].source_family = 5;
    bad[9].source = sp_text("short");
    bad[10].negotiated = sp_text("");
    bad[11].balancer_step = 1;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_int_equal(connection_read(&bad[i]), STORED_E_MALFORMED);
}

static void the_largest_connection_fits(void **state)
{
    static const uint8_t zeros[4096];
    struct msg_stored_connection c = connection_sample();
    (void)state;
    c.policy = sp_span_of(zeros, 512);
    c.negotiated = sp_span_of(zeros, 2048);
    c.client_kexinit = sp_span_of(zeros, 4096);
    assert_int_equal(connection_read(&c), 0);
}

static void known_keys_come_back_in_their_order(void **state)
{
    static uint8_t bytes[STORED_SIZE_MAX];
    struct sp_out out = {.data = bytes, .capacity = sizeof bytes};
    struct known_keys known = {0}, read = {0};
    size_t proved;
    (void)state;
    for (unsigned i = 0; i < KNOWN_CLIENTS_MAX + 10; i++) {
        char address[ADDRESS_TEXT_MAX];
        snprintf(address, sizeof address, "10.0.%u.%u", i / 256, i % 256);
        assert_int_equal(known_keys_seen(&known, address, 1000 + i), 0);
        if (i % 2)
            assert_int_equal(known_keys_proved(&known, address, sp_text("SHA256:x"), 1000 + i), 0);
    }
    known_keys_write(&known, &out);
    assert_int_equal(sp_put_end(&out), 0);
    assert_int_equal(known_keys_read(&read, sp_written(&out)), 0);
    assert_int_equal(known_keys_count(&read, known_keys_find(&read, sp_text("SHA256:x")), 0, &proved),
                     KNOWN_CLIENTS_MAX);
    assert_int_equal(proved, KNOWN_CLIENTS_MAX / 2);
    assert_int_equal(read.forgotten, 10);
    assert_string_equal(read.oldest->address, known.oldest->address);
    assert_string_equal(read.newest->address, known.newest->address);
    assert_int_equal(known_keys_find(&read, sp_text("SHA256:x"))->proofs,
                     known_keys_find(&known, sp_text("SHA256:x"))->proofs);
    known_keys_free(&read);
    read = (struct known_keys){0};
    assert_int_equal(known_keys_read(&read, sp_span_of(bytes, out.size - 1)), -EINVAL);
    assert_int_equal(read.clients, 0);
    known_keys_free(&known);
}

static void reports_come_back_at_their_largest(void **state)
{
    static uint8_t bytes[STORED_SIZE_MAX], again[STORED_SIZE_MAX];
    struct sp_out out = {.data = bytes, .capacity = sizeof bytes},
                  second = {.data = again, .capacity = sizeof again};
    char what[REPORT_WHAT_MAX + 1], detail[300];
    struct report report = {0}, read = {0};
    (void)state;
    memset(detail, 'd', sizeof detail);
    for (unsigned i = 0; i < (REPORT_CLIENTS_MAX + 3) * REPORT_KINDS_MAX; i++) {
        char address[ADDRESS_TEXT_MAX];
        snprintf(address, sizeof address, "2001:db8:ffff:ffff:ffff:ffff:ffff:%x", i / REPORT_KINDS_MAX);
        snprintf(what, sizeof what, "%064u", i % REPORT_KINDS_MAX);
        assert_int_equal(
            report_add(&report, address, sp_text(what), sp_span_of((uint8_t *)detail, sizeof detail), i), 0);
    }
    report_write(&report, &out);
    assert_int_equal(sp_put_end(&out), 0);
    assert_int_equal(report_read(&read, sp_written(&out)), 0);
    report_write(&read, &second);
    assert_true(sp_span_equal(sp_written(&out), sp_written(&second)));
    assert_int_equal(read.forgotten, 3);
    report_free(&read);
    read = (struct report){0};
    assert_int_equal(report_read(&read, sp_span_of(bytes, out.size - 1)), -EINVAL);
    report_free(&report);
}

static void penalties_go_on(void **state)
{
    static const struct admission_limits limits = {
        .begin = 10, .rate = 30, .full = 100, .per_source = 10, .connections = 10};
    const struct address_block bad = {.family = 4, .bytes = {192, 0, 2, 1}},
                               good = {.family = 4, .bytes = {192, 0, 2, 2}};
    uint8_t bytes[256];
    struct sp_out out = {.data = bytes, .capacity = sizeof bytes};
    struct admission a = {0}, read = {0};
    struct admission_ticket *victim = NULL;
    (void)state;
    admission_penalise(&a, &bad, 1000);
    admission_write(&a, 1500, &out);
    assert_int_equal(admission_read(&read, sp_written(&out), 1600), 0);
    assert_int_equal(admission_check(&read, &limits, &bad, 0, 1700, &victim), ADMISSION_E_PENALTY);
    assert_int_equal(admission_check(&read, &limits, &good, 0, 1700, &victim), ADMISSION_OK);
    assert_int_equal(admission_check(&read, &limits, &bad, 0, 1000 + ADMISSION_PENALTY_MS, &victim),
                     ADMISSION_OK);
    assert_int_equal(admission_read(&read, sp_written(&out), 1600), -EINVAL); /* it is there already */
    assert_int_equal(admission_read(&read, sp_span_of(bytes, out.size - 1), 1600), -EINVAL);
    admission_free(&a);
    admission_free(&read);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_comes_back_as_it_was),
        cmocka_unit_test(what_is_not_such_a_file_is_told_from_what_is_damaged),
        cmocka_unit_test(a_connection_is_what_it_must_be),
        cmocka_unit_test(the_largest_connection_fits),
        cmocka_unit_test(known_keys_come_back_in_their_order),
        cmocka_unit_test(reports_come_back_at_their_largest),
        cmocka_unit_test(penalties_go_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
