/*
 * OpenSSH's private keys (PROTOCOL.key). Input: a file that the administrator names. Output: the numbers in it, of which
 * nothing is believed: the public half is stated twice and both have to be the same, and the token's first signature has
 * to fit it.
 */
#include "ctl/private_file.h"

#include <string.h>

#include <sallyport/keytype.h>
#include <sallyport/wire.h>

#include "base/base64.h"

#define MAGIC_SIZE 15u      /* "openssh-key-v1" with its NUL */
#define BLOCK_SIZE 8u       /* of the cipher "none", to which the private part is padded */
#define NAME_MAX_OCTETS 64u /* of a cipher, a key derivation or a type */
#define COMMENT_MAX_OCTETS 4096u
#define NUMBER_MAX_OCTETS 2048u /* RSA 16384 */
#define POINT_MAX_OCTETS 133u

static const char armour_begin[] = "-----BEGIN OPENSSH PRIVATE KEY-----\n";
static const char armour_end[] = "-----END OPENSSH PRIVATE KEY-----";

static int invalid(const char **why, const char *what)
{
    *why = what;
    return PRIVATE_FILE_E_INVALID;
}

/* ---- armour -------------------------------------------------------------------------------------------------- */

static bool text_begins(struct sp_span text, const char *with)
{
    size_t size = strlen(with);
    return text.size >= size && memcmp(text.data, with, size) == 0;
}

static void skip(struct sp_span *text, size_t size)
{
    text->data += size;
    text->size -= size;
}

/* The lines of base64 between the two lines of armour, joined in the store. */
static int armour_join(struct sp_span text, struct sp_out *store, struct sp_span *joined, const char **why)
{
    size_t before = store->size;
    skip(&text, sizeof armour_begin - 1);
    while (!text_begins(text, armour_end)) {
        const uint8_t *end = text.size ? memchr(text.data, '\n', text.size) : NULL;
        if (!end)
            return invalid(why, "it is cut off: there is no line \"-----END OPENSSH PRIVATE KEY-----\"");
        size_t size = (size_t)(end - text.data);
        sp_put_raw(store, sp_span_of(text.data, size != 0 && end[-1] == '\r' ? size - 1 : size));
        skip(&text, size + 1);
    }
    *joined = sp_span_of(store->data + before, store->size - before);
    return sp_put_end(store) ? invalid(why, "it is too long") : 0;
}

static int armour_open(struct sp_span text, struct sp_out *store, struct sp_span *blob, const char **why)
{
    struct sp_span joined;
    int r = armour_join(text, store, &joined, why);
    if (r)
        return r;
    size_t before = store->size;
    r = base64_decode(joined, store);
    if (r)
        return invalid(why, r == SP_E_NO_ROOM ? "it is too long" : "its base64 is damaged");
    *blob = sp_span_of(store->data + before, store->size - before);
    return 0;
}

/* ---- fields -------------------------------------------------------------------------------------------------- */

/* string public ‖ string seed and public */
static void ed25519_get(struct sp_in *in, struct sp_private_key *key)
{
    struct sp_span point = sp_get_string(in, 32), both = sp_get_string(in, 64);
    key->kind = SP_PRIVATE_ED25519;
    if (point.size != 32 || both.size != 64 || memcmp(both.data + 32, point.data, 32) != 0) {
        in->bad = true;
        return;
    }
    key->ed25519.seed = sp_span_of(both.data, 32);
    key->ed25519.point = point;
}

/* string curve ‖ string point ‖ mpint scalar, which tokens want as wide as the curve */
static void ecdsa_get(struct sp_in *in, struct sp_out *store, struct sp_private_key *key)
{
    struct sp_span curve = sp_get_text(in, NAME_MAX_OCTETS), point = sp_get_string(in, POINT_MAX_OCTETS);
    size_t width = private_key_curve(curve, &key->ecdsa.curve);
    struct sp_span scalar = sp_get_mpint(in, width);
    key->kind = SP_PRIVATE_ECDSA;
    if (width == 0 || scalar.size == 0 || scalar.size > width || point.size != 1 + 2 * width ||
        point.data[0] != 0x04) {
        in->bad = true;
        return;
    }
    size_t before = store->size;
    for (size_t i = scalar.size; i < width; i++)
        sp_put_u8(store, 0);
    sp_put_raw(store, scalar);
    in->bad = in->bad || store->full;
    key->ecdsa.scalar = sp_span_of(store->data + before, store->size - before);
    key->ecdsa.point = point;
}

/* mpint n ‖ e ‖ d ‖ iqmp ‖ p ‖ q */
static void rsa_get(struct sp_in *in, struct sp_private_key *key)
{
    struct sp_span *const fields[] = {&key->rsa.n,    &key->rsa.e, &key->rsa.d,
                                      &key->rsa.qinv, &key->rsa.p, &key->rsa.q};
    key->kind = SP_PRIVATE_RSA;
    for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
        *fields[i] = sp_get_mpint(in, NUMBER_MAX_OCTETS);
        in->bad = in->bad || fields[i]->size == 0;
    }
}

static bool fields_get(struct sp_in *in, struct sp_span type, struct sp_out *store,
                       struct sp_private_key *key)
{
    static const char ecdsa[] = "ecdsa-sha2-";
    if (sp_span_is(type, "ssh-ed25519"))
        ed25519_get(in, key);
    else if (sp_span_is(type, "ssh-rsa"))
        rsa_get(in, key);
    else if (text_begins(type, ecdsa))
        ecdsa_get(in, store, key);
    else
        return false;
    return true;
}

/* 1, 2, 3, ... up to a whole block, and not a whole block of it. */
static bool padding_is_good(struct sp_in *in)
{
    struct sp_span padding = sp_get_raw(in, in->left);
    for (size_t i = 0; i < padding.size; i++)
        if (padding.data[i] != i + 1)
            return false;
    return !in->bad && padding.size < BLOCK_SIZE;
}

/* uint32 check ‖ uint32 check ‖ string type ‖ its fields ‖ string comment ‖ padding */
static int private_part_get(struct sp_span part, struct sp_out *store, struct sp_private_key *key,
                            const char **why)
{
    struct sp_in in = sp_in_of(part);
    uint32_t check = sp_get_u32(&in), again = sp_get_u32(&in);
    struct sp_span type = sp_get_text(&in, NAME_MAX_OCTETS);
    if (part.size % BLOCK_SIZE != 0 || in.bad || check != again)
        return invalid(why, "its private part is damaged");
    if (!fields_get(&in, type, store, key))
        return invalid(why, "it is neither RSA, ECDSA nor Ed25519: no token holds such a key");
    (void)sp_get_string(&in, COMMENT_MAX_OCTETS);
    if (in.bad || !padding_is_good(&in))
        return invalid(why, "its private part is malformed");
    int r = key->kind == SP_PRIVATE_RSA ? private_key_complete_rsa(key, store) : 0;
    if (r == 0)
        r = private_key_make_blob(key, store);
    if (r < 0)
        return r;
    return r ? invalid(why, "its numbers make no key") : 0;
}

/* magic ‖ string cipher ‖ string kdf ‖ string kdf options ‖ uint32 keys ‖ string public key ‖ string private part */
static int blob_get(struct sp_span blob, struct sp_out *store, struct sp_private_key *key, const char **why)
{
    struct sp_in in = sp_in_of(blob);
    struct sp_private_key read = {0};
    struct sp_span magic = sp_get_raw(&in, MAGIC_SIZE);
    struct sp_span cipher = sp_get_text(&in, NAME_MAX_OCTETS), kdf = sp_get_text(&in, NAME_MAX_OCTETS);
    struct sp_span kdf_options = sp_get_string(&in, COMMENT_MAX_OCTETS);
    uint32_t keys = sp_get_u32(&in);
    struct sp_span public_key = sp_get_string(&in, SP_KEY_BLOB_MAX);
    struct sp_span part = sp_get_string(&in, SP_PRIVATE_KEY_FILE_MAX);
    if (in.bad || !sp_span_equal(magic, sp_span_of("openssh-key-v1", MAGIC_SIZE)))
        return invalid(why, "it is malformed");
    if (!sp_span_is(cipher, "none")) {
        *why = "it is encrypted";
        return PRIVATE_FILE_E_ENCRYPTED;
    }
    if (!sp_span_is(kdf, "none") || kdf_options.size != 0 || keys != 1 || sp_get_end(&in))
        return invalid(why, "it is malformed");
    int r = private_part_get(part, store, &read, why);
    if (r)
        return r;
    if (!sp_span_equal(read.blob, public_key))
        return invalid(why, "its two halves are different keys");
    *key = read;
    return 0;
}

int private_file_read(struct sp_span file, struct sp_out *store, struct sp_private_key *key, const char **why)
{
    struct sp_span blob;
    *why = "";
    if (file.size > SP_PRIVATE_KEY_FILE_MAX)
        return invalid(why, "it is longer than any private key");
    if (text_begins(file, armour_begin)) {
        int r = armour_open(file, store, &blob, why);
        return r ? r : blob_get(blob, store, key, why);
    }
    int r = private_key_read_pem(file, store, key, why);
    if (r == SP_E_REFUSED)
        return PRIVATE_FILE_E_ENCRYPTED;
    return r > 0 ? PRIVATE_FILE_E_INVALID : r;
}
