/*
 * Public key algorithms: signatures made by others verify, anything else does not.
 *
 * Sources: RFC 8032 section 7.1; OpenSSH 9.2p1 (`ssh-keygen -Y sign`, whose SSHSIG envelope was taken off; the message
 * is the envelope's signed text); Paramiko 2.12.0 for rsa-sha2-256; PyCryptodome 3.11.0 for a signature whose first
 * octet is zero, here without that octet.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <sallyport/registry.h>
#include <sallyport/wire.h>

#include "hex.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

struct vector {
    const char *algorithm;
    const char *blob;
    const char *message;
    const char *signature;
};

static const struct vector vectors[] = {
    {
        "ssh-ed25519",
        "0000000b7373682d65643235353139000000206cfa7db8d0fc6604acc2e5f0c346cae00f9e1dfb08880f9fd6"
        "c04f8cffd027ce",
        "535348534947000000047465737400000000000000067368613531320000004023ce3e7b0cd67021ddd4fccb"
        "4778a2af60f53de5677698da568dad03a35ec7eee3dc885a91b09faba1469d99593808fcd0c63e95fada7fe1"
        "87e7ee459840e39f",
        "0000000b7373682d656432353531390000004072be7e82e9382a3210c0e2fba9ae15e2e436ba5901ad25657e"
        "9f2244a08be3bef634e854003f58f02b3289504543f30497f161c4dfbe53ce00498a02516a1c02",
    },
    {
        "ecdsa-sha2-nistp256",
        "0000001365636473612d736861322d6e69737470323536000000086e697374703235360000004104669ea33e"
        "cc7b02f7128b6e4e4c5360a57eca94ab94f8df57835f40e1e98fe06b0081fcc74fef2fbfadad053ea5d21433"
        "170f0f2f47457663dba8d840bde2b319",
        "5353485349470000000474657374000000000000000673686135313200000040804f8afb1396234cd3fd636b"
        "ad5648d205d6ad9d4f894eea104f1530cf2f581ac8e0eb8592c2d1bf8dad846743596d337680e978ee1f11eb"
        "3dbf5f13416d2314",
        "0000001365636473612d736861322d6e69737470323536000000490000002048f6556e6e89e5ce1c811bffba"
        "a8f32bdfeec5f9cfaac0affafbdcd9fcf2a0220000002100e7476c7490624daea0fd80446c9b3dac580a7a72"
        "535c7d364a410f96b405b535",
    },
    {
        "ecdsa-sha2-nistp384",
        "0000001365636473612d736861322d6e69737470333834000000086e697374703338340000006104f1897ce0"
        "49449ff18a899336b8e35ecf6b30059b10752b8ecb785c16737c4c1b0c4b132d030a7a88dd8ee159f80139c3"
        "ce38259ba6806e3a05254ed950bd30475054bdb73c7e20363c3550ad74761ea6427f7d18ee11c9fd1924d318"
        "ff242a82",
        "5353485349470000000474657374000000000000000673686135313200000040ee21fdb660d1ddc77a2b5604"
        "cd54152e87c07d3b49b613ef33c63d342cd9f56e6846e32c07163098807da54f029dfd21202f9949150ef729"
        "725b91191ce946d6",
        "0000001365636473612d736861322d6e69737470333834000000690000003100ebdc1e25a79568f9e86db8b1"
        "89138e4ebeac3f8b5502f16a5aea8d5fa3c02797ea188ed3b4f6ded87d2969a9e96911a3000000306b6db731"
        "7902138dfb748bd90b57e3b73a96078fbef8f0bd7a4b7c241d010dbb23cbc0890f65e7e755bb9ff2ec7caa34",
    },
    {
        "ecdsa-sha2-nistp521",
        "0000001365636473612d736861322d6e69737470353231000000086e69737470353231000000850400448c2f"
        "cad2f885c79b0eb313c1668fd6ba7c12361118b4bb202886e300918126e9fe2d0522bd167aef79ecd4fe1d10"
        "c71e0ad03732fb30326fde9a67136211e84401536437b56cf8a5e50f76f2453b9983816c4fe7a58dbb44a42e"
        "cecfe9192f31fefcedd7138e1b72e027472b57e987c6c62a382669fb086c294949db20d761ba571f",
        "535348534947000000047465737400000000000000067368613531320000004032a911552021e7e2a62f3733"
        "659c38b71e9d8602d6724f5bfc27bee070160f65e3ea2b6b453d72be2b8f8b7f994976215b02fb2bf93e9f0f"
        "f4f0442a7a951704",
        "0000001365636473612d736861322d6e697374703532310000008c0000004200e784c8796ed530bc9a394097"
        "0631672976eef85e33caaec4724affc98fee2f128172096f6df545b8032a590936610d46691c6582ba0086e6"
        "fbb5055480dad37a700000004200aa55499194e21415ff9041427e45f498ab01971c542cab4ddc0ac45dc371"
        "e1666d390a8ad4b8854fbbf653681625782cf4dfedcbc78ec2432a2f8f1c5be78359ec",
    },
    {
        "rsa-sha2-512",
        "000000077373682d7273610000000301000100000181009ea299044853212422a179208ebc0cac31eb6c4236"
        "eaa4232b523bb4ea242ef00d98f98c4fc73bc1d6d341dd03039e37d325c1886c79c402931cd514c15c0a225c"
        "894a010b7075805c18194f17823210dcfc28dde8b490baaabbd6e751f00faae56efeb687b300808268bed316"
        "ddfd354515653422b07b6609e9e51494350787642162069c96987fda74706dff84a0bf641f2edb3eded8e711"
        "0c8e903328147b14283ec68f008dad091b704e6ed727835fe3bbb62655797eb8756eebdd8ebf9d5996bbfdc2"
        "cd66a0c20e644dcfa3ec7d1cdca605b6c5d4df7c61dcf10b38a6ffb08275952ae88df9b08bef337916698126"
        "37013063ca882da8518a9d195a24ff3ea17843f9eb309bdced19a550b2b3d0f88762dc31899629e232f8cfc9"
        "2ff4930c344fde6e9562d32889379c4129a9f28433dd187fbeef3cfabfd1d9e30bfb5b9fd6a6848a0c88510b"
        "a49bf5dc74a5f6831f159156cda5be9ce229e09c19fbd3f21fe4ca19c38be3d04d2799b618ed3cd58e634942"
        "a2f0997811b23e5f11b5db",
        "535348534947000000047465737400000000000000067368613531320000004048aff863a1b13c5be27b4e39"
        "a3efc6c481d4db20f6eb5045ecdef37bdacbc0d59ce2b066466e5c22006af085ff2d74ab4ed747ddc663686a"
        "0603f68ec65a80ca",
        "0000000c7273612d736861322d353132000001801eec5712e8d0bb01b79fe6c923020359b9c49ce33f321d3d"
        "9c3d63e36bf808dbb16775765fb0799691831d5a0a9af22e176dcb6537c2b85fefcb4f4e71526b9b63e0e75c"
        "59749ccf019716b1b6580e16a67f34bb3675b999abade2470d1e33911a55dafdaaa7bc2ea6a2db6d47315e68"
        "4581b887cf2b2da32b08205b7f28046e5425ce307355f1615ab8a97c35a30dd4dec713d65407ef6c581bacb2"
        "9c4c2faadcc05ce5842b0643b05fac7f352c3296723b443af5ac9d11efd0d088a2fa17005f143d8047e6467a"
        "981551372d4454bfa4423a6d443a842c6ab55375dc55ae78865db27a736ac930908690dee6858be070a8a1e0"
        "6c2f72dee75824101693c1f01c5381d6cb59bd809c920da8910fb529318e14398b2dd7c7b238d0be2f1adedd"
        "4a9b3e7ad6ed67f69ad524bc37d7c82e3f1692bd687ef996cbc3c24df8cb778b0d87622e62bd03174bd6e2fd"
        "decf5f95070b65b1b2c6dd0f68ce176fcf478fd6dd144624cecb753135127c1d437bf8a3a26249a8a430b492"
        "50dbed5700cac5cb",
    },
    {
        "rsa-sha2-256",
        "000000077373682d727361000000030100010000010100b003a77e582447912f05ab8183f0113cfb507d8c22"
        "6026c4d05e3fc57b32dd972340c5dfc43725bebc456bc39b7d336fcadd9c4bf4d5926a743d7096c4e2593a80"
        "61859905c6725909ad4518433e64ffbf9149568df92b0866e3b7ef0023acaa646ce398a261f8a64f2f909ee6"
        "2a6b6cb6682612ecb73c854bb3450c85bc4c85b1f0ae8907dad5789003f5a6bc1f186c23c9b6bf4ef5f09bf7"
        "5ba5a92984ce0d43dd0529d883f1cfc366b834d1fdca8423f688b0a4707b23535a7b55c147da0b07b200622f"
        "c00620af4041266d832c7038fb034a795c6616f7737053d6f8b1e000de1533df212ab29d15057daecba27f66"
        "aa32143bdc6148114dc07a117a38d5",
        "746865206d657373616765206f662072736132303438",
        "0000000c7273612d736861322d3235360000010084dedcb574313097487a9bbe8069fbab92a8d761cb049379"
        "04176282dbfd65ff52fb81c160773d4d24e3ca5d35eff53466071b1f153838c8b4634aed819431dd735f4e5c"
        "d1d1c43670f2e050d7209bebdaa6dccbdf0512d3623526a690df82e677b3776736614b3a534aaab016ccaaf0"
        "ea2839c363a4178058384336688b016b8cffa778ceaf7dd9b35572966f4a2a2a1935ba3216ac78aeb59b3df5"
        "91879891210cb05fee300ea1a7c2c94ef44eed385c787d0ca7ffd3298c32bf22e0d1a2db6f02087191ca049c"
        "66d324b4eaa09def327f04dee5a5ce73edff0ecc156bc7baee20b6759703816c0c076fabc32476cc59cf1e48"
        "683986943741b29d14b71a71",
    },
};

static const struct vector short_rsa = {
    "rsa-sha2-256",
    "000000077373682d727361000000030100010000010100b003a77e582447912f05ab8183f0113cfb507d8c22"
    "6026c4d05e3fc57b32dd972340c5dfc43725bebc456bc39b7d336fcadd9c4bf4d5926a743d7096c4e2593a80"
    "61859905c6725909ad4518433e64ffbf9149568df92b0866e3b7ef0023acaa646ce398a261f8a64f2f909ee6"
    "2a6b6cb6682612ecb73c854bb3450c85bc4c85b1f0ae8907dad5789003f5a6bc1f186c23c9b6bf4ef5f09bf7"
    "5ba5a92984ce0d43dd0529d883f1cfc366b834d1fdca8423f688b0a4707b23535a7b55c147da0b07b200622f"
    "c00620af4041266d832c7038fb034a795c6616f7737053d6f8b1e000de1533df212ab29d15057daecba27f66"
    "aa32143bdc6148114dc07a117a38d5",
    "6d657373616765203936",
    "0000000c7273612d736861322d323536000000ff5d5fa1453193af90f2e2ac149deb43fa282dcefe88d5ef0e"
    "add2ef425d8b28ce277ab42b18ef47c9af3224d397114f9e9a0a0c965612e668ddecc9b8869b6b4ac2cd7da1"
    "d2bd90c8089674dfe9932a07b044387ff648262b472285ccf67361825f048042e4d80e13d68904b7c5b84f2a"
    "88872c51df894d3ce25c6928cb8841e65e729d268474f8294875b1a46c09261f494f3c1abb31bbd0758b8f03"
    "f64d1c59d322b853496c4167176863b7229241d1652e821d68783659d7fbdd395e69070f76bbb337e5c693a3"
    "76d8ea878af7dc797b9e79e29c07875e11a311a01d7960cfd919e47ce7543787b1efee666c3dd162c79e0587"
    "46389b90276eaef5781579",
};

/* Owned room for building a blob or a signature. */
struct room {
    uint8_t data[SP_KEY_BLOB_MAX + 64];
    struct sp_out out;
};

static struct sp_out *room_new(struct room *room)
{
    room->out = (struct sp_out){.data = room->data, .capacity = sizeof room->data};
    return &room->out;
}

static const struct sp_keytype_ops *keytype_named(const char *name)
{
    const struct sp_keytype_ops *keytype = keytype_find(sp_text(name));
    assert_non_null(keytype);
    return keytype;
}

static int verdict(const struct vector *vector, const struct hex *blob, const struct hex *signature,
                   const struct hex *message)
{
    return (int)keytype_named(vector->algorithm)
        ->verify(hex_span(blob), hex_span(signature), hex_span(message), NULL);
}

static void verifies_what_others_signed(void **unused)
{
    for (size_t i = 0; i < COUNT(vectors); i++) {
        struct hex blob = hex_of(vectors[i].blob), message = hex_of(vectors[i].message);
        struct hex signature = hex_of(vectors[i].signature);
        unsigned bits = 0;
        assert_int_equal(keytype_named(vectors[i].algorithm)->inspect(hex_span(&blob), &bits), 0);
        assert_in_range(bits, 256, 3072);
        assert_int_equal(verdict(&vectors[i], &blob, &signature, &message), SP_VERDICT_GOOD);
    }
}

static void reports_the_size_in_bits(void **unused)
{
    const unsigned expected[] = {256, 256, 384, 521, 3072, 2048};
    assert_int_equal(COUNT(expected), COUNT(vectors));
    for (size_t i = 0; i < COUNT(vectors); i++) {
        struct hex blob = hex_of(vectors[i].blob);
        unsigned bits = 0;
        assert_int_equal(keytype_named(vectors[i].algorithm)->inspect(hex_span(&blob), &bits), 0);
        assert_int_equal(bits, expected[i]);
    }
}

static void rejects_every_flipped_bit_of_the_signature(void **unused)
{
    for (size_t i = 0; i < COUNT(vectors); i++) {
        struct hex blob = hex_of(vectors[i].blob), message = hex_of(vectors[i].message);
        struct hex good = hex_of(vectors[i].signature);
        for (size_t bit = 0; bit < good.size * 8; bit++) {
            struct hex bad = good;
            bad.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_int_equal(verdict(&vectors[i], &blob, &bad, &message), SP_VERDICT_BAD);
        }
    }
}

static void rejects_every_flipped_bit_of_the_key(void **unused)
{
    for (size_t i = 0; i < COUNT(vectors); i++) {
        struct hex good = hex_of(vectors[i].blob), message = hex_of(vectors[i].message);
        struct hex signature = hex_of(vectors[i].signature);
        for (size_t bit = 0; bit < good.size * 8; bit++) {
            struct hex bad = good;
            bad.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_int_equal(verdict(&vectors[i], &bad, &signature, &message), SP_VERDICT_BAD);
        }
    }
}

static void rejects_every_flipped_bit_of_the_message(void **unused)
{
    for (size_t i = 0; i < COUNT(vectors); i++) {
        struct hex blob = hex_of(vectors[i].blob), good = hex_of(vectors[i].message);
        struct hex signature = hex_of(vectors[i].signature);
        for (size_t bit = 0; bit < good.size * 8; bit++) {
            struct hex bad = good;
            bad.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_int_equal(verdict(&vectors[i], &blob, &signature, &bad), SP_VERDICT_BAD);
        }
    }
}

static void rejects_every_truncation_and_trailing_byte(void **unused)
{
    for (size_t i = 0; i < COUNT(vectors); i++) {
        const struct sp_keytype_ops *keytype = keytype_named(vectors[i].algorithm);
        struct hex blob = hex_of(vectors[i].blob), message = hex_of(vectors[i].message);
        struct hex signature = hex_of(vectors[i].signature);
        unsigned bits;
        for (size_t size = 0; size <= signature.size + 1; size++)
            if (size != signature.size)
                assert_int_equal(keytype->verify(hex_span(&blob), sp_span_of(signature.data, size),
                                                 hex_span(&message), NULL),
                                 SP_VERDICT_BAD);
        for (size_t size = 0; size <= blob.size + 1; size++) {
            struct sp_span cut = sp_span_of(blob.data, size);
            if (size == blob.size)
                continue;
            assert_int_equal(keytype->verify(cut, hex_span(&signature), hex_span(&message), NULL),
                             SP_VERDICT_BAD);
            assert_int_equal(keytype->inspect(cut, &bits), SP_E_MALFORMED);
        }
    }
}

static void rejects_other_algorithms_and_other_keys(void **unused)
{
    for (size_t i = 0; i < COUNT(vectors); i++) {
        struct hex blob = hex_of(vectors[i].blob), message = hex_of(vectors[i].message);
        struct hex signature = hex_of(vectors[i].signature);
        const struct sp_keytype_ops *keytype;
        for (size_t at = 0; (keytype = keytype_at(at)); at++)
            if (!sp_span_is(sp_text(vectors[i].algorithm), keytype->head.name))
                assert_int_equal(
                    keytype->verify(hex_span(&blob), hex_span(&signature), hex_span(&message), NULL),
                    SP_VERDICT_BAD);
        for (size_t other = 0; other < COUNT(vectors); other++) {
            struct hex key = hex_of(vectors[other].blob);
            if (other != i)
                assert_int_equal(verdict(&vectors[i], &key, &signature, &message), SP_VERDICT_BAD);
        }
    }
}

/* The same inner signature under another name: what the name says is what was agreed to, so it must be exact. */
static void rejects_another_name_on_the_signature(void **unused)
{
    const char *const names[] = {
        "",           "ssh-rsa",      "rsa-sha2-256",        "rsa-sha2-512",
        "ssh-ed2551", "ssh-ed255199", "ecdsa-sha2-nistp256", "rsa-sha2-256-cert-v01@openssh.com"};
    for (size_t i = 0; i < COUNT(vectors); i++) {
        struct hex blob = hex_of(vectors[i].blob), message = hex_of(vectors[i].message);
        struct hex signature = hex_of(vectors[i].signature);
        struct sp_in in = sp_in_of(hex_span(&signature));
        sp_get_text(&in, 64);
        struct sp_span inner = sp_get_string(&in, SP_SIGNATURE_MAX);
        for (size_t at = 0; at < COUNT(names); at++) {
            if (strcmp(names[at], vectors[i].algorithm) == 0)
                continue;
            struct room room;
            sp_put_text(room_new(&room), names[at]);
            sp_put_string(&room.out, inner);
            assert_int_equal(keytype_named(vectors[i].algorithm)
                                 ->verify(hex_span(&blob), sp_written(&room.out), hex_span(&message), NULL),
                             SP_VERDICT_BAD);
        }
    }
}

static void ed25519_agrees_with_rfc_8032(void **unused)
{
    static const struct {
        const char *key, *message, *signature;
    } rows[] = {
        {"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
         "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25"
         "bf5f0595bbe24"
         "655141438e7a100b"},
        {"3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
         "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387"
         "b2eaeb4302aee"
         "b00d291612bb0c00"},
        {"fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
         "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7"
         "c15e9716ed28d"
         "c027beceea1ec40a"},
    };
    const struct sp_keytype_ops *keytype = keytype_named("ssh-ed25519");
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct hex key = hex_of(rows[i].key), message = hex_of(rows[i].message),
                   raw = hex_of(rows[i].signature);
        struct room blob, signature;
        sp_put_text(room_new(&blob), "ssh-ed25519");
        sp_put_string(&blob.out, hex_span(&key));
        assert_int_equal(keytype->encode(sp_written(&blob.out), hex_span(&raw), room_new(&signature)), 0);
        assert_int_equal(
            keytype->verify(sp_written(&blob.out), sp_written(&signature.out), hex_span(&message), NULL),
            SP_VERDICT_GOOD);
    }
}

/* A token's raw form: the numbers at full width, or the octets as they are. */
static struct hex raw_of(const struct vector *vector)
{
    struct hex signature = hex_of(vector->signature), raw = {0};
    struct sp_in in = sp_in_of(hex_span(&signature));
    sp_get_text(&in, 64);
    struct sp_span inner = sp_get_string(&in, SP_SIGNATURE_MAX);
    size_t field = strstr(vector->algorithm, "521") ? 66 : strstr(vector->algorithm, "384") ? 48 : 32;
    if (strncmp(vector->algorithm, "ecdsa", 5) != 0) {
        memcpy(raw.data, inner.data, raw.size = inner.size);
        return raw;
    }
    struct sp_in numbers = sp_in_of(inner);
    struct sp_span r = sp_get_mpint(&numbers, field), s = sp_get_mpint(&numbers, field);
    memcpy(raw.data + field - r.size, r.data, r.size);
    memcpy(raw.data + 2 * field - s.size, s.data, s.size);
    raw.size = 2 * field;
    return raw;
}

static void encodes_a_tokens_signature_as_others_do(void **unused)
{
    for (size_t i = 0; i < COUNT(vectors); i++) {
        struct hex blob = hex_of(vectors[i].blob), expected = hex_of(vectors[i].signature),
                   raw = raw_of(&vectors[i]);
        const struct sp_keytype_ops *keytype = keytype_named(vectors[i].algorithm);
        struct room room;
        assert_int_equal(keytype->encode(hex_span(&blob), hex_span(&raw), room_new(&room)), 0);
        assert_true(sp_span_equal(sp_written(&room.out), hex_span(&expected)));
    }
}

static void encodes_no_raw_signature_of_another_length(void **unused)
{
    for (size_t i = 0; i < COUNT(vectors); i++) {
        struct hex blob = hex_of(vectors[i].blob), raw = raw_of(&vectors[i]);
        const struct sp_keytype_ops *keytype = keytype_named(vectors[i].algorithm);
        const size_t sizes[] = {0, 1, raw.size - 2, raw.size - 1, raw.size + 1, raw.size + 2};
        for (size_t at = 0; at < COUNT(sizes); at++) {
            struct room room;
            struct sp_span bad = sp_span_of(raw.data, sizes[at]);
            assert_int_equal(keytype->encode(hex_span(&blob), bad, room_new(&room)), SP_E_MALFORMED);
            assert_int_equal(room.out.size, 0);
        }
    }
}

static void encodes_nothing_into_too_little_room(void **unused)
{
    for (size_t i = 0; i < COUNT(vectors); i++) {
        struct hex blob = hex_of(vectors[i].blob), raw = raw_of(&vectors[i]);
        uint8_t small[40];
        struct sp_out out = {.data = small, .capacity = sizeof small};
        assert_int_equal(keytype_named(vectors[i].algorithm)->encode(hex_span(&blob), hex_span(&raw), &out),
                         SP_E_NO_ROOM);
        assert_int_equal(out.size, 0);
    }
}

static void encodes_no_ecdsa_signature_of_zeros(void **unused)
{
    for (size_t i = 0; i < COUNT(vectors); i++) {
        struct hex blob = hex_of(vectors[i].blob), raw = raw_of(&vectors[i]);
        struct room room;
        if (strncmp(vectors[i].algorithm, "ecdsa", 5) != 0)
            continue;
        memset(raw.data + raw.size / 2, 0, raw.size / 2);
        assert_int_equal(
            keytype_named(vectors[i].algorithm)->encode(hex_span(&blob), hex_span(&raw), room_new(&room)),
            SP_E_MALFORMED);
    }
}

/* ECDSA numbers */

/* `r_extra` zeros before r, and s as `s` says; NULL: its own. */
static int ecdsa_verdict(const struct vector *vector, size_t r_extra, const char *s_hex)
{
    struct hex blob = hex_of(vector->blob), message = hex_of(vector->message), raw = raw_of(vector);
    struct hex s = s_hex ? hex_of(s_hex) : (struct hex){0};
    uint8_t numbers[256] = {0}, r_wide[80] = {0};
    struct sp_out inner = {.data = numbers, .capacity = sizeof numbers};
    size_t field = raw.size / 2;
    if (r_extra != 0) {
        memcpy(r_wide + r_extra, raw.data, field);
        sp_put_string(&inner, sp_span_of(r_wide, r_extra + field));
    } else {
        sp_put_mpint(&inner, sp_span_of(raw.data, field));
    }
    if (s_hex)
        sp_put_string(&inner, hex_span(&s));
    else
        sp_put_mpint(&inner, sp_span_of(raw.data + field, field));
    struct room room;
    sp_put_text(room_new(&room), vector->algorithm);
    sp_put_string(&room.out, sp_written(&inner));
    return (int)keytype_named(vector->algorithm)
        ->verify(hex_span(&blob), sp_written(&room.out), hex_span(&message), NULL);
}

static void ecdsa_rejects_numbers_that_are_no_strict_mpint(void **unused)
{
    for (size_t i = 0; i < COUNT(vectors); i++) {
        if (strncmp(vectors[i].algorithm, "ecdsa", 5) != 0)
            continue;
        assert_int_equal(ecdsa_verdict(&vectors[i], 0, NULL), SP_VERDICT_GOOD);
        assert_int_equal(ecdsa_verdict(&vectors[i], 2, NULL), SP_VERDICT_BAD); /* needless zeros */
        assert_int_equal(ecdsa_verdict(&vectors[i], 0, ""), SP_VERDICT_BAD);   /* zero */
        assert_int_equal(ecdsa_verdict(&vectors[i], 0, "00"), SP_VERDICT_BAD);
        assert_int_equal(ecdsa_verdict(&vectors[i], 0, "81"), SP_VERDICT_BAD); /* negative */
    }
}

/* RSA keys */

static int rsa_inspect_of(size_t modulus_bits, bool odd, const char *e_hex)
{
    struct hex e = hex_of(e_hex);
    size_t size = (modulus_bits + 7) / 8;
    uint8_t *n = calloc(1, size);
    assert_non_null(n);
    n[0] = (uint8_t)(1u << (modulus_bits - 1) % 8);
    n[size - 1] = (uint8_t)(n[size - 1] | odd);
    struct room room;
    unsigned bits = 0;
    sp_put_text(room_new(&room), "ssh-rsa");
    sp_put_mpint(&room.out, hex_span(&e));
    sp_put_mpint(&room.out, sp_span_of(n, size));
    free(n);
    int result = keytype_named("rsa-sha2-256")->inspect(sp_written(&room.out), &bits);
    if (result == 0)
        assert_int_equal(bits, modulus_bits);
    assert_int_equal(keytype_named("rsa-sha2-512")->inspect(sp_written(&room.out), &bits), result);
    return result;
}

static void rsa_accepts_2048_to_16384_bits_only(void **unused)
{
    const size_t good[] = {2048, 2049, 2055, 3072, 4096, 8192, 16383, 16384};
    const size_t bad[] = {8, 512, 1024, 2040, 2047, 16385, 16392, 20000, 30000};
    for (size_t i = 0; i < COUNT(good); i++)
        assert_int_equal(rsa_inspect_of(good[i], true, "010001"), 0);
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_int_equal(rsa_inspect_of(bad[i], true, "010001"), SP_E_REFUSED);
}

static void rsa_refuses_even_moduli_and_odd_exponents_out_of_range(void **unused)
{
    assert_int_equal(rsa_inspect_of(2048, false, "010001"), SP_E_REFUSED);
    assert_int_equal(rsa_inspect_of(2048, true, "03"), 0);
    assert_int_equal(rsa_inspect_of(2048, true, "ffffffffffffffff"), 0);
    assert_int_equal(rsa_inspect_of(2048, true, "01"), SP_E_REFUSED);
    assert_int_equal(rsa_inspect_of(2048, true, "02"), SP_E_REFUSED);
    assert_int_equal(rsa_inspect_of(2048, true, "010000"), SP_E_REFUSED);
    assert_int_equal(rsa_inspect_of(2048, true, "010000000000000001"), SP_E_REFUSED);
    assert_int_equal(rsa_inspect_of(2048, true, ""), SP_E_MALFORMED);
}

static void rsa_pads_a_signature_that_lost_its_zeros(void **unused)
{
    struct hex blob = hex_of(short_rsa.blob), message = hex_of(short_rsa.message);
    struct hex signature = hex_of(short_rsa.signature);
    assert_true(signature.size < 4 + 12 + 4 + 256);
    assert_int_equal(verdict(&short_rsa, &blob, &signature, &message), SP_VERDICT_GOOD);
}

/* The right number at one octet more than the modulus. */
static void rsa_rejects_a_signature_wider_than_the_modulus(void **unused)
{
    const struct vector *rsa = &vectors[COUNT(vectors) - 1];
    struct hex blob = hex_of(rsa->blob), message = hex_of(rsa->message), raw = raw_of(rsa),
               wide = {.size = raw.size + 1};
    memcpy(wide.data + 1, raw.data, raw.size);
    struct room room;
    sp_put_text(room_new(&room), rsa->algorithm);
    sp_put_string(&room.out, hex_span(&wide));
    assert_int_equal(keytype_named(rsa->algorithm)
                         ->verify(hex_span(&blob), sp_written(&room.out), hex_span(&message), NULL),
                     SP_VERDICT_BAD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(verifies_what_others_signed),
        cmocka_unit_test(reports_the_size_in_bits),
        cmocka_unit_test(rejects_every_flipped_bit_of_the_signature),
        cmocka_unit_test(rejects_every_flipped_bit_of_the_key),
        cmocka_unit_test(rejects_every_flipped_bit_of_the_message),
        cmocka_unit_test(rejects_every_truncation_and_trailing_byte),
        cmocka_unit_test(rejects_other_algorithms_and_other_keys),
        cmocka_unit_test(rejects_another_name_on_the_signature),
        cmocka_unit_test(ed25519_agrees_with_rfc_8032),
        cmocka_unit_test(encodes_a_tokens_signature_as_others_do),
        cmocka_unit_test(encodes_no_raw_signature_of_another_length),
        cmocka_unit_test(encodes_nothing_into_too_little_room),
        cmocka_unit_test(encodes_no_ecdsa_signature_of_zeros),
        cmocka_unit_test(ecdsa_rejects_numbers_that_are_no_strict_mpint),
        cmocka_unit_test(rsa_accepts_2048_to_16384_bits_only),
        cmocka_unit_test(rsa_refuses_even_moduli_and_odd_exponents_out_of_range),
        cmocka_unit_test(rsa_pads_a_signature_that_lost_its_zeros),
        cmocka_unit_test(rsa_rejects_a_signature_wider_than_the_modulus),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
