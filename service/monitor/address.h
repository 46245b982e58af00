/* Socket addresses as text, and as the block of addresses that limits count as one source. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include <sallyport/types.h>

#include "base/util.h"

#define ADDRESS_TEXT_MAX 46u /* INET6_ADDRSTRLEN */

struct address {
    char text[ADDRESS_TEXT_MAX]; /* numeric; "" for what is neither IPv4 nor IPv6 */
    uint16_t port;
};

/* An address with the host part cleared. Compared as a whole; {0} is the block of everything without an address. */
struct address_block {
    uint8_t family; /* 4, 6 or 0 */
    uint8_t bytes[16];
};

/* An IPv4 address mapped into IPv6 is treated as the IPv4 address that it is. */
struct address address_of(const struct sockaddr_storage *from);
struct address_block address_block_of(const struct sockaddr_storage *from, unsigned ipv4_bits,
                                      unsigned ipv6_bits);
/* From octets in network order, 4 of IPv4 or 16 of IPv6. False: neither. */
bool address_of_octets(struct sp_span octets, uint16_t port, struct sockaddr_storage *at) MUST_USE;
bool address_block_equal(const struct address_block *a, const struct address_block *b);
