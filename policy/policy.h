/*
 * The algorithm policy of a site: data in, ordered lists and rules out, and the reason for each of them.
 *
 *   NAME.policy files --policy_files_read--> struct policy_files     what a directory has, in memory; the snapshot carries it
 *   files, "BASE:SUB" --policy_load--> struct policy                 inherited and modified; knows no build and no token
 *   policy --policy_amend--> policy                                  the configuration's own lists
 *   outer, inner --policy_compare--> what the inner one loosens
 *   policy, build, time --policy_resolve--> struct policy_effective  what is enforced
 *   the same --policy_explain--> why a name is in or out
 *
 * Everything is a pure function of its arguments but policy_files_read(), and the same code runs in the signer, which
 * enforces, in the login process, which judges users' keys, and in the tool, which explains. The language is described in
 * sallyport-policy(5).
 */
#pragma once

#include <sallyport/types.h>

#include "base/util.h"

/* The kinds of lists. */
enum policy_kind {
    POLICY_KEX,         /* KexAlgorithms */
    POLICY_HOST_KEY,    /* HostKeyAlgorithms */
    POLICY_CIPHER,      /* Ciphers */
    POLICY_MAC,         /* MACs */
    POLICY_COMPRESSION, /* CompressionAlgorithms: "none" and "zlib@openssh.com" */
    POLICY_USER_KEY,    /* PubkeyAcceptedAlgorithms */
    POLICY_CA_KEY,      /* CASignatureAlgorithms */
    POLICY_KINDS,
};

#define POLICY_LIST_MAX 2048u      /* octets of a comma-separated list with its NUL */
#define POLICY_NAME_MAX 64u        /* octets of a policy's name: letters, digits, "-", "_" and "." */
#define POLICY_SPEC_MAX 512u       /* octets of "DEFAULT:NO-NISTP:LOCAL" or of a path */
#define POLICY_FILE_MAX 65536u     /* octets of one file */
#define POLICY_SIGNATURE_MAX 8192u /* octets of its detached signature */
#define POLICY_FILES_MAX 64u       /* files that one set may have */
#define POLICY_DEPTH_MAX 8u        /* Inherit of Inherit of ... */
#define POLICY_SUBS_MAX 16u        /* sub-policies behind a base */
#define POLICY_EXCEPTIONS_MAX 32u  /* entries of a policy with NotAfter or Address */

enum {
    POLICY_E_INVALID = 1, /* error->text says what; with file and line if there is one */
};

struct policy_error {
    char text[1024];
};

/* A line that had an effect. file: owned by the struct policy that it is reported for; NULL: the program itself, which
 * has a DEFAULT.policy in it. */
struct policy_origin {
    const char *file;
    unsigned line;
};

#define POLICY_ORIGIN_MAX 256u

/* "FILE line N"; returns text. */
const char *policy_origin_text(struct policy_origin origin, char text[POLICY_ORIGIN_MAX]);

/* "KexAlgorithms". */
const char *policy_keyword(enum policy_kind kind);

/* ---- files ------------------------------------------------------------------------------------------------------- */

/*
 * path: as it is shown; NULL: in the program. name: the last part without ".policy"; a file that is no .policy (a distribution's generated
 * opensshserver.config) has its path for a name. signature: of PATH.sig, empty if there is none.
 */
struct policy_file {
    char *path;
    char *name;
    struct sp_span text, signature;
};

struct policy_files;

int policy_files_new(struct policy_files **files) MUST_USE;
void policy_files_free(struct policy_files *files);
/* Copies. A second file of the same name is ignored, so directories are read in the order of their weight. 0,
 * POLICY_E_INVALID (too large, too many, a name that no spec can have) or -ENOMEM. */
int policy_files_add(struct policy_files *files, const char *path, struct sp_span text,
                     struct sp_span signature, struct policy_error *error) MUST_USE;
const struct policy_file *policy_files_find(const struct policy_files *files, const char *name);
const struct policy_file *policy_files_at(const struct policy_files *files,
                                          size_t index); /* NULL past the end */

/*
 * Names that loadable modules add to the registry's: the policies of this set may list them, and every build has them. The
 * caller has seen to it that policy_knows() none of them. 0, POLICY_E_INVALID (no room) or -ENOMEM.
 */
int policy_files_add_name(struct policy_files *files, enum policy_kind kind, const char *name) MUST_USE;
/* Whether a name means something already, here or in other servers. */
bool policy_knows(enum policy_kind kind, struct sp_span name);

/* The DEFAULT that is in the program, for where the set has none; it is not in the set. */
const struct policy_file *policy_builtin(void);

/*
 * Adds the files that a spec needs, with everything that they inherit, from the directories (the first that has a name
 * wins), each with its signature if there is one. DEFAULT is in the program as well, for where no directory has it.
 * "SYSTEM" stands for /etc/crypto-policies/back-ends/opensshserver.config, an absolute path for such a file elsewhere.
 * POLICY_E_INVALID: not found (and where it was looked for), too large, not a regular file, or writable by others than
 * its owner and root's group. Else 0 or a negative errno.
 */
int policy_files_read(struct policy_files *files, const char *const *directories, size_t count,
                      const char *spec, struct policy_error *error) MUST_USE;
/* Adds every *.policy of the directories, for listing. A directory that does not exist has none. */
int policy_files_read_all(struct policy_files *files, const char *const *directories, size_t count,
                          struct policy_error *error) MUST_USE;

/* ---- policies ---------------------------------------------------------------------------------------------------- */

struct policy_entry {
    char *name;
    struct policy_origin origin; /* the line that let it in */
    int64_t not_after;           /* seconds since the epoch, the last one in which it counts; 0: for good */
    char *addresses;             /* pattern list with CIDR; NULL: everybody */
};

struct policy_list {
    struct policy_entry *entries; /* in order of preference */
    size_t count;
    bool is_set; /* by some file; a list that no file sets is empty, which is an error when it is resolved */
};

enum policy_rule {
    POLICY_RSA_SIZE,          /* RequiredRSASize BITS */
    POLICY_RSA_SIZES,         /* AllowedRSASizes BITS,BITS */
    POLICY_EC_SIZE,           /* RequiredECSize BITS */
    POLICY_DH_SIZE,           /* RequiredDHSize BITS: groups of the group exchange */
    POLICY_REKEY_LIMIT,       /* RekeyLimit OCTETS [TIME]: upper bounds */
    POLICY_POST_QUANTUM,      /* RequirePostQuantum yes */
    POLICY_STRICT_KEX,        /* RequireStrictKex yes */
    POLICY_HOST_CERTIFICATES, /* RequireHostCertificates yes: no plain host key is offered */
    POLICY_CONSTANT_CIPHER, /* RequireConstantCipher yes: a rekey keeps the ciphers and MACs (RFC 9212 section 5) */
    POLICY_FIPS_PROVIDER, /* RequireFIPSProvider yes: libcrypto serves from an approved provider alone */
    POLICY_AUTH_METHODS,  /* AllowedAuthenticationMethods publickey,password */
    POLICY_RULES,
};

#define POLICY_RSA_SIZES_MAX 8u

/* Zero means "no such rule" everywhere. */
struct policy_rules {
    uint32_t rsa_bits_min, ec_bits_min, dh_bits_min;
    uint32_t rsa_bits[POLICY_RSA_SIZES_MAX]; /* no other sizes than these */
    size_t rsa_bits_count;
    uint64_t rekey_octets;
    uint32_t rekey_s;
    bool post_quantum, strict_kex, host_certificates, constant_cipher, fips_provider;
    char auth_methods[128];                     /* comma-separated; "": any */
    struct policy_origin origins[POLICY_RULES]; /* the line that set each of them last */
};

/* "RequiredRSASize". */
const char *policy_rule_keyword(enum policy_rule rule);

struct policy_history; /* what explain needs besides: every line that took a name out */

struct policy {
    char *spec; /* "DEFAULT:NO-NISTP" */
    struct policy_list lists[POLICY_KINDS];
    struct policy_rules rules;
    bool may_loosen;   /* AllowLoosening yes of the base: a Match or the configuration may add to it */
    uint64_t serial;   /* the highest Serial of its files; 0: none */
    int64_t expires;   /* the earliest Expires of its files; 0: never */
    char *description; /* of the first file, and of the ones behind ":"; never NULL */
    char *loaded[POLICY_KINDS]; /* names that modules have added, comma-separated; NULL: none */
    struct policy_history *history;
};

/* A policy from files in memory. Independent of the order in which the files were added. An expired one (Expires before
 * now) is POLICY_E_INVALID; now 0: expiry is not looked at. */
int policy_load(const struct policy_files *files, const char *spec, int64_t now, struct policy **policy,
                struct policy_error *error) MUST_USE;
void policy_free(struct policy *policy);
/* Applies one list of the configuration ("+x", "-x*", "^x", "a,b"), as a file's line would. Whether it may loosen
 * (may_loosen) is the caller's to see to, with policy_compare(). The policy is untouched on failure. */
int policy_amend(struct policy *policy, enum policy_kind kind, const char *names, const char *file,
                 unsigned line, struct policy_error *error) MUST_USE;
/* Tightens a number of the configuration into the rules: RequiredRSASize. A smaller one than the rule changes nothing. */
void policy_amend_rsa_size(struct policy *policy, uint32_t bits, const char *file, unsigned line);

/* 0: inner allows nothing that outer does not, in any list, exception or rule. POLICY_E_INVALID: the first thing that it
 * loosens, with both origins. Where patterns of addresses would have to be thought about, the answer is that it does. */
int policy_compare(const struct policy *outer, const struct policy *inner,
                   struct policy_error *error) MUST_USE;

/* ---- what is enforced -------------------------------------------------------------------------------------------- */

/* What there is to negotiate. Lists are comma-separated, without order. NULL lists are those that the caller does not
 * care for (the login process knows no ciphers): they resolve to "". */
struct policy_build {
    const char *known[POLICY_KINDS]; /* names in the registry of this build */
    const char
        *available[POLICY_KINDS]; /* those that work here: libcrypto's version, and for host keys the token */
    const char *post_quantum;     /* those of available[POLICY_KEX] that are */
    bool fips_provider;           /* libcrypto serves from an approved provider alone */
};

struct policy_exception {
    enum policy_kind kind;
    char name[POLICY_NAME_MAX + 1];
    int64_t not_after;              /* 0: for good */
    char addresses[256];            /* "": everybody */
    char origin[POLICY_ORIGIN_MAX]; /* "FILE line N" */
};

struct policy_effective {
    char lists[POLICY_KINDS][POLICY_LIST_MAX]; /* for everybody and for good, in order of preference */
    struct policy_exception exceptions[POLICY_EXCEPTIONS_MAX]; /* available here and not expired */
    size_t exception_count;
    struct policy_rules rules; /* origins as in the policy */
};

/*
 * policy ∩ known ∩ available, less what a rule takes out. A name that the policy lists and this build does not have is left
 * out; a list in which nothing remains for everybody is POLICY_E_INVALID and names what was missing on which side.
 * A rule that this build cannot keep (POLICY_FIPS_PROVIDER) is as well. now 0: expiry is not looked at. Origins in
 * effective->rules point into the policy.
 */
int policy_resolve(const struct policy *policy, const struct policy_build *build, int64_t now,
                   struct policy_effective *effective, struct policy_error *error) MUST_USE;

/* One canonical text of lists, exceptions and rules, without origins and names of policies: equal texts are equal
 * policies. Its SHA-256 is the digest that is logged and shown. -ENOMEM; free() the text. */
int policy_effective_text(const struct policy_effective *effective, char **text) MUST_USE;

/*
 * Whether a key may be used: host keys, users' keys and CA keys alike. blob_type: "ssh-rsa", "ecdsa-sha2-nistp256", ... 0, or
 * POLICY_E_INVALID with "RequiredRSASize (FILE line N): an RSA key of 2048 bits, at least 3072".
 */
int policy_check_key(const struct policy_rules *rules, const char *blob_type, unsigned bits,
                     struct policy_error *error) MUST_USE;

/* ---- why --------------------------------------------------------------------------------------------------------- */

enum policy_reason {
    POLICY_IN,            /* origin: the line that let it in */
    POLICY_IN_EXCEPTION,  /* the same, for some addresses or for some time */
    POLICY_REMOVED,       /* origin: the line that took it out */
    POLICY_NEVER_NAMED,   /* no line of the policy lists it; origin: the line that set the list */
    POLICY_BY_RULE,       /* rule and its origin */
    POLICY_EXPIRED,       /* origin: the exception's line */
    POLICY_NOT_AVAILABLE, /* this build has it, this machine (libcrypto, token) has not */
    POLICY_NOT_IN_BUILD,  /* a name that exists, and why this server does not have it, if for a reason */
    POLICY_UNKNOWN,       /* nobody has heard of it */
};

struct policy_verdict {
    enum policy_reason reason;
    enum policy_rule rule; /* POLICY_BY_RULE */
    struct policy_origin origin;
    char text[512]; /* one sentence, complete with file and line */
};

/* "in", "exception", "removed", ...: a stable word for logs and JSON. */
const char *policy_reason_word(enum policy_reason reason);
void policy_explain(const struct policy *policy, const struct policy_build *build, int64_t now,
                    enum policy_kind kind, struct sp_span name, struct policy_verdict *verdict);
