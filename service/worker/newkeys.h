/* Keys from an exchange (RFC 4253 sections 7.2 and 7.3). */
#pragma once

#include <sallyport/digest.h>
#include <sallyport/types.h>

#include "base/util.h"
#include "worker/transport.h"

struct connection;

/* What all six keys are made from. k: the shared secret as it is hashed, an encoded mpint or string. */
struct newkeys_source {
    const struct sp_digest_ops *digest;
    struct sp_span k, h, session_id;
};

#define NEWKEYS_MAX 128u /* octets of any one key */

/* The key of that letter ('A' to 'F'), extended to `size` octets. 0 or a negative errno; `key` is wiped on failure. */
int newkeys_derive(const struct newkeys_source *source, char letter, uint8_t *key, size_t size) MUST_USE;

/*
 * Opens the cipher, the MAC and, after a login, the compression of one direction; iv, key and mac are the letters of
 * RFC 4253 section 7.2.
 */
int newkeys_open(const struct newkeys_source *source, const struct kex_direction *direction, bool encrypt,
                 const char letters[3], struct packet_keys *keys) MUST_USE;
/* Begins the compression that was agreed on with these keys, if any; once. `compress`: the direction is ours. 0, -errno. */
int newkeys_compress(struct packet_keys *keys, bool compress) MUST_USE;
/* Frees and wipes; {0} is fine. */
void newkeys_close(struct packet_keys *keys);
/* Takes new keys into use: counters begin again, the sequence number too under strict key exchange. */
void newkeys_use(struct packet_direction *direction, struct packet_keys *keys, bool strict);
