/* Offers and proofs: what a generation announces, and the one blob that keys prove themselves with. */
#include "support.h"

#include <sallyport/registry.h>
#include <sallyport/wire.h>

#include "ipc/codec.h"
#include "ipc/negotiate.h"
#include "signer/algorithm.h"
#include "signer/offer.h"
#include "signer/proof.h"

static char none[] = "";

static struct config defaults(void)
{
    return (struct config){.kex_algorithms = none,
                           .host_key_algorithms = none,
                           .ciphers = none,
                           .macs = none,
                           .pubkey_accepted_algorithms = none};
}

static void resolves_the_defaults(void **state)
{
    struct config config = defaults();
    struct offer_lists lists;
    char error[512];
    assert_int_equal(offer_resolve(&config, "ssh-ed25519,rsa-sha2-512", &lists, error, sizeof error), 0);
    assert_true(sp_list_has(sp_text(lists.kex), sp_text("curve25519-sha256")));
    assert_true(offer_has_host_key(&lists, keytype_find(sp_text("ssh-ed25519"))));
    assert_false(offer_has_host_key(&lists, keytype_find(sp_text("rsa-sha2-256"))));
    struct sp_span kex = sp_text(lists.kex);
    while (kex.size != 0) {
        const struct sp_kex_info *info = kex_info_find(sp_next_name(&kex));
        assert_non_null(info);
        assert_true(!info->available || info->available());
    }
}

static void says_what_cannot_be_resolved(void **state)
{
    struct config config = defaults();
    struct offer_lists lists;
    char error[512] = "";
    config.host_key_algorithms = (char *)(uintptr_t) "ssh-ed25519";
    assert_int_equal(offer_resolve(&config, "rsa-sha2-512", &lists, error, sizeof error), OFFER_E_INVALID);
    assert_non_null(strstr(error, "HostKeyAlgorithms"));
    config = defaults();
    config.ciphers = (char *)(uintptr_t) "rot13";
    assert_int_equal(offer_resolve(&config, "ssh-ed25519", &lists, error, sizeof error), OFFER_E_INVALID);
    assert_non_null(strstr(error, "rot13"));
}

static void encodes_only_keys_that_may_sign(void **state)
{
    static const uint8_t blob[] = {1, 2, 3};
    struct offer_lists lists = {
        .kex = "k", .host_key = "ssh-ed25519,rsa-sha2-512", .ciphers = "c", .macs = "m"};
    const struct offer_key keys[] = {
        {.blob = {blob, 3},
         .algorithms = {keytype_find(sp_text("rsa-sha2-256")), keytype_find(sp_text("rsa-sha2-512"))},
         .algorithm_count = 2},
        {.blob = {blob, 2},
         .algorithms = {keytype_find(sp_text("ecdsa-sha2-nistp256"))},
         .algorithm_count = 1},
    };
    struct msg_offer offer;
    uint8_t *data = NULL;
    size_t size = 0;
    assert_int_equal(offer_encode(&lists, keys, 2, &data, &size), 0);
    assert_int_equal(message_decode(message_find(MSG_offer), sp_span_of(data, size), &offer), 0);
    struct sp_in in = sp_in_of(offer.keys);
    assert_true(sp_span_is(sp_get_text(&in, 100), "rsa-sha2-512"));
    assert_int_equal(sp_get_string(&in, 100).size, 3);
    assert_int_equal(sp_get_end(&in), 0);
    assert_true(sp_span_is(offer.compression, "none"));
    free(data);
}

static void says_when_lists_are_too_long(void **state)
{
    struct offer_lists lists = {.kex = "k"};
    uint8_t *data = NULL;
    size_t size = 0;
    memset(lists.macs, 'm', 1025); /* a text over its message's limit */
    assert_true(offer_encode(&lists, NULL, 0, &data, &size) < 0);
    assert_null(data);
}

static void every_keytype_has_a_mechanism_but_those_of_authenticators(void **state)
{
    const struct sp_keytype_ops *keytype;
    for (size_t i = 0; (keytype = keytype_at(i)); i++)
        assert_int_equal(algorithm_mechanism(keytype) == 0, strstr(keytype->head.name, "sk-") != NULL);
}

static void every_cipher_tells_by_its_name_whether_it_is_an_aead(void **state)
{
    const struct sp_cipher_ops *cipher;
    for (size_t i = 0; (cipher = cipher_at(i)); i++)
        assert_int_equal(cipher_name_is_aead(sp_text(cipher->head.name)), cipher->tag_size != 0);
}

static void digests_first_where_the_algorithm_does(void **state)
{
    uint8_t bytes[64];
    struct sp_out out = {.data = bytes, .capacity = sizeof bytes};
    assert_int_equal(algorithm_input(keytype_find(sp_text("ssh-ed25519")), sp_text("abc"), &out), 0);
    assert_true(sp_span_is(sp_written(&out), "abc"));
    out.size = 0;
    assert_int_equal(algorithm_input(keytype_find(sp_text("ecdsa-sha2-nistp256")), sp_text("abc"), &out), 0);
    struct sp_span expected = from_hex("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_true(sp_span_equal(sp_written(&out), expected)); /* FIPS 180-4's example */
    free_span(expected);
}

/* A proof must not pass for an exchange hash, nor for anything that a user signs with a key of this type. */
static void a_proof_can_pass_for_nothing_else(void **state)
{
    uint8_t bytes[PROOF_SIZE_MAX];
    struct sp_out out = {.data = bytes, .capacity = sizeof bytes};
    assert_int_equal(proof_message(&out), 0);
    assert_memory_equal(bytes, "SSHSIG", 6);
    assert_true(out.size > 64);
    struct sp_in in = sp_in_of(sp_span_of(bytes + 6, out.size - 6));
    assert_true(sp_span_is(sp_get_text(&in, 64), PROOF_NAMESPACE));
    assert_int_equal(sp_get_string(&in, 0).size, 0);
    assert_true(sp_span_is(sp_get_text(&in, 64), "sha512"));
    assert_int_equal(sp_get_string(&in, 64).size, 64);
    assert_int_equal(sp_get_end(&in), 0);
}

static void a_weak_key_has_no_algorithm(void **state)
{
    uint8_t bytes[512], modulus[128];
    struct sp_out out = {.data = bytes, .capacity = sizeof bytes};
    unsigned bits = 0;
    memset(modulus, 0xff, sizeof modulus);
    sp_put_text(&out, "ssh-rsa");
    sp_put_mpint(&out, sp_span_of("\x01\x00\x01", 3));
    sp_put_mpint(&out, sp_span_of(modulus, sizeof modulus));
    assert_null(algorithm_of_key(sp_written(&out), 0, &bits));
    assert_null(algorithm_of_key(sp_span_of(NULL, 0), 0, &bits));
    assert_null(algorithm_of_key(sp_text("junk"), 0, &bits));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(resolves_the_defaults),
        cmocka_unit_test(says_what_cannot_be_resolved),
        cmocka_unit_test(encodes_only_keys_that_may_sign),
        cmocka_unit_test(says_when_lists_are_too_long),
        cmocka_unit_test(every_keytype_has_a_mechanism_but_those_of_authenticators),
        cmocka_unit_test(every_cipher_tells_by_its_name_whether_it_is_an_aead),
        cmocka_unit_test(digests_first_where_the_algorithm_does),
        cmocka_unit_test(a_proof_can_pass_for_nothing_else),
        cmocka_unit_test(a_weak_key_has_no_algorithm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
