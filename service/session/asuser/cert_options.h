/* What a certificate allows and asks for: its critical options and extensions (PROTOCOL.certkeys). */
#pragma once

#include <sallyport/certificate.h>

#include "session/asuser/key_options.h"

/*
 * A certificate grants what its extensions name and nothing else; `from` is source-address. 0, or
 * KEY_OPTIONS_E_REFUSED with why: a critical option that is not understood, or a value that is not of its form.
 * Extensions that are not understood are passed over, as they are to be.
 */
int cert_options_read(const struct sp_certificate *certificate, struct key_options *options, char *why,
                      size_t why_size) SP_MUST_USE;
