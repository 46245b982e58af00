/* SHA-1 of a key blob. Input: public blobs. Output: what revocation lists hold. It is in no registry: nothing negotiates it. */
#include <sallyport/fingerprint.h>

#include <openssl/hmac.h>

#include "common/owned.h"

int fingerprint_sha1(struct sp_span blob, uint8_t digest[SP_SHA1_SIZE])
{
    unsigned size = 0;
    if (EVP_Digest(blob.data, blob.size, digest, &size, EVP_sha1(), NULL) != 1 || size != SP_SHA1_SIZE)
        return crypto_failed();
    return 0;
}

int fingerprint_hmac_sha1(struct sp_span key, struct sp_span text, uint8_t digest[SP_SHA1_SIZE])
{
    unsigned size = 0;
    if (!HMAC(EVP_sha1(), key.data, (int)key.size, text.data, text.size, digest, &size) ||
        size != SP_SHA1_SIZE)
        return crypto_failed();
    return 0;
}
