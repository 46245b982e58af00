/* The file with the HostKey lines, and the steps of a rotation in it. */
#include "support.h"

#include <string.h>

#include "ctl/found.h"
#include "ctl/host_key_file.h"

static const char text[] = "# ours\n"
                           "HostKey pkcs11:object=a # first\n"
                           "\n"
                           "HostKey pkcs11:object=b";

static char *edit(const char *from, enum host_key_step step, const char *uri, json_t *found)
{
    char why[512] = "", *edited = NULL;
    if (host_key_file_edit("keys.conf", sp_text(from), step, uri, found, &edited, why, sizeof why) != 0)
        fail_msg("refused: %s", why);
    return edited;
}

static void gives(const char *from, enum host_key_step step, const char *uri, const char *to)
{
    json_t *found = json_object();
    char *edited = edit(from, step, uri, found);
    assert_string_equal(edited, to);
    free(edited);
    json_decref(found);
}

static void refuses(const char *from, enum host_key_step step, const char *uri, const char *words)
{
    char why[512] = "", *edited = NULL;
    json_t *found = json_object();
    assert_int_equal(
        host_key_file_edit("keys.conf", sp_text(from), step, uri, found, &edited, why, sizeof why),
        HOST_KEY_FILE_E_INVALID);
    assert_null(edited);
    if (!strstr(why, words))
        fail_msg("refused because %s", why);
    json_decref(found);
}

static void a_rotation_in_three_steps(void **state)
{
    static const char staged[] = "# ours\nHostKey pkcs11:object=a # first\n\nHostKey pkcs11:object=b\n"
                                 "HostKeyStaged pkcs11:object=new\n";
    static const char switched[] = "# ours\nHostKey pkcs11:object=new\nHostKey pkcs11:object=a # first\n\n"
                                   "HostKey pkcs11:object=b\n";
    static const char retired[] = "# ours\nHostKey pkcs11:object=new\n\nHostKey pkcs11:object=b\n";
    (void)state;
    gives(text, HOST_KEY_STAGE, "pkcs11:object=new", staged);
    gives(staged, HOST_KEY_SWITCH, NULL, switched);
    gives(staged, HOST_KEY_SWITCH, "pkcs11:object=new", switched);
    gives(switched, HOST_KEY_RETIRE, "pkcs11:object=a", retired);
    gives(staged, HOST_KEY_RETIRE, "pkcs11:object=new",
          "# ours\nHostKey pkcs11:object=a # first\n\nHostKey pkcs11:object=b\n");
}

static void says_what_it_changes(void **state)
{
    json_t *found = json_object();
    (void)state;
    free(
        edit("HostKey \"pkcs11:object=a\"\nhostkeystaged = pkcs11:object=n\n", HOST_KEY_SWITCH, NULL, found));
    assert_string_equal(found_get(found, "uri"), "pkcs11:object=n");
    assert_string_equal(json_string_value(json_array_get(json_object_get(found, "removed"), 0)),
                        "hostkeystaged = pkcs11:object=n");
    assert_string_equal(json_string_value(json_array_get(json_object_get(found, "added"), 0)),
                        "HostKey pkcs11:object=n");
    json_decref(found);
}

static void refuses_steps_that_are_none(void **state)
{
    (void)state;
    refuses(text, HOST_KEY_STAGE, "pkcs11:object=a", "has a HostKey line of that key already");
    refuses(text, HOST_KEY_SWITCH, NULL, "0 HostKeyStaged lines");
    refuses(text, HOST_KEY_SWITCH, "pkcs11:object=b", "no HostKeyStaged line of that key");
    refuses(text, HOST_KEY_SWITCH, "pkcs11:object=c", "no HostKeyStaged line of that key");
    refuses(text, HOST_KEY_RETIRE, "pkcs11:object=a", "the first HostKey is in use");
    refuses(text, HOST_KEY_RETIRE, "pkcs11:object=c", "no line of that key");
    refuses("HostKeyStaged x:1\nHostKeyStaged x:2\nHostKey x:3", HOST_KEY_SWITCH, NULL,
            "2 HostKeyStaged lines");
    refuses("HostKeyStaged x:1\n", HOST_KEY_SWITCH, NULL, "has no HostKey line");
    refuses("HostKeyStaged x:1\n", HOST_KEY_STAGE, "x:1", "has a HostKeyStaged line");
}

static void refuses_files_that_are_not_its_own(void **state)
{
    char many[2 * (HOST_KEY_FILE_LINES_MAX + 1) + 1];
    (void)state;
    refuses("HostKey x:1\nPort 22\n", HOST_KEY_STAGE, "x:2",
            "keys.conf line 2: expected HostKey and HostKeyStaged");
    refuses("HostKey x:1 x:2\n", HOST_KEY_STAGE, "x:3", "keys.conf line 1: HostKey: expected one URI");
    refuses("HostKey\n", HOST_KEY_STAGE, "x:3", "expected one URI");
    refuses("\nHostKey \"x:1\n", HOST_KEY_STAGE, "x:3", "keys.conf line 2: ");
    json_t *found = json_object();
    char why[256], *edited = NULL;
    assert_int_equal(host_key_file_edit("f", sp_span_of("#\0\n", 3), HOST_KEY_STAGE, "x:1", found, &edited,
                                        why, sizeof why),
                     HOST_KEY_FILE_E_INVALID);
    json_decref(found);
    for (size_t i = 0; i < sizeof many - 1; i += 2)
        memcpy(many + i, "#\n", 2);
    many[sizeof many - 1] = 0;
    refuses(many, HOST_KEY_STAGE, "x:3", "at most 1024 lines");
}

/* What is written is read again, by the server: a URI must not be able to say more than a URI. */
static void refuses_uris_that_are_more_than_one_word(void **state)
{
    static const char *const bad[] = {
        "", "x:1 x:2", "x:1\nPermitRootLogin yes", "x:\"1", "x:#1", "x:\\1", "x:\x7f", "x:\xc3\xa4"};
    char longest[HOST_KEY_URI_MAX + 1];
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        refuses(text, HOST_KEY_STAGE, bad[i], "expected a URI");
    memset(longest, 'u', sizeof longest - 1);
    longest[sizeof longest - 1] = 0;
    refuses(text, HOST_KEY_STAGE, longest, "expected a URI");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rotation_in_three_steps),
        cmocka_unit_test(says_what_it_changes),
        cmocka_unit_test(refuses_steps_that_are_none),
        cmocka_unit_test(refuses_files_that_are_not_its_own),
        cmocka_unit_test(refuses_uris_that_are_more_than_one_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
