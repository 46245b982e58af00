/*
 * Who may sign policies: a file in the format of ALLOWED SIGNERS in ssh-keygen(1), one signer per line,
 *
 *   PRINCIPALS [cert-authority,namespaces="LIST",valid-after=TIME,valid-before=TIME] TYPE BASE64 [comment]
 *
 * read as a whole: a line that is not understood makes the file one that is not used.
 */
#pragma once

#include <sallyport/keytype.h>

#include "policy/policy.h"

#define SIGNERS_TEXT_MAX 65536u /* octets of the file */
#define SIGNERS_LINE_MAX 8192u  /* octets of a line */
#define SIGNERS_MAX 256u        /* lines with a signer */
#define SIGNERS_RSA_BITS_MIN 2048u

struct signer_line {
    unsigned line;
    char *principals;  /* pattern list: a signer's names, or, for an authority, those that it may give */
    char *namespaces;  /* pattern list; NULL: any */
    bool is_authority; /* signs certificates, and no policy itself */
    int64_t valid_after, valid_before; /* the first and the last second; 0: no bound */
    uint8_t *blob;                     /* of a plain key */
    size_t blob_size;
};

struct signers {
    char *file; /* as it is shown */
    struct signer_line *lines;
    size_t count; /* never 0 */
};

/* Times without "Z" are local, so read it where /etc/localtime is. 0, POLICY_E_INVALID or -ENOMEM. */
int signers_read(const char *file, struct sp_span text, struct signers **signers,
                 struct policy_error *error) MUST_USE;
void signers_free(struct signers *signers);

static inline struct sp_span signer_key(const struct signer_line *line)
{
    return sp_span_of(line->blob, line->blob_size);
}

/* Whether a pattern list with wildcards has it: "*,!x" has everything but "x". */
bool signers_list_has(const char *patterns, struct sp_span name);

/* Whether a plain key's blob is well formed, of a type that may sign policies, and large enough: NULL, or what is wrong
 * with it. */
const char *signers_key_objection(struct sp_span blob);
