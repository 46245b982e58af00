/*
 * The names of algorithms: those of the registry, and those that other servers have or had, with the reason why this
 * one has not. A policy is written for many builds and many servers, so a name that exists elsewhere is no mistake in
 * it; one that exists nowhere is, and must not pass, or a typing mistake would weaken a list in silence.
 */
#include "policy/catalog.h"

#include "base/wildcard.h"
#include "policy/hint.h"

#define KIND(kind_) (1u << (kind_))
#define KEYS (KIND(POLICY_HOST_KEY) | KIND(POLICY_USER_KEY) | KIND(POLICY_CA_KEY))

#define KEX(symbol_, name_) name_,
static const char *const kexes[] = {
#include "../modules/registry.def"
    NULL};
#define CIPHER(symbol_, name_) name_,
static const char *const ciphers[] = {
#include "../modules/registry.def"
    NULL};
#define MAC(symbol_, name_) name_,
static const char *const macs[] = {
#include "../modules/registry.def"
    NULL};
#define KEYTYPE(symbol_, name_) name_,
static const char *const keytypes[] = {
#include "../modules/registry.def"
    NULL};
/* RFC 4253 section 6.2's "none" is the absence of a module. */
#define COMPRESSION(symbol_, name_) name_,
static const char *const compressions[] = {"none",
#include "../modules/registry.def"
                                           NULL};

static const struct {
    const char *keyword;
    const char *const *names; /* ends with NULL */
} kinds[POLICY_KINDS] = {
    [POLICY_KEX] = {"KexAlgorithms", kexes},
    [POLICY_HOST_KEY] = {"HostKeyAlgorithms", keytypes},
    [POLICY_CIPHER] = {"Ciphers", ciphers},
    [POLICY_MAC] = {"MACs", macs},
    [POLICY_COMPRESSION] = {"CompressionAlgorithms", compressions},
    [POLICY_USER_KEY] = {"PubkeyAcceptedAlgorithms", keytypes},
    [POLICY_CA_KEY] = {"CASignatureAlgorithms", keytypes},
};

struct elsewhere {
    unsigned kinds;
    enum catalog_class class;
    const char *pattern;
    const char *reason;
};

#define IS_BROKEN CATALOG_BROKEN
#define IS_FOREIGN CATALOG_FOREIGN
#define SHA1_HASH "collisions of SHA-1 can be made, and its exchange hash is what the host key signs"
#define SHA1_SIGNATURE "SHA-1 signatures are broken: collisions can be made"
#define NOT_YET "this version has no module for it"
#define ALREADY_RARE "no client in use needs it beside what there is"

/* The first row that matches says why. */
static const struct elsewhere elsewhere[] = {
    {KIND(POLICY_KEX), IS_BROKEN, "diffie-hellman-group1-sha1",
     "1024-bit groups are broken, and so is SHA-1"},
    {KIND(POLICY_KEX), IS_BROKEN, "diffie-hellman-group*-sha1", SHA1_HASH},
    {KIND(POLICY_KEX), IS_BROKEN, "rsa1024-sha1", "1024-bit RSA is broken, and so is SHA-1"},
    {KIND(POLICY_KEX), IS_BROKEN, "sntrup4591761x25519-sha512@tinyssh.org",
     "its lattice scheme was replaced by sntrup761 before it was analysed"},
    {KIND(POLICY_KEX), IS_FOREIGN, "gss-*",
     "a GSSAPI key exchange needs Kerberos, which this server does not do"},
    {KIND(POLICY_KEX), IS_FOREIGN, "sntrup761x25519-sha512", NOT_YET},
    {KIND(POLICY_KEX), IS_FOREIGN, "sntrup761x25519-sha512@openssh.com", NOT_YET},
    {KIND(POLICY_KEX), IS_FOREIGN, "mlkem512-sha256", ALREADY_RARE},
    {KIND(POLICY_KEX), IS_FOREIGN, "mlkem768-sha256", ALREADY_RARE},
    {KIND(POLICY_KEX), IS_FOREIGN, "mlkem1024-sha384", ALREADY_RARE},
    {KIND(POLICY_KEX), IS_FOREIGN, "diffie-hellman-group-exchange-sha???@ssh.com", ALREADY_RARE},
    {KIND(POLICY_KEX), IS_FOREIGN, "diffie-hellman-group1?-sha???@ssh.com", ALREADY_RARE},
    {KIND(POLICY_KEX), IS_FOREIGN, "curve448-sha512", ALREADY_RARE},
    {KIND(POLICY_KEX), IS_FOREIGN, "rsa2048-sha256",
     "an RSA key exchange has no forward secrecy within its key"},
    {KIND(POLICY_KEX), IS_FOREIGN, "ecdh-sha2-1.3.132.0.10", "no client in use needs secp256k1"},
    {KIND(POLICY_KEX), IS_FOREIGN, "ecdh-nistp*-kyber-*",
     "it was a draft of what is mlkem768nistp256-sha256 now"},
    {KIND(POLICY_KEX), IS_FOREIGN, "x25519-kyber-*", "it was a draft of what is mlkem768x25519-sha256 now"},
    {KIND(POLICY_KEX), IS_FOREIGN, "kexguess2@matt.ucc.asn.au", "it is a signal of Dropbear's, no algorithm"},
    {KIND(POLICY_KEX), IS_FOREIGN, "ext-info-?", "it is a signal, which the server sends by itself"},
    {KIND(POLICY_KEX), IS_FOREIGN, "kex-strict-?-v00@openssh.com",
     "it is a signal, which the server sends by itself"},

    {KIND(POLICY_CIPHER), IS_BROKEN, "*-cbc", "CBC as SSH uses it reveals plaintext"},
    {KIND(POLICY_CIPHER), IS_BROKEN, "*-cbc@*", "CBC as SSH uses it reveals plaintext"},
    {KIND(POLICY_CIPHER), IS_BROKEN, "arcfour*", "RC4 is broken: its keystream is biased"},
    {KIND(POLICY_CIPHER), IS_BROKEN, "none", "it does not encrypt"},
    {KIND(POLICY_CIPHER), IS_BROKEN, "3des-ctr", "blocks of 64 bits repeat within an hour's traffic"},
    {KIND(POLICY_CIPHER), IS_BROKEN, "blowfish-ctr", "blocks of 64 bits repeat within an hour's traffic"},
    {KIND(POLICY_CIPHER), IS_BROKEN, "cast128-ctr", "blocks of 64 bits repeat within an hour's traffic"},
    {KIND(POLICY_CIPHER), IS_FOREIGN, "AEAD_AES_*_GCM",
     "RFC 5647 negotiates it twice; aes256-gcm@openssh.com is the same without that"},
    {KIND(POLICY_CIPHER), IS_FOREIGN, "AEAD_AES_*_CCM", ALREADY_RARE},
    {KIND(POLICY_CIPHER), IS_FOREIGN, "aes*-gcm",
     "it was never registered; aes256-gcm@openssh.com is in use"},
    {KIND(POLICY_CIPHER), IS_FOREIGN, "chacha20-poly1305", "chacha20-poly1305@openssh.com is in use"},
    {KIND(POLICY_CIPHER), IS_FOREIGN, "camellia*-ctr*", ALREADY_RARE},
    {KIND(POLICY_CIPHER), IS_FOREIGN, "twofish*-ctr", ALREADY_RARE},
    {KIND(POLICY_CIPHER), IS_FOREIGN, "serpent*-ctr", ALREADY_RARE},

    {KIND(POLICY_MAC), IS_BROKEN, "hmac-md5*", "MD5 is broken"},
    {KIND(POLICY_MAC), IS_BROKEN, "none", "it does not authenticate"},
    {KIND(POLICY_MAC), IS_FOREIGN, "hmac-sha1-96*", "12 octets are little, and " ALREADY_RARE},
    {KIND(POLICY_MAC), IS_FOREIGN, "hmac-sha2-*-96*", "12 octets are little, and " ALREADY_RARE},
    {KIND(POLICY_MAC), IS_FOREIGN, "hmac-sha???*@ssh.com", ALREADY_RARE},
    {KIND(POLICY_MAC), IS_FOREIGN, "hmac-sha3-*", ALREADY_RARE},
    {KIND(POLICY_MAC), IS_FOREIGN, "hmac-ripemd*", ALREADY_RARE},
    {KIND(POLICY_MAC), IS_FOREIGN, "umac-32@openssh.com", "4 octets are too little"},
    {KIND(POLICY_MAC), IS_FOREIGN, "umac-96@openssh.com", ALREADY_RARE},
    {KIND(POLICY_MAC), IS_FOREIGN, "AEAD_AES_*",
     "RFC 5647 negotiates it twice; the ciphers of openssh.com need no MAC"},

    {KIND(POLICY_COMPRESSION), IS_FOREIGN, "zlib",
     "it decompresses what has not logged in; zlib@openssh.com waits for the login"},
    {KIND(POLICY_COMPRESSION), IS_FOREIGN, "zstd@*", ALREADY_RARE},

    {KEYS, IS_BROKEN, "ssh-rsa", SHA1_SIGNATURE},
    {KEYS, IS_BROKEN, "ssh-rsa-cert-v0?@openssh.com", SHA1_SIGNATURE},
    {KEYS, IS_BROKEN, "ssh-dss*", "DSA in SSH has 1024 bits, and SHA-1 signatures are broken"},
    {KEYS, IS_BROKEN, "x509v3-sign-rsa", SHA1_SIGNATURE},
    {KEYS, IS_BROKEN, "x509v3-sign-dss*", SHA1_SIGNATURE},
    {KEYS, IS_BROKEN, "x509v3-ssh-rsa", SHA1_SIGNATURE},
    {KEYS, IS_BROKEN, "x509v3-ssh-dss", SHA1_SIGNATURE},
    {KEYS, IS_FOREIGN, "null", "this server always proves who it is, by a key of its own"},
    {KEYS, IS_FOREIGN, "x509v3-*", "X.509 certificates in SSH are not supported; those of OpenSSH are"},
    {KEYS, IS_FOREIGN, "spki-sign-*", ALREADY_RARE},
    {KEYS, IS_FOREIGN, "pgp-sign-*", ALREADY_RARE},
    {KEYS, IS_FOREIGN, "ssh-ed448*", ALREADY_RARE},
    {KEYS, IS_FOREIGN, "ssh-mldsa*", "no token and no client in use has ML-DSA for SSH"},
    {KEYS, IS_FOREIGN, "ssh-xmss*", "stateful signatures must not be copied, and no client in use has them"},
    {KEYS, IS_FOREIGN, "ssh-slh-dsa*", "no client in use has it"},
    {KEYS, IS_FOREIGN, "ssh-sphincs*", "no client in use has it"},
    {KEYS, IS_FOREIGN, "rsa-sha2-???@ssh.com", "it is rsa-sha2-256 and rsa-sha2-512 everywhere else"},
    {KEYS, IS_FOREIGN, "ssh-rsa-sha???@ssh.com", "it is rsa-sha2-256 and rsa-sha2-512 everywhere else"},
    {KEYS, IS_FOREIGN, "*-cert-v00@openssh.com", "it is a form of certificates that OpenSSH gave up in 2015"},
    {KEYS, IS_FOREIGN, "webauthn-sk-ecdsa-sha2-nistp256-cert-v01@openssh.com", NOT_YET},
};

const char *policy_keyword(enum policy_kind kind)
{
    return kinds[kind].keyword;
}

static bool is_ours(enum policy_kind kind, struct sp_span name)
{
    for (const char *const *known = kinds[kind].names; *known; known++)
        if (sp_span_is(name, *known))
            return true;
    return false;
}

enum catalog_class catalog_class(enum policy_kind kind, struct sp_span name, const char **reason)
{
    if (reason)
        *reason = NULL;
    if (is_ours(kind, name))
        return CATALOG_OURS;
    for (size_t i = 0; i < ARRAY_SIZE(elsewhere); i++) {
        const struct elsewhere *row = &elsewhere[i];
        if (!(row->kinds & KIND(kind)) || !wildcard_matches(name, sp_text(row->pattern)))
            continue;
        if (reason)
            *reason = row->reason;
        return row->class;
    }
    return CATALOG_UNKNOWN;
}

bool policy_knows(enum policy_kind kind, struct sp_span name)
{
    return catalog_class(kind, name, NULL) != CATALOG_UNKNOWN;
}

/* The other way round too, for families: "-*-sha1" is about "diffie-hellman-group*-sha1". */
bool catalog_matches(enum policy_kind kind, struct sp_span pattern)
{
    for (const char *const *known = kinds[kind].names; *known; known++)
        if (wildcard_matches(sp_text(*known), pattern))
            return true;
    for (size_t i = 0; i < ARRAY_SIZE(elsewhere); i++)
        if ((elsewhere[i].kinds & KIND(kind)) && (wildcard_matches(pattern, sp_text(elsewhere[i].pattern)) ||
                                                  wildcard_matches(sp_text(elsewhere[i].pattern), pattern)))
            return true;
    return false;
}

const char *catalog_hint(enum policy_kind kind, struct sp_span name)
{
    struct hint hint = {0};
    for (const char *const *known = kinds[kind].names; *known; known++)
        hint_try(&hint, name, *known);
    for (size_t i = 0; i < ARRAY_SIZE(elsewhere); i++)
        if ((elsewhere[i].kinds & KIND(kind)) && !wildcard_is_in(sp_text(elsewhere[i].pattern)))
            hint_try(&hint, name, elsewhere[i].pattern);
    return hint.best;
}
