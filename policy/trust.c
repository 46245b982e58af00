/*
 * Judging signed policy files. Input: a file and its signature, which whoever carries them may have made up, and the table
 * of signers, which is root's. Output: who signed it, or one sentence. PROTOCOL.sshsig and PROTOCOL.certkeys of OpenSSH.
 */
#include "policy/trust.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <strings.h>

#include <sallyport/certificate.h>
#include <sallyport/registry.h>
#include <sallyport/wire.h>

#include "base/base64.h"
#include "base/decimal.h"
#include "base/lexer.h"
#include "policy/builtin.h"
#include "policy/error.h"
#include "policy/signers.h"
#include "policy/source.h"
#include "policy/sshsig.h"

struct policy_trust {
    struct signers *signers;
};

int policy_trust_read(const char *file, struct sp_span text, struct policy_trust **trust,
                      struct policy_error *error)
{
    _Static_assert(POLICY_TRUST_MAX == SIGNERS_TEXT_MAX, "one limit under two names");
    struct policy_trust *fresh = calloc(1, sizeof *fresh);
    if (!fresh)
        return -ENOMEM;
    int r = signers_read(file, text, &fresh->signers, error);
    if (r == 0)
        *trust = TAKE(fresh);
    policy_trust_free(fresh);
    return r;
}

void policy_trust_free(struct policy_trust *trust)
{
    if (!trust)
        return;
    signers_free(trust->signers);
    free(trust);
}

const char *policy_trust_file(const struct policy_trust *trust)
{
    return trust->signers->file;
}

/* One judgement: what is known so far. */
struct judgement {
    const struct policy_trust *trust;
    const struct policy_file *file;
    int64_t now;
    struct sshsig sig;
    bool is_certified;
    struct sp_certificate certificate; /* if it is */
    struct sp_span key;                /* the plain key that signed the file */
    uint8_t key_room[SP_KEY_BLOB_MAX]; /* where it comes out of a certificate */
    struct policy_signature who;
    struct policy_error *error;
};

/* "FILE.sig: what": the signature is no good. */
static int object(struct judgement *j, const char *format, ...) PRINTF_LIKE(2, 3);
static int object(struct judgement *j, const char *format, ...)
{
    char what[800];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    return policy_refuse(j->error, NULL, "%.200s.sig: %s", j->file->path, what);
}

static void fingerprint_put(struct sp_span blob, char *text, size_t size)
{
    uint8_t digest[SP_DIGEST_MAX];
    const struct sp_digest_ops *sha256 = digest_find(sp_text("sha256"));
    struct sp_out out = {.data = (uint8_t *)text, .capacity = size - 1};
    text[0] = 0;
    if (!sha256 || sha256->hash(&blob, 1, digest) != 0)
        return;
    sp_put_raw(&out, sp_text("SHA256:"));
    if (base64_encode_bare(sp_span_of(digest, sha256->size), &out) == 0)
        text[out.size] = 0;
}

/* ---- the key ----------------------------------------------------------------------------------------------------- */

/* RFC 8332, PROTOCOL.sshsig: "RSA signatures must use rsa-sha2-256 or rsa-sha2-512". */
static bool algorithm_may_sign(struct sp_span name)
{
    static const char *const names[] = {"ssh-ed25519",
                                        "ecdsa-sha2-nistp256",
                                        "ecdsa-sha2-nistp384",
                                        "ecdsa-sha2-nistp521",
                                        "rsa-sha2-256",
                                        "rsa-sha2-512",
                                        "sk-ssh-ed25519@openssh.com",
                                        "sk-ecdsa-sha2-nistp256@openssh.com"};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        if (sp_span_is(name, names[i]))
            return true;
    return false;
}

/* What a certificate must be before its authority matters at all. */
static int certificate_check(struct judgement *j)
{
    struct sp_span list = j->certificate.critical_options, name, data;
    struct sp_out key = {.data = j->key_room, .capacity = sizeof j->key_room};
    uint64_t now = j->now > 0 ? (uint64_t)j->now : 0;
    if (j->certificate.type != SP_CERTIFICATE_USER)
        return object(j, "its certificate is one of a host");
    if (certificate_next_option(&list, &name, &data))
        return object(j, "its certificate has the critical option %.*s, which no policy's signer can keep",
                      (int)size_min(name.size, 100), (const char *)name.data);
    if (now < j->certificate.valid_after)
        return object(j, "its certificate is not valid yet");
    if (now >= j->certificate.valid_before)
        return object(j, "its certificate has expired");
    if (certificate_put_key(&j->certificate, &key) != 0)
        return object(j, "the key in its certificate is too large");
    j->key = sp_written(&key);
    return 0;
}

static int key_open(struct judgement *j)
{
    j->key = j->sig.public_key;
    j->is_certified = certificate_parse(j->sig.public_key, &j->certificate) == 0;
    int r = j->is_certified ? certificate_check(j) : 0;
    if (r)
        return r;
    const char *objection = signers_key_objection(j->key);
    if (objection)
        return object(j, "%s", objection);
    fingerprint_put(j->key, j->who.fingerprint, sizeof j->who.fingerprint);
    return 0;
}

/* ---- the signer -------------------------------------------------------------------------------------------------- */

/* The principal of the certificate that the authority may give; empty: it has none. */
static struct sp_span principal_find(const struct judgement *j, const struct signer_line *line)
{
    struct sp_span list = j->certificate.principals, principal;
    while (certificate_next_principal(&list, &principal))
        if (signers_list_has(line->principals, principal))
            return principal;
    return (struct sp_span){0};
}

static int line_object(struct judgement *j, const struct signer_line *line, const char *what)
{
    return object(j, "%s (%.200s line %u)", what, j->trust->signers->file, line->line);
}

static int line_check(struct judgement *j, const struct signer_line *line)
{
    struct sp_span signer = sp_text(line->principals);
    if (line->is_authority != j->is_certified)
        return line_object(j, line,
                           line->is_authority ? "its key is an authority's, which signs certificates alone"
                                              : "the signer of its certificate is no cert-authority");
    if (line->namespaces && !signers_list_has(line->namespaces, sp_text(POLICY_SIGNATURE_NAMESPACE)))
        return line_object(j, line, "its signer may not sign for the namespace " POLICY_SIGNATURE_NAMESPACE);
    if (line->valid_after != 0 && j->now < line->valid_after)
        return line_object(j, line, "its signer is not valid yet");
    if (line->valid_before != 0 && j->now > line->valid_before)
        return line_object(j, line, "its signer has expired");
    if (j->is_certified)
        signer = principal_find(j, line);
    if (signer.size == 0)
        return line_object(j, line,
                           "none of its certificate's principals is one that the authority may name");
    snprintf(j->who.signer, sizeof j->who.signer, "%.*s", (int)signer.size, (const char *)signer.data);
    j->who.line = line->line;
    return 0;
}

/* A key may stand on several lines; one that allows it is enough, and the last objection stands if none does. */
static int signer_find(struct judgement *j)
{
    const struct signers *signers = j->trust->signers;
    struct sp_span key = j->is_certified ? j->certificate.ca_key : j->key;
    struct policy_error *error = j->error, objection = {{0}};
    int r = 0;
    j->error = &objection;
    bool found = false;
    for (size_t i = 0; i < signers->count && !(found && r == 0); i++)
        if (sp_span_equal(signer_key(&signers->lines[i]), key)) {
            r = line_check(j, &signers->lines[i]);
            found = true;
        }
    j->error = error;
    if (r)
        *error = objection;
    if (found)
        return r;
    char fingerprint[64];
    fingerprint_put(key, fingerprint, sizeof fingerprint);
    return object(j, "it was made %s %s, which %.200s does not name",
                  j->is_certified ? "with a certificate of" : "by", fingerprint, signers->file);
}

/* ---- the signature ----------------------------------------------------------------------------------------------- */

static int authority_check(struct judgement *j)
{
    const struct sp_keytype_ops *algorithm = certificate_algorithm(&j->certificate);
    if (!algorithm || !algorithm_may_sign(sp_text(algorithm->head.name)) ||
        certificate_verify(&j->certificate) != SP_VERDICT_GOOD)
        return object(j, "the authority's signature on its certificate is no good");
    return 0;
}

static int digest_of(const char *name, struct sp_span text, uint8_t digest[SP_DIGEST_MAX], size_t *size)
{
    const struct sp_digest_ops *ops = digest_find(sp_text(name));
    if (!ops)
        return -ENOENT;
    *size = ops->size;
    return ops->hash(&text, 1, digest);
}

static int signature_check(struct judgement *j)
{
    uint8_t digest[SP_DIGEST_MAX], bytes[SSHSIG_SIGNED_MAX];
    struct sp_out message = {.data = bytes, .capacity = sizeof bytes};
    struct sp_signature_facts facts = {0};
    struct sp_in in = sp_in_of(j->sig.signature);
    struct sp_span name = sp_get_text(&in, POLICY_NAME_MAX);
    const struct sp_keytype_ops *algorithm = algorithm_may_sign(name) ? keytype_find(name) : NULL;
    size_t size;
    if (in.bad || !algorithm || algorithm->plain)
        return object(j, "its signature algorithm cannot sign policies");
    int r = digest_of(j->sig.hash, j->file->text, digest, &size);
    if (r)
        return r;
    if (sshsig_put_signed(&j->sig, sp_span_of(digest, size), &message) != 0)
        return -EMSGSIZE;
    if (algorithm->verify(j->key, j->sig.signature, sp_written(&message), &facts) != SP_VERDICT_GOOD)
        return object(j, "it is no signature of this file by its key: one of them was altered");
    if (facts.by_authenticator && !facts.user_present)
        return object(j, "nobody touched the authenticator that made it");
    snprintf(j->who.algorithm, sizeof j->who.algorithm, "%s", algorithm->head.name);
    return 0;
}

static int signature_open(struct judgement *j, struct sp_out *blob)
{
    const char *why = "";
    int r = sshsig_dearmour(j->file->signature, blob, &why);
    if (r == 0)
        r = sshsig_parse(sp_written(blob), &j->sig, &why);
    if (r)
        return object(j, "%s", why);
    if (!sp_span_is(j->sig.name_space, POLICY_SIGNATURE_NAMESPACE))
        return object(j, "it was made for the namespace \"%.*s\", not for " POLICY_SIGNATURE_NAMESPACE,
                      (int)size_min(j->sig.name_space.size, 100), (const char *)j->sig.name_space.data);
    return 0;
}

/* ---- what the text says of itself -------------------------------------------------------------------------------- */

struct claims {
    bool has_name, has_serial;
    uint64_t serial;
};

static int claim_read(const struct policy_file *file, const struct lexer_line *line, unsigned number,
                      struct claims *claims, struct policy_error *error)
{
    const struct policy_origin origin = {.file = file->path, .line = number};
    bool is_name = strcasecmp(line->keyword, "Name") == 0;
    bool *have = is_name ? &claims->has_name : &claims->has_serial;
    if (!is_name && strcasecmp(line->keyword, "Serial") != 0)
        return 0;
    if (*have)
        return policy_refuse(error, &origin, "%s stands there twice", line->keyword);
    *have = true;
    if (line->count != 1)
        return policy_refuse(error, &origin, "%s: expected one argument", line->keyword);
    if (is_name && strcmp(line->arguments[0], file->name) != 0)
        return policy_refuse(error, &origin,
                             "the signed text is that of policy %.64s, and the file is called %.64s",
                             line->arguments[0], file->name);
    if (!is_name && (!decimal_parse(line->arguments[0], UINT64_MAX, &claims->serial) || claims->serial == 0))
        return policy_refuse(error, &origin, "Serial: expected a number from 1 on");
    return 0;
}

static int claims_read(const struct policy_file *file, struct claims *claims, struct policy_error *error)
{
    CLEANUP_FREE struct lexer_line *line = malloc(sizeof *line);
    struct sp_span text = file->text, raw;
    if (!line)
        return -ENOMEM;
    for (unsigned number = 1; source_next_line(&text, &raw); number++) {
        const char *why;
        int r = lexer_split(raw, line, &why);
        if (r == LEXER_E_MALFORMED)
            return policy_refuse(error, &(struct policy_origin){.file = file->path, .line = number}, "%s",
                                 why);
        r = r == 0 ? claim_read(file, line, number, claims, error) : 0;
        if (r)
            return r;
    }
    return 0;
}

static int claims_check(struct judgement *j)
{
    struct claims claims = {0};
    uint8_t digest[SP_DIGEST_MAX];
    size_t size;
    int r = claims_read(j->file, &claims, j->error);
    if (r)
        return r;
    if (!claims.has_name)
        return policy_refuse(j->error, NULL,
                             "%.200s: a signed policy has to say which one it is, in a line \"Name %.64s\"",
                             j->file->path, j->file->name);
    if (!claims.has_serial)
        return policy_refuse(j->error, NULL,
                             "%.200s: a signed policy has to say how new it is, in a line \"Serial NUMBER\"",
                             j->file->path);
    j->who.serial = claims.serial;
    r = digest_of("sha256", j->file->text, digest, &size);
    if (r == 0)
        memcpy(j->who.digest, digest, POLICY_DIGEST_SIZE);
    return r;
}

bool policy_trust_is_own(const struct policy_file *file)
{
    return strcmp(file->name, builtin_default.name) == 0 && sp_span_equal(file->text, builtin_default.text);
}

int policy_trust_verify(const struct policy_trust *trust, const struct policy_file *file, int64_t now,
                        struct policy_signature *who, struct policy_error *error)
{
    uint8_t bytes[SSHSIG_BLOB_MAX];
    struct sp_out blob = {.data = bytes, .capacity = sizeof bytes};
    struct judgement j = {.trust = trust, .file = file, .now = now, .error = error};
    if (source_is_generated(file->name))
        return policy_refuse(
            error, NULL,
            "%.200s: what a distribution generates has no Name and no Serial, so it cannot be a "
            "signed policy",
            file->path);
    if (file->signature.size == 0)
        return policy_refuse(error, NULL,
                             "%.200s is not signed: expected %.200s.sig, made with ssh-keygen -Y sign "
                             "-n " POLICY_SIGNATURE_NAMESPACE,
                             file->path, file->path);
    /* Whose it is comes before what it is worth: nothing is computed with a stranger's key. */
    int r = signature_open(&j, &blob);
    if (r == 0)
        r = key_open(&j);
    if (r == 0)
        r = signer_find(&j);
    if (r == 0 && j.is_certified)
        r = authority_check(&j);
    if (r == 0)
        r = signature_check(&j);
    if (r == 0)
        r = claims_check(&j);
    if (r == 0)
        *who = j.who;
    return r;
}
