/* What a record looks like: numbers of events and connections, names as one word, sentences that are escaped already. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cmocka.h>

#include "monitor/escape.h"
#include "monitor/event_rows.h"
#include "monitor/log.h"

/* Stands in the way of the library's own. */
static char journal[8192];
int sd_journal_sendv_with_location(const char *file, const char *line, const char *function,
                                   const struct iovec *fields, int count);
int sd_journal_sendv_with_location(const char *file, const char *line, const char *function,
                                   const struct iovec *fields, int count)
{
    size_t used = 0;
    (void)file, (void)line, (void)function;
    for (int i = 0; i < count && used + fields[i].iov_len + 2 < sizeof journal; i++)
        used += (size_t)snprintf(journal + used, sizeof journal - used, "%.*s\n", (int)fields[i].iov_len,
                                 (const char *)fields[i].iov_base);
    return 0;
}

static const struct record login = {.level = LOG_LEVEL_INFO,
                                    .event = "login",
                                    .program = "monitor",
                                    .connection = 0x8000000180000011u,
                                    .text = {(const uint8_t *)"in", 2}};

static void write_one(enum log_format format, const char *facility, const struct record *record, char *out,
                      size_t size)
{
    struct log_writer writer = {0};
    log_writer_open(&writer, "plain", "INFO", facility);
    writer.bucket = (struct bucket){0};
    writer.format = format;
    writer.fd = memfd_create("log", MFD_CLOEXEC);
    log_write(&writer, record);
    ssize_t got = pread(writer.fd, out, size - 1, 0);
    assert_true(got >= 0);
    out[got] = '\0';
    close(writer.fd);
}

static void an_entry_has_its_events_number(void **state)
{
    char unused[8], expected[64];
    const struct event_row *row = event_row_find("login");
    (void)state;
    assert_non_null(row);
    snprintf(expected, sizeof expected, "MESSAGE_ID=%s\n", row->id);
    write_one(LOG_FORMAT_JOURNAL, "AUTH", &login, unused, sizeof unused);
    assert_non_null(strstr(journal, expected));
}

static void an_event_without_a_row_has_no_number(void **state)
{
    struct record unknown = login;
    char unused[8];
    (void)state;
    unknown.event = "a_module_of_tomorrow";
    assert_null(event_row_find(unknown.event));
    write_one(LOG_FORMAT_JOURNAL, "AUTH", &unknown, unused, sizeof unused);
    assert_null(strstr(journal, "MESSAGE_ID"));
    assert_non_null(strstr(journal, "SALLYPORT_EVENT=a_module_of_tomorrow\n"));
}

static void an_entry_has_the_facility_that_was_chosen(void **state)
{
    static const struct {
        const char *word, *field;
    } rows[] = {{"AUTH", "SYSLOG_FACILITY=4\n"},
                {"AUTHPRIV", "SYSLOG_FACILITY=10\n"},
                {"DAEMON", "SYSLOG_FACILITY=3\n"},
                {"local7", "SYSLOG_FACILITY=23\n"}};
    char unused[8];
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        write_one(LOG_FORMAT_JOURNAL, rows[i].word, &login, unused, sizeof unused);
        assert_non_null(strstr(journal, rows[i].field));
    }
}

static void the_number_in_brackets_is_the_connections(void **state)
{
    struct record about_nobody = login;
    char line[512];
    (void)state;
    write_one(LOG_FORMAT_PLAIN, "AUTH", &login, line, sizeof line);
    assert_non_null(strstr(line, " sallyportd[17]: in\n"));
    write_one(LOG_FORMAT_JOURNAL, "AUTH", &login, line, sizeof line);
    assert_non_null(strstr(journal, "\nSYSLOG_PID=17\n"));
    assert_non_null(strstr(journal, "\nSALLYPORT_CONNECTION=8000000180000011\n"));
    about_nobody.connection = 0;
    write_one(LOG_FORMAT_PLAIN, "AUTH", &about_nobody, line, sizeof line);
    assert_non_null(strstr(line, " sallyportd: in\n"));
    write_one(LOG_FORMAT_JOURNAL, "AUTH", &about_nobody, line, sizeof line);
    assert_null(strstr(journal, "SYSLOG_PID"));
}

static void what_is_bad_begins_with_it(void **state)
{
    struct record bad = login;
    char line[512];
    (void)state;
    bad.level = LOG_LEVEL_ERROR;
    write_one(LOG_FORMAT_PLAIN, "AUTH", &bad, line, sizeof line);
    assert_non_null(strstr(line, ": error: in\n"));
    bad.level = LOG_LEVEL_NOTICE;
    write_one(LOG_FORMAT_PLAIN, "AUTH", &bad, line, sizeof line);
    assert_non_null(strstr(line, "]: in\n"));
}

static void a_name_is_one_word(void **state)
{
    char out[64];
    (void)state;
    assert_int_equal(escape_word(sp_text("root from 192.0.2.7"), out, sizeof out), 25);
    assert_string_equal(out, "root\\x20from\\x20192.0.2.7");
    assert_int_equal(escape_word(sp_text("a\\x20b\n"), out, sizeof out), 11);
    assert_string_equal(out, "a\\\\x20b\\x0a");
}

static void what_is_escaped_is_not_escaped_again(void **state)
{
    struct record record = login;
    char line[512];
    (void)state;
    record.text = sp_text("for a\\x20b from");
    record.text_is_escaped = true;
    write_one(LOG_FORMAT_PLAIN, "AUTH", &record, line, sizeof line);
    assert_non_null(strstr(line, ": for a\\x20b from\n"));
}

static void an_event_belongs_to_its_programs(void **state)
{
    const struct event_row row = {.name = "x", .programs = "monitor session", .id = ""};
    (void)state;
    assert_true(event_row_is_of(&row, "monitor"));
    assert_true(event_row_is_of(&row, "session"));
    assert_false(event_row_is_of(&row, "mon"));
    assert_false(event_row_is_of(&row, "sess"));
    assert_false(event_row_is_of(&row, "worker"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_entry_has_its_events_number),
        cmocka_unit_test(an_event_without_a_row_has_no_number),
        cmocka_unit_test(an_entry_has_the_facility_that_was_chosen),
        cmocka_unit_test(the_number_in_brackets_is_the_connections),
        cmocka_unit_test(what_is_bad_begins_with_it),
        cmocka_unit_test(a_name_is_one_word),
        cmocka_unit_test(what_is_escaped_is_not_escaped_again),
        cmocka_unit_test(an_event_belongs_to_its_programs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
