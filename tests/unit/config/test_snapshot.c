/* The snapshot means what the files meant, and no octets whatever get further than an error. */
#include "support.h"

#include <sallyport/wire.h>

static const char sample[] = "Port 2222\n"
                             "AcceptEnv LANG LC_*\n"
                             "Subsystem sftp /usr/lib/openssh/sftp-server -l \"INFO x\" # comment\n"
                             "Ciphers -*-ctr\n"
                             "MaxStartups 5:20:50\n"
                             "RekeyLimit 1G 1h\n"
                             "SetEnv A=b \"C=d e\"\n"
                             "Match User alice,!bob Address 192.0.2.0/24\n"
                             "  ForceCommand echo \"hi  there\"\n"
                             "  AuthenticationMethods publickey,password keyboard-interactive\n"
                             "Match all\n"
                             "  Banner /etc/issue.net\n";

static struct sp_span pack(const struct config_source *source)
{
    uint8_t *data = NULL;
    size_t size = 0;
    assert_int_equal(config_source_pack(source, &data, &size), 0);
    return sp_span_of(data, size);
}

static void unpack_and_evaluate(struct sp_span bytes)
{
    static const struct config_who who = {.user = "alice", .address = "192.0.2.1"};
    struct config_source *source = NULL;
    struct config *config = NULL;
    struct config_error error = {0};
    int result = config_source_unpack(bytes, &source, &error);
    if (result == 0)
        result = config_evaluate(source, &who, &config, &error);
    assert_true(result == 0 || result == CONFIG_E_INVALID);
    assert_int_equal(result == CONFIG_E_INVALID, error.text[0] != '\0');
    config_free(config);
    config_source_free(source);
}

static void evaluates_the_same_after_a_round_trip(void **state)
{
    static const struct config_who people[] = {
        {0}, {.user = "alice", .address = "192.0.2.77"}, {.user = "bob", .address = "192.0.2.77"}};
    struct config_source *source = must_parse(sample), *copy = NULL;
    struct config_error error = {0};
    struct sp_span bytes = pack(source);
    assert_int_equal(config_source_unpack(bytes, &copy, &error), 0);
    for (size_t i = 0; i < ARRAY_SIZE(people); i++) {
        struct config *one = NULL, *other = NULL;
        assert_int_equal(config_evaluate(source, &people[i], &one, &error), 0);
        assert_int_equal(config_evaluate(copy, &people[i], &other, &error), 0);
        char *one_text = must_print(one), *other_text = must_print(other);
        assert_string_equal(one_text, other_text);
        free(one_text);
        free(other_text);
        config_free(one);
        config_free(other);
    }
    struct sp_span again = pack(copy);
    assert_true(sp_span_equal(bytes, again));
    free((void *)again.data);
    free((void *)bytes.data);
    config_source_free(copy);
    config_source_free(source);
}

static void keeps_file_and_line_for_errors(void **state)
{
    struct config_source *source = must_parse("\n\nMaxAuthTries 0\n"), *copy = NULL;
    struct config *config = NULL;
    struct config_error error = {0};
    struct sp_span bytes = pack(source);
    assert_int_equal(config_source_unpack(bytes, &copy, &error), 0);
    assert_int_equal(config_evaluate(copy, &nobody_known, &config, &error), CONFIG_E_INVALID);
    assert_int_equal(strncmp(error.text, "test.conf line 3: ", 18), 0);
    free((void *)bytes.data);
    config_source_free(copy);
    config_source_free(source);
}

/* Every copy ends exactly at the end of its memory, so that one octet too far is seen by the sanitizer. */
static void survives_every_truncation(void **state)
{
    struct config_source *source = must_parse(sample), *copy = NULL;
    struct config_error error = {0};
    struct sp_span bytes = pack(source);
    for (size_t size = 0; size < bytes.size; size++) {
        uint8_t *part = malloc(size_max(size, 1));
        memcpy(part, bytes.data, size);
        assert_int_equal(config_source_unpack(sp_span_of(part, size), &copy, &error), CONFIG_E_INVALID);
        assert_null(copy);
        free(part);
    }
    free((void *)bytes.data);
    config_source_free(source);
}

static void survives_every_flipped_bit(void **state)
{
    struct config_source *source = must_parse(sample);
    struct sp_span bytes = pack(source);
    uint8_t *broken = malloc(bytes.size);
    for (size_t bit = 0; bit < bytes.size * 8; bit++) {
        memcpy(broken, bytes.data, bytes.size);
        broken[bit / 8] ^= (uint8_t)(1u << bit % 8);
        unpack_and_evaluate(sp_span_of(broken, bytes.size));
    }
    free(broken);
    free((void *)bytes.data);
    config_source_free(source);
}

struct entry {
    unsigned kind;
    const char *text;
};

static int unpack_entries(const struct entry *entries, size_t count)
{
    static uint8_t room[CONFIG_SNAPSHOT_MAX];
    struct sp_out out = {.data = room, .capacity = sizeof room};
    struct config_source *source = NULL;
    struct config_error error = {0};
    sp_put_u32(&out, 0x73706366);
    sp_put_u32(&out, 2);
    for (size_t i = 0; i < count; i++) {
        sp_put_u8(&out, (uint8_t)entries[i].kind);
        sp_put_u32(&out, 7);
        sp_put_text(&out, entries[i].text);
    }
    assert_int_equal(sp_put_end(&out), 0);
    int result = config_source_unpack(sp_written(&out), &source, &error);
    config_source_free(source);
    return result;
}

#define UNPACK(...)                                                                                          \
    unpack_entries((const struct entry[]){__VA_ARGS__},                                                      \
                   sizeof((const struct entry[]){__VA_ARGS__}) / sizeof(struct entry))

static void rejects_files_that_do_not_nest(void **state)
{
    assert_int_equal(UNPACK({2, "f"}, {3, ""}), 0);
    assert_int_equal(UNPACK({2, "f"}, {2, "g"}, {3, ""}, {1, "Port 22"}, {3, ""}), 0);
    assert_int_equal(UNPACK({1, "Port 22"}), CONFIG_E_INVALID);
    assert_int_equal(UNPACK({2, "f"}), CONFIG_E_INVALID);
    assert_int_equal(UNPACK({3, ""}), CONFIG_E_INVALID);
    assert_int_equal(UNPACK({2, "f"}, {3, ""}, {3, ""}), CONFIG_E_INVALID);
    assert_int_equal(UNPACK({2, "f"}, {3, ""}, {2, "f"}, {3, ""}), CONFIG_E_INVALID);
    assert_int_equal(UNPACK({2, "f"}, {3, ""}, {1, "Port 22"}), CONFIG_E_INVALID);
    assert_int_equal(UNPACK({2, "f"}, {6, ""}, {3, ""}), CONFIG_E_INVALID);
    assert_int_equal(UNPACK({2, "f"}, {4, "/p"}, {3, ""}), CONFIG_E_INVALID); /* files come behind the lines */
    assert_int_equal(UNPACK({2, "f"}, {0, ""}, {3, ""}), CONFIG_E_INVALID);
    assert_int_equal(UNPACK({2, "f"}, {3, "x"}), CONFIG_E_INVALID);
    assert_int_equal(unpack_entries(NULL, 0), CONFIG_E_INVALID);
}

static void rejects_seventeen_levels(void **state)
{
    struct entry entries[34];
    for (size_t i = 0; i < 34; i++)
        entries[i] = i < 17 ? (struct entry){2, "f"} : (struct entry){3, ""};
    assert_int_equal(unpack_entries(entries + 1, 32), 0);
    assert_int_equal(unpack_entries(entries, 34), CONFIG_E_INVALID);
}

static void rejects_longer_lines_than_a_file_may_have(void **state)
{
    static char text[CONFIG_LINE_MAX + 2];
    memset(text, 'x', CONFIG_LINE_MAX);
    assert_int_equal(UNPACK({2, "f"}, {1, text}, {3, ""}), 0);
    text[CONFIG_LINE_MAX] = 'x';
    assert_int_equal(UNPACK({2, "f"}, {1, text}, {3, ""}), CONFIG_E_INVALID);
}

/* Not reachable from files, but from a snapshot: a line that is empty, a comment, or an Include. */
static void evaluates_no_line_that_a_file_would_not_have_left(void **state)
{
    static const char *const lines[] = {"", "# x", "Include /etc/passwd", "A \"b"};
    for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
        struct config_source *source = NULL;
        struct config *config = NULL;
        struct config_error error = {0};
        assert_int_equal(source_new(&source), 0);
        assert_int_equal(source_add(source, SOURCE_BEGIN, 0, sp_text("f")), 0);
        assert_int_equal(source_add(source, SOURCE_LINE, 9, sp_text(lines[i])), 0);
        assert_int_equal(source_add(source, SOURCE_END, 0, sp_text("")), 0);
        assert_int_equal(config_evaluate(source, &nobody_known, &config, &error), CONFIG_E_INVALID);
        assert_int_equal(strncmp(error.text, "f line 9: ", 10), 0);
        config_source_free(source);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(evaluates_the_same_after_a_round_trip),
        cmocka_unit_test(keeps_file_and_line_for_errors),
        cmocka_unit_test(survives_every_truncation),
        cmocka_unit_test(survives_every_flipped_bit),
        cmocka_unit_test(rejects_files_that_do_not_nest),
        cmocka_unit_test(rejects_seventeen_levels),
        cmocka_unit_test(rejects_longer_lines_than_a_file_may_have),
        cmocka_unit_test(evaluates_no_line_that_a_file_would_not_have_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
