/*
 * Keys and certificates as presented. Input: a request's algorithm and blob (hostile). Output: what is in them, or why
 * that cannot be used. PROTOCOL.certkeys of OpenSSH. Cheap looks go before those that compute.
 */
#include "session/asuser/key_subject.h"

#include <stdarg.h>
#include <stdio.h>

#include <sallyport/registry.h>

#include "session/asuser/cert_options.h"

struct opening {
    const struct key_subject_rules *rules;
    struct key_subject *subject;
    char *why;
    size_t why_size;
};

PRINTF_LIKE(2, 3) static int refuse(const struct opening *o, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(o->why, o->why_size, format, args);
    va_end(args);
    return KEY_SUBJECT_E_REFUSED;
}

/* By lengths alone: before this nobody computes with the numbers in a blob. */
static int size_check(const struct opening *o, const struct sp_keytype_ops *plain, struct sp_span blob,
                      const char *whose)
{
    unsigned bits = 0;
    char rule[160];
    if (plain->inspect(blob, &bits))
        return refuse(o, "not a usable %skey of this type", whose);
    if (key_rules_check(o->rules->sizes, plain->blob_type, bits, &o->subject->objection.rule, rule,
                        sizeof rule))
        return refuse(o, "%s%s%s%s", rule, *whose ? " (the " : "", whose, *whose ? "key)" : "");
    return 0;
}

static int time_check(const struct opening *o)
{
    const struct sp_certificate *certificate = &o->subject->certificate;
    uint64_t now = o->rules->now < 0 ? 0 : (uint64_t)o->rules->now;
    if (now < certificate->valid_after)
        return refuse(o, "the certificate is not valid yet");
    if (now >= certificate->valid_before)
        return refuse(o, "the certificate has expired");
    return 0;
}

/* Whether the rules admit the authority, by what it says of itself. */
static int authority_check_rules(const struct opening *o)
{
    const struct sp_certificate *certificate = &o->subject->certificate;
    struct sp_in in = sp_in_of(certificate->signature);
    struct sp_span name = sp_get_text(&in, SP_CERTIFICATE_NAME_MAX);
    const struct sp_keytype_ops *algorithm = certificate_algorithm(certificate);
    if (!sp_list_has(o->rules->ca_algorithms, name)) {
        o->subject->objection = (struct key_objection){.rule = "CASignatureAlgorithms", .algorithm = name};
        return refuse(o, "CASignatureAlgorithms: the certificate is signed with %.*s", (int)name.size,
                      name.data ? (const char *)name.data : "");
    }
    if (!algorithm)
        return refuse(o, "the certificate's signature is of another type than its authority's key");
    return size_check(o, algorithm, certificate->ca_key, "authority's ");
}

static int certificate_check(const struct opening *o)
{
    struct key_subject *subject = o->subject;
    char option[128];
    if (subject->certificate.type != SP_CERTIFICATE_USER)
        return refuse(o, "the certificate is a host's");
    int r = time_check(o);
    if (r)
        return r;
    if (cert_options_read(&subject->certificate, &subject->options, option, sizeof option))
        return refuse(o, "certificate: %s", option);
    r = authority_check_rules(o);
    if (r)
        return r;
    if (certificate_verify(&subject->certificate) != SP_VERDICT_GOOD)
        return refuse(o, "the certificate's signature is wrong");
    return 0;
}

static int certificate_open(const struct opening *o)
{
    struct key_subject *subject = o->subject;
    struct sp_out out = {.data = subject->plain_bytes, .capacity = sizeof subject->plain_bytes};
    if (certificate_parse(subject->blob, &subject->certificate) ||
        !sp_span_is(subject->certificate.blob_type, subject->keytype->blob_type) ||
        certificate_put_key(&subject->certificate, &out))
        return refuse(o, "not a usable certificate of this type");
    subject->certified = true;
    subject->plain = sp_written(&out);
    fingerprint_write(subject->certificate.ca_key, subject->ca_fingerprint);
    return 0;
}

static const struct sp_keytype_ops *plain_of(const struct key_subject *subject)
{
    return subject->keytype->plain ? subject->keytype->plain : subject->keytype;
}

int key_subject_open(struct sp_span algorithm, struct sp_span blob, const struct key_subject_rules *rules,
                     struct key_subject *subject, char *why, size_t why_size)
{
    const struct opening o = {.rules = rules, .subject = subject, .why = why, .why_size = why_size};
    *subject = (struct key_subject){.keytype = keytype_find(algorithm), .blob = blob, .plain = blob};
    int r = 0;
    if (subject->keytype && subject->keytype->plain)
        r = certificate_open(&o);
    fingerprint_write(subject->plain, subject->fingerprint);
    if (!subject->keytype)
        return refuse(&o, "not a usable key of this type");
    if (r == 0)
        r = size_check(&o, plain_of(subject), subject->plain, "");
    return r == 0 && subject->certified ? certificate_check(&o) : r;
}

int key_subject_check_rules(struct key_subject *subject, const struct key_subject_rules *rules, char *why,
                            size_t why_size)
{
    const struct opening o = {.rules = rules, .subject = subject, .why = why, .why_size = why_size};
    subject->objection = (struct key_objection){0};
    int r = size_check(&o, plain_of(subject), subject->plain, "");
    return r == 0 && subject->certified ? authority_check_rules(&o) : r;
}

bool key_subject_has_principal(const struct key_subject *subject, struct sp_span name)
{
    struct sp_span list = subject->certificate.principals, principal;
    while (certificate_next_principal(&list, &principal))
        if (sp_span_equal(principal, name))
            return true;
    return false;
}
