/*
 * Policies on a machine whose memory ends: each allocation of the library fails once. The result is -ENOMEM, outputs are
 * untouched, and (with AddressSanitizer) nothing is lost. The linker puts the functions of this file in front of libc's.
 */
#include "support.h"

#include <errno.h>

static unsigned allowed = UINT32_MAX; /* allocations until one fails */

static bool fails(void)
{
    return allowed != UINT32_MAX && allowed-- == 0;
}

#define STAND_BEFORE(type_, name_, parameters_, arguments_)                                                  \
    type_ __real_##name_ parameters_;                                                                        \
    type_ __wrap_##name_ parameters_;                                                                        \
    type_ __wrap_##name_ parameters_                                                                         \
    {                                                                                                        \
        return fails() ? NULL : __real_##name_ arguments_;                                                   \
    }

STAND_BEFORE(void *, malloc, (size_t size), (size))
STAND_BEFORE(void *, calloc, (size_t count, size_t size), (count, size))
STAND_BEFORE(void *, reallocarray, (void *old, size_t count, size_t size), (old, count, size))
STAND_BEFORE(char *, strdup, (const char *text), (text))
STAND_BEFORE(char *, strndup, (const char *text, size_t size), (text, size))

#define ATTEMPTS_MAX 100000u

/* Runs `attempt` with one allocation after the other failing, until it needs no more. */
static void each_fails_once(int (*attempt)(void))
{
    unsigned nth = 0;
    int result = -ENOMEM;
    for (; nth < ATTEMPTS_MAX && result == -ENOMEM; nth++) {
        allowed = nth;
        result = attempt();
        allowed = UINT32_MAX;
    }
    assert_int_equal(result, 0);
    assert_true(nth > 4);
}

static struct policy_files *files;
static struct policy *loaded;

static int add_file(void)
{
    struct policy_files *made = NULL;
    struct policy_error error;
    int result = policy_files_new(&made);
    assert_true(result == 0 || made == NULL);
    if (result == 0)
        result = policy_files_add(made, "/etc/A.policy", sp_text(BASE), sp_text("signature"), &error);
    assert_true(result == 0 || !made || !policy_files_at(made, 0));
    policy_files_free(made);
    return result;
}

static int load(void)
{
    struct policy *policy = NULL;
    struct policy_error error;
    int result = policy_load(files, "B:X", 0, &policy, &error);
    assert_int_equal(policy != NULL, result == 0);
    policy_free(policy);
    return result;
}

static int amend(void)
{
    struct policy_error error;
    char before[POLICY_LIST_MAX], after[POLICY_LIST_MAX];
    list_names(loaded, POLICY_CIPHER, before);
    int result = policy_amend(loaded, POLICY_CIPHER, "^aes256-gcm@openssh.com", "c.conf", 1, &error);
    list_names(loaded, POLICY_CIPHER, after);
    assert_int_equal(strcmp(before, after) != 0, result == 0);
    return result;
}

static void files_are_added_whole_or_not_at_all(void **state)
{
    each_fails_once(add_file);
}

static void policies_are_loaded_whole_or_not_at_all(void **state)
{
    files = files_of("A.policy", BASE "Description a\n", "B.policy",
                     "Inherit A\nMACs +hmac-sha2-256-etm@openssh.com\n", "X.policy",
                     "SubPolicy yes\nCiphers -aes128-ctr\nAllowLoosening yes\n"
                     "KexAlgorithms +ecdh-sha2-nistp384 NotAfter 2027-01-01 Address 192.0.2.1\n",
                     NULL);
    each_fails_once(load);
    policy_files_free(files);
}

static void amendments_are_made_whole_or_not_at_all(void **state)
{
    loaded = load_lines("");
    each_fails_once(amend);
    policy_free(loaded);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_are_added_whole_or_not_at_all),
        cmocka_unit_test(policies_are_loaded_whole_or_not_at_all),
        cmocka_unit_test(amendments_are_made_whole_or_not_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
