/* policy/signers.c: the file of signers, with keys of the real ssh-keygen. */
#include "workshop.h"

#include "policy/signers.h"

static struct workshop shop;
static char ed25519[256], ecdsa[512], rsa[1024], rsa1024[1024], certificate[2048]; /* "TYPE BASE64 comment" */

static void key_read(const char *name, char *text, size_t size)
{
    struct sp_span read = workshop_read(&shop, name);
    assert_true(read.size < size);
    snprintf(text, size, "%.*s", (int)read.size - 1, (const char *)read.data);
    span_free(read);
}

static int enter(void **state)
{
    setenv("TZ", "UTC-2", 1); /* two hours east of Greenwich */
    workshop_open(&shop);
    workshop_run(
        &shop,
        "ssh-keygen -q -t ed25519 -N '' -C c -f a && ssh-keygen -q -t ecdsa -b 384 -N '' -C c -f b &&"
        "ssh-keygen -q -t rsa -b 2048 -N '' -C c -f c && ssh-keygen -q -t rsa -b 1024 -N '' -C c -f d &&"
        "ssh-keygen -q -s b -I id -n x a.pub");
    key_read("a.pub", ed25519, sizeof ed25519);
    key_read("b.pub", ecdsa, sizeof ecdsa);
    key_read("c.pub", rsa, sizeof rsa);
    key_read("d.pub", rsa1024, sizeof rsa1024);
    key_read("a-cert.pub", certificate, sizeof certificate);
    return 0;
}

static int leave(void **state)
{
    workshop_close(&shop);
    return 0;
}

static int read_text(const char *text, struct signers **signers, struct policy_error *error)
{
    *signers = NULL;
    *error = (struct policy_error){{0}};
    return signers_read("/etc/signers", sp_text(text), signers, error);
}

static struct signers *read_good(const char *text)
{
    struct signers *signers;
    struct policy_error error;
    int r = read_text(text, &signers, &error);
    assert_string_equal(error.text, "");
    assert_int_equal(r, 0);
    return signers;
}

static void assert_refused(const char *text, const char *words)
{
    struct signers *signers;
    struct policy_error error;
    assert_int_equal(read_text(text, &signers, &error), POLICY_E_INVALID);
    if (!strstr(error.text, words))
        fail_msg("\"%s\" is not in \"%s\"", words, error.text);
    assert_null(signers);
}

static void lines_are_read_in_order(void **state)
{
    char text[4096];
    snprintf(text, sizeof text, "# signers\n\nalice@site %s\n  bob@site,carol@site\t%s \r\n\"*@other\" %s",
             ed25519, ecdsa, rsa);
    struct signers *signers = read_good(text);
    assert_string_equal(signers->file, "/etc/signers");
    assert_int_equal(signers->count, 3);
    assert_string_equal(signers->lines[0].principals, "alice@site");
    assert_int_equal(signers->lines[0].line, 3);
    assert_string_equal(signers->lines[1].principals, "bob@site,carol@site");
    assert_int_equal(signers->lines[1].line, 4);
    assert_string_equal(signers->lines[2].principals, "*@other");
    for (size_t i = 0; i < 3; i++) {
        const struct signer_line *line = &signers->lines[i];
        assert_null(line->namespaces);
        assert_false(line->is_authority);
        assert_int_equal(line->valid_after, 0);
        assert_int_equal(line->valid_before, 0);
        assert_null(signers_key_objection(signer_key(line)));
    }
    signers_free(signers);
}

static void options_are_read(void **state)
{
    char text[4096];
    snprintf(
        text, sizeof text,
        "a cert-authority,namespaces=\"sally*,!x\",valid-after=\"20200102\",valid-before=20300102030405Z %s\n"
        "b NAMESPACES=\"a b\" %s\n",
        ed25519, ecdsa);
    struct signers *signers = read_good(text);
    const struct signer_line *line = &signers->lines[0];
    assert_true(line->is_authority);
    assert_string_equal(line->namespaces, "sally*,!x");
    assert_int_equal(line->valid_after, 1577923200 - 7200); /* local midnight */
    assert_int_equal(line->valid_before, 1893553445);
    assert_string_equal(signers->lines[1].namespaces, "a b");
    signers_free(signers);
}

static void times_are_read_in_every_form(void **state)
{
    static const struct {
        const char *text;
        int64_t moment;
    } rows[] = {
        {"20240229Z", 1709164800},    {"20240229", 1709164800 - 7200}, {"202402290102Z", 1709168520},
        {"202402290102", 1709161320}, {"20240229010203Z", 1709168523},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        char text[512];
        snprintf(text, sizeof text, "a valid-before=\"%s\" %s", rows[i].text, ed25519);
        struct signers *signers = read_good(text);
        assert_int_equal(signers->lines[0].valid_before, rows[i].moment);
        signers_free(signers);
    }
}

static void wrong_times_are_refused(void **state)
{
    static const char *const times[] = {"",           "2024",          "20240230Z",       "20241301Z",
                                        "20240100Z",  "202401012460Z", "2024-01-01",      "20240101 Z",
                                        "20240101z",  "19690101Z",     "always",          "20240101ZZ",
                                        "2024010101", "202401010160",  "20240101010160Z", "-2024010101Z"};
    for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
        char text[512];
        snprintf(text, sizeof text, "a valid-after=\"%s\" %s", times[i], ed25519);
        assert_refused(text, "/etc/signers line 1: expected valid-after=");
    }
}

static void wrong_lines_are_refused_with_file_and_line(void **state)
{
    const struct {
        const char *before, *key, *words;
    } rows[] = {
        {"alice ", "", "line 2: expected a key type"},
        {"", ed25519, "line 2: expected a key type"}, /* "ssh-ed25519" for a principal */
        {"\"alice ", ed25519, "line 2: expected principals"},
        {"a\"b\" ", ed25519, "line 2: expected principals"},
        {"\"\" ", ed25519, "line 2: expected principals"},
        {"alice namespaces=\"x ", ed25519, "quote is not closed"},
        {"alice namespaces= ", ed25519, "expected namespaces="},
        {"alice namespaces=\"a\",namespaces=\"b\" ", ed25519, "namespaces stands there twice"},
        {"alice valid-after=20240101,valid-after=20240101 ", ed25519, "valid-after stands there twice"},
        {"alice cert-authority, ", ed25519, "got \"\""},
        {"alice cert-authorityx ", ed25519, "got \"cert-authorityx\""},
        {"alice no-such-option ", ed25519, "got \"no-such-option\""},
        {"alice cert-authority cert-authority ", ed25519, "expected a type of keys"},
        {"alice ", "ssh-dss AAAAB3NzaC1kc3M=", "got \"ssh-dss\""},
        {"alice ", certificate, "got \"ssh-ed25519-cert-v01@openssh.com\""},
        {"alice ssh-ed25519", "", "expected the key in base64"},
        {"alice ssh-ed25519 AAA", "", "expected the key in base64"},
        {"alice ssh-rsa ", ed25519 + strlen("ssh-ed25519 "), "of another type than the line says"},
        {"alice ssh-ed25519 AAAAC3NzaC1lZDI1NTE5", "", "malformed"},
        {"alice ", rsa1024, "RSA keys need at least 2048 bits"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        char text[4096];
        snprintf(text, sizeof text, "# first\n%s%s\n", rows[i].before, rows[i].key);
        assert_refused(text, rows[i].words);
        assert_refused(text, "/etc/signers line 2: ");
    }
}

static void a_file_without_signers_is_refused(void **state)
{
    assert_refused("", "/etc/signers names no signer");
    assert_refused("# nobody\n\n", "/etc/signers names no signer");
}

static void what_is_too_large_is_refused(void **state)
{
    static char text[SIGNERS_TEXT_MAX + 2];
    memset(text, '#', SIGNERS_TEXT_MAX + 1);
    assert_refused(text, "is larger than");
    text[SIGNERS_LINE_MAX + 1] = 0;
    assert_refused(text, "line 1: longer than");
    size_t size = 0;
    for (unsigned i = 0; i <= SIGNERS_MAX; i++)
        size += (size_t)snprintf(text + size, sizeof text - size, "a %s\n", ed25519);
    assert_true(size < sizeof text);
    assert_refused(text, "line 257: more than 256 signers");
    *strrchr(text, 'a') = 0; /* within the last line */
    size = (size_t)(strlen(text));
    while (text[size - 1] != '\n')
        text[--size] = 0;
    struct signers *signers = read_good(text);
    assert_int_equal(signers->count, SIGNERS_MAX);
    signers_free(signers);
}

static void lists_have_wildcards_and_negation(void **state)
{
    static const struct {
        const char *patterns, *name;
        bool has;
    } rows[] = {
        {"a", "a", true},     {"a", "b", false},    {"x,a", "a", true},   {"*", "a", true},
        {"*,!a", "a", false}, {"!a,*", "a", false}, {"!b,*", "a", true},  {"sally*", "sallyport", true},
        {"", "a", false},     {"!a", "b", false},   {"a?c", "abc", true},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        assert_int_equal(signers_list_has(rows[i].patterns, sp_text(rows[i].name)), rows[i].has);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_read_in_order),
        cmocka_unit_test(options_are_read),
        cmocka_unit_test(times_are_read_in_every_form),
        cmocka_unit_test(wrong_times_are_refused),
        cmocka_unit_test(wrong_lines_are_refused_with_file_and_line),
        cmocka_unit_test(a_file_without_signers_is_refused),
        cmocka_unit_test(what_is_too_large_is_refused),
        cmocka_unit_test(lists_have_wildcards_and_negation),
    };
    return cmocka_run_group_tests(tests, enter, leave);
}
