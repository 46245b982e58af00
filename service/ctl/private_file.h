/* Private key files, as ssh-keygen and OpenSSL write them. Pure; it is a fuzz target. */
#pragma once

#include <sallyport/private_key.h>

#include "base/util.h"

enum {
    PRIVATE_FILE_E_INVALID = 1,   /* *why says what is wrong with it */
    PRIVATE_FILE_E_ENCRYPTED = 2, /* under a passphrase */
};

/*
 * Takes a file apart: OpenSSH's own format (PROTOCOL.key) here, PEM by libcrypto. `store` has room for
 * SP_PRIVATE_KEY_STORE octets; the key's spans point into it. 0, PRIVATE_FILE_E_* or a negative errno.
 */
int private_file_read(struct sp_span file, struct sp_out *store, struct sp_private_key *key,
                      const char **why) MUST_USE;
