/*
 * What a client presents: a key, or a certificate with a key inside. Judged by itself alone, before anybody looks for it
 * in a list: form, size, and for a certificate that it is a user's, in time, signed, and understood.
 */
#pragma once

#include <sallyport/certificate.h>

#include "session/asuser/fingerprint.h"
#include "session/asuser/key_options.h"
#include "session/asuser/key_rules.h"

struct key_subject {
    const struct sp_keytype_ops *keytype;
    struct sp_span blob;  /* as presented */
    struct sp_span plain; /* the key: blob itself, or in plain_bytes */
    uint8_t plain_bytes[SP_KEY_BLOB_MAX];
    bool certified;
    struct sp_certificate certificate; /* spans point into blob */
    struct key_options options;        /* the certificate's */
    char fingerprint[FINGERPRINT_MAX]; /* of the plain key */
    char ca_fingerprint[FINGERPRINT_MAX];
    struct key_objection objection; /* of the rules that looked last */
};

struct key_subject_rules {
    const struct key_rules *sizes;
    struct sp_span ca_algorithms; /* names with commas */
    int64_t now;                  /* seconds since the epoch */
};

enum {
    KEY_SUBJECT_E_REFUSED = 1, /* why says the reason, and subject->objection the rule if it is one */
};

/* Fills in *subject as far as it comes; blob has to outlive it. 0 or KEY_SUBJECT_E_REFUSED. */
int key_subject_open(struct sp_span algorithm, struct sp_span blob, const struct key_subject_rules *rules,
                     struct key_subject *subject, char *why, size_t why_size) SP_MUST_USE;
/* What other rules would have said to a subject that is open: its sizes, and its authority's algorithm and size. 0 or
 * KEY_SUBJECT_E_REFUSED. */
int key_subject_check_rules(struct key_subject *subject, const struct key_subject_rules *rules, char *why,
                            size_t why_size) SP_MUST_USE;
/* Whether one of the certificate's principals is this name, compared whole. */
bool key_subject_has_principal(const struct key_subject *subject, struct sp_span name);
