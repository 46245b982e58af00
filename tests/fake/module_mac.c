/*
 * A MAC module such as a site could write: HMAC-SHA-384 in the encrypt-then-MAC form, under a name of its own (RFC 4251
 * section 6). Made of libcrypto and of nothing of ours but the installed headers:
 *
 *     cc -shared -fPIC $(pkg-config --cflags sallyport) module_mac.c -lcrypto -o module_mac.so
 */
#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <sallyport/mac.h>

#define NAME "hmac-sha2-384-etm@example.org"
#define SIZE 48

static void mac_close(void *state)
{
    EVP_MAC_CTX_free(state); /* wipes the key */
}

static int mac_open(struct sp_span key, void **state)
{
    char digest[] = "SHA384";
    const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                                 OSSL_PARAM_construct_end()};
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *context = mac ? EVP_MAC_CTX_new(mac) : NULL;
    EVP_MAC_free(mac);
    if (!context)
        return -ENOMEM;
    if (EVP_MAC_init(context, key.data, key.size, params) != 1) {
        EVP_MAC_CTX_free(context);
        return -EIO;
    }
    *state = context;
    return 0;
}

static int mac_compute(void *state, uint32_t sequence, struct sp_span data, uint8_t *tag)
{
    const uint8_t head[4] = {(uint8_t)(sequence >> 24), (uint8_t)(sequence >> 16), (uint8_t)(sequence >> 8),
                             (uint8_t)sequence};
    size_t size = 0;
    bool done = EVP_MAC_init(state, NULL, 0, NULL) == 1 && EVP_MAC_update(state, head, sizeof head) == 1 &&
                EVP_MAC_update(state, data.data, data.size) == 1 &&
                EVP_MAC_final(state, tag, &size, SIZE) == 1;
    return done && size == SIZE ? 0 : -EIO;
}

static const struct sp_mac_ops ops = {
    .head = SP_MODULE_HEAD(SP_KIND_MAC, struct sp_mac_ops, NAME),
    .key_size = SIZE,
    .tag_size = SIZE,
    .etm = true,
    .open = mac_open,
    .close = mac_close,
    .compute = mac_compute,
};

SP_MODULE(SP_KIND_MAC, NAME, ops);
