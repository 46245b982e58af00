/* The log: peers' bytes cannot forge a line, a field or an escape; floods are counted; every format says the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/loop.h"
#include "monitor/bucket.h"
#include "monitor/escape.h"
#include "monitor/log.h"

static void escapes_become(const char *bytes, size_t size, const char *expected)
{
    char out[64];
    assert_int_equal(escape_text(sp_span_of(bytes, size), out, sizeof out), strlen(expected));
    assert_string_equal(out, expected);
}

static void only_printable_ascii_comes_out(void **state)
{
    (void)state;
    escapes_become("plain", 5, "plain");
    escapes_become("", 0, "");
    escapes_become("a\nb\r\x1b[2J", 8, "a\\x0ab\\x0d\\x1b[2J");
    escapes_become("nul\0in", 6, "nul\\x00in");
    escapes_become("\\x0a", 4, "\\\\x0a"); /* somebody's own escape is no newline of ours */
    escapes_become("\xc3\xa9\x7f", 3, "\\xc3\\xa9\\x7f");
    escapes_become(" ~", 2, " ~");
}

static void escaping_never_cuts_an_escape(void **state)
{
    char out[8];
    (void)state;
    for (size_t capacity = 1; capacity <= sizeof out; capacity++) {
        size_t size = escape_text(sp_span_of("\n\n\n", 3), out, capacity);
        assert_int_equal(size, (capacity - 1) / 4 * 4);
        assert_int_equal(strlen(out), size);
    }
    assert_int_equal(escape_text(sp_span_of("x", 1), out, 0), 0);
}

static void keys_are_plain_words(void **state)
{
    (void)state;
    assert_true(log_key_valid(sp_text("octets_in2")));
    assert_false(log_key_valid(sp_text("")));
    assert_false(log_key_valid(sp_text("Upper")));
    assert_false(log_key_valid(sp_text("a=b")));
    assert_false(log_key_valid(sp_text("_trusted")));
    assert_false(log_key_valid(sp_text("a\n")));
    assert_false(log_key_valid(sp_text("abcdefghijklmnopqrstuvwxyzabcdefg")));
}

/* Stands in the way of the library's own, whose socket does not exist here. */
static char journal[20000];
int sd_journal_sendv_with_location(const char *file, const char *line, const char *function,
                                   const struct iovec *fields, int count);
int sd_journal_sendv_with_location(const char *file, const char *line, const char *function,
                                   const struct iovec *fields, int count)
{
    size_t used = 0;
    (void)file, (void)line, (void)function;
    for (int i = 0; i < count && used + fields[i].iov_len + 2 < sizeof journal; i++) {
        memcpy(journal + used, fields[i].iov_base, fields[i].iov_len);
        used += fields[i].iov_len;
        journal[used++] = '\n';
    }
    journal[used] = 0;
    return 0;
}

static size_t journal_count(const char *text)
{
    size_t count = 0;
    for (const char *at = journal; (at = strstr(at, text)); at++)
        count++;
    return count;
}

struct written {
    char text[20000];
    size_t lines;
};

static struct written *write_records(enum log_format format, const struct record *record, size_t count)
{
    struct written *w = calloc(1, sizeof *w);
    struct log_writer writer = {.format = format, .level = LOG_LEVEL_INFO};
    assert_non_null(w);
    writer.fd = memfd_create("log", MFD_CLOEXEC);
    for (size_t i = 0; i < count; i++)
        log_write(&writer, record);
    ssize_t size = pread(writer.fd, w->text, sizeof w->text - 1, 0);
    assert_true(size >= 0);
    for (ssize_t i = 0; i < size; i++)
        w->lines += w->text[i] == '\n';
    close(writer.fd);
    return w;
}

static struct record hostile_record(void)
{
    static struct log_field fields[40];
    static uint8_t junk[3000];
    memset(junk, '\n', sizeof junk);
    for (size_t i = 0; i < 40; i++)
        fields[i] = (struct log_field){"user", sp_span_of(junk, sizeof junk)};
    fields[0] = (struct log_field){"event", sp_text("login")}; /* pretends to be ours */
    return (struct record){.level = LOG_LEVEL_INFO,
                           .event = "auth",
                           .program = "worker",
                           .connection = 0xabc,
                           .text = sp_span_of(junk, sizeof junk),
                           .fields = fields,
                           .field_count = 40};
}

static void a_hostile_record_is_one_line(void **state)
{
    static const enum log_format formats[] = {LOG_FORMAT_PLAIN, LOG_FORMAT_JSON};
    struct record record = hostile_record();
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct written *w = write_records(formats[i], &record, 1);
        assert_int_equal(w->lines, 1);
        assert_in_range(strlen(w->text), 10, 4096);
        free(w);
    }
}

static void a_json_line_is_json_and_ours_come_first(void **state)
{
    struct record record = hostile_record();
    struct written *w = write_records(LOG_FORMAT_JSON, &record, 1);
    json_error_t error;
    (void)state;
    json_t *object = json_loads(w->text, JSON_REJECT_DUPLICATES, &error);
    assert_non_null(object);
    assert_string_equal(json_string_value(json_object_get(object, "event")), "auth");
    assert_string_equal(json_string_value(json_object_get(object, "program")), "worker");
    assert_string_equal(json_string_value(json_object_get(object, "connection")), "0000000000000abc");
    assert_string_equal(json_string_value(json_object_get(object, "level")), "info");
    json_decref(object);
    free(w);
}

static void the_journal_has_each_field_once_and_ours_win(void **state)
{
    const struct log_field fields[] = {
        {"peer", sp_text("192.0.2.1")},    {"event", sp_text("login")},
        {"program", sp_text("monitor")},   {"connection", sp_text("0000000000000001")},
        {"peer", sp_text("198.51.100.1")}, {"octets", sp_text("7")}};
    struct record record = hostile_record();
    (void)state;
    record.text = sp_text("words");
    record.fields = fields;
    record.field_count = 6;
    free(write_records(LOG_FORMAT_JOURNAL, &record, 1));
    assert_int_equal(journal_count("SALLYPORT_EVENT=auth\n"), 1);
    assert_int_equal(journal_count("SALLYPORT_EVENT="), 1);
    assert_int_equal(journal_count("SALLYPORT_PROGRAM="), 1);
    assert_int_equal(journal_count("SALLYPORT_CONNECTION="), 1);
    assert_int_equal(journal_count("SALLYPORT_PEER="), 1);
    assert_int_equal(journal_count("SALLYPORT_PEER=192.0.2.1\n"), 1);
    assert_int_equal(journal_count("SALLYPORT_OCTETS=7\n"), 1);
}

static void fields_are_in_the_json(void **state)
{
    const struct log_field fields[] = {{"user", sp_text("al\"ice")}, {"octets_in", sp_text("12")}};
    struct record record = {.level = LOG_LEVEL_INFO,
                            .event = "ended",
                            .program = "monitor",
                            .text = sp_text("Connection closed"),
                            .fields = fields,
                            .field_count = 2};
    struct written *w = write_records(LOG_FORMAT_JSON, &record, 1);
    json_t *object = json_loads(w->text, 0, NULL);
    (void)state;
    assert_string_equal(json_string_value(json_object_get(object, "user")), "al\"ice");
    assert_string_equal(json_string_value(json_object_get(object, "octets_in")), "12");
    assert_null(json_object_get(object, "connection"));
    json_decref(object);
    free(w);
}

static void less_important_records_are_left_out(void **state)
{
    struct record record = hostile_record();
    (void)state;
    record.level = LOG_LEVEL_DEBUG;
    struct written *w = write_records(LOG_FORMAT_PLAIN, &record, 3);
    assert_int_equal(w->lines, 0);
    free(w);
}

static void a_bucket_gives_its_burst_and_then_its_rate(void **state)
{
    const struct bucket_rate rate = {.burst = 5, .per_second = 10};
    struct bucket b = {0};
    int given = 0;
    (void)state;
    for (int i = 0; i < 20; i++)
        given += bucket_take(&b, &rate, 1000);
    assert_int_equal(given, 5);
    assert_int_equal(b.dropped, 15);
    for (int i = 0; i < 20; i++)
        given += bucket_take(&b, &rate, 1200);
    assert_int_equal(given, 7);
    for (int i = 0; i < 20; i++)
        given += bucket_take(&b, &rate, 1000000); /* a long rest fills it, and no more than that */
    assert_int_equal(given, 12);
}

static void a_flood_is_counted_not_written(void **state)
{
    struct record record = {
        .level = LOG_LEVEL_INFO, .event = "x", .program = "monitor", .text = sp_text("y")};
    struct log_writer writer = {.format = LOG_FORMAT_PLAIN, .level = LOG_LEVEL_INFO};
    (void)state;
    writer.fd = memfd_create("log", MFD_CLOEXEC);
    for (size_t i = 0; i < 50000; i++)
        log_write(&writer, &record);
    writer.bucket.at_ms = 0; /* as after a rest */
    writer.dropped_said_ms = 0;
    log_write(&writer, &record);
    off_t size = lseek(writer.fd, 0, SEEK_END);
    char *text = mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE, writer.fd, 0);
    assert_true(text != MAP_FAILED);
    size_t lines = 0;
    for (off_t i = 0; i < size; i++)
        lines += text[i] == '\n';
    assert_in_range(lines, 5000, 40000); /* the burst, and what the rate lets pass meanwhile */
    assert_non_null(memmem(text, (size_t)size, "log records suppressed", 22));
    assert_int_equal(writer.bucket.dropped, 0);
    munmap(text, (size_t)size);
    close(writer.fd);
}

static size_t file_has(int fd, const char *words)
{
    off_t size = lseek(fd, 0, SEEK_END);
    char *text = mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE, fd, 0);
    assert_true(text != MAP_FAILED);
    size_t count = 0;
    for (char *at = text; (at = memmem(at, (size_t)(text + size - at), words, strlen(words))); at++)
        count++;
    munmap(text, (size_t)size);
    return count;
}

static void how_many_were_left_out_is_said_once_a_second(void **state)
{
    struct record record = {
        .level = LOG_LEVEL_INFO, .event = "x", .program = "monitor", .text = sp_text("y")};
    struct log_writer writer = {.format = LOG_FORMAT_PLAIN, .level = LOG_LEVEL_INFO};
    (void)state;
    writer.fd = memfd_create("log", MFD_CLOEXEC);
    writer.dropped_said_ms = clock_ms();
    writer.bucket.dropped = 3;
    log_write(&writer, &record);
    assert_int_equal(file_has(writer.fd, "suppressed"), 0);
    writer.dropped_said_ms -= 1000;
    log_write(&writer, &record);
    assert_int_equal(file_has(writer.fd, ": 3 log records suppressed"), 1);
    writer.bucket.dropped = 5;
    log_write(&writer, &record);
    assert_int_equal(file_has(writer.fd, "suppressed"), 1);
    assert_int_equal(writer.bucket.dropped, 5);
    close(writer.fd);
}

static void a_login_is_written_in_the_middle_of_a_flood(void **state)
{
    struct record noise = {
        .level = LOG_LEVEL_INFO, .event = "refused", .program = "monitor", .text = sp_text("noise")};
    struct record login = {.level = LOG_LEVEL_INFO,
                           .event = "login",
                           .program = "monitor",
                           .text = sp_text("alice has come in")};
    struct record claim = {
        .level = LOG_LEVEL_INFO, .event = "login", .program = "worker", .text = sp_text("root has come in")};
    struct log_writer writer = {.format = LOG_FORMAT_PLAIN, .level = LOG_LEVEL_INFO};
    (void)state;
    writer.fd = memfd_create("log", MFD_CLOEXEC);
    for (size_t i = 0; i < 6000; i++)
        log_write(&writer, &noise);
    for (size_t i = 0; i < 50; i++) {
        writer.bucket.at_ms = clock_ms(); /* empty as of now */
        writer.bucket.level = 0;
        log_write(&writer, &login);
        log_write(&writer, &claim);
    }
    assert_int_equal(file_has(writer.fd, "alice has come in"), 50);
    assert_true(file_has(writer.fd, "root has come in") < 50);
    close(writer.fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_printable_ascii_comes_out),
        cmocka_unit_test(escaping_never_cuts_an_escape),
        cmocka_unit_test(keys_are_plain_words),
        cmocka_unit_test(a_hostile_record_is_one_line),
        cmocka_unit_test(a_json_line_is_json_and_ours_come_first),
        cmocka_unit_test(the_journal_has_each_field_once_and_ours_win),
        cmocka_unit_test(fields_are_in_the_json),
        cmocka_unit_test(less_important_records_are_left_out),
        cmocka_unit_test(a_bucket_gives_its_burst_and_then_its_rate),
        cmocka_unit_test(a_flood_is_counted_not_written),
        cmocka_unit_test(how_many_were_left_out_is_said_once_a_second),
        cmocka_unit_test(a_login_is_written_in_the_middle_of_a_flood),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
