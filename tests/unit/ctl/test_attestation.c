/* Judging statements: what of a file that anybody may have written is believed. The signatures are a real ssh-keygen's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/attestation.h"

struct world {
    char directory[64];
    char keys[2][1024];       /* "TYPE BASE64" */
    char signatures[4][2048]; /* of the statement by either key; of it for another purpose; of another text */
    char statement[4096];
};

static void slurp(const char *path, char *out, size_t size)
{
    FILE *in = fopen(path, "r");
    assert_non_null(in);
    size_t n = fread(out, 1, size - 1, in);
    out[n] = 0;
    fclose(in);
}

static PRINTF_LIKE(1, 2) void command(const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    assert_int_equal(system(text), 0);
}

static void key_make(struct world *w, size_t number, const char *type)
{
    char path[128];
    command("ssh-keygen -q -N '' -C '' -t %s -f %s/key%zu", type, w->directory, number);
    snprintf(path, sizeof path, "%s/key%zu.pub", w->directory, number);
    slurp(path, w->keys[number], sizeof w->keys[number]);
    w->keys[number][strcspn(w->keys[number], "\n")] = 0;
    char *comment = strchr(strchr(w->keys[number], ' ') + 1, ' ');
    if (comment)
        *comment = 0;
}

static void sign(struct world *w, const char *key, const char *purpose, size_t into)
{
    char path[128];
    snprintf(path, sizeof path, "%s/text.sig", w->directory);
    unlink(path);
    command("cd %s && ssh-keygen -q -Y sign -f %s -n %s text 2>/dev/null", w->directory, key, purpose);
    slurp(path, w->signatures[into], sizeof w->signatures[into]);
}

static void text_write(struct world *w, const char *contents)
{
    char path[128];
    snprintf(path, sizeof path, "%s/text", w->directory);
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    fputs(contents, out);
    fclose(out);
}

static int world_make(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    *state = w;
    snprintf(w->directory, sizeof w->directory, "/tmp/sallyport-attestation-XXXXXX");
    assert_non_null(mkdtemp(w->directory));
    key_make(w, 0, "ed25519");
    key_make(w, 1, "rsa -b 2048");
    snprintf(w->statement, sizeof w->statement,
             "{\"format\": \"" ATTESTATION_FORMAT
             "\", \"nonce\": \"n\", \"keys\": [{\"label\": \"a\", \"public\": \"%s\"}, "
             "{\"label\": \"b\", \"public\": \"%s\"}]}\n",
             w->keys[0], w->keys[1]);
    text_write(w, w->statement);
    sign(w, "key0", ATTESTATION_NAMESPACE, 0);
    sign(w, "key1", ATTESTATION_NAMESPACE, 1);
    sign(w, "key1", "file", 2);
    text_write(w, "another text\n");
    sign(w, "key1", ATTESTATION_NAMESPACE, 3);
    return 0;
}

static int world_end(void **state)
{
    struct world *w = *state;
    command("rm -r %s", w->directory);
    free(w);
    return 0;
}

struct claim {
    const char *key, *signature;
};

static int judge(const struct world *w, const char *statement, const struct claim *claims, size_t count,
                 const char *expected, const char *nonce)
{
    json_t *envelope = json_object(), *found = json_object();
    found_set_string(envelope, "statement", statement);
    json_t *list = found_make_array(envelope, "signatures");
    for (size_t i = 0; i < count; i++) {
        json_t *row = found_add_object(list);
        found_set_string(row, "key", claims[i].key);
        found_set_string(row, "signature", claims[i].signature);
    }
    char *text = json_dumps(envelope, 0);
    int r =
        attestation_verify(sp_text(text), expected ? sp_text(expected) : (struct sp_span){0}, nonce, found);
    assert_int_equal(found_is(found, "good"), r == CTL_OK);
    free(text);
    json_decref(found);
    json_decref(envelope);
    return r;
}

static int judge_second(const struct world *w, const char *signature)
{
    const struct claim claims[] = {{w->keys[0], w->signatures[0]}, {w->keys[1], signature}};
    return judge(w, w->statement, claims, 2, NULL, NULL);
}

static void accepts_what_every_key_has_signed(void **state)
{
    const struct world *w = *state;
    assert_int_equal(judge_second(w, w->signatures[1]), CTL_OK);
}

static void refuses_a_signature_for_another_purpose(void **state)
{
    const struct world *w = *state;
    assert_int_equal(judge_second(w, w->signatures[2]), CTL_FINDING);
}

static void refuses_a_signature_of_another_text(void **state)
{
    const struct world *w = *state;
    assert_int_equal(judge_second(w, w->signatures[3]), CTL_FINDING);
}

static void refuses_a_signature_by_another_key(void **state)
{
    const struct world *w = *state;
    assert_int_equal(judge_second(w, w->signatures[0]), CTL_FINDING);
}

static void refuses_a_key_that_has_not_signed(void **state)
{
    const struct world *w = *state;
    const struct claim claims[] = {{w->keys[0], w->signatures[0]}};
    assert_int_equal(judge(w, w->statement, claims, 1, NULL, NULL), CTL_FINDING);
}

static void refuses_one_key_twice(void **state)
{
    const struct world *w = *state;
    const struct claim claims[] = {{w->keys[0], w->signatures[0]}, {w->keys[0], w->signatures[0]}};
    assert_int_equal(judge(w, w->statement, claims, 2, NULL, NULL), CTL_FINDING);
}

static void refuses_a_statement_without_keys(void **state)
{
    const struct world *w = *state;
    assert_int_equal(judge(w, "{\"format\": \"" ATTESTATION_FORMAT "\", \"keys\": []}", NULL, 0, NULL, NULL),
                     CTL_FINDING);
}

static void refuses_another_format(void **state)
{
    const struct world *w = *state;
    assert_int_equal(judge(w, "{\"format\": \"x\"}", NULL, 0, NULL, NULL), CTL_FINDING);
    assert_int_equal(judge(w, "no JSON", NULL, 0, NULL, NULL), CTL_FINDING);
}

static void wants_every_key_to_be_expected(void **state)
{
    const struct world *w = *state;
    const struct claim claims[] = {{w->keys[0], w->signatures[0]}, {w->keys[1], w->signatures[1]}};
    char both[4096];
    snprintf(both, sizeof both, "# known\n%s one\n%s two\n", w->keys[1], w->keys[0]);
    assert_int_equal(judge(w, w->statement, claims, 2, both, NULL), CTL_OK);
    assert_int_equal(judge(w, w->statement, claims, 2, w->keys[0], NULL), CTL_FINDING);
}

static void wants_the_nonce(void **state)
{
    const struct world *w = *state;
    const struct claim claims[] = {{w->keys[0], w->signatures[0]}, {w->keys[1], w->signatures[1]}};
    assert_int_equal(judge(w, w->statement, claims, 2, NULL, "n"), CTL_OK);
    assert_int_equal(judge(w, w->statement, claims, 2, NULL, "m"), CTL_FINDING);
}

/* The program's own, for the library: its messages are of no interest here. */
int ctl_fail(const char *format, ...)
{
    return CTL_FAILED;
}

int ctl_misuse(const char *format, ...)
{
    return CTL_USAGE;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepts_what_every_key_has_signed),
        cmocka_unit_test(refuses_a_signature_for_another_purpose),
        cmocka_unit_test(refuses_a_signature_of_another_text),
        cmocka_unit_test(refuses_a_signature_by_another_key),
        cmocka_unit_test(refuses_a_key_that_has_not_signed),
        cmocka_unit_test(refuses_one_key_twice),
        cmocka_unit_test(refuses_a_statement_without_keys),
        cmocka_unit_test(refuses_another_format),
        cmocka_unit_test(wants_every_key_to_be_expected),
        cmocka_unit_test(wants_the_nonce),
    };
    return cmocka_run_group_tests(tests, world_make, world_end);
}
