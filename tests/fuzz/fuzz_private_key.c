/* Private key files: those that parse must state a public half that the server's own parser takes, within the store. */
#include <assert.h>
#include <stdlib.h>

#include <sallyport/wire.h>

#include "ctl/private_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_inside(const struct sp_out *store, struct sp_span field, struct sp_span file)
{
    bool in_store = field.data >= store->data && field.data + field.size <= store->data + store->size;
    bool in_file = field.data >= file.data && field.data + field.size <= file.data + file.size;
    return in_store || in_file;
}

static void fields_check(const struct sp_private_key *key, const struct sp_out *store, struct sp_span file)
{
    switch (key->kind) {
    case SP_PRIVATE_ED25519:
        assert(key->ed25519.seed.size == 32 && key->ed25519.point.size == 32);
        assert(is_inside(store, key->ed25519.seed, file));
        break;
    case SP_PRIVATE_ECDSA:
        assert(key->ecdsa.point.size == 1 + 2 * key->ecdsa.scalar.size);
        assert(is_inside(store, key->ecdsa.scalar, file) && is_inside(store, key->ecdsa.point, file));
        break;
    case SP_PRIVATE_RSA:
        assert(key->rsa.n.size != 0 && key->rsa.d.size != 0);
        assert(is_inside(store, key->rsa.dp, file) && is_inside(store, key->rsa.dq, file));
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *room = malloc(SP_PRIVATE_KEY_STORE);
    struct sp_out store = {.data = room, .capacity = SP_PRIVATE_KEY_STORE};
    struct sp_private_key key = {0};
    const char *why = NULL;
    assert(room);
    struct sp_span file = sp_span_of(data, size);
    if (private_file_read(file, &store, &key, &why) == 0) {
        struct sp_in in = sp_in_of(key.blob);
        assert(sp_get_text(&in, 64).size != 0 && !in.bad);
        fields_check(&key, &store, file);
    } else {
        assert(why && key.kind == 0);
    }
    free(room);
    return 0;
}
