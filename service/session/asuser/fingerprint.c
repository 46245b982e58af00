/* Fingerprints. Input: a key blob. Output: text for people. */
#include "session/asuser/fingerprint.h"

#include <sallyport/registry.h>
#include <sallyport/wire.h>

#include "base/base64.h"

void fingerprint_write(struct sp_span blob, char text[FINGERPRINT_MAX])
{
    uint8_t digest[SP_DIGEST_MAX];
    const struct sp_digest_ops *sha256 = digest_find(sp_text("sha256"));
    struct sp_out out = {.data = (uint8_t *)text, .capacity = FINGERPRINT_MAX - 1};
    text[0] = 0;
    if (!sha256 || sha256->hash(&blob, 1, digest))
        return;
    sp_put_raw(&out, sp_text("SHA256:"));
    if (base64_encode_bare(sp_span_of(digest, sha256->size), &out) == 0)
        text[out.size] = 0;
}
