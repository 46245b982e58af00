/*
 * The default lists, in this server's order of preference, which is what a negotiation follows only as far as the
 * client has none of its own (RFC 4253 section 7.1), and the names that exist elsewhere. Data only.
 *
 * Order: a post-quantum exchange first, then curves, then finite fields; ciphers that protect the length as well
 * first, shorter keys before longer ones because they cost less and are strong enough; MACs over ciphertext first.
 */
#include "policy/defaults.h"

#define KEY_ALGORITHMS                                                                                       \
    "ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,rsa-sha2-512,rsa-sha2-256"
/* Users' keys besides: those in authenticators, and certificates. */
#define SK_ALGORITHMS "sk-ssh-ed25519@openssh.com,sk-ecdsa-sha2-nistp256@openssh.com"
#define CERTIFICATE_ALGORITHMS                                                                               \
    "ssh-ed25519-cert-v01@openssh.com,ecdsa-sha2-nistp256-cert-v01@openssh.com,"                             \
    "ecdsa-sha2-nistp384-cert-v01@openssh.com,ecdsa-sha2-nistp521-cert-v01@openssh.com,"                     \
    "sk-ssh-ed25519-cert-v01@openssh.com,sk-ecdsa-sha2-nistp256-cert-v01@openssh.com,"                       \
    "rsa-sha2-512-cert-v01@openssh.com,rsa-sha2-256-cert-v01@openssh.com"
#define KEY_ALGORITHMS_ELSEWHERE                                                                             \
    "ssh-rsa,ssh-dss,ssh-ed448,sk-*,*-cert-v0?@openssh.com,webauthn-sk-*,x509v3-*,ssh-mldsa*,ssh-xmss*"

struct policy_row {
    const char *keyword;
    const char *list;
    const char *elsewhere;
};

static const struct policy_row rows[POLICY_KINDS] = {
    [POLICY_KEX] =
        {"KexAlgorithms",
         "mlkem768x25519-sha256,curve25519-sha256,curve25519-sha256@libssh.org,"
         "ecdh-sha2-nistp256,ecdh-sha2-nistp384,ecdh-sha2-nistp521,"
         "diffie-hellman-group16-sha512,diffie-hellman-group18-sha512,diffie-hellman-group14-sha256",
         "sntrup761x25519-sha512*,sntrup4591761x25519-*,mlkem768nistp256-sha256,"
         "mlkem1024nistp384-sha384,diffie-hellman-group-exchange-*,diffie-hellman-group1-sha1,"
         "diffie-hellman-group14-sha1,diffie-hellman-group15-sha512,diffie-hellman-group17-sha512,"
         "curve448-sha512,gss-*,kexguess2@matt.ucc.asn.au"},
    [POLICY_HOST_KEY] = {"HostKeyAlgorithms", KEY_ALGORITHMS, KEY_ALGORITHMS_ELSEWHERE},
    [POLICY_CIPHER] = {"Ciphers",
                       "chacha20-poly1305@openssh.com,aes128-gcm@openssh.com,aes256-gcm@openssh.com,"
                       "aes128-ctr,aes192-ctr,aes256-ctr",
                       "*-cbc,rijndael-cbc@lysator.liu.se,arcfour*,3des-ctr,blowfish-ctr,none,"
                       "aes128-gcm,aes256-gcm,AEAD_AES_*"},
    [POLICY_MAC] = {"MACs",
                    "hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com,hmac-sha2-256,hmac-sha2-512",
                    "hmac-sha1*,hmac-md5*,hmac-ripemd160*,umac-*,none"},
    [POLICY_COMPRESSION] = {"CompressionAlgorithms", "none", ""},
    [POLICY_CA_KEY] = {"CASignatureAlgorithms", KEY_ALGORITHMS "," SK_ALGORITHMS, KEY_ALGORITHMS_ELSEWHERE},
    [POLICY_USER_KEY] = {"PubkeyAcceptedAlgorithms",
                         CERTIFICATE_ALGORITHMS "," KEY_ALGORITHMS "," SK_ALGORITHMS,
                         KEY_ALGORITHMS_ELSEWHERE},
};

const char *policy_default(enum policy_kind kind)
{
    return rows[kind].list;
}

const char *policy_elsewhere(enum policy_kind kind)
{
    return rows[kind].elsewhere;
}
