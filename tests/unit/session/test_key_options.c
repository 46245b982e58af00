/* session/asuser/key_options.c: options of authorized keys, all understood or the key refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sallyport/wire.h>

#include "session/asuser/key_options.h"

static struct key_options options;
static char why[128];

static int parse(const char *text)
{
    why[0] = 0;
    int r = key_options_parse(sp_text(text), &options, why, sizeof why);
    assert_int_equal(r != 0, why[0] != 0);
    return r;
}

static void nothing_denies_nothing(void **state)
{
    assert_int_equal(parse(""), 0);
    for (size_t i = 0; i < KEY_PERMISSIONS; i++)
        assert_false(options.denied[i]);
}

static void restrict_denies_everything(void **state)
{
    assert_int_equal(parse("restrict"), 0);
    for (size_t i = 0; i < KEY_PERMISSIONS; i++)
        assert_true(options.denied[i]);
}

static void order_decides(void **state)
{
    assert_int_equal(parse("restrict,pty"), 0);
    assert_false(options.denied[KEY_PTY]);
    assert_true(options.denied[KEY_PORT_FORWARDING]);
    assert_int_equal(parse("pty,restrict"), 0);
    assert_true(options.denied[KEY_PTY]);
}

static void names_are_case_insensitive(void **state)
{
    assert_int_equal(parse("No-X11-Forwarding,COMMAND=\"x\""), 0);
    assert_true(options.denied[KEY_X11_FORWARDING]);
    assert_true(sp_span_is(options.command, "x"));
}

static void values_are_unescaped(void **state)
{
    assert_int_equal(parse("command=\"echo \\\"a,b\\\" \\n\",from=\"10.0.0.*,!10.0.0.1\""), 0);
    assert_true(sp_span_is(options.command, "echo \"a,b\" \\n"));
    assert_true(sp_span_is(options.from, "10.0.0.*,!10.0.0.1"));
}

static void unknown_options_are_refused_by_name(void **state)
{
    static const char *const unknown[] = {"cert-authority=\"x\"",
                                          "principals",
                                          "no-cert-authority",
                                          "permitopen=\"a:1\"",
                                          "permitlisten=\"1\"",
                                          "tunnel=\"0\"",
                                          "no-touch-required=\"yes\"",
                                          "pty=\"yes\"",
                                          "command",
                                          "from",
                                          "ptyx",
                                          "pt",
                                          " "};
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
        assert_int_equal(parse(unknown[i]), KEY_OPTIONS_E_REFUSED);
        assert_non_null(strstr(why, "option"));
    }
}

static void malformed_options_are_refused(void **state)
{
    static const char *const bad[] = {"pty,",
                                      ",pty",
                                      "pty,,pty",
                                      "command=x",
                                      "command=\"x",
                                      "command=\"x\"y",
                                      "=\"x\"",
                                      "command=\"a\",command=\"b\"",
                                      "principals=\"\"",
                                      "principals=\"a\",principals=\"a\"",
                                      "from=\"\"",
                                      "from=\"a\",from=\"b\"",
                                      "environment=\"=x\"",
                                      "environment=\"x\""};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(parse(bad[i]), KEY_OPTIONS_E_REFUSED);
}

static void an_authoritys_line_names_principals(void **state)
{
    assert_int_equal(parse("cert-authority,principals=\"alice,bob\",command=\"x\""), 0);
    assert_true(options.cert_authority && options.has_principals);
    assert_true(sp_span_is(options.principals, "alice,bob"));
    assert_int_equal(parse("command=\"x\""), 0);
    assert_false(options.cert_authority || options.has_principals);
}

static void touch_is_needed_unless_it_is_waived_last(void **state)
{
    assert_int_equal(parse(""), 0);
    assert_false(options.no_touch || options.verify);
    assert_int_equal(parse("no-touch-required,verify-required,restrict"), 0);
    assert_true(options.no_touch && options.verify);
    assert_int_equal(parse("no-touch-required,touch-required,verify-required,no-verify-required"), 0);
    assert_false(options.no_touch || options.verify);
}

static int merge(const char *text, const struct key_options *with)
{
    assert_int_equal(parse(text), 0);
    why[0] = 0;
    int r = key_options_merge(&options, with, why, sizeof why);
    assert_int_equal(r != 0, why[0] != 0);
    return r;
}

static void merging_denies_what_either_denies(void **state)
{
    const struct key_options with = {
        .denied = {[KEY_PTY] = true}, .no_touch = true, .verify = true, .expiry = 1000};
    assert_int_equal(merge("no-port-forwarding", &with), 0);
    assert_true(options.denied[KEY_PTY] && options.denied[KEY_PORT_FORWARDING]);
    assert_false(options.denied[KEY_USER_RC]);
    assert_false(options.no_touch); /* one of the two does not waive it */
    assert_true(options.verify);
    assert_int_equal(options.expiry, 1000);
    assert_int_equal(merge("no-touch-required", &with), 0);
    assert_true(options.no_touch);
    assert_int_equal(merge("verify-required,no-touch-required", &(struct key_options){0}), 0);
    assert_true(options.verify);
    assert_false(options.no_touch);
}

static void merged_commands_have_to_agree(void **state)
{
    const struct key_options with = {.has_command = true, .command = sp_text("date")};
    assert_int_equal(merge("", &with), 0);
    assert_true(options.has_command && sp_span_is(options.command, "date"));
    assert_int_equal(merge("command=\"date\"", &with), 0);
    assert_int_equal(merge("command=\"dat\"", &with), KEY_OPTIONS_E_REFUSED);
    assert_int_equal(merge("command=\"id\"", &(struct key_options){0}), 0);
    assert_true(sp_span_is(options.command, "id"));
}

static void merged_commands_have_to_fit(void **state)
{
    static char text[KEY_OPTIONS_TEXT_MAX + 32], command[KEY_OPTIONS_TEXT_MAX];
    memset(command, 'x', sizeof command);
    const struct key_options with = {.has_command = true, .command = sp_span_of(command, sizeof command)};
    assert_int_equal(merge("", &with), 0);
    assert_int_equal(options.command.size, sizeof command);
    snprintf(text, sizeof text, "from=\"x\"");
    assert_int_equal(merge(text, &with), KEY_OPTIONS_E_REFUSED);
    assert_false(options.has_command);
}

static void earliest_expiry_counts(void **state)
{
    assert_int_equal(parse("expiry-time=\"20300101Z\",expiry-time=\"20290101000000Z\""), 0);
    assert_int_equal(options.expiry, 1861920000);
    assert_int_equal(parse("expiry-time=\"203001011230Z\""), 0);
    assert_int_equal(options.expiry, 1893501000);
}

static void times_that_do_not_exist_are_refused(void **state)
{
    static const char *const bad[] = {"20300631",     "20301301", "20300101250000", "2030",    "x0300101",
                                      "203001012460", "",         "20300101ZZ",     "-2030010"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char text[64] = "expiry-time=\"";
        strcat(strcat(text, bad[i]), "\"");
        assert_int_equal(parse(text), KEY_OPTIONS_E_REFUSED);
    }
}

static void environment_is_bounded(void **state)
{
    char text[2048] = "";
    for (unsigned i = 0; i < KEY_OPTIONS_ENVIRONMENT_MAX; i++)
        strcat(text, i ? ",environment=\"A=b\"" : "environment=\"A=b\"");
    assert_int_equal(parse(text), 0);
    assert_int_equal(parse(strcat(text, ",environment=\"A=b\"")), KEY_OPTIONS_E_REFUSED);
}

static void long_values_are_refused(void **state)
{
    static char text[KEY_OPTIONS_TEXT_MAX + 64] = "command=\"";
    memset(text + 9, 'x', KEY_OPTIONS_TEXT_MAX);
    text[9 + KEY_OPTIONS_TEXT_MAX] = '"';
    assert_int_equal(parse(text), 0);
    memset(text + 9, 'x', KEY_OPTIONS_TEXT_MAX + 1);
    text[10 + KEY_OPTIONS_TEXT_MAX] = '"';
    assert_int_equal(parse(text), KEY_OPTIONS_E_REFUSED);
}

static void what_is_packed_is_what_restricts(void **state)
{
    uint8_t bytes[256];
    struct sp_out out = {.data = bytes, .capacity = sizeof bytes};
    assert_int_equal(parse("no-pty,command=\"x\",environment=\"A=b\",pty,no-user-rc,from=\"10.0.0.1\""), 0);
    assert_int_equal(key_options_pack(&options, &out), 0);
    static const char *const expected[] = {"no-user-rc", "", "command", "x", "environment", "A=b"};
    struct sp_in in = sp_in_of(sp_written(&out));
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++)
        assert_true(sp_span_is(sp_get_text(&in, 64), expected[i]));
    assert_int_equal(sp_get_end(&in), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_denies_nothing),
        cmocka_unit_test(restrict_denies_everything),
        cmocka_unit_test(order_decides),
        cmocka_unit_test(names_are_case_insensitive),
        cmocka_unit_test(values_are_unescaped),
        cmocka_unit_test(unknown_options_are_refused_by_name),
        cmocka_unit_test(malformed_options_are_refused),
        cmocka_unit_test(an_authoritys_line_names_principals),
        cmocka_unit_test(touch_is_needed_unless_it_is_waived_last),
        cmocka_unit_test(merging_denies_what_either_denies),
        cmocka_unit_test(merged_commands_have_to_agree),
        cmocka_unit_test(merged_commands_have_to_fit),
        cmocka_unit_test(earliest_expiry_counts),
        cmocka_unit_test(times_that_do_not_exist_are_refused),
        cmocka_unit_test(environment_is_bounded),
        cmocka_unit_test(long_values_are_refused),
        cmocka_unit_test(what_is_packed_is_what_restricts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
