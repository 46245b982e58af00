/*
 * What an SSH server says before anything is agreed on: lines, its identification, its KEXINIT (RFC 4253 sections 4.2
 * and 7.1). Pure: octets as they came in, from the first on.
 */
#pragma once

#include "ipc/negotiate.h"

#define PEER_OCTETS_MAX 65536u /* that a server may send up to its KEXINIT */
#define PEER_LINES_MAX 64u     /* in front of its identification */
#define PEER_LINE_MAX 8192u    /* octets of one of them */
#define PEER_IDENT_MAX 255u    /* octets of the identification with its end */
#define PEER_MESSAGES_MAX 8u   /* IGNORE and DEBUG in front of the KEXINIT */

enum {
    PEER_E_MORE = 1,      /* not all of it is there */
    PEER_E_MALFORMED = 2, /* *why says what is wrong */
};

struct peer_said {
    struct sp_span identification; /* without its end */
    struct kexinit kexinit;
};

/* Spans point into `octets`. */
int peer_parse(struct sp_span octets, struct peer_said *said, const char **why) SP_MUST_USE;
/* Whether its identification is whole: it is time to send ours, for servers that wait for that. */
bool peer_is_identified(struct sp_span octets);
