/* Numeric addresses and patterns over them. */
#pragma once

#include <sallyport/types.h>

struct address {
    uint8_t bytes[16];
    uint8_t bits; /* 32 or 128; IPv4 mapped into IPv6 is 32 */
};

/* Numbers only; a zone ("%eth0") is ignored. */
bool address_parse(const char *text, struct address *address);

/* Whether each item of the list is an address, a CIDR block without host bits, or a pattern, perhaps behind '!'.
 * numeric_only: patterns may match numeric addresses only, as host names are never looked up. */
bool addresses_are_valid(const char *patterns, bool numeric_only);

/* Address pattern lists with CIDR, as in Match Address and from="...". -1: a negated pattern matched; 0: none; 1:
 * matched; -2: malformed list. address may be NULL: not known, and nothing matches. */
int addresses_match(const char *address, const char *patterns);
