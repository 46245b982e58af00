/* Where the PIN comes from: a file or a systemd credential, opened by the spawner and never by name in any other process. */
#pragma once

#include "base/secret.h"

#define PIN_MAX 1024u /* octets */

enum {
    PIN_SOURCE_E_REFUSED = 1, /* why says what is wrong with it and what would be right */
};

/*
 * Reads the PIN of "file:/path" or "credential:NAME". A file must belong to root or to this user, and nobody else may
 * have any access but this user's group to read; a credential's file is the service manager's affair.
 * credentials: $CREDENTIALS_DIRECTORY, or NULL. 0, PIN_SOURCE_E_REFUSED or -errno.
 */
int pin_source_read(const char *source, const char *credentials, struct secret *pin, char *why,
                    size_t why_size) MUST_USE;
