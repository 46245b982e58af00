/*
 * What the tests of key exchange methods share: asking a method, and the client's half in libcrypto's plain words.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <openssl/evp.h>

#include <sallyport/registry.h>

#include "common/owned.h"
#include "hex.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* A whole answer of respond(). */
struct answer {
    uint8_t public_room[SP_KEX_PUBLIC_MAX];
    uint8_t secret_room[SP_KEX_SECRET_MAX];
    struct sp_out server_public;
    struct sp_out secret;
};

static inline int ask(const char *method, struct sp_span client_public, struct answer *answer)
{
    const struct sp_kex_ops *kex = kex_find(sp_text(method));
    assert_non_null(kex);
    answer->server_public =
        (struct sp_out){.data = answer->public_room, .capacity = sizeof answer->public_room};
    answer->secret = (struct sp_out){.data = answer->secret_room, .capacity = sizeof answer->secret_room};
    return kex->respond(kex, (struct sp_span){0}, client_public, &answer->server_public, &answer->secret);
}

static inline int check(const char *method, struct sp_span client_public, struct sp_span server_public)
{
    const struct sp_kex_info *info = kex_info_find(sp_text(method));
    assert_non_null(info);
    return info->check_publics(info, (struct sp_span){0}, client_public, server_public);
}

/* `value` must be refused with `expected` from the client, as the client's value and as the server's. */
static inline void assert_refused(const char *method, struct sp_span value, struct sp_span good, int expected)
{
    struct answer answer;
    assert_int_equal(ask(method, value, &answer), expected);
    assert_int_equal(answer.server_public.size, 0);
    assert_int_equal(answer.secret.size, 0);
    assert_int_equal(check(method, value, good), expected);
    assert_int_equal(check(method, good, value), expected);
}

/* X25519 values of small order, of which the list in the module is the same mathematics told in octets. */
__attribute__((unused)) static const char *const small_order[] = {
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
};

static inline void client_key(const char *type, const char *group, EVP_PKEY **key, struct hex *public_value)
{
    OWNED(EVP_PKEY_CTX) *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    assert_int_equal(EVP_PKEY_keygen_init(context), 1);
    if (group)
        assert_int_equal(EVP_PKEY_CTX_set_group_name(context, group), 1);
    assert_int_equal(EVP_PKEY_generate(context, key), 1);
    assert_int_equal(EVP_PKEY_get_octet_string_param(*key, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY,
                                                     public_value->data, sizeof public_value->data,
                                                     &public_value->size),
                     1);
}

/* The client's half, with libcrypto's full validation of the server's value. */
static inline struct hex client_secret(EVP_PKEY *own, struct sp_span server_public)
{
    struct hex secret = {.size = sizeof secret.data};
    OWNED(EVP_PKEY) *peer = EVP_PKEY_new();
    OWNED(EVP_PKEY_CTX) *context = EVP_PKEY_CTX_new_from_pkey(NULL, own, NULL);
    assert_int_equal(EVP_PKEY_copy_parameters(peer, own), 1);
    assert_int_equal(EVP_PKEY_set1_encoded_public_key(peer, server_public.data, server_public.size), 1);
    assert_int_equal(EVP_PKEY_derive_init(context), 1);
    assert_int_equal(EVP_PKEY_derive_set_peer(context, peer), 1);
    assert_int_equal(EVP_PKEY_derive(context, secret.data, &secret.size), 1);
    return secret;
}
