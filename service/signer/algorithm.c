/*
 * Signature algorithms as the signer sees them. Input: the registry of this build, and key blobs that a token process
 * announced. Output: which algorithms a key has, and what the token has to be asked.
 */
#include "signer/algorithm.h"

#include <errno.h>
#include <stdio.h>

#include <sallyport/registry.h>
#include <sallyport/wire.h>

const struct sp_keytype_ops *algorithm_of_key(struct sp_span blob, size_t n, unsigned *bits)
{
    struct sp_in in = sp_in_of(blob);
    struct sp_span type = sp_get_text(&in, 64);
    const struct sp_keytype_ops *keytype;
    for (size_t i = 0; (keytype = keytype_at(i)); i++)
        if (sp_span_is(type, keytype->blob_type) && n-- == 0)
            return keytype->inspect(blob, bits) == 0 ? keytype : NULL;
    return NULL;
}

enum token_mechanism algorithm_mechanism(const struct sp_keytype_ops *keytype)
{
    static const struct {
        const char *name;
        enum token_mechanism mechanism;
    } rows[] = {
        {"ssh-ed25519", TOKEN_EDDSA},         {"ecdsa-sha2-nistp256", TOKEN_ECDSA},
        {"ecdsa-sha2-nistp384", TOKEN_ECDSA}, {"ecdsa-sha2-nistp521", TOKEN_ECDSA},
        {"rsa-sha2-256", TOKEN_RSA_SHA256},   {"rsa-sha2-512", TOKEN_RSA_SHA512},
    };
    const struct sp_keytype_ops *plain = keytype->plain ? keytype->plain : keytype;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        if (strcmp(rows[i].name, plain->head.name) == 0)
            return rows[i].mechanism;
    return 0;
}

int algorithm_input(const struct sp_keytype_ops *keytype, struct sp_span message, struct sp_out *input)
{
    uint8_t digest[SP_DIGEST_MAX];
    if (!keytype->digest) {
        sp_put_raw(input, message);
        return sp_put_end(input) ? -ENOSPC : 0;
    }
    const struct sp_digest_ops *ops = digest_find(sp_text(keytype->digest));
    if (!ops)
        return -ENOENT;
    int r = ops->hash(&message, 1, digest);
    if (r)
        return r;
    sp_put_raw(input, sp_span_of(digest, ops->size));
    return sp_put_end(input) ? -ENOSPC : 0;
}

int list_append(char *list, size_t size, const char *name)
{
    size_t used = strlen(list);
    int n = snprintf(list + used, size - used, "%s%s", used ? "," : "", name);
    return n < 0 || (size_t)n >= size - used ? -ENOSPC : 0;
}

int algorithm_available_kex(char *list, size_t size, bool post_quantum_only)
{
    const struct sp_kex_info *info;
    list[0] = 0;
    for (size_t i = 0; (info = kex_info_at(i)); i++) {
        bool here = (!info->available || info->available()) && (info->post_quantum || !post_quantum_only);
        int r = here ? list_append(list, size, info->head.name) : 0;
        if (r)
            return r;
    }
    return 0;
}
