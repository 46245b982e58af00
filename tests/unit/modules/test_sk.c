/* Signatures of FIDO authenticators: good ones verify and say how they were made, anything else does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sallyport/registry.h>
#include <sallyport/wire.h>

#include "hex.h"
#include "sk_vectors.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define WEBAUTHN "webauthn-sk-ecdsa-sha2-nistp256@openssh.com"

static const struct vector {
    const char *algorithm, *key, *signature;
    struct sp_signature_facts facts;
} vectors[] = {
    {"sk-ssh-ed25519@openssh.com", sk_ed25519_key, sk_ed25519_signature, {true, true, true, 0x01020304}},
    {"sk-ssh-ed25519@openssh.com", sk_ed25519_key, sk_ed25519_untouched, {true, false, false, 7}},
    {"sk-ecdsa-sha2-nistp256@openssh.com", sk_ecdsa_key, sk_ecdsa_signature, {true, true, false, 9}},
    {WEBAUTHN, sk_ecdsa_key, webauthn_signature, {true, true, false, 5}},
    {WEBAUTHN, sk_ecdsa_key, webauthn_with_extensions, {true, true, false, 5}},
};

static int verdict(const char *algorithm, struct sp_span key, struct sp_span signature,
                   struct sp_span message, struct sp_signature_facts *facts)
{
    return (int)keytype_find(sp_text(algorithm))->verify(key, signature, message, facts);
}

static void good_ones_say_how_they_were_made(void **state)
{
    struct hex message = hex_of(sk_message);
    for (size_t i = 0; i < COUNT(vectors); i++) {
        struct hex key = hex_of(vectors[i].key), signature = hex_of(vectors[i].signature);
        struct sp_signature_facts facts = {0};
        unsigned bits = 0;
        assert_int_equal(keytype_find(sp_text(vectors[i].algorithm))->inspect(hex_span(&key), &bits), 0);
        assert_int_equal(bits, 256);
        assert_int_equal(
            verdict(vectors[i].algorithm, hex_span(&key), hex_span(&signature), hex_span(&message), &facts),
            SP_VERDICT_GOOD);
        assert_int_equal(facts.by_authenticator, vectors[i].facts.by_authenticator);
        assert_int_equal(facts.user_present, vectors[i].facts.user_present);
        assert_int_equal(facts.user_verified, vectors[i].facts.user_verified);
        assert_int_equal(facts.counter, vectors[i].facts.counter);
        assert_int_equal(
            verdict(vectors[i].algorithm, hex_span(&key), hex_span(&signature), hex_span(&message), NULL),
            SP_VERDICT_GOOD);
    }
}

/* Flags and counter are signed too: whoever sets the bit of a touch in passing breaks the signature. */
static void every_flipped_bit_is_bad_and_says_nothing(void **state)
{
    struct hex message = hex_of(sk_message);
    for (size_t i = 0; i < COUNT(vectors); i++) {
        struct hex key = hex_of(vectors[i].key), good = hex_of(vectors[i].signature);
        for (size_t bit = 0; bit < good.size * 8; bit++) {
            struct hex bad = good;
            struct sp_signature_facts facts = {0};
            bad.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_int_equal(
                verdict(vectors[i].algorithm, hex_span(&key), hex_span(&bad), hex_span(&message), &facts),
                SP_VERDICT_BAD);
            assert_false(facts.by_authenticator || facts.user_present || facts.user_verified ||
                         facts.counter);
        }
        for (size_t bit = 0; bit < key.size * 8; bit++) { /* the application is among it */
            struct hex bad = key;
            bad.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_int_equal(
                verdict(vectors[i].algorithm, hex_span(&bad), hex_span(&good), hex_span(&message), NULL),
                SP_VERDICT_BAD);
        }
        for (size_t bit = 0; bit < message.size * 8; bit++) {
            struct hex bad = message;
            bad.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_int_equal(
                verdict(vectors[i].algorithm, hex_span(&key), hex_span(&good), hex_span(&bad), NULL),
                SP_VERDICT_BAD);
        }
    }
}

static void every_truncation_and_a_trailing_byte_are_bad(void **state)
{
    struct hex message = hex_of(sk_message);
    for (size_t i = 0; i < COUNT(vectors); i++) {
        struct hex key = hex_of(vectors[i].key), signature = hex_of(vectors[i].signature);
        unsigned bits = 0;
        for (size_t size = 0; size <= signature.size + 1; size++)
            if (size != signature.size)
                assert_int_equal(verdict(vectors[i].algorithm, hex_span(&key),
                                         sp_span_of(signature.data, size), hex_span(&message), NULL),
                                 SP_VERDICT_BAD);
        for (size_t size = 0; size <= key.size + 1; size++)
            if (size != key.size)
                assert_int_equal(
                    keytype_find(sp_text(vectors[i].algorithm))->inspect(sp_span_of(key.data, size), &bits),
                    SP_E_MALFORMED);
    }
}

static void each_algorithm_takes_its_own_signatures_alone(void **state)
{
    struct hex message = hex_of(sk_message);
    const struct sp_keytype_ops *keytype;
    for (size_t i = 0; i < COUNT(vectors); i++) {
        struct hex key = hex_of(vectors[i].key), signature = hex_of(vectors[i].signature);
        for (size_t at = 0; (keytype = keytype_at(at)); at++)
            if (!sp_span_is(sp_text(vectors[i].algorithm), keytype->head.name))
                assert_int_equal(
                    keytype->verify(hex_span(&key), hex_span(&signature), hex_span(&message), NULL),
                    SP_VERDICT_BAD);
    }
}

/* Signed by the authenticator, all of them; what they are about is not what we asked for. */
static void what_a_browser_was_asked_for_has_to_be_this(void **state)
{
    static const char *const bad[] = {webauthn_attested,
                                      webauthn_flag_without_extensions,
                                      webauthn_extensions_without_flag,
                                      webauthn_other_challenge,
                                      webauthn_create,
                                      webauthn_quote_in_origin,
                                      webauthn_padded,
                                      webauthn_longer_challenge};
    struct hex message = hex_of(sk_message), key = hex_of(sk_ecdsa_key);
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct hex signature = hex_of(bad[i]);
        assert_int_equal(verdict(WEBAUTHN, hex_span(&key), hex_span(&signature), hex_span(&message), NULL),
                         SP_VERDICT_BAD);
    }
}

static void nothing_is_encoded(void **state)
{
    struct hex key = hex_of(sk_ed25519_key);
    uint8_t bytes[128];
    struct sp_out out = {.data = bytes, .capacity = sizeof bytes};
    assert_int_equal(keytype_find(sp_text("sk-ssh-ed25519@openssh.com"))
                         ->encode(hex_span(&key), sp_span_of(bytes, 64), &out),
                     SP_E_MALFORMED);
    assert_int_equal(out.size, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_ones_say_how_they_were_made),
        cmocka_unit_test(every_flipped_bit_is_bad_and_says_nothing),
        cmocka_unit_test(every_truncation_and_a_trailing_byte_are_bad),
        cmocka_unit_test(each_algorithm_takes_its_own_signatures_alone),
        cmocka_unit_test(what_a_browser_was_asked_for_has_to_be_this),
        cmocka_unit_test(nothing_is_encoded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
