/* Lines of authorized_keys, as `check --keys` reads them. */
#include "support.h"

#include "ctl/keys.h"

static struct keys_line line;

static bool read_line(const char *text)
{
    line = (struct keys_line){.authority = false};
    return keys_line_read(sp_text(text), &line);
}

static void reads_a_bare_key(void **state)
{
    (void)state;
    assert_true(read_line("ssh-ed25519 AAAA alice at home\r"));
    assert_true(sp_span_is(line.type, "ssh-ed25519"));
    assert_true(sp_span_is(line.base64, "AAAA"));
    assert_true(sp_span_is(line.comment, "alice at home"));
    assert_false(line.authority);
}

static void options_may_hold_blanks_and_quotes(void **state)
{
    (void)state;
    assert_true(read_line("command=\"echo \\\" ssh-rsa x\",no-pty ssh-rsa AAAA"));
    assert_true(sp_span_is(line.type, "ssh-rsa"));
    assert_true(sp_span_is(line.base64, "AAAA"));
}

static void an_authority_is_told_apart(void **state)
{
    (void)state;
    assert_true(read_line("no-pty,cert-authority ecdsa-sha2-nistp256 AAAA"));
    assert_true(line.authority);
    assert_true(read_line("command=\"x,cert-authority,y\" ssh-rsa AAAA") && sp_span_is(line.type, "ssh-rsa"));
}

static void what_is_no_key_is_passed_over(void **state)
{
    static const char *const lines[] = {
        "", "   ", "# ssh-rsa AAAA", "ssh-rsa", "no-pty", "no-pty ssh-rsa", "command=\"open ssh-rsa AAAA"};
    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        assert_false(read_line(lines[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_a_bare_key),
        cmocka_unit_test(options_may_hold_blanks_and_quotes),
        cmocka_unit_test(an_authority_is_told_apart),
        cmocka_unit_test(what_is_no_key_is_passed_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
