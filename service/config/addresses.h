/* Numeric addresses and patterns over them, beyond what config.h offers. */
#pragma once

#include "config/config.h"

struct address {
    uint8_t bytes[16];
    uint8_t bits; /* 32 or 128; IPv4 mapped into IPv6 is 32 */
};

/* Numbers only; a zone ("%eth0") is ignored. */
bool address_parse(const char *text, struct address *address);

/* Whether each item of the list is an address, a CIDR block without host bits, or a pattern, perhaps behind '!'.
 * numeric_only: patterns may match numeric addresses only, as host names are never looked up. */
bool addresses_are_valid(const char *patterns, bool numeric_only);
