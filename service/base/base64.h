/* Base64 (RFC 4648 section 4), strictly: no blanks, no missing or superfluous padding. */
#pragma once

#include <sallyport/types.h>

/* 0, SP_E_MALFORMED, SP_E_NO_ROOM. Appends to *out. */
int base64_decode(struct sp_span text, struct sp_out *out) SP_MUST_USE;
/* Appends, without padding and without NUL, as fingerprints are written. */
int base64_encode_bare(struct sp_span bytes, struct sp_out *out) SP_MUST_USE;
/* The same with padding, as key files are written. */
int base64_encode(struct sp_span bytes, struct sp_out *out) SP_MUST_USE;
