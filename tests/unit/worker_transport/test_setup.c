/* What a zygote takes and refuses of an offer, and the payloads that it prepares. */
#include "rig.h"

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
    assert_int_equal(kexinit_parse(setup->kexinit_first, &first), 0);
    assert_int_equal(kexinit_parse(setup->kexinit_later, &later), 0);
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
    struct sp_in in = sp_in_of(setup->ext_info);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_what_this_build_has_not),
        cmocka_unit_test(refuses_a_malformed_offer_and_snapshot),
        cmocka_unit_test(markers_stand_in_the_first_payload_only),
        cmocka_unit_test(ext_info_names_the_users_algorithms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
