/* What a refusal says to the administrator, and what a policy that is only reported about would refuse. */
#include "support.h"

#include <sallyport/registry.h>
#include <sallyport/wire.h>

#include "config/source.h"
#include "signer/explain.h"

static const uint8_t ed25519_blob[] = "\0\0\0\x0bssh-ed25519\0\0\0\x20"
                                      "0123456789abcdef0123456789abcdef";

static struct variant_key key_of(void)
{
    return (struct variant_key){.key = {.blob = sp_span_of(ed25519_blob, sizeof ed25519_blob - 1),
                                        .algorithms = {keytype_find(sp_text("ssh-ed25519"))},
                                        .algorithm_count = 1,
                                        .valid_before = UINT64_MAX}};
}

struct site {
    struct config_source *source;
    struct config *config;
    struct variant variant;
};

static int site_resolve(struct site *site, const char *policy, bool fips, struct config_error *error)
{
    const struct variant_key keys[] = {key_of()};
    const struct policy_file file = {.path = (char *)(uintptr_t) "/p/SITE.policy", .text = sp_text(policy)};
    *site = (struct site){0};
    assert_int_equal(config_source_parse("test.conf", sp_text("Policy SITE\n"), &site->source, error), 0);
    assert_int_equal(source_add_policy(site->source, &file, error), 0);
    assert_int_equal(config_evaluate(site->source, &(struct config_who){0}, &site->config, error), 0);
    assert_int_equal(variant_load(&site->variant, site->source, site->config, "SITE", error), 0);
    return variant_resolve(&site->variant, keys, 1, fips, 1000, error);
}

static void site_close(struct site *site)
{
    variant_free(&site->variant);
    config_free(site->config);
    config_source_free(site->source);
}

static void site_open(struct site *site, const char *policy)
{
    struct config_error error = {{0}};
    int r = site_resolve(site, policy, false, &error);
    if (r)
        print_error("%s\n", error.text);
    assert_int_equal(r, 0);
}

static void a_refused_list_names_the_line_that_keeps_each_name_out(void **state)
{
    struct site site;
    char why[EXPLAIN_WHY_MAX];
    uint8_t bytes[EXPLAIN_FIELDS_MAX];
    struct sp_out fields = {.data = bytes, .capacity = sizeof bytes};
    struct transcript_refusal refusal = {.why = "no common cipher",
                                         .by_list = true,
                                         .list = KEXINIT_CIPHER_C2S,
                                         .client_version = sp_text("SSH-2.0-old"),
                                         .client_list = sp_text("aes128-ctr,rot13,aes192-ctr"),
                                         .server_list = sp_text("aes256-ctr")};
    site_open(&site, "Inherit DEFAULT\nCiphers -aes128-ctr\nCiphers aes256-ctr\n");
    assert_int_equal(explain_refusal(&site.variant, &refusal, 1000, why, &fields), 0);
    assert_non_null(strstr(why, "no common cipher; policy SITE"));
    assert_non_null(strstr(why, "aes128-ctr is out"));
    assert_non_null(strstr(why, "aes192-ctr is out"));
    assert_non_null(strstr(why, "/p/SITE.policy line"));
    assert_null(strstr(why, "rot13")); /* nobody can turn that on */
    struct sp_in in = sp_in_of(sp_written(&fields));
    assert_true(sp_span_is(sp_get_string(&in, 64), "policy"));
    assert_true(sp_span_is(sp_get_string(&in, 64), "SITE"));
    assert_true(sp_span_is(sp_get_string(&in, 64), "list"));
    assert_true(sp_span_is(sp_get_string(&in, 64), "Ciphers"));
    assert_true(sp_span_is(sp_get_string(&in, 64), "client_offers"));
    assert_true(sp_span_is(sp_get_string(&in, 64), "aes128-ctr,rot13,aes192-ctr"));
    site_close(&site);
}

/* A client may send lists as long as a packet: what is said of them stays short. */
static void a_long_list_of_a_client_is_cut(void **state)
{
    static char names[34000];
    struct site site;
    char why[EXPLAIN_WHY_MAX];
    uint8_t bytes[EXPLAIN_FIELDS_MAX];
    struct sp_out fields = {.data = bytes, .capacity = sizeof bytes};
    for (size_t used = 0; used + 12 < sizeof names; used += 11)
        memcpy(names + used, "aes128-ctr,", 12);
    names[strlen(names) - 1] = 0;
    struct transcript_refusal refusal = {.why = "x",
                                         .by_list = true,
                                         .list = KEXINIT_CIPHER_C2S,
                                         .client_list = sp_text(names),
                                         .server_list = sp_text(names)};
    site_open(&site, "Inherit DEFAULT\nCiphers aes256-ctr\n");
    assert_int_equal(explain_refusal(&site.variant, &refusal, 1000, why, &fields), 0);
    assert_true(strlen(why) < EXPLAIN_WHY_MAX);
    assert_true(fields.size < 8192);
    site_close(&site);
}

static struct transcript_result client_of(const char *kex, const char *cipher)
{
    struct transcript_result result = {0};
    const char *const lists[] = {kex,
                                 "ssh-ed25519",
                                 cipher,
                                 cipher,
                                 "hmac-sha2-256-etm@openssh.com",
                                 "hmac-sha2-256-etm@openssh.com",
                                 "none",
                                 "none"};
    for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
        result.client.lists[i] = sp_text(lists[i]);
    return result;
}

static bool reports(const struct site *site, const struct transcript_result *result, const char *address,
                    const char **what, char detail[512])
{
    uint8_t bytes[512];
    struct sp_out keys = {.data = bytes, .capacity = sizeof bytes};
    const struct variant_key key = key_of();
    offer_put_key(&(struct offer_key){.algorithms = sp_text("ssh-ed25519"),
                                      .blob = key.key.blob,
                                      .valid_before = UINT64_MAX},
                  &keys);
    const struct transcript_context context = {
        .keys = sp_written(&keys), .address = address, .now = 1000, .first = true};
    return explain_report(&site->variant, &context, result, what, detail, 512);
}

static void reports_what_a_policy_would_refuse(void **state)
{
    struct site site;
    const char *what = NULL;
    char detail[512];
    site_open(&site, "Inherit DEFAULT\nCiphers aes256-ctr\nCiphers +aes192-ctr Address "
                     "192.0.2.0/24\nRequireStrictKex yes\n");
    struct transcript_result good = client_of("curve25519-sha256,kex-strict-c-v00@openssh.com", "aes256-ctr");
    assert_false(reports(&site, &good, "192.0.2.1", &what, detail));
    struct transcript_result bad = client_of("curve25519-sha256,kex-strict-c-v00@openssh.com", "aes128-ctr");
    assert_true(reports(&site, &bad, "192.0.2.1", &what, detail));
    assert_string_equal(what, "Ciphers");
    assert_non_null(strstr(detail, "aes128-ctr is out"));
    struct transcript_result excepted =
        client_of("curve25519-sha256,kex-strict-c-v00@openssh.com", "aes192-ctr");
    assert_false(reports(&site, &excepted, "192.0.2.1", &what, detail));
    assert_true(reports(&site, &excepted, "198.51.100.1", &what, detail));
    struct transcript_result loose = client_of("curve25519-sha256", "aes256-ctr");
    assert_true(reports(&site, &loose, "192.0.2.1", &what, detail));
    assert_string_equal(what, "RequireStrictKex");
    site_close(&site);
}

static void equal_policies_have_one_digest(void **state)
{
    struct site one, other, another;
    site_open(&one, "Inherit DEFAULT\nCiphers aes256-ctr\n");
    site_open(&other, "# the same\nInherit DEFAULT\nCiphers -*\nCiphers aes256-ctr\n");
    site_open(&another, "Inherit DEFAULT\nCiphers aes192-ctr\n");
    assert_int_equal(strlen(one.variant.digest), 64);
    assert_string_equal(one.variant.digest, other.variant.digest);
    assert_string_not_equal(one.variant.digest, another.variant.digest);
    site_close(&one);
    site_close(&other);
    site_close(&another);
}

static void a_rule_that_cannot_be_kept_refuses_the_policy(void **state)
{
    struct config_error error = {{0}};
    struct site site;
    assert_int_equal(site_resolve(&site, "Inherit DEFAULT\nRequireFIPSProvider yes\n", false, &error),
                     CONFIG_E_INVALID);
    assert_non_null(strstr(error.text, "RequireFIPSProvider"));
    site_close(&site);
    assert_int_equal(site_resolve(&site, "Inherit DEFAULT\nRequireFIPSProvider yes\n", true, &error), 0);
    site_close(&site);
}

static void a_policy_that_forbids_every_host_key_is_refused_with_the_rule(void **state)
{
    struct config_error error = {{0}};
    struct site site;
    assert_int_equal(site_resolve(&site, "Inherit DEFAULT\nRequiredECSize 384\n", false, &error),
                     CONFIG_E_INVALID);
    assert_non_null(strstr(error.text, "RequiredECSize"));
    assert_true(site.variant.key_is_forbidden[0]);
    site_close(&site);
    assert_int_equal(site_resolve(&site, "Inherit DEFAULT\nRequireHostCertificates yes\n", false, &error),
                     CONFIG_E_INVALID);
    assert_non_null(strstr(error.text, "HostKeyAlgorithms"));
    site_close(&site);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_refused_list_names_the_line_that_keeps_each_name_out),
        cmocka_unit_test(a_long_list_of_a_client_is_cut),
        cmocka_unit_test(reports_what_a_policy_would_refuse),
        cmocka_unit_test(equal_policies_have_one_digest),
        cmocka_unit_test(a_rule_that_cannot_be_kept_refuses_the_policy),
        cmocka_unit_test(a_policy_that_forbids_every_host_key_is_refused_with_the_rule),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
