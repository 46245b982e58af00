/*
 * The three NIST curves of RFC 5656 and the check of a point that a peer sent.
 */
#pragma once

#include <openssl/ec.h>

#include <sallyport/types.h>

#define CURVE_FIELD_MAX 66u                       /* octets of a coordinate of nistp521 */
#define CURVE_POINT_MAX (1 + 2 * CURVE_FIELD_MAX) /* octets of an uncompressed point */

struct curve {
    const char *ssh_name; /* "nistp256" */
    const char *group;    /* libcrypto's name of it */
    int nid;
    unsigned bits;
    unsigned field;  /* octets of a coordinate, and of the group's order */
    EC_GROUP *built; /* made at the first use and kept: it costs more than the check */
};

enum { CURVE_P256, CURVE_P384, CURVE_P521, CURVE_COUNT };

/* One of the CURVE_ values. */
struct curve *curve_at(unsigned index);

/* Builds the group ahead of its first use. 0 or a negative errno. */
SP_MUST_USE int curve_build(struct curve *curve);

/*
 * Whether `point` is an uncompressed point on the curve and not infinity. The curves have cofactor 1, so such
 * a point has the full order and this is the whole validation of SEC 1 section 3.2.2.1. 0, SP_E_MALFORMED
 * (length or form), SP_E_REFUSED (not on the curve), or a negative errno.
 */
SP_MUST_USE int curve_check_point(struct curve *curve, struct sp_span point);
