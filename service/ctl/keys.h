/* Public keys in files, judged by a policy: authorized_keys, and files of one key per line such as TrustedUserCAKeys. */
#pragma once

#include "ctl/found.h"
#include "ctl/subject.h"

#define KEYS_FILE_MAX 1048576u /* octets */
#define KEYS_LINES_MAX 16384u

/* Adds a row to `into` for each key: "file", "line", "type", "bits", "fingerprint", "comment", "authority", "allowed",
 * "why". *refused grows with each that is not allowed. 0, or CTL_FAILED and said. */
int keys_judge(const struct subject *s, const char *path, json_t *into, unsigned *refused) MUST_USE;

struct keys_line {
    struct sp_span type, base64, comment;
    bool authority; /* cert-authority among its options */
};
/* False: there is no key in the line. The spans point into it. */
bool keys_line_read(struct sp_span line, struct keys_line *out);
