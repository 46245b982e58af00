/*
 * Address pattern lists as in Match Address, USER@ADDRESSES and from="...": addresses, CIDR blocks and wildcards,
 * negated with '!'. Input: text from the configuration or an authorized_keys file, and numeric addresses of sockets.
 * Output: whether and how a list matches. IPv4 mapped into IPv6 counts as IPv4 on both sides, because which of the two
 * a socket shows depends only on how the listener was opened.
 */
#include "base/addresses.h"

#include <arpa/inet.h>
#include <net/if.h>

#include <sallyport/wire.h>

#include "base/decimal.h"
#include "base/wildcard.h"

#define HOST_TEXT_MAX 80u
#define MAPPED_BITS 96u

static bool is_mapped(const uint8_t bytes[16])
{
    static const uint8_t prefix[12] = {[10] = 0xff, [11] = 0xff};
    return memcmp(bytes, prefix, sizeof prefix) == 0;
}

/* An interface behind '%', as the kernel names them; or nothing. */
static bool is_zone(const char *text)
{
    static const char letters[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ._-";
    size_t size = strlen(text);
    return size == 0 || (size > 1 && size <= IF_NAMESIZE && text[1 + strspn(text + 1, letters)] == '\0');
}

static bool parse_numeric(const char *text, struct address *address, bool *was_mapped)
{
    char plain[INET6_ADDRSTRLEN];
    size_t size = strcspn(text, "%");
    *was_mapped = false;
    if (size >= sizeof plain || !is_zone(text + size))
        return false;
    memcpy(plain, text, size);
    plain[size] = '\0';
    struct address made = {.bits = 32};
    if (inet_pton(AF_INET, plain, made.bytes) == 1 && text[size] == '\0') {
        *address = made;
        return true;
    }
    made.bits = 128;
    if (inet_pton(AF_INET6, plain, made.bytes) != 1)
        return false;
    if (is_mapped(made.bytes)) {
        memmove(made.bytes, made.bytes + 12, 4);
        memset(made.bytes + 4, 0, 12);
        made.bits = 32;
        *was_mapped = true;
    }
    *address = made;
    return true;
}

bool address_parse(const char *text, struct address *address)
{
    bool was_mapped;
    return parse_numeric(text, address, &was_mapped);
}

/* The address as text without zone and mapping, which is what wildcards see. */
static void address_text(const struct address *address, char text[INET6_ADDRSTRLEN])
{
    if (!inet_ntop(address->bits == 32 ? AF_INET : AF_INET6, address->bytes, text, INET6_ADDRSTRLEN))
        text[0] = '\0';
}

static bool has_bits_behind(const struct address *address, unsigned length)
{
    for (unsigned i = length; i < address->bits; i++)
        if (address->bytes[i / 8] & (0x80u >> i % 8))
            return true;
    return false;
}

/* "192.0.2.0/24". Host bits are an error, as for sshd: whoever wrote them meant another block. */
static bool parse_block(const char *text, struct address *network, unsigned *length)
{
    char plain[HOST_TEXT_MAX];
    const char *slash = strchr(text, '/');
    uint64_t number = 0;
    bool was_mapped = false;
    struct address made;
    if (!slash || (size_t)(slash - text) >= sizeof plain || !decimal_parse(slash + 1, 128, &number))
        return false;
    memcpy(plain, text, (size_t)(slash - text));
    plain[slash - text] = '\0';
    if (strchr(plain, '%') || !parse_numeric(plain, &made, &was_mapped))
        return false;
    if (was_mapped && number < MAPPED_BITS)
        return false;
    unsigned bits = (unsigned)number - (was_mapped ? MAPPED_BITS : 0);
    if (bits > made.bits || has_bits_behind(&made, bits))
        return false;
    *network = made;
    *length = bits;
    return true;
}

static bool is_inside(const struct address *address, const struct address *network, unsigned length)
{
    if (address->bits != network->bits)
        return false;
    for (unsigned i = 0; i < length; i++)
        if ((address->bytes[i / 8] ^ network->bytes[i / 8]) & (0x80u >> i % 8))
            return false;
    return true;
}

/* Copies the next item, without its '!'. False: it is longer than any address or host name. */
static bool next_item(struct sp_span *list, char item[300], bool *is_negated)
{
    struct sp_span name = sp_next_name(list);
    *is_negated = name.size != 0 && name.data[0] == '!';
    size_t skipped = *is_negated ? 1 : 0;
    if (name.size - skipped >= 300)
        return false;
    memcpy(item, name.data + skipped, name.size - skipped);
    item[name.size - skipped] = '\0';
    return true;
}

static bool is_pattern(const char *item, bool numeric_only)
{
    static const char numeric[] = "0123456789abcdefABCDEF.:*?";
    static const char names[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.:*?-_";
    if (numeric_only)
        return item[strspn(item, numeric)] == '\0' && strpbrk(item, "*?") != NULL;
    return item[strspn(item, names)] == '\0';
}

bool addresses_are_valid(const char *patterns, bool numeric_only)
{
    struct sp_span list = sp_text(patterns);
    if (list.size == 0 || list.data[list.size - 1] == ',')
        return false;
    while (list.size != 0) {
        char item[300];
        struct address address;
        unsigned length;
        bool is_negated;
        if (!next_item(&list, item, &is_negated) || item[0] == '\0')
            return false;
        bool is_good = strchr(item, '/') ? parse_block(item, &address, &length)
                                         : address_parse(item, &address) || is_pattern(item, numeric_only);
        if (!is_good)
            return false;
    }
    return true;
}

static bool item_matches(const struct address *address, const char *text, const char *item)
{
    struct address other;
    unsigned length;
    if (parse_block(item, &other, &length))
        return is_inside(address, &other, length);
    if (address_parse(item, &other))
        return is_inside(address, &other, other.bits);
    return wildcard_matches(sp_text(text), sp_text(item));
}

int addresses_match(const char *address, const char *patterns)
{
    struct address parsed;
    char text[INET6_ADDRSTRLEN];
    int found = 0;
    if (!addresses_are_valid(patterns, false))
        return -2;
    if (!address || !address_parse(address, &parsed))
        return 0;
    address_text(&parsed, text);
    for (struct sp_span list = sp_text(patterns); list.size != 0;) {
        char item[300];
        bool is_negated;
        if (!next_item(&list, item, &is_negated) || !item_matches(&parsed, text, item))
            continue;
        if (is_negated)
            return -1;
        found = 1;
    }
    return found;
}
