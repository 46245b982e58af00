/* The blob that a key proves itself with. No input; output to the token by way of the same path as every signature. */
#include "signer/proof.h"

#include <errno.h>

#include <sallyport/digest.h>
#include <sallyport/registry.h>
#include <sallyport/wire.h>

#define PROOF_TEXT "This key is a host key of sallyport.\n"

int proof_message(struct sp_out *out)
{
    uint8_t digest[SP_DIGEST_MAX];
    struct sp_span text = sp_text(PROOF_TEXT);
    const struct sp_digest_ops *sha512 = digest_find(sp_text("sha512"));
    int r = sha512 ? sha512->hash(&text, 1, digest) : -ENOENT;
    if (r)
        return r;
    sp_put_raw(out, sp_text("SSHSIG"));
    sp_put_text(out, PROOF_NAMESPACE);
    sp_put_text(out, ""); /* reserved */
    sp_put_text(out, "sha512");
    sp_put_string(out, sp_span_of(digest, sha512->size));
    return sp_put_end(out) ? -ENOSPC : 0;
}
