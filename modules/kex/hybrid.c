/*
 * What all post-quantum hybrids do: a client's two values come from KEX_HYBRID_INIT, ours go into the reply, K into
 * the exchange hash. The secret of a NIST curve is the x coordinate with its leading zeros.
 * draft-ietf-sshm-mlkem-hybrid-kex, RFC 9941.
 */
#include "kex/hybrid.h"

#include <sallyport/registry.h>
#include <sallyport/wire.h>

#include "common/owned.h"
#include "kex/curve25519.h"
#include "kex/ecdh_nist.h"

static size_t point_size(unsigned curve)
{
    return curve == HYBRID_X25519 ? X25519_SIZE : 1 + 2 * (size_t)curve_at(curve)->field;
}

static int check_point(unsigned curve, struct sp_span point)
{
    return curve == HYBRID_X25519 ? x25519_check(point) : curve_check_point(curve_at(curve), point);
}

static struct agreement *agreement_of(unsigned curve)
{
    return curve == HYBRID_X25519 ? x25519_agreement() : ecdh_agreement(curve);
}

/* `kem_size` is the size of the encapsulation's part; the checked point follows it. */
static int split(const struct hybrid_shape *shape, struct sp_span value, size_t kem_size, struct sp_span *kem,
                 struct sp_span *point)
{
    struct sp_in in = sp_in_of(value);
    struct sp_span first = sp_get_raw(&in, kem_size), second = sp_get_raw(&in, point_size(shape->curve));
    if (sp_get_end(&in) != 0)
        return SP_E_MALFORMED;
    int result = check_point(shape->curve, second);
    if (result != 0)
        return result;
    *kem = first;
    *point = second;
    return 0;
}

static int split_client(const struct hybrid_shape *shape, struct sp_span value, struct sp_span *key,
                        struct sp_span *point)
{
    int result = split(shape, value, shape->key_size, key, point);
    return result == 0 && shape->check_key ? shape->check_key(*key) : result;
}

int hybrid_check_publics(const struct sp_kex_info *self, struct sp_span group, struct sp_span client_public,
                         struct sp_span server_public)
{
    const struct hybrid_shape *shape = self->own;
    struct sp_span kem, point;
    int result = split_client(shape, client_public, &kem, &point);
    return result != 0 ? result : split(shape, server_public, shape->ciphertext_size, &kem, &point);
}

int hybrid_build(const struct sp_kex_info *self)
{
    const struct hybrid_shape *shape = self->own;
    (void)self->available(); /* the answer is kept */
    return shape->curve == HYBRID_X25519 ? 0 : curve_build(curve_at(shape->curve));
}

int hybrid_combine(const char *digest, struct sp_span kem, struct sp_span point, struct sp_out *secret)
{
    const struct sp_digest_ops *ops = digest_find(sp_text(digest));
    if (!ops)
        return -ENOENT;
    const struct sp_span parts[] = {kem, point};
    uint8_t hash[SP_DIGEST_MAX];
    int result = ops->hash(parts, 2, hash);
    if (result == 0) {
        sp_put_raw(secret, sp_span_of(hash, ops->size));
        result = sp_put_end(secret);
    }
    OPENSSL_cleanse(hash, sizeof hash);
    return result;
}

static int respond(const struct sp_kex_ops *self, struct sp_span key, struct sp_span point,
                   struct sp_out *server_public, struct sp_out *secret)
{
    const struct hybrid_shape *shape = self->info->own;
    const struct hybrid_kem *kem = self->own;
    uint8_t kem_secret[HYBRID_KEM_SECRET_SIZE] = {0}, point_secret[CURVE_FIELD_MAX] = {0};
    uint8_t own[CURVE_POINT_MAX];
    struct sp_out agreed = {.data = point_secret, .capacity = sizeof point_secret};
    struct sp_out own_point = {.data = own, .capacity = sizeof own};
    int result = kem->encapsulate(key, server_public, kem_secret);
    if (result == 0)
        result = agreement_respond(agreement_of(shape->curve), point, &own_point, &agreed);
    if (result == 0) {
        sp_put_raw(server_public, sp_written(&own_point));
        result = sp_put_end(server_public);
    }
    if (result == 0)
        result = hybrid_combine(self->info->digest, sp_span_of(kem_secret, sizeof kem_secret),
                                sp_written(&agreed), secret);
    OPENSSL_cleanse(kem_secret, sizeof kem_secret);
    OPENSSL_cleanse(point_secret, sizeof point_secret);
    return result;
}

int hybrid_respond(const struct sp_kex_ops *self, struct sp_span group, struct sp_span client_public,
                   struct sp_out *server_public, struct sp_out *secret)
{
    agreement_forget(server_public);
    agreement_forget(secret);
    struct sp_span key, point;
    int result = split_client(self->info->own, client_public, &key, &point);
    if (result != 0)
        return result;
    result = respond(self, key, point, server_public, secret);
    if (result != 0) {
        agreement_forget(server_public);
        agreement_forget(secret);
    }
    return result;
}

int hybrid_prepare(const struct sp_kex_ops *self)
{
    const struct hybrid_shape *shape = self->info->own;
    const struct hybrid_kem *kem = self->own;
    int result = hybrid_build(self->info);
    if (result == 0)
        result = agreement_prepare(agreement_of(shape->curve));
    return result != 0 ? result : kem->prepare();
}
