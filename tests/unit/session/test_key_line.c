/* session/asuser/key_line.c: lines of authorized_keys. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "session/asuser/key_line.h"

static struct key_line parsed(const char *text)
{
    struct key_line line;
    assert_int_equal(key_line_parse(sp_text(text), &line), 0);
    return line;
}

static void plain_key_has_no_options(void **state)
{
    struct key_line line = parsed("  ssh-ed25519 AAAA comment with words\r");
    assert_int_equal(line.options.size, 0);
    assert_true(sp_span_is(line.type, "ssh-ed25519"));
    assert_true(sp_span_is(line.base64, "AAAA"));
}

static void options_end_at_a_blank_outside_quotes(void **state)
{
    struct key_line line = parsed("command=\"a \\\" b\",no-pty\tssh-rsa BBBB");
    assert_true(sp_span_is(line.options, "command=\"a \\\" b\",no-pty"));
    assert_true(sp_span_is(line.type, "ssh-rsa"));
    assert_true(sp_span_is(line.base64, "BBBB"));
}

static void blank_lines_and_comments_are_empty(void **state)
{
    static const char *const empty[] = {"", "   ", "\t\r", "# ssh-rsa AAAA", "  #x"};
    struct key_line line;
    for (size_t i = 0; i < sizeof empty / sizeof empty[0]; i++)
        assert_int_equal(key_line_parse(sp_text(empty[i]), &line), KEY_LINE_E_EMPTY);
}

static void other_lines_are_invalid(void **state)
{
    static const char *const bad[] = {"ssh-ed25519",
                                      "ssh-dss AAAA",
                                      "no-pty",
                                      "no-pty ssh-rsa",
                                      "x=\"ssh-rsa AAAA",
                                      "rsa-sha2-256 AAAA",
                                      "no-pty no-pty ssh-rsa AAAA"};
    struct key_line line;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(key_line_parse(sp_text(bad[i]), &line), KEY_LINE_E_INVALID);
}

static void nul_is_invalid(void **state)
{
    static const char text[] = "ssh-rsa AAAA\0 x";
    struct key_line line;
    assert_int_equal(key_line_parse(sp_span_of(text, sizeof text - 1), &line), KEY_LINE_E_INVALID);
}

static void long_line_is_invalid(void **state)
{
    static char text[KEY_LINE_MAX + 1];
    struct key_line line;
    memset(text, ' ', sizeof text);
    memcpy(text, "ssh-rsa AAAA", 12);
    assert_int_equal(key_line_parse(sp_span_of(text, sizeof text - 1), &line), 0);
    assert_int_equal(key_line_parse(sp_span_of(text, sizeof text), &line), KEY_LINE_E_INVALID);
}

static void a_principal_stands_alone_or_behind_options(void **state)
{
    static const struct {
        const char *line, *options, *principal;
    } good[] = {
        {"alice", "", "alice"},
        {"\talice \r", "", "alice"},
        {"alice # of accounts", "", "alice"},
        {"command=\"a b #c\",no-pty alice", "command=\"a b #c\",no-pty", "alice"},
        {"no-pty  alice #x", "no-pty", "alice"},
        {"a#b", "", "a#b"},
    };
    static const char *const bad[] = {"no-pty alice bob", "command=\"x alice"};
    struct principal_line line;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_int_equal(principal_line_parse(sp_text(good[i].line), &line), 0);
        assert_true(sp_span_is(line.options, good[i].options));
        assert_true(sp_span_is(line.principal, good[i].principal));
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(principal_line_parse(sp_text(bad[i]), &line), KEY_LINE_E_INVALID);
    assert_int_equal(principal_line_parse(sp_text("  # alice"), &line), KEY_LINE_E_EMPTY);
    assert_int_equal(principal_line_parse(sp_span_of("al\0ice", 6), &line), KEY_LINE_E_INVALID);
}

static void words_of_a_list_may_be_missing(void **state)
{
    struct sp_span type, base64;
    key_line_words(sp_text(" ssh-dss\tAAAA comment"), &type, &base64);
    assert_true(sp_span_is(type, "ssh-dss") && sp_span_is(base64, "AAAA"));
    key_line_words(sp_text("ssh-dss "), &type, &base64);
    assert_true(sp_span_is(type, "ssh-dss") && base64.size == 0);
    key_line_words(sp_text(""), &type, &base64);
    assert_true(type.size == 0 && base64.size == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_key_has_no_options),
        cmocka_unit_test(options_end_at_a_blank_outside_quotes),
        cmocka_unit_test(blank_lines_and_comments_are_empty),
        cmocka_unit_test(other_lines_are_invalid),
        cmocka_unit_test(nul_is_invalid),
        cmocka_unit_test(long_line_is_invalid),
        cmocka_unit_test(a_principal_stands_alone_or_behind_options),
        cmocka_unit_test(words_of_a_list_may_be_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
