/* Lines become keyword and arguments as sshd_config(5) has it, and nothing malformed gets through. */
#include "support.h"

#include "base/lexer.h"

static struct lexer_line line;

static int split(const char *text)
{
    const char *why = NULL;
    int result = lexer_split(sp_text(text), &line, &why);
    assert_int_equal(result == LEXER_E_MALFORMED, why != NULL);
    return result;
}

static void is_split_into(const char *text, const char *keyword, size_t count, const char *const *arguments)
{
    assert_int_equal(split(text), 0);
    assert_string_equal(line.keyword, keyword);
    assert_int_equal(line.count, count);
    for (size_t i = 0; i < count; i++)
        assert_string_equal(line.arguments[i], arguments[i]);
}

#define SPLITS(text_, keyword_, ...)                                                                         \
    is_split_into(text_, keyword_, sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *),                   \
                  (const char *[]){__VA_ARGS__})

static void skips_blank_lines_and_comments(void **state)
{
    assert_int_equal(split(""), LEXER_E_EMPTY);
    assert_int_equal(split(" \t\r"), LEXER_E_EMPTY);
    assert_int_equal(split("# Port 1"), LEXER_E_EMPTY);
    assert_int_equal(split("   #"), LEXER_E_EMPTY);
}

static void takes_blank_or_equals_sign(void **state)
{
    SPLITS("Port 22", "Port", "22");
    SPLITS("Port=22", "Port", "22");
    SPLITS("Port\t=\t22", "Port", "22");
    SPLITS("  Port   22  \r", "Port", "22");
    SPLITS("Match User=a", "Match", "User=a");
    SPLITS("Port ==22", "Port", "=22");
}

static void resolves_quotes_and_escapes(void **state)
{
    SPLITS("A \"b c\" d", "A", "b c", "d");
    SPLITS("A 'b c' d", "A", "b c", "d");
    SPLITS("A b\"c d\"e", "A", "bc de");
    SPLITS("A \"b\\\"c\"", "A", "b\"c");
    SPLITS("A b\\ c", "A", "b c");
    SPLITS("A \"b\\ c\"", "A", "b\\ c");
    SPLITS("A b\\\\c \\n", "A", "b\\c", "\\n");
    SPLITS("A \"\"", "A", "");
    SPLITS("A '\"'", "A", "\"");
}

static void ends_at_a_comment_between_arguments_only(void **state)
{
    SPLITS("A b # c", "A", "b");
    SPLITS("A b #c", "A", "b");
    SPLITS("A b#c", "A", "b#c");
    SPLITS("A \"# b\"", "A", "# b");
    assert_int_equal(split("A # b"), 0);
    assert_int_equal(line.count, 0);
}

static void keeps_the_rest_as_it_stands(void **state)
{
    assert_int_equal(split("ForceCommand = echo \"a  b\"  # c "), 0);
    assert_string_equal(line.rest, "echo \"a  b\"  # c");
    assert_int_equal(line.rest_end - line.rest, strlen("echo \"a  b\""));
    assert_string_equal(line.second, "\"a  b\"  # c");
    assert_int_equal(split("A b"), 0);
    assert_null(line.second);
}

static void rejects_open_quotes(void **state)
{
    assert_int_equal(split("A \"b"), LEXER_E_MALFORMED);
    assert_int_equal(split("A 'b\""), LEXER_E_MALFORMED);
    assert_int_equal(split("A \"b\\\""), LEXER_E_MALFORMED);
}

static void rejects_what_is_no_keyword(void **state)
{
    assert_int_equal(split("=a"), LEXER_E_MALFORMED);
    assert_int_equal(split("\"Port\" 22"), LEXER_E_MALFORMED);
    assert_int_equal(split("Port:22"), LEXER_E_MALFORMED);
    assert_int_equal(split("Port\"22\""), LEXER_E_MALFORMED);
    assert_int_equal(split("\xef\xbb\xbfPort 22"), LEXER_E_MALFORMED);
}

static void rejects_control_characters_and_nul(void **state)
{
    const char *why = NULL;
    assert_int_equal(split("A b\x1b[2J"), LEXER_E_MALFORMED);
    assert_int_equal(split("A b\x7f"), LEXER_E_MALFORMED);
    assert_int_equal(split("A b\rc"), LEXER_E_MALFORMED);
    assert_int_equal(lexer_split(sp_span_of("A b\0c", 5), &line, &why), LEXER_E_MALFORMED);
}

static void takes_the_longest_line_and_not_one_octet_more(void **state)
{
    static char text[LEXER_LINE_MAX + 2];
    memset(text, 'x', sizeof text - 1);
    memcpy(text, "A ", 2);
    text[LEXER_LINE_MAX] = '\0';
    assert_int_equal(split(text), 0);
    assert_int_equal(strlen(line.arguments[0]), LEXER_LINE_MAX - 2);
    text[LEXER_LINE_MAX] = 'x';
    assert_int_equal(split(text), LEXER_E_MALFORMED);
}

static void takes_512_arguments_and_not_one_more(void **state)
{
    char text[2 * 513 + 2] = "A";
    for (size_t i = 0; i < LEXER_ARGUMENTS_MAX; i++)
        memcpy(text + 1 + 2 * i, " b", 3);
    assert_int_equal(split(text), 0);
    assert_int_equal(line.count, LEXER_ARGUMENTS_MAX);
    memcpy(text + 1 + 2 * LEXER_ARGUMENTS_MAX, " b", 3);
    assert_int_equal(split(text), LEXER_E_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(skips_blank_lines_and_comments),
        cmocka_unit_test(takes_blank_or_equals_sign),
        cmocka_unit_test(resolves_quotes_and_escapes),
        cmocka_unit_test(ends_at_a_comment_between_arguments_only),
        cmocka_unit_test(keeps_the_rest_as_it_stands),
        cmocka_unit_test(rejects_open_quotes),
        cmocka_unit_test(rejects_what_is_no_keyword),
        cmocka_unit_test(rejects_control_characters_and_nul),
        cmocka_unit_test(takes_the_longest_line_and_not_one_octet_more),
        cmocka_unit_test(takes_512_arguments_and_not_one_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
