/* Names that loadable modules add: a policy may have them where the module is loaded, and nowhere else. */
#include "support.h"

#define LOADED "hmac-x-etm@example.org"

static struct policy_files *files_with(const char *lines)
{
    char text[2048];
    snprintf(text, sizeof text, "%s%s", BASE, lines);
    struct policy_files *files = files_of("B.policy", text, NULL);
    assert_int_equal(policy_files_add_name(files, POLICY_MAC, "first@example.org"), 0);
    assert_int_equal(policy_files_add_name(files, POLICY_MAC, LOADED), 0);
    return files;
}

static void a_policy_may_name_what_is_loaded(void **state)
{
    struct policy *policy = must_load(files_with("MACs ^" LOADED "\n"), "B");
    struct policy_build build = whole_build();
    struct policy_effective *effective = calloc(1, sizeof *effective);
    struct policy_error error = {{0}};
    assert_int_equal(policy_resolve(policy, &build, 0, effective, &error), 0);
    assert_string_equal(effective->lists[POLICY_MAC], LOADED ",hmac-sha2-256,hmac-sha2-512");
    free(effective);
    policy_free(policy);
}

static void without_the_module_the_name_is_unknown(void **state)
{
    must_refuse_at(files_of("B.policy", BASE "MACs +" LOADED "\n", NULL), "B", 0,
                   "B.policy line 8: ", "unknown algorithm \"" LOADED "\"");
}

static void the_name_is_of_its_kind_alone(void **state)
{
    must_refuse_at(files_with("Ciphers +" LOADED "\n"), "B", 0,
                   "B.policy line 8: ", "unknown algorithm \"" LOADED "\"");
}

static void being_loaded_is_not_being_allowed(void **state)
{
    struct policy *policy = must_load(files_with(""), "B");
    struct policy_build build = whole_build();
    struct policy_verdict verdict;
    policy_explain(policy, &build, 0, POLICY_MAC, sp_text(LOADED), &verdict);
    assert_int_equal(verdict.reason, POLICY_NEVER_NAMED);
    policy_free(policy);
}

static void removals_may_mean_it(void **state)
{
    char names[POLICY_LIST_MAX];
    struct policy *policy = must_load(files_with("MACs +" LOADED "\nMACs -*@example.org\n"), "B");
    struct policy_build build = whole_build();
    struct policy_verdict verdict;
    assert_string_equal(list_names(policy, POLICY_MAC, names), "hmac-sha2-256,hmac-sha2-512");
    policy_explain(policy, &build, 0, POLICY_MAC, sp_text(LOADED), &verdict);
    assert_int_equal(verdict.reason, POLICY_REMOVED);
    policy_free(policy);
}

static void the_configuration_may_name_it(void **state)
{
    char names[POLICY_LIST_MAX];
    struct policy *policy = must_load(files_with(""), "B");
    struct policy_error error = {{0}};
    assert_int_equal(policy_amend(policy, POLICY_MAC, "+" LOADED, "f", 1, &error), 0);
    assert_string_equal(list_names(policy, POLICY_MAC, names), "hmac-sha2-256,hmac-sha2-512," LOADED);
    policy_free(policy);
}

static void names_have_no_more_room_than_a_list(void **state)
{
    struct policy_files *files = files_of(NULL);
    char name[POLICY_NAME_MAX + 2];
    size_t added = 0;
    memset(name, 'a', sizeof name);
    name[POLICY_NAME_MAX + 1] = '\0';
    assert_int_equal(policy_files_add_name(files, POLICY_MAC, name), POLICY_E_INVALID);
    name[POLICY_NAME_MAX] = '\0';
    while (policy_files_add_name(files, POLICY_MAC, name) == 0)
        added++;
    assert_int_equal(added, (POLICY_LIST_MAX - 1) / (POLICY_NAME_MAX + 1));
    policy_files_free(files);
}

static void names_of_other_servers_are_taken(void **state)
{
    assert_true(policy_knows(POLICY_MAC, sp_text("hmac-sha2-256-etm@openssh.com")));
    assert_true(policy_knows(POLICY_MAC, sp_text("umac-32@openssh.com")));
    assert_false(policy_knows(POLICY_MAC, sp_text(LOADED)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_policy_may_name_what_is_loaded),
        cmocka_unit_test(without_the_module_the_name_is_unknown),
        cmocka_unit_test(the_name_is_of_its_kind_alone),
        cmocka_unit_test(being_loaded_is_not_being_allowed),
        cmocka_unit_test(removals_may_mean_it),
        cmocka_unit_test(the_configuration_may_name_it),
        cmocka_unit_test(names_have_no_more_room_than_a_list),
        cmocka_unit_test(names_of_other_servers_are_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
