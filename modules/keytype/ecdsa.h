/* ECDSA below its blobs, for the algorithms that wrap it: RFC 5656 section 3.1.2. */
#pragma once

#include <sallyport/types.h>

struct curve;

/*
 * Whether `inner` (mpint r ‖ mpint s) is the signature of `message` by the key at `point`, which has passed
 * curve_check_point(). `digest` is libcrypto's name.
 */
enum sp_verdict ecdsa_check(const struct curve *curve, struct sp_span point, struct sp_span inner,
                            const char *digest, struct sp_span message);
