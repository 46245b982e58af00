/* What the files about looking after a token share. */
#pragma once

#include <sallyport/hostkey_manage.h>

#include "hostkey/pkcs11.h"

struct sp_manage {
    struct pkcs11 p;
    char path[4096];
};

/* Everything about the private key in key->handle. */
SP_MUST_USE int manage_key_read(struct pkcs11 *p, struct sp_manage_key *key, struct sp_hostkey_error *error);
