/* Whether one policy is at least as strict as another. Rules are compared in test_rules.c. */
#include "support.h"

#include "policy/addresses_cover.h"

static void is_within(const char *outer_lines, const char *inner_lines)
{
    struct policy *outer = load_lines(outer_lines), *inner = load_lines(inner_lines);
    struct policy_error error = {{0}};
    int result = policy_compare(outer, inner, &error);
    if (result != 0)
        print_error("%s\n", error.text);
    assert_int_equal(result, 0);
    policy_free(outer);
    policy_free(inner);
}

static void loosens(const char *outer_lines, const char *inner_lines, const char *words)
{
    struct policy *outer = load_lines(outer_lines), *inner = load_lines(inner_lines);
    struct policy_error error = {{0}};
    assert_int_equal(policy_compare(outer, inner, &error), POLICY_E_INVALID);
    if (!strstr(error.text, words))
        print_error("%s\n", error.text);
    assert_non_null(strstr(error.text, words));
    policy_free(outer);
    policy_free(inner);
}

#define GCM "Ciphers +aes256-gcm@openssh.com "

static void less_is_within_more_and_order_is_nothing(void **state)
{
    is_within("", "");
    is_within("", "Ciphers aes256-ctr\n");
    is_within("", "Ciphers ^aes256-ctr\n");
    is_within(GCM "\n", "");
    loosens("", GCM "\n",
            "S.policy line 8: Ciphers: this allows aes256-gcm@openssh.com, which policy S does not");
}

static void an_exception_is_within_a_longer_or_wider_one(void **state)
{
    is_within(GCM "\n", GCM "NotAfter 2027-01-01\n");
    is_within(GCM "NotAfter 2027-01-02\n", GCM "NotAfter 2027-01-01\n");
    is_within(GCM "NotAfter 2027-01-01\n", GCM "NotAfter 2027-01-01 Address 192.0.2.1\n");
    is_within(GCM "Address 192.0.2.0/24\n", GCM "Address 192.0.2.128/25\n");
    is_within(GCM "Address 192.0.2.0/24\n" GCM "Address 2001:db8::/32\n", GCM "Address 2001:db8:1::/48\n");
    loosens(GCM "NotAfter 2027-01-01\n", GCM "\n",
            "for good, and S.policy line 8 only until 2027-01-01T23:59:59Z");
    loosens(GCM "NotAfter 2027-01-01\n", GCM "NotAfter 2027-01-02\n", "until 2027-01-02T23:59:59Z");
    loosens(GCM "NotAfter 2027-01-01\n", GCM "Address 192.0.2.1\n", "for 192.0.2.1");
    loosens(GCM "Address 192.0.2.1\n", GCM "NotAfter 2027-01-01\n", "only for 192.0.2.1");
    loosens(GCM "Address 192.0.2.0/24\n", GCM "Address 192.0.0.0/16\n", "192.0.0.0/16");
}

static void containment_of_addresses_errs_on_the_safe_side(void **state)
{
    static const struct {
        const char *outer, *inner;
        bool covers;
    } rows[] = {
        {"192.0.2.1", "192.0.2.1", true},
        {"*", "192.0.2.1,2001:db8::/32", true},
        {"192.0.2.0/24,2001:db8::/32", "2001:db8::1", true},
        {"10.0.0.0/8", "10.1.0.0/16,10.2.0.1", true},
        {"::ffff:192.0.2.1", "192.0.2.1", true},
        {"192.0.2.*", "192.0.2.*", true},
        {"192.0.2.0/24,!192.0.2.1", "192.0.2.0/24,!192.0.2.1", true},
        {"192.0.2.0/24,!192.0.2.1", "192.0.2.0/24,!192.0.2.0/28", true},
        {"192.0.2.0/24", "192.0.2.0/24,!192.0.2.1", true},
        {"192.0.2.1", "192.0.2.2", false},
        {"192.0.2.0/25", "192.0.2.0/24", false},
        {"192.0.2.0/24", "192.0.2.1,198.51.100.1", false},
        {"192.0.2.0/24,!192.0.2.1", "192.0.2.0/24", false},
        {"192.0.2.0/24,!192.0.2.0/28", "192.0.2.0/24,!192.0.2.1", false},
        {"192.0.2.0/24", "192.0.2.*", false},
        {"0.0.0.0/0", "2001:db8::1", false},
        {"::/0", "192.0.2.1", false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        if (addresses_cover(rows[i].outer, rows[i].inner) != rows[i].covers)
            print_error("%s / %s\n", rows[i].outer, rows[i].inner);
        assert_int_equal(addresses_cover(rows[i].outer, rows[i].inner), rows[i].covers);
    }
}

static void a_missing_rule_names_the_one_that_asks(void **state)
{
    loosens("RequireStrictKex yes\n", "",
            "policy S has no RequireStrictKex, and S.policy line 8 asks for \"yes\"");
    loosens("RequiredRSASize 4096\n", "RequiredRSASize 3072\n",
            "S.policy line 8: RequiredRSASize \"3072\" is looser than \"4096\" in S.policy line 8");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(less_is_within_more_and_order_is_nothing),
        cmocka_unit_test(an_exception_is_within_a_longer_or_wider_one),
        cmocka_unit_test(containment_of_addresses_errs_on_the_safe_side),
        cmocka_unit_test(a_missing_rule_names_the_one_that_asks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
