/* HostCertificate: what a certificate authority says about one of our keys, read from its file and looked at. Pure. */
#pragma once

#include <sallyport/certificate.h>

#include "base/util.h"

struct host_certificate {
    const char *path; /* the configuration's */
    uint8_t *blob;    /* owned */
    size_t size;
    uint8_t *plain; /* owned: the key inside, as a blob */
    size_t plain_size;
    struct sp_certificate parsed; /* spans into the blob */
    const struct sp_keytype_ops *ca_algorithm;
};

enum {
    HOST_CERTIFICATE_E_INVALID = 1, /* why says what is wrong with it */
};

/*
 * Takes a file apart, "TYPE BASE64 COMMENT" in its first line that is none: a host certificate whose CA signature is
 * good. Free it in any case. 0, HOST_CERTIFICATE_E_INVALID or -ENOMEM.
 */
int host_certificate_read(struct host_certificate *certificate, const char *path, struct sp_span file,
                          char *why, size_t why_size) MUST_USE;
void host_certificate_free(struct host_certificate *certificate);
