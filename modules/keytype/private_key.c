/* What all forms of private keys have in common. Pure: no arithmetic, only the fields' order in SSH's blobs. */
#include <sallyport/private_key.h>
#include <sallyport/wire.h>

static const struct {
    const char *curve, *type;
    size_t width;
} curves[] = {
    {"nistp256", "ecdsa-sha2-nistp256", 32},
    {"nistp384", "ecdsa-sha2-nistp384", 48},
    {"nistp521", "ecdsa-sha2-nistp521", 66},
};

#define CURVES (sizeof curves / sizeof curves[0])

size_t private_key_curve(struct sp_span curve, const char **name)
{
    for (size_t i = 0; i < CURVES; i++)
        if (sp_span_is(curve, curves[i].curve)) {
            *name = curves[i].curve;
            return curves[i].width;
        }
    return 0;
}

static void ecdsa_put(const struct sp_private_key *key, struct sp_out *out)
{
    for (size_t i = 0; i < CURVES; i++)
        if (strcmp(curves[i].curve, key->ecdsa.curve) == 0)
            sp_put_text(out, curves[i].type);
    sp_put_text(out, key->ecdsa.curve);
    sp_put_string(out, key->ecdsa.point);
}

int private_key_make_blob(struct sp_private_key *key, struct sp_out *store)
{
    struct sp_out out = {.data = store->data + store->size, .capacity = store->capacity - store->size};
    switch (key->kind) {
    case SP_PRIVATE_ED25519:
        sp_put_text(&out, "ssh-ed25519");
        sp_put_string(&out, key->ed25519.point);
        break;
    case SP_PRIVATE_ECDSA:
        ecdsa_put(key, &out);
        break;
    case SP_PRIVATE_RSA:
        sp_put_text(&out, "ssh-rsa");
        sp_put_mpint(&out, key->rsa.e);
        sp_put_mpint(&out, key->rsa.n);
        break;
    }
    if (sp_put_end(&out))
        return SP_E_NO_ROOM;
    key->blob = sp_written(&out);
    store->size += out.size;
    return 0;
}
