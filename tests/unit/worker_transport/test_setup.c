/* What a zygote takes and refuses of an offer, and the payloads that it prepares. */
#include "rig.h"

#include <sallyport/provider.h>
#include <sallyport/wire.h>

#include "config/source.h"
#include "ipc/negotiate.h"

static int setup_of(const char *kex, const char *ciphers, const char *macs, const char *compression,
                    struct worker_setup **setup, struct config_error *error)
{
    uint8_t bytes[8192];
    struct sp_out out = {.data = bytes, .capacity = sizeof bytes};
    struct sp_span snapshot = rig_snapshot("LogLevel DEBUG\n");
    int r = worker_setup_new(7, snapshot, rig_offer(&out, kex, ciphers, macs, compression), setup, error);
    free((void *)(uintptr_t)snapshot.data);
    return r;
}

static void refuses_what_this_build_has_not(void **state)
{
    static const struct {
        const char *kex, *ciphers, *macs, *compression, *says;
    } bad[] = {
        {"curve25519-sha256,kex-x", "aes128-ctr", "hmac-sha2-256", "none", "kex-x"},
        {"curve25519-sha256", "aes128-ctr,3des-cbc", "hmac-sha2-256", "none", "3des-cbc"},
        {"curve25519-sha256", "aes128-ctr", "hmac-sha2-256,hmac-md5", "none", "hmac-md5"},
        {"curve25519-sha256", "aes128-ctr", "hmac-sha2-256", "none,zlib", "zlib"},
        {"", "aes128-ctr", "hmac-sha2-256", "none", "offer"},
        {"curve25519-sha256", "", "hmac-sha2-256", "none", "offer"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        struct worker_setup *setup = NULL;
        struct config_error error = {{0}};
        assert_int_equal(
            setup_of(bad[i].kex, bad[i].ciphers, bad[i].macs, bad[i].compression, &setup, &error),
            SETUP_E_REFUSED);
        assert_non_null(strstr(error.text, bad[i].says));
        assert_null(setup);
    }
}

/* A snapshot whose LoadModule line has a file that says what `facts` do. */
static struct sp_span snapshot_with_module(const struct sp_module_facts *facts)
{
    struct config_source *source = NULL;
    struct config_error error = {{0}};
    uint8_t *data = NULL;
    size_t size = 0;
    assert_int_equal(config_source_parse("f", sp_text("LoadModule /usr/lib/x.so\n"), &source, &error), 0);
    assert_int_equal(source_add_module(source, "/usr/lib/x.so", facts, &error), 0);
    assert_int_equal(config_source_pack(source, &data, &size), 0);
    config_source_free(source);
    return sp_span_of(data, size);
}

static void refuses_a_mac_that_was_not_loaded_as_it_started(void **state)
{
    static const struct sp_module_facts mac = {.kind = SP_KIND_MAC, .name = "x@example.org"};
    static const struct sp_module_facts provider = {.kind = SP_KIND_HOSTKEY, .name = "vault"};
    uint8_t bytes[8192];
    struct worker_setup *setup = NULL;
    struct config_error error = {{0}};
    struct sp_out out = {.data = bytes, .capacity = sizeof bytes};
    struct sp_span offer = rig_offer(&out, RIG_KEX, RIG_CIPHERS, RIG_MACS, "none");
    struct sp_span snapshot = snapshot_with_module(&mac);
    assert_int_equal(worker_setup_new(1, snapshot, offer, &setup, &error), SETUP_E_REFUSED);
    assert_non_null(strstr(error.text, "LoadModule /usr/lib/x.so: the workers were started without it"));
    assert_null(setup);
    free((void *)(uintptr_t)snapshot.data);
    snapshot = snapshot_with_module(&provider);
    assert_int_equal(worker_setup_new(1, snapshot, offer, &setup, &error), 0);
    worker_setup_free(setup);
    free((void *)(uintptr_t)snapshot.data);
}

static void refuses_a_malformed_offer_and_snapshot(void **state)
{
    struct worker_setup *setup = NULL;
    struct config_error error = {{0}};
    struct sp_span snapshot = rig_snapshot("");
    assert_int_equal(worker_setup_new(1, snapshot, sp_text("short"), &setup, &error), SETUP_E_REFUSED);
    assert_int_equal(worker_setup_new(1, sp_text("short"), sp_text(""), &setup, &error), SETUP_E_REFUSED);
    free((void *)(uintptr_t)snapshot.data);
}

static void markers_stand_in_the_first_payload_only(void **state)
{
    struct worker_setup *setup;
    struct config_error error;
    struct kexinit first, later;
    assert_int_equal(setup_of(RIG_KEX, RIG_CIPHERS, RIG_MACS, "none", &setup, &error), 0);
    assert_int_equal(kexinit_parse(setup->variants[0].kexinit_first, &first), 0);
    assert_int_equal(kexinit_parse(setup->variants[0].kexinit_later, &later), 0);
    assert_true(sp_span_is(first.lists[KEXINIT_KEX], RIG_KEX ",ext-info-s,kex-strict-s-v00@openssh.com"));
    assert_true(sp_span_is(later.lists[KEXINIT_KEX], RIG_KEX));
    assert_true(sp_span_is(first.lists[KEXINIT_COMPRESSION_S2C], "none"));
    assert_int_equal(first.lists[KEXINIT_LANGUAGE_C2S].size, 0);
    assert_int_equal(setup->log_level, LOG_LEVEL_DEBUG);
    worker_setup_free(setup);
}

static void ext_info_names_the_users_algorithms(void **state)
{
    struct worker_setup *setup;
    struct config_error error;
    assert_int_equal(setup_of(RIG_KEX, RIG_CIPHERS, RIG_MACS, "none", &setup, &error), 0);
    struct sp_in in = sp_in_of(setup->variants[0].ext_info);
    assert_int_equal(sp_get_u8(&in), 7);
    assert_int_equal(sp_get_u32(&in), 3);
    assert_true(sp_span_is(sp_get_string(&in, 64), "server-sig-algs"));
    assert_true(sp_span_is(sp_get_string(&in, 1024), "sk-ssh-ed25519@openssh.com,rsa-sha2-512,ssh-ed25519"));
    assert_true(sp_span_is(sp_get_string(&in, 64), "publickey-hostbound@openssh.com"));
    assert_true(sp_span_is(sp_get_string(&in, 64), "0"));
    assert_true(sp_span_is(sp_get_string(&in, 64), "ping@openssh.com"));
    assert_true(sp_span_is(sp_get_string(&in, 64), "0"));
    assert_int_equal(sp_get_end(&in), 0);
    worker_setup_free(setup);
}

#define HOUR 3600

static struct msg_variant plain_variant(const char *policy)
{
    return (struct msg_variant){.policy = sp_text(policy),
                                .kex = sp_text("curve25519-sha256"),
                                .host_key_algorithms = sp_text("ssh-ed25519"),
                                .ciphers = sp_text("aes128-gcm@openssh.com"),
                                .macs = sp_text("hmac-sha2-256"),
                                .compression = sp_text("none"),
                                .user_key_algorithms = sp_text("ssh-ed25519")};
}

static int setup_of_variants(const struct msg_variant *variants, size_t count, struct worker_setup **setup,
                             struct config_error *error)
{
    uint8_t bytes[16384];
    struct sp_out out = {.data = bytes, .capacity = sizeof bytes};
    struct sp_span snapshot = rig_snapshot("");
    int r = worker_setup_new(7, snapshot, rig_offer_of(&out, variants, count), setup, error);
    free((void *)(uintptr_t)snapshot.data);
    return r;
}

static void the_monitor_chooses_among_the_variants(void **state)
{
    struct msg_variant variants[] = {plain_variant("ONE"), plain_variant("TWO")};
    struct worker_setup *setup;
    struct config_error error;
    variants[1].ciphers = sp_text("aes256-gcm@openssh.com");
    assert_int_equal(setup_of_variants(variants, 2, &setup, &error), 0);
    assert_ptr_equal(worker_setup_variant(setup, sp_text("")), &setup->variants[0]);
    assert_ptr_equal(worker_setup_variant(setup, sp_text("ONE")), &setup->variants[0]);
    assert_ptr_equal(worker_setup_variant(setup, sp_text("TWO")), &setup->variants[1]);
    assert_null(worker_setup_variant(setup, sp_text("THREE")));
    assert_int_not_equal(setup->variants[1].kexinit_first.size, 0);
    worker_setup_free(setup);
}

static bool offers_cipher(const struct worker_variant *variant, const char *address, int64_t now,
                          const char *name)
{
    uint8_t bytes[8192];
    struct sp_out out = {.data = bytes, .capacity = sizeof bytes};
    struct kexinit offered;
    assert_int_equal(variant_kexinit(variant, address, now, false, &out), 0);
    assert_int_equal(kexinit_parse(sp_written(&out), &offered), 0);
    return sp_list_has(offered.lists[KEXINIT_CIPHER_C2S], sp_text(name));
}

static void exceptions_are_offered_where_and_while_they_hold(void **state)
{
    uint8_t bytes[512];
    struct sp_out exceptions = {.data = bytes, .capacity = sizeof bytes};
    struct msg_variant variant = plain_variant("ONE");
    struct worker_setup *setup;
    struct config_error error;
    offer_put_exception(&(struct offer_exception){.kind = OFFER_CIPHER,
                                                  .name = sp_text("aes128-ctr"),
                                                  .not_after = HOUR,
                                                  .addresses = "192.0.2.0/24",
                                                  .origin = sp_text("x line 1")},
                        &exceptions);
    variant.exceptions = sp_written(&exceptions);
    assert_int_equal(setup_of_variants(&variant, 1, &setup, &error), 0);
    const struct worker_variant *v = &setup->variants[0];
    assert_int_equal(v->kexinit_first.size, 0); /* nothing that holds for everybody could be prepared */
    assert_true(offers_cipher(v, "192.0.2.7", HOUR, "aes128-ctr"));
    assert_false(offers_cipher(v, "192.0.2.7", HOUR + 1, "aes128-ctr"));
    assert_false(offers_cipher(v, "198.51.100.7", HOUR, "aes128-ctr"));
    assert_true(offers_cipher(v, "198.51.100.7", HOUR, "aes128-gcm@openssh.com"));
    worker_setup_free(setup);
}

static void refuses_an_exception_that_this_build_has_not(void **state)
{
    uint8_t bytes[512];
    struct sp_out exceptions = {.data = bytes, .capacity = sizeof bytes};
    struct msg_variant variant = plain_variant("ONE");
    struct worker_setup *setup = NULL;
    struct config_error error;
    offer_put_exception(&(struct offer_exception){.kind = OFFER_CIPHER, .name = sp_text("3des-cbc")},
                        &exceptions);
    variant.exceptions = sp_written(&exceptions);
    assert_int_equal(setup_of_variants(&variant, 1, &setup, &error), SETUP_E_REFUSED);
    assert_non_null(strstr(error.text, "3des-cbc"));
}

/* No machine that runs this test serves from a FIPS provider alone. */
static void refuses_a_policy_that_wants_a_fips_provider(void **state)
{
    struct msg_variant variant = plain_variant("ONE");
    struct worker_setup *setup = NULL;
    struct config_error error;
    variant.fips_provider = true;
    if (crypto_provider_is_fips())
        skip();
    assert_int_equal(setup_of_variants(&variant, 1, &setup, &error), SETUP_E_REFUSED);
    assert_non_null(strstr(error.text, "RequireFIPSProvider"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_what_this_build_has_not),
        cmocka_unit_test(refuses_a_mac_that_was_not_loaded_as_it_started),
        cmocka_unit_test(refuses_a_malformed_offer_and_snapshot),
        cmocka_unit_test(markers_stand_in_the_first_payload_only),
        cmocka_unit_test(ext_info_names_the_users_algorithms),
        cmocka_unit_test(the_monitor_chooses_among_the_variants),
        cmocka_unit_test(exceptions_are_offered_where_and_while_they_hold),
        cmocka_unit_test(refuses_an_exception_that_this_build_has_not),
        cmocka_unit_test(refuses_a_policy_that_wants_a_fips_provider),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
