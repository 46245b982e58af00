/* Offers and proofs: what a generation announces, and the one blob that keys prove themselves with. */
#include "support.h"

#include <errno.h>

#include <sallyport/registry.h>
#include <sallyport/wire.h>

#include "ipc/codec.h"
#include "ipc/negotiate.h"
#include "signer/algorithm.h"
#include "signer/offer.h"
#include "signer/proof.h"

static const struct sp_keytype_ops *keytype(const char *name)
{
    const struct sp_keytype_ops *found = keytype_find(sp_text(name));
    assert_non_null(found);
    return found;
}

static struct policy_effective *effective_make(void)
{
    struct policy_effective *e = calloc(1, sizeof *e);
    strcpy(e->lists[POLICY_KEX], "k");
    strcpy(e->lists[POLICY_HOST_KEY], "ssh-ed25519,rsa-sha2-512");
    strcpy(e->lists[POLICY_CIPHER], "c");
    strcpy(e->lists[POLICY_MAC], "m");
    strcpy(e->lists[POLICY_COMPRESSION], "none");
    strcpy(e->lists[POLICY_USER_KEY], "u");
    e->exceptions[0] = (struct policy_exception){.kind = POLICY_HOST_KEY,
                                                 .name = "rsa-sha2-256",
                                                 .not_after = 5,
                                                 .addresses = "10.0.0.0/8",
                                                 .origin = "f line 2"};
    e->exceptions[1] =
        (struct policy_exception){.kind = POLICY_CA_KEY, .name = "rsa-sha2-256", .not_after = 5};
    e->exception_count = 2;
    e->rules = (struct policy_rules){.strict_kex = true, .rekey_octets = 7, .rekey_s = 8, .dh_bits_min = 9};
    return e;
}

static void wants_what_a_list_or_an_exception_has(void **state)
{
    struct policy_effective *e = effective_make();
    assert_true(offer_wants_host_key(e, keytype("ssh-ed25519")));
    assert_true(offer_wants_host_key(e, keytype("rsa-sha2-256")));
    assert_false(offer_wants_host_key(e, keytype("ecdsa-sha2-nistp256")));
    free(e);
}

static void an_offer_says_what_the_policy_says(void **state)
{
    static const uint8_t blob[] = {1, 2, 3};
    struct policy_effective *e = effective_make();
    uint8_t room[1024], *data = NULL;
    struct sp_out exceptions = {.data = room, .capacity = sizeof room};
    struct msg_variant variant, read;
    struct msg_offer offer;
    struct offer_exception exception;
    struct offer_key key;
    size_t size = 0;
    const struct proven_key keys[] = {
        {.blob = {blob, 3},
         .algorithms = {keytype("rsa-sha2-512")},
         .algorithm_count = 1,
         .valid_before = UINT64_MAX},
        {.blob = {blob, 2},
         .algorithms = {keytype("ssh-ed25519")},
         .algorithm_count = 1,
         .valid_after = 3,
         .valid_before = 4},
    };
    assert_int_equal(offer_variant_make("SITE:SUB", "abcd", e, &exceptions, &variant), 0);
    assert_int_equal(offer_encode(&variant, 1, keys, 2, &data, &size), 0);
    assert_int_equal(message_decode(message_find(MSG_offer), sp_span_of(data, size), &offer), 0);
    assert_int_equal(offer_check(&offer), 0);
    assert_int_equal(offer_variant_count(&offer), 1);
    assert_true(offer_variant_find(&offer, sp_text("SITE:SUB"), &read));
    assert_false(offer_variant_find(&offer, sp_text("SITE"), &read));
    assert_true(sp_span_is(read.digest, "abcd"));
    assert_true(sp_span_is(read.host_key_algorithms, "ssh-ed25519,rsa-sha2-512"));
    assert_true(read.strict_kex && !read.constant_cipher && !read.fips_provider);
    assert_int_equal(read.rekey_octets, 7);
    assert_int_equal(read.rekey_s, 8);
    assert_int_equal(read.dh_bits_min, 9);
    assert_true(offer_next_exception(&read.exceptions, &exception)); /* and none for certificates' signers */
    assert_int_equal(read.exceptions.size, 0);
    assert_true(sp_span_is(exception.name, "rsa-sha2-256"));
    assert_int_equal(exception.kind, OFFER_HOST_KEY);
    assert_int_equal(exception.not_after, 5);
    assert_string_equal(exception.addresses, "10.0.0.0/8");
    assert_true(sp_span_is(exception.origin, "f line 2"));
    assert_true(offer_next_key(&offer.keys, &key));
    assert_true(sp_span_is(key.algorithms, "rsa-sha2-512"));
    assert_true(offer_next_key(&offer.keys, &key));
    assert_int_equal(key.valid_after, 3);
    assert_int_equal(key.valid_before, 4);
    assert_false(offer_next_key(&offer.keys, &key));
    free(data);
    free(e);
}

static void says_when_an_offer_is_too_long(void **state)
{
    struct policy_effective *e = effective_make();
    uint8_t room[1024], *data = NULL;
    struct sp_out exceptions = {.data = room, .capacity = sizeof room};
    struct msg_variant variants[40];
    size_t size = 0;
    memset(e->lists[POLICY_MAC], 'm', POLICY_LIST_MAX - 1);
    assert_int_equal(offer_variant_make("SITE", "", e, &exceptions, &variants[0]), 0);
    for (size_t i = 1; i < ARRAY_SIZE(variants); i++)
        variants[i] = variants[0];
    assert_int_equal(offer_encode(variants, ARRAY_SIZE(variants), NULL, 0, &data, &size), -EMSGSIZE);
    assert_null(data);
    exceptions.capacity = 3;
    exceptions.size = 0;
    assert_int_equal(offer_variant_make("SITE", "", e, &exceptions, &variants[0]), -EMSGSIZE);
    free(e);
}

static void every_keytype_has_a_mechanism_but_those_of_authenticators(void **state)
{
    const struct sp_keytype_ops *at;
    for (size_t i = 0; (at = keytype_at(i)); i++)
        assert_int_equal(algorithm_mechanism(at) == 0, strstr(at->head.name, "sk-") != NULL);
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
        cmocka_unit_test(wants_what_a_list_or_an_exception_has),
        cmocka_unit_test(an_offer_says_what_the_policy_says),
        cmocka_unit_test(says_when_an_offer_is_too_long),
        cmocka_unit_test(every_keytype_has_a_mechanism_but_those_of_authenticators),
        cmocka_unit_test(every_cipher_tells_by_its_name_whether_it_is_an_aead),
        cmocka_unit_test(digests_first_where_the_algorithm_does),
        cmocka_unit_test(a_proof_can_pass_for_nothing_else),
        cmocka_unit_test(a_weak_key_has_no_algorithm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
