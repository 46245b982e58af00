/*
 * Key derivation, RFC 4253 section 7.2. Vectors: NIST CAVP, "SP 800-135 Rev. 1, SSH", CAVS 14.1, SHA-256, as printed in
 * the test data of OpenSSL (evpkdf_ssh.txt). Lengths beyond a digest are compared with libcrypto's own SSHKDF, which
 * shares nothing with our code but the hash.
 */
#include "rig.h"

#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <sallyport/registry.h>

#include "../modules/hex.h"
#include "worker/newkeys.h"

static const char nist_k[] = "0000010044708c76616f700bd31b0c155ef74e36390eeb39bc5c32cdc90e21922b0ed930b5b519c"
                             "8afebef0f4e4fb5b41b81d649d2127506"
                             "620b594e9899f7f0d442ecddd68308307b82f00065e9d75220a5a6f5641795772132215a236064e"
                             "a965c6493c21f89879730ebbc3c20a22d"
                             "8f5bfd07b525b194323b22d8a49944d1aa58502e756101ef1e8a91c9310e71f6db65a3ad0a542cf"
                             "a751f83721a99e89f1dbe54971a3620ec"
                             "ffc967aa55eed1a42d6e7a138b853557ac84689889f6d0c8553575fb89b4e13eab5537da72ef16f"
                             "0d72f5e8505d97f110745193d550fa315"
                             "fe88f672db90d73843e97ba1f3d087ba8eb39025bbffad37589a6199227303d9d8e7f1e3";
static const char nist_h[] = "fe3727fd99a5ac7987c2cfbe062129e3027bf5e10310c6bccde9c916c8329dc2";
static const char nist_session_id[] = "fffa598bc0ad2ae84dc8dc05b1f72c5b0134025ae7edf8a2e8db11472e18e1fc";
static const char *const nist_keys[] = {
    "36730bae8de5cb98898d6b4a00b37058",
    "5dfe446a83f40e8358d28cb97df8f340",
    "495b7afed0872b761437728e9e94e2b8",
    "c1474b3925bec36f0b7f6cc698e949c8",
    "b730f8df6a0697645be261169486c32a11612229276cbac5d8b3669afb2e4262",
    "14a5ea98245fb058978b82a3cb092b1cca7ce0109a4f98c16e1529579d58b819",
};

static void all_six_letters_agree_with_nist(void **state)
{
    struct hex k = hex_of(nist_k), h = hex_of(nist_h), session_id = hex_of(nist_session_id);
    const struct newkeys_source source = {
        .digest = digest_find(sp_text("sha256")),
        .k = hex_span(&k),
        .h = hex_span(&h),
        .session_id = hex_span(&session_id),
    };
    for (size_t i = 0; i < 6; i++) {
        struct hex expected = hex_of(nist_keys[i]);
        uint8_t key[NEWKEYS_MAX];
        assert_int_equal(newkeys_derive(&source, (char)('A' + i), key, expected.size), 0);
        assert_memory_equal(key, expected.data, expected.size);
    }
}

static void libcrypto_derive(const char *digest, struct sp_span k, struct sp_span h, struct sp_span id,
                             char letter, uint8_t *key, size_t size)
{
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "SSHKDF", NULL);
    EVP_KDF_CTX *context = EVP_KDF_CTX_new(kdf);
    char type[2] = {letter, 0};
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)(uintptr_t)digest, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)(uintptr_t)k.data, k.size),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SSHKDF_XCGHASH, (void *)(uintptr_t)h.data, h.size),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SSHKDF_SESSION_ID, (void *)(uintptr_t)id.data,
                                          id.size),
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_SSHKDF_TYPE, type, 1),
        OSSL_PARAM_construct_end(),
    };
    assert_int_equal(EVP_KDF_derive(context, key, size, params), 1);
    EVP_KDF_CTX_free(context);
    EVP_KDF_free(kdf);
}

static void every_length_agrees_with_libcrypto(void **state)
{
    static const char *const digests[] = {"sha256", "sha384", "sha512"};
    uint8_t octets[100], ours[NEWKEYS_MAX], its[NEWKEYS_MAX];
    for (size_t i = 0; i < sizeof octets; i++)
        octets[i] = (uint8_t)(i * 7 + 1);
    struct sp_span k = sp_span_of(octets, 37), h = sp_span_of(octets + 20, 48),
                   id = sp_span_of(octets + 50, 32);
    for (size_t d = 0; d < ARRAY_SIZE(digests); d++)
        for (size_t size = 1; size <= NEWKEYS_MAX; size++) {
            const struct newkeys_source source = {digest_find(sp_text(digests[d])), k, h, id};
            assert_int_equal(newkeys_derive(&source, 'D', ours, size), 0);
            libcrypto_derive(digests[d], k, h, id, 'D', its, size);
            assert_memory_equal(ours, its, size);
        }
}

static void a_longer_key_than_any_is_refused(void **state)
{
    const struct newkeys_source source = {digest_find(sp_text("sha256")), {0}, {0}, {0}};
    uint8_t key[NEWKEYS_MAX + 1];
    assert_int_not_equal(newkeys_derive(&source, 'A', key, sizeof key), 0);
}

static void keys_make(struct packet_keys *keys)
{
    const struct newkeys_source source = {digest_find(sp_text("sha256")), sp_text("k"), sp_text("h"),
                                          sp_text("i")};
    const struct kex_direction direction = {
        .cipher = cipher_find(sp_text("aes128-ctr")),
        .mac = mac_find(sp_text("hmac-sha2-256")),
    };
    assert_int_equal(newkeys_open(&source, &direction, true, "BDF", keys), 0);
}

static void strict_exchange_begins_the_sequence_again(void **state)
{
    struct packet_direction direction = {.sequence = 77, .packets = 5, .octets = 500, .total = 900};
    struct packet_keys keys = {0};
    keys_make(&keys);
    newkeys_use(&direction, &keys, true);
    assert_int_equal(direction.sequence, 0);
    assert_int_equal(direction.packets, 0);
    assert_int_equal(direction.octets, 0);
    assert_int_equal(direction.total, 900);
    assert_null(keys.cipher);
    newkeys_close(&direction.keys);
}

static void other_exchanges_keep_it(void **state)
{
    struct packet_direction direction = {.sequence = 77};
    struct packet_keys keys = {0};
    keys_make(&keys);
    newkeys_use(&direction, &keys, false);
    assert_int_equal(direction.sequence, 77);
    newkeys_close(&direction.keys);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_six_letters_agree_with_nist),
        cmocka_unit_test(every_length_agrees_with_libcrypto),
        cmocka_unit_test(a_longer_key_than_any_is_refused),
        cmocka_unit_test(strict_exchange_begins_the_sequence_again),
        cmocka_unit_test(other_exchanges_keep_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
