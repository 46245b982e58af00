/*
 * OpenSSH certificates (PROTOCOL.certkeys): a key, whom it stands for and until when, and a certificate authority's
 * signature over all of it. The parser is pure: it decides nothing but whether the form is right, and knows no key.
 */
#pragma once

#include <sallyport/keytype.h>
#include <sallyport/wire.h>

#define SP_CERTIFICATE_MAX 8192u      /* octets of a certificate: two keys of RSA 16384 and a signature */
#define SP_CERTIFICATE_TEXT_MAX 4096u /* octets of all principals, options or extensions together */
#define SP_CERTIFICATE_PRINCIPALS_MAX 256u /* as sshd */
#define SP_CERTIFICATE_OPTIONS_MAX 64u     /* critical options; also extensions */
#define SP_CERTIFICATE_NAME_MAX 128u       /* octets of an option's name */
#define SP_CERTIFICATE_FOREVER UINT64_MAX  /* valid_before of a certificate that does not expire */

enum sp_certificate_type {
    SP_CERTIFICATE_USER = 1,
    SP_CERTIFICATE_HOST = 2,
};

/* All spans point into the blob that was parsed, but plain_type, which is static. */
struct sp_certificate {
    struct sp_span blob_type;  /* "ssh-rsa-cert-v01@openssh.com" */
    const char *plain_type;    /* of the key inside: "ssh-rsa" */
    struct sp_span key_fields; /* the key's own fields, as they would follow plain_type in its blob */
    uint64_t serial;
    uint32_t type; /* enum sp_certificate_type; nothing else parses */
    struct sp_span key_id;
    struct sp_span principals;          /* for certificate_next_principal(); empty: stands for nobody */
    uint64_t valid_after, valid_before; /* seconds since 1970: valid_after <= now < valid_before */
    struct sp_span critical_options, extensions; /* for certificate_next_option(); no name comes twice */
    struct sp_span ca_key;                       /* a plain key's blob, its type looked at and no more */
    struct sp_span signature;                    /* signature blob */
    struct sp_span signed_part;                  /* what the signature is over */
};

/* 0 or SP_E_MALFORMED: also for anything over its limit, an unknown type, or a CA key that is a certificate. */
SP_MUST_USE int certificate_parse(struct sp_span blob, struct sp_certificate *certificate);

/* Appends the plain key inside, as a blob that the plain algorithm takes. 0 or SP_E_NO_ROOM. */
SP_MUST_USE int certificate_put_key(const struct sp_certificate *certificate, struct sp_out *out);

/* The next item of a parsed certificate's list, which they shorten. False at the end. */
bool certificate_next_principal(struct sp_span *list, struct sp_span *principal);
/* `data` as it stands: empty for a flag; else it holds one more string, which certificate_option_text() takes out. */
bool certificate_next_option(struct sp_span *list, struct sp_span *name, struct sp_span *data);
/* 0 or SP_E_MALFORMED. */
SP_MUST_USE int certificate_option_text(struct sp_span data, struct sp_span *text);

/* The built-in algorithm that the CA's signature names, if it is one of the CA key's; NULL: none. It is the caller's to
 * ask whether it may be used, and how large the CA key is. */
const struct sp_keytype_ops *certificate_algorithm(const struct sp_certificate *certificate);
/* Whether the signature is the CA key's. Says nothing about whether that CA is anybody's. */
enum sp_verdict certificate_verify(const struct sp_certificate *certificate);
