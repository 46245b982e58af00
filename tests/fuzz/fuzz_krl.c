/*
 * Files of RevokedKeys: lists of keys and OpenSSH's revocation lists, any octets. Input: such a file, asked about one key and
 * its certificate, which the seeds revoke in every way there is. Besides memory errors it looks for verdicts without a
 * reason, and for a certificate that passes where its key is revoked.
 */
#include <stdlib.h>

#include "session/asuser/krl.h"
#include "session/asuser/revoked.h"

#include "../unit/modules/hex.h"
#include "../unit/session/krl_vectors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool promise)
{
    if (!promise)
        abort();
}

static int ask(const struct revoked *revoked, const struct key_subject *subject)
{
    char why[128] = "";
    int r = revoked_check(revoked, subject, why, sizeof why);
    require(r == 0 || r == REVOKED_E_REVOKED || r == REVOKED_E_MALFORMED);
    require((r != 0) == (why[0] != 0));
    return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct hex key, blob;
    static struct key_subject plain, certified;
    if (key.size == 0) {
        key = hex_of(key_ed);
        blob = hex_of(key_cert);
        plain = (struct key_subject){.blob = hex_span(&key), .plain = hex_span(&key)};
        certified = (struct key_subject){.blob = hex_span(&blob), .plain = hex_span(&key), .certified = true};
        require(certificate_parse(certified.blob, &certified.certificate) == 0);
    }
    const struct revoked revoked = {.present = true, .bytes = (uint8_t *)(uintptr_t)data, .size = size};
    int alone = ask(&revoked, &plain), inside = ask(&revoked, &certified);
    require(alone != REVOKED_E_REVOKED || inside == REVOKED_E_REVOKED);
    require((alone == REVOKED_E_MALFORMED) == (inside == REVOKED_E_MALFORMED));
    return 0;
}
