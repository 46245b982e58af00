/* Socket addresses. Input: what accept(2) and getsockname(2) filled in, never a name: nothing here asks a resolver. */
#include "monitor/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>

/* The address's octets in network order: 4, 16 or none of them. */
static size_t address_octets(const struct sockaddr_storage *from, uint8_t octets[16])
{
    if (from->ss_family == AF_INET) {
        memcpy(octets, &((const struct sockaddr_in *)from)->sin_addr, 4);
        return 4;
    }
    if (from->ss_family != AF_INET6)
        return 0;
    const struct in6_addr *a = &((const struct sockaddr_in6 *)from)->sin6_addr;
    if (IN6_IS_ADDR_V4MAPPED(a)) {
        memcpy(octets, a->s6_addr + 12, 4);
        return 4;
    }
    memcpy(octets, a->s6_addr, 16);
    return 16;
}

static uint16_t address_port(const struct sockaddr_storage *from)
{
    if (from->ss_family == AF_INET)
        return ntohs(((const struct sockaddr_in *)from)->sin_port);
    if (from->ss_family == AF_INET6)
        return ntohs(((const struct sockaddr_in6 *)from)->sin6_port);
    return 0;
}

struct address address_of(const struct sockaddr_storage *from)
{
    struct address made = {.port = address_port(from)};
    uint8_t octets[16];
    size_t size = address_octets(from, octets);
    if (size == 0 || !inet_ntop(size == 4 ? AF_INET : AF_INET6, octets, made.text, sizeof made.text))
        made.text[0] = '\0';
    return made;
}

struct address_block address_block_of(const struct sockaddr_storage *from, unsigned ipv4_bits,
                                      unsigned ipv6_bits)
{
    struct address_block block = {0};
    size_t size = address_octets(from, block.bytes);
    block.family = size == 4 ? 4 : size == 16 ? 6 : 0;
    unsigned bits = size == 4 ? ipv4_bits : ipv6_bits;
    for (size_t i = 0; i < size; i++) {
        unsigned kept = bits <= 8 * i ? 0 : bits - 8 * (unsigned)i;
        if (kept < 8)
            block.bytes[i] &= (uint8_t)(0xff00u >> kept);
    }
    return block;
}

bool address_of_octets(struct sp_span octets, uint16_t port, struct sockaddr_storage *at)
{
    *at = (struct sockaddr_storage){0};
    if (octets.size == 4) {
        struct sockaddr_in *ipv4 = (struct sockaddr_in *)at;
        *ipv4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port)};
        memcpy(&ipv4->sin_addr, octets.data, 4);
    } else if (octets.size == 16) {
        struct sockaddr_in6 *ipv6 = (struct sockaddr_in6 *)at;
        *ipv6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(port)};
        memcpy(&ipv6->sin6_addr, octets.data, 16);
    }
    return at->ss_family != 0;
}

bool address_block_equal(const struct address_block *a, const struct address_block *b)
{
    return a->family == b->family && memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}
