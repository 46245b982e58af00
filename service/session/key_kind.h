/* What people call the kinds of keys, in logs. */
#pragma once

#include <sallyport/types.h>

/* sshd's word for the key of a public key algorithm: "ED25519", "RSA-CERT"; "UNKNOWN" for others. */
const char *key_kind(struct sp_span algorithm);
