/* Names of kinds of keys. Input: the name of a public key algorithm (RFC 4253 section 6.6). Output: one of our words. */
#include "session/key_kind.h"

#include "base/util.h"

static const struct {
    const char *begins, *plain, *certificate;
} kinds[] = {
    {"ssh-ed25519", "ED25519", "ED25519-CERT"}, {"sk-ssh-ed25519", "ED25519-SK", "ED25519-SK-CERT"},
    {"ecdsa-sha2-", "ECDSA", "ECDSA-CERT"},     {"sk-ecdsa-sha2-", "ECDSA-SK", "ECDSA-SK-CERT"},
    {"rsa-sha2-", "RSA", "RSA-CERT"},           {"ssh-rsa", "RSA", "RSA-CERT"},
};

const char *key_kind(struct sp_span algorithm)
{
    static const char certificate[] = "-cert-v01@openssh.com";
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        struct sp_span begins = sp_text(kinds[i].begins), end = sp_text(certificate);
        if (algorithm.size < begins.size || memcmp(algorithm.data, begins.data, begins.size) != 0)
            continue;
        bool is_certificate = algorithm.size > end.size &&
                              memcmp(algorithm.data + algorithm.size - end.size, end.data, end.size) == 0;
        return is_certificate ? kinds[i].certificate : kinds[i].plain;
    }
    return "UNKNOWN";
}
