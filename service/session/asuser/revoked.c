/*
 * Revoked keys. Input: the administrator's file, handed over by the login process, and what a client presents. Output: a
 * verdict. sshd_config(5) RevokedKeys: every doubt about the file is decided against the key.
 */
#include "session/asuser/revoked.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fd.h"

#include "base/base64.h"
#include "session/asuser/key_line.h"
#include "session/asuser/krl.h"

int revoked_read(int fd, struct revoked *revoked)
{
    struct revoked read = {.present = true};
    int r = fd_read_all(fd, REVOKED_SIZE_MAX, &read.bytes, &read.size);
    if (r == 0)
        *revoked = read;
    return r;
}

void revoked_free(struct revoked *revoked)
{
    free(revoked->bytes);
    *revoked = (struct revoked){0};
}

static int list_check(const struct revoked *revoked, const struct key_subject *subject, char *why,
                      size_t why_size)
{
    struct krl_query query = {.certificate = subject->certified ? &subject->certificate : NULL};
    const char *how = "";
    int r = krl_key_of(subject->plain, &query.key);
    if (r == 0 && subject->certified)
        r = krl_key_of(subject->certificate.ca_key, &query.ca);
    if (r == 0)
        r = krl_check(sp_span_of(revoked->bytes, revoked->size), &query, &how);
    switch (r) {
    case 0:
        return 0;
    case KRL_E_REVOKED:
        snprintf(why, why_size, "revoked by %s", how);
        return REVOKED_E_REVOKED;
    default:
        snprintf(why, why_size, "malformed revocation list: no key is accepted");
        return REVOKED_E_MALFORMED;
    }
}

/* The plain key of a line, in *bytes, or an empty span: not of the form "type base64 [comment]". Types that this server has
 * not are fine, as nobody can present such a key. */
static struct sp_span line_key(struct sp_span text, uint8_t bytes[SP_CERTIFICATE_MAX],
                               uint8_t inner[SP_KEY_BLOB_MAX])
{
    struct sp_span type, base64;
    struct sp_out out = {.data = bytes, .capacity = SP_CERTIFICATE_MAX};
    key_line_words(text, &type, &base64);
    if (base64_decode(base64, &out))
        return (struct sp_span){0};
    struct sp_in in = sp_in_of(sp_written(&out));
    if (!sp_span_equal(sp_get_text(&in, SP_CERTIFICATE_NAME_MAX), type) || in.bad)
        return (struct sp_span){0};
    struct sp_certificate certificate;
    struct sp_out plain = {.data = inner, .capacity = SP_KEY_BLOB_MAX};
    if (certificate_parse(sp_written(&out), &certificate) == 0)
        return certificate_put_key(&certificate, &plain) ? (struct sp_span){0} : sp_written(&plain);
    return sp_written(&out);
}

static int line_check(struct sp_span text, const struct key_subject *subject, unsigned line, char *why,
                      size_t why_size)
{
    uint8_t bytes[SP_CERTIFICATE_MAX], inner[SP_KEY_BLOB_MAX];
    struct sp_span blob = text.size > KEY_LINE_MAX ? (struct sp_span){0} : line_key(text, bytes, inner);
    if (blob.size == 0) {
        snprintf(why, why_size, "line %u is no public key: no key is accepted", line);
        return REVOKED_E_MALFORMED;
    }
    bool ca = subject->certified && sp_span_equal(blob, subject->certificate.ca_key);
    if (!ca && !sp_span_equal(blob, subject->plain))
        return 0;
    snprintf(why, why_size, "revoked by line %u%s", line, ca ? ", as an authority" : "");
    return REVOKED_E_REVOKED;
}

int revoked_check(const struct revoked *revoked, const struct key_subject *subject, char *why,
                  size_t why_size)
{
    struct sp_span rest = sp_span_of(revoked->bytes, revoked->size);
    int found = 0;
    if (krl_is_one(rest))
        return list_check(revoked, subject, why, why_size);
    for (unsigned line = 1; rest.size != 0; line++) {
        const uint8_t *end = memchr(rest.data, '\n', rest.size);
        struct sp_span text = sp_span_of(rest.data, end ? (size_t)(end - rest.data) : rest.size);
        size_t used = text.size + (end ? 1 : 0);
        rest = sp_span_of(rest.data + used, rest.size - used);
        if (key_line_is_empty(text))
            continue;
        int r = line_check(text, subject, line, why, why_size);
        if (r == REVOKED_E_MALFORMED)
            return r;
        found = r ? r : found;
    }
    return found;
}
