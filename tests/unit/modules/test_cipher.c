/*
 * Ciphers against packets that other implementations made.
 *
 * Packet vectors: made with AsyncSSH 2.10.1's GCMCipher and ChachaCipher, and made again with PyCryptodome 3.11.0, which
 * shares no code with libcrypto; both agreed. (Poly1305 was made the second time with Python's integers.) Stream
 * vectors: PyCryptodome 3.11.0. Counters begin close to a carry on purpose.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <openssl/bn.h>

#include <sallyport/registry.h>

#include "hex.h"

struct packet_vector {
    const char *cipher;
    uint32_t sequence; /* for AES-GCM: how many packets came before under the same key */
    const char *key;
    const char *iv;
    const char *packet;
    const char *sealed;
};

static const struct packet_vector packets[] = {
    {
        "aes128-gcm@openssh.com",
        0,
        "9551d6c8bf2fc6f1cdcdb3e15e1a2182",
        "5c7a51ff00000000fffffffe",
        "0000001004c019237a679ed961b3f6719588524e",
        "00000010141b53dbfeaab2ce66a823effcccf9301b24996c6b86f02f36bf7762e69f3072",
    },
    {
        "aes128-gcm@openssh.com",
        1,
        "9551d6c8bf2fc6f1cdcdb3e15e1a2182",
        "5c7a51ff00000000fffffffe",
        "00000030042a25ca84171bcce6325237dc0ad82680655a136b3088035f4af94dd8974de5e7986dc4c2f95582"
        "2245a308f8f00c71",
        "000000304fa69a47874590b2b5f6f781717f9d01740d5f913affb2efd77397c4ca44f0e02e2a13fc5a3c94e4"
        "26077fa1e7303a0fa73f3641e09ca3d1a245ffd0892e02eb",
    },
    {
        "aes128-gcm@openssh.com",
        2,
        "9551d6c8bf2fc6f1cdcdb3e15e1a2182",
        "5c7a51ff00000000fffffffe",
        "0000002004e6e184274b89663167518951ac19e0696275d8ff5c62767917afe656dcfd8f",
        "0000002018d6744f741c1777a96bd2d3d6eb5801347331ab10fbed9b4a444d3d997e2034e6ad8dd555f3912f"
        "63407281f1ec60a0",
    },
    {
        "aes256-gcm@openssh.com",
        0,
        "791f7deec729328e117092b279200598a4cd6a8d118f46c771a60c1240758e36",
        "45ce5abe00000000fffffffe",
        "0000001004333b779728cddf79828fe86e7c8405",
        "00000010758eff3c605c3190496962882b54d9fd68c3c59e208271cb1fb045b81dd2c173",
    },
    {
        "aes256-gcm@openssh.com",
        1,
        "791f7deec729328e117092b279200598a4cd6a8d118f46c771a60c1240758e36",
        "45ce5abe00000000fffffffe",
        "0000003004dda878f1232762831daa0eca9fde280f4288f0f887cc365984261a9a46d3cd0cbf68c9313939ae"
        "c6553118d1168eae",
        "00000030e25b31feb3f0b9a4443ab549e8c79ecd93369c8e0b6aabde7c08ce09e163052ae2e49eb56a23014e"
        "8ad7f0a85c8664c7fd79caf391b946b77411b2394af281f7",
    },
    {
        "aes256-gcm@openssh.com",
        2,
        "791f7deec729328e117092b279200598a4cd6a8d118f46c771a60c1240758e36",
        "45ce5abe00000000fffffffe",
        "0000002004cdd61c6cc4c4277a70d43512330662d091b98afdfa3aab60600615b44477d6",
        "00000020445abb9b507eaae2cd5149b2daa11a73989a58caeae174010df00e2d3b9041035aedfd863885bf93"
        "c07e865883583f62",
    },
    {
        "chacha20-poly1305@openssh.com",
        0x0,
        "73215ec7c9681a698190e3560078e342d2fdea9df8fc5d3aff9b6e612dd189d55274d0a6a261390bb5134fce"
        "d0f4e3594e816574ec6cc23f9d9718a768ba80b8",
        "",
        "000000080462315411519d8f",
        "5c47f5b47e0cbee7bf485e9cdbc439f12133cce28a62bbe30a1e01e2",
    },
    {
        "chacha20-poly1305@openssh.com",
        0x3,
        "73215ec7c9681a698190e3560078e342d2fdea9df8fc5d3aff9b6e612dd189d55274d0a6a261390bb5134fce"
        "d0f4e3594e816574ec6cc23f9d9718a768ba80b8",
        "",
        "00000028044c81fd7e1ed4e1a6b9abbece14c6460b283b9f29d3a47aa32d4e45bc219856e2870413ab9dc26c",
        "4b7058de72a15b9c0d27f0d352473376bf513c5f8fcf8edb8af7b45702500a723683ddd6e2961a2ea3a37fe5"
        "8e5c9f3c01e204471ed4f6cfd4359701",
    },
    {
        "chacha20-poly1305@openssh.com",
        0xffffffff,
        "73215ec7c9681a698190e3560078e342d2fdea9df8fc5d3aff9b6e612dd189d55274d0a6a261390bb5134fce"
        "d0f4e3594e816574ec6cc23f9d9718a768ba80b8",
        "",
        "000000c8040dbbc6a5722487b524bb0dfe4117ddae2e8c440fb891a65a774df912810bc8e85c922ba4fd1a82"
        "b6a112fed7a2b6ede1a5b236cf3e1f1d466fdae4346eb1389f3011bb045f08439d90ab848d88eaed7311580e"
        "e65f01a54a7e721dc3e3f19115661ada3ab4af0092d58d758025e4c3e496688100df3552d0d31256d4de968d"
        "fbf54e47ff4db5b71668369017cc07900409e80d8078d3ad0d980aaf0bcfd4ea500a7bc8d85cefa60ea9de01"
        "8c7bae40d2dadbe06d4dfc853e31eb5d9f1a2d50e1d015e61ccb1d6a",
        "c05ab10d3530d6c99146568f8c371a7f10d1900ce9644482dc37f824b6097644d1344c090de0db5f9aeef1b9"
        "89bb75492a96ae2e34a6a8fbf3083e5baa867ec35421c01d2219abe8816293ad187d11cbbe95fd91dec78068"
        "cb2f034925e8ddafd02254b12492330908464010e136ea630d10a9a1e74e80db46d61e6b3ef16b5fe0cf054e"
        "827f1244eb7bb21a9872cc7b112c8e75463a94ebabd550fdda75d09ab26b7caaad949e7f8e5d1392f1337cec"
        "fdcd7ed39064e5bbb0d09d9fb7808487bcef544beddf62bf8c858160c4449501ed02215645a918c3866bd023",
    },
};

struct stream_vector {
    const char *cipher;
    const char *key;
    const char *iv;
    const char *plain;
    const char *crypted;
};

static const struct stream_vector streams[] = {
    {
        "aes128-ctr",
        "8bcf45d063b2f0817ce1c9d72694dcfa",
        "fffffffffffffffffffffffffffffffe",
        "0c304272af2c3dc734b2ba624cb48bf34d182564e0f286f0c2c6821cef418e4183a2339e7031145b312dfc0a"
        "3873fe8229e666e7606df1eec17bd7608774a31c850816a54a61e43d7a5b7fadb495ac6c",
        "c90cd305057ec93cd1ea3ce9a59f49e8fdd46d90a3db6d5cd5aa5437548f655ccac7f2d2c85998bb89d4c83a"
        "a4cac0fcdfba1022717a6ae4a10018d637dc70ca70a68e9a8c0e5ca34d762aae7c65b9c0",
    },
    {
        "aes192-ctr",
        "f9beaef1bf1cc34dc20c214e9a4262752fd01f8d0fe4a0d1",
        "fffffffffffffffffffffffffffffffe",
        "237d4ddddf4847be7df29a94ece6a8111f341cbbd793010d751fcba9b4d9eff3975225132a008131eee2ea2f"
        "79a98b3cb04d11852d4adc17a0b4fbbba4adca7b458b3f56ad985d1c30e89a79c7ec983d",
        "03dcae14f0e0798d237acc8e5128660d6c7f776b2f8042266c5a1388e71afb0fdc9f7969303d7c7c53657d12"
        "e3591d97e04727bccd706c9dcd11daa6c5ef199b7222c65ec33a47975ca06de19cf0a059",
    },
    {
        "aes256-ctr",
        "25e7451f182ff5a4b4ba93df71d670c69db9ea331454bb37a73bed44d6666e8a",
        "fffffffffffffffffffffffffffffffe",
        "45b756cdcb79832557c9c633f20228d02e9727188c75ae69b8aa3ebf73af334f338c26d9472d8408f68b3ef7"
        "af5ddeb47f0770e6baa23aa236d193a9bdafecc87f0d4c23428c9ca4b7ec25e979ccbf7e",
        "de5faa65552c45de47cff36dd7bab78bad70941a960f839bfd58725e13ee69754ce40b0ed0aa4d4457b5b6cc"
        "8cf88b7024a6f5ea5c2d21461b8d7762c16190e5b6ecfaed5cab44a58860274cb8e50201",
    },
};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static const struct sp_cipher_ops *cipher_named(const char *name)
{
    const struct sp_cipher_ops *cipher = cipher_find(sp_text(name));
    assert_non_null(cipher);
    return cipher;
}

static void *cipher_opened(const struct sp_cipher_ops *cipher, bool encrypt, const char *key, const char *iv)
{
    struct hex key_octets = hex_of(key), iv_octets = hex_of(iv);
    void *state = NULL;
    assert_int_equal(cipher->open(encrypt, hex_span(&key_octets), hex_span(&iv_octets), &state), 0);
    assert_non_null(state);
    return state;
}

/* A state that has gone past the packets before the vector's own. */
static void *opened_at(const struct packet_vector *vector, bool encrypt)
{
    const struct sp_cipher_ops *cipher = cipher_named(vector->cipher);
    void *state = cipher_opened(cipher, encrypt, vector->key, vector->iv);
    for (size_t i = 0; cipher->iv_size != 0 && i < vector->sequence; i++) {
        struct hex before =
            hex_of(encrypt ? vector[i - vector->sequence].packet : vector[i - vector->sequence].sealed);
        if (encrypt)
            assert_int_equal(cipher->seal(state, (uint32_t)i, before.data, before.size), 0);
        else
            assert_int_equal(cipher->unseal(state, (uint32_t)i, before.data, before.size - cipher->tag_size),
                             0);
    }
    return state;
}

static void seals_as_other_implementations(void **unused)
{
    for (size_t i = 0; i < COUNT(packets); i++) {
        const struct sp_cipher_ops *cipher = cipher_named(packets[i].cipher);
        struct hex packet = hex_of(packets[i].packet), sealed = hex_of(packets[i].sealed);
        void *state = opened_at(&packets[i], true);
        assert_int_equal(cipher->seal(state, packets[i].sequence, packet.data, packet.size), 0);
        assert_int_equal(packet.size + cipher->tag_size, sealed.size);
        assert_memory_equal(packet.data, sealed.data, sealed.size);
        cipher->close(state);
    }
}

static void unseals_what_other_implementations_sealed(void **unused)
{
    for (size_t i = 0; i < COUNT(packets); i++) {
        const struct sp_cipher_ops *cipher = cipher_named(packets[i].cipher);
        struct hex packet = hex_of(packets[i].packet), sealed = hex_of(packets[i].sealed);
        void *state = opened_at(&packets[i], false);
        uint32_t length = 0;
        assert_int_equal(cipher->length(state, packets[i].sequence, sealed.data, &length), 0);
        assert_int_equal(length, packet.size - 4);
        assert_int_equal(cipher->unseal(state, packets[i].sequence, sealed.data, packet.size), 0);
        assert_memory_equal(sealed.data + 4, packet.data + 4, packet.size - 4);
        cipher->close(state);
    }
}

static void refuses_every_flipped_bit(void **unused)
{
    for (size_t i = 0; i < COUNT(packets); i++) {
        const struct sp_cipher_ops *cipher = cipher_named(packets[i].cipher);
        struct hex good = hex_of(packets[i].sealed);
        for (size_t bit = 0; bit < good.size * 8; bit++) {
            struct hex bad = good;
            bad.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
            void *state = opened_at(&packets[i], false);
            assert_int_equal(
                cipher->unseal(state, packets[i].sequence, bad.data, bad.size - cipher->tag_size),
                SP_E_REFUSED);
            cipher->close(state);
        }
    }
}

static void bad_packet_shows_no_plaintext(void **unused)
{
    for (size_t i = 0; i < COUNT(packets); i++) {
        const struct sp_cipher_ops *cipher = cipher_named(packets[i].cipher);
        struct hex packet = hex_of(packets[i].packet), sealed = hex_of(packets[i].sealed);
        sealed.data[sealed.size - 1] ^= 1;
        void *state = opened_at(&packets[i], false);
        assert_int_equal(cipher->unseal(state, packets[i].sequence, sealed.data, packet.size), SP_E_REFUSED);
        assert_memory_not_equal(sealed.data + 4, packet.data + 4, 8);
        cipher->close(state);
    }
}

static void refuses_packet_out_of_order(void **unused)
{
    for (size_t i = 0; i < COUNT(packets); i++) {
        const struct sp_cipher_ops *cipher = cipher_named(packets[i].cipher);
        struct hex sealed = hex_of(packets[i].sealed);
        struct hex again = sealed;
        void *state = opened_at(&packets[i], false);
        assert_int_equal(
            cipher->unseal(state, packets[i].sequence, sealed.data, sealed.size - cipher->tag_size), 0);
        assert_int_equal(
            cipher->unseal(state, packets[i].sequence + 1, again.data, again.size - cipher->tag_size),
            SP_E_REFUSED);
        cipher->close(state);
    }
}

static void asking_for_the_length_changes_nothing(void **unused)
{
    for (size_t i = 0; i < COUNT(packets); i++) {
        const struct sp_cipher_ops *cipher = cipher_named(packets[i].cipher);
        struct hex sealed = hex_of(packets[i].sealed);
        void *state = opened_at(&packets[i], false);
        uint32_t first = 0, second = 1;
        assert_int_equal(cipher->length(state, packets[i].sequence, sealed.data, &first), 0);
        assert_int_equal(cipher->length(state, packets[i].sequence, sealed.data, &second), 0);
        assert_int_equal(first, second);
        assert_int_equal(
            cipher->unseal(state, packets[i].sequence, sealed.data, sealed.size - cipher->tag_size), 0);
        cipher->close(state);
    }
}

static void streams_as_other_implementations(void **unused)
{
    for (size_t i = 0; i < COUNT(streams); i++) {
        const struct sp_cipher_ops *cipher = cipher_named(streams[i].cipher);
        struct hex data = hex_of(streams[i].plain), crypted = hex_of(streams[i].crypted);
        void *state = cipher_opened(cipher, true, streams[i].key, streams[i].iv);
        assert_int_equal(cipher->crypt(state, data.data, 16), 0);
        assert_int_equal(cipher->crypt(state, data.data + 16, data.size - 16), 0);
        assert_memory_equal(data.data, crypted.data, crypted.size);
        cipher->close(state);
        state = cipher_opened(cipher, false, streams[i].key, streams[i].iv);
        assert_int_equal(cipher->crypt(state, data.data, data.size), 0);
        struct hex plain = hex_of(streams[i].plain);
        assert_memory_equal(data.data, plain.data, plain.size);
        cipher->close(state);
    }
}

static void packets_of_256_kib_survive(void **unused)
{
    enum { SIZE = 4 + 256 * 1024 };
    uint8_t key[SP_CIPHER_KEY_MAX] = {7}, iv[SP_CIPHER_IV_MAX] = {9};
    uint8_t *packet = malloc(SIZE + SP_CIPHER_TAG_MAX);
    assert_non_null(packet);
    const struct sp_cipher_ops *cipher;
    for (size_t i = 0; (cipher = cipher_at(i)); i++) {
        struct sp_span key_span = sp_span_of(key, cipher->key_size),
                       iv_span = sp_span_of(iv, cipher->iv_size);
        void *seal, *unseal;
        assert_int_equal(cipher->open(true, key_span, iv_span, &seal), 0);
        assert_int_equal(cipher->open(false, key_span, iv_span, &unseal), 0);
        for (uint32_t sequence = 0; sequence < 3; sequence++) {
            memset(packet, 0x5a, SIZE);
            assert_int_equal(cipher->tag_size ? cipher->seal(seal, sequence, packet, SIZE)
                                              : cipher->crypt(seal, packet, SIZE),
                             0);
            assert_int_not_equal(packet[SIZE - 1] + packet[SIZE - 2], 0x5a + 0x5a);
            assert_int_equal(cipher->tag_size ? cipher->unseal(unseal, sequence, packet, SIZE)
                                              : cipher->crypt(unseal, packet, SIZE),
                             0);
            for (size_t at = 4; at < SIZE; at++)
                assert_int_equal(packet[at], 0x5a);
        }
        cipher->close(seal);
        cipher->close(unseal);
    }
    free(packet);
}

static void refuses_wrong_key_and_iv_sizes(void **unused)
{
    const uint8_t zeros[128] = {0};
    const struct sp_cipher_ops *cipher;
    for (size_t i = 0; (cipher = cipher_at(i)); i++) {
        void *state = NULL;
        for (int step = -1; step <= 1; step += 2) {
            struct sp_span key = sp_span_of(zeros, (size_t)(cipher->key_size + step));
            struct sp_span iv = sp_span_of(zeros, cipher->iv_size);
            assert_true(cipher->open(true, key, iv, &state) < 0);
        }
        struct sp_span longer = sp_span_of(zeros, cipher->iv_size + 1u);
        assert_true(cipher->open(true, sp_span_of(zeros, cipher->key_size), longer, &state) < 0);
        assert_null(state);
    }
}

static void refuses_packet_without_body(void **unused)
{
    const uint8_t zeros[128] = {0};
    uint8_t packet[4 + SP_CIPHER_TAG_MAX] = {0};
    const struct sp_cipher_ops *cipher;
    for (size_t i = 0; (cipher = cipher_at(i)); i++) {
        void *state = NULL;
        if (!cipher->seal)
            continue;
        assert_int_equal(cipher->open(true, sp_span_of(zeros, cipher->key_size),
                                      sp_span_of(zeros, cipher->iv_size), &state),
                         0);
        for (size_t size = 0; size <= 4; size++) {
            assert_true(cipher->seal(state, 0, packet, size) < 0);
            assert_int_equal(cipher->unseal(state, 0, packet, size), SP_E_MALFORMED);
        }
        cipher->close(state);
    }
}

/* RFC 8439 section 2.5.1, on numbers as the text has it. */
static void poly1305_by_formula(const uint8_t key[32], struct sp_span message, uint8_t tag[16])
{
    uint8_t clamped[16];
    memcpy(clamped, key, 16);
    for (size_t i = 3; i < 16; i += 4)
        clamped[i] &= 15;
    for (size_t i = 4; i < 16; i += 4)
        clamped[i] &= 252;
    BN_CTX *context = BN_CTX_new();
    BIGNUM *r = BN_lebin2bn(clamped, 16, NULL), *s = BN_lebin2bn(key + 16, 16, NULL), *p = BN_new(),
           *a = BN_new();
    BN_zero(a);
    BN_zero(p);
    BN_set_bit(p, 130);
    BN_sub_word(p, 5);
    while (message.size != 0) {
        uint8_t block[17];
        size_t size = message.size < 16 ? message.size : 16;
        memcpy(block, message.data, size);
        block[size] = 1;
        BIGNUM *n = BN_lebin2bn(block, (int)size + 1, NULL);
        BN_add(a, a, n);
        BN_mod_mul(a, a, r, p, context);
        BN_free(n);
        message = sp_span_of(message.data + size, message.size - size);
    }
    BN_add(a, a, s);
    BN_mask_bits(a, 128);
    assert_int_equal(BN_bn2lebinpad(a, tag, 16), 16);
    BN_free(r);
    BN_free(s);
    BN_free(p);
    BN_free(a);
    BN_CTX_free(context);
}

static void poly1305_formula_is_rfc_8439(void **unused)
{
    struct hex key =
        hex_of("85d6be7857556d337f4452fe42d506a80103808afb0db2fd4abff6af4149f51b"); /* section 2.5.2 */
    struct hex expected = hex_of("a8061dc1305136c6c22b8baf0c0127a9");
    uint8_t tag[16];
    poly1305_by_formula(key.data, sp_text("Cryptographic Forum Research Group"), tag);
    assert_memory_equal(tag, expected.data, sizeof tag);
}

/* Packets of zeros under a key of zeros show the key stream, which RFC 8439 prints in appendices A.1 and A.4. */
static void chacha20_poly1305_is_made_of_rfc_8439(void **unused)
{
    const struct sp_cipher_ops *cipher = cipher_named("chacha20-poly1305@openssh.com");
    const uint8_t zeros[64] = {0};
    struct hex block0 = hex_of("76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7");
    struct hex block1 = hex_of("9f07e7be5551387a98ba977c732d080dcb0f29a048e3656912c6533e32ee7aed"
                               "29b721769ce64e43d57133b074d839d531ed1f28510afb45ace10a1f4b794d6f");
    struct hex nonce2 = hex_of("c2c64d37"); /* test vector 5: the nonce ends in 2 */
    uint8_t packet[4 + 64 + 16] = {0}, tag[16];
    void *state = NULL;
    assert_int_equal(cipher->open(true, sp_span_of(zeros, 64), (struct sp_span){0}, &state), 0);
    assert_int_equal(cipher->seal(state, 0, packet, 4 + 64), 0);
    assert_memory_equal(packet, block0.data, 4);
    assert_memory_equal(packet + 4, block1.data, 64);
    poly1305_by_formula(block0.data, sp_span_of(packet, 4 + 64), tag);
    assert_memory_equal(packet + 4 + 64, tag, sizeof tag);
    memset(packet, 0, sizeof packet);
    assert_int_equal(cipher->seal(state, 2, packet, 4 + 64), 0);
    assert_memory_equal(packet, nonce2.data, 4);
    cipher->close(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(seals_as_other_implementations),
        cmocka_unit_test(unseals_what_other_implementations_sealed),
        cmocka_unit_test(refuses_every_flipped_bit),
        cmocka_unit_test(bad_packet_shows_no_plaintext),
        cmocka_unit_test(refuses_packet_out_of_order),
        cmocka_unit_test(asking_for_the_length_changes_nothing),
        cmocka_unit_test(streams_as_other_implementations),
        cmocka_unit_test(packets_of_256_kib_survive),
        cmocka_unit_test(refuses_wrong_key_and_iv_sizes),
        cmocka_unit_test(refuses_packet_without_body),
        cmocka_unit_test(poly1305_formula_is_rfc_8439),
        cmocka_unit_test(chacha20_poly1305_is_made_of_rfc_8439),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
