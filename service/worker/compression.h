/* Payloads through the compression of their direction, where there is one and it has begun. */
#pragma once

#include <sallyport/types.h>

#include "base/util.h"

struct connection;

/*
 * USERAUTH_SUCCESS is written: what the exchange agreed on begins in both directions, with the next packet of each. The
 * only other beginning is that of a later exchange's keys (newkeys_open). 0 or -errno.
 */
int compression_begin(struct connection *c) MUST_USE;

/* Octets that a payload to the client may grow by, for which room has to be left. */
size_t compression_growth(const struct connection *c);
/* Compresses the payload of *size octets where it stands. There must be room for its growth. 0 or -errno. */
int compression_pack(struct connection *c, uint8_t *payload, size_t *size) MUST_USE;
/*
 * Replaces a client's payload by the one that it stands for, which is not empty, no longer than PACKET_PAYLOAD_MAX and
 * valid until the next call. 0, WORKER_E_END or -errno.
 */
int compression_unpack(struct connection *c, struct sp_span *payload) MUST_USE;
