/*
 * HostKey URIs, RFC 7512, read strictly: what p11-kit and other readers pass over in silence is an error here, for a
 * typing mistake in a host key's name must not end in another key. Pure; knows no PKCS#11.
 */
#pragma once

#include <sallyport/types.h>

#include "base/util.h"

#define URI_TEXT_MAX 2048u /* octets of a URI as written */
#define URI_PART_MAX 4096u /* octets of a part in canonical spelling, NUL included */

struct host_key_uri {
    char token[URI_PART_MAX];       /* "token=x;serial=y" in canonical order and spelling; "": any token */
    char object[URI_PART_MAX];      /* "object=x;id=%01", likewise; never empty */
    char module_path[URI_PART_MAX]; /* "": the configured module */
    char pin_source[URI_PART_MAX];  /* "": the configured one */
};

enum {
    URI_E_INVALID = 1,
};

/*
 * 0, or URI_E_INVALID with the reason in `error`, for people. Refused besides what is no URI of the scheme: unknown and
 * repeated attributes, white space and any byte that RFC 7512 wants escaped, pin-value (a PIN has no place in a
 * configuration that every program reads), module-name, a module-path that is not absolute, a type other than private,
 * and a URI that names no object.
 */
int host_key_uri_parse(struct sp_span text, struct host_key_uri *uri, char *error,
                       size_t error_size) MUST_USE;

/* "pkcs11:token=x;object=y": what the token process gets, without query. 0 or -ENAMETOOLONG. */
int host_key_uri_print(const struct host_key_uri *uri, char *text, size_t size) MUST_USE;
