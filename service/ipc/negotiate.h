/*
 * Algorithm negotiation (RFC 4253 section 7.1) as a pure function of the two KEXINIT payloads. Worker and
 * signer call the same code on the same bytes and each believes only its own result.
 *
 *   payload --kexinit_parse--> struct kexinit (spans into the payload)
 *   struct offer_lists --kexinit_build--> the server's payload
 *   two struct kexinit --negotiate--> the chosen names (spans into the client's payload)
 */
#pragma once

#include <sallyport/types.h>

#include "ipc/offer.h"

#define KEXINIT_COOKIE_SIZE 16u
#define KEXINIT_PAYLOAD_MAX 35000u /* octets: what an SSH packet may carry (RFC 4253 section 6.1) */
#define KEXINIT_NAME_MAX 64u       /* octets of an algorithm name (RFC 4251 section 6) */

/* The ten name-lists in the order of RFC 4253 section 7.1. */
enum kexinit_list {
    KEXINIT_KEX,
    KEXINIT_HOST_KEY,
    KEXINIT_CIPHER_C2S,
    KEXINIT_CIPHER_S2C,
    KEXINIT_MAC_C2S,
    KEXINIT_MAC_S2C,
    KEXINIT_COMPRESSION_C2S,
    KEXINIT_COMPRESSION_S2C,
    KEXINIT_NEGOTIATED, /* how many are negotiated: languages are not */
    KEXINIT_LANGUAGE_C2S = KEXINIT_NEGOTIATED,
    KEXINIT_LANGUAGE_S2C,
    KEXINIT_LISTS,
};

struct kexinit {
    struct sp_span cookie;
    struct sp_span lists[KEXINIT_LISTS];
    bool first_kex_packet_follows;
};

struct negotiated {
    /* By enum kexinit_list. The MAC of a direction whose cipher is an AEAD is the empty span. */
    struct sp_span names[KEXINIT_NEGOTIATED];
    bool strict; /* the client listed kex-strict-c-v00@openssh.com; means something in the first exchange only
                  */
    bool ext_info; /* the client listed ext-info-c; likewise */
    bool
        ignore_packet; /* the client's guessed packet follows and its guess was wrong: drop that one packet */
};

enum {
    NEGOTIATE_E_MALFORMED = 1, /* no KEXINIT of exactly the form of RFC 4253 section 7.1 */
    NEGOTIATE_E_NO_MATCH = 2,  /* *failed says in which list */
};

/*
 * Takes a KEXINIT payload apart, message number included: ten lists of well-formed names, the flag, a
 * reserved zero and nothing behind it. 0 or NEGOTIATE_E_MALFORMED.
 */
int kexinit_parse(struct sp_span payload, struct kexinit *kexinit) SP_MUST_USE;

/*
 * Appends the one KEXINIT payload that a server sends which offers these lists: the markers ext-info-s and
 * kex-strict-s-v00@openssh.com end the first list in the first exchange of a connection and appear in no
 * other. 0 or SP_E_NO_ROOM.
 */
int kexinit_build(const struct offer_lists *offered, const uint8_t cookie[KEXINIT_COOKIE_SIZE], bool first,
                  struct sp_out *payload) SP_MUST_USE;

/* 0, or NEGOTIATE_E_NO_MATCH with *failed set; *result is written only on success. */
int negotiate(const struct kexinit *client, const struct kexinit *server, struct negotiated *result,
              enum kexinit_list *failed) SP_MUST_USE;

/* The kind of names that a list holds; list < KEXINIT_NEGOTIATED. */
enum offer_kind kexinit_list_kind(enum kexinit_list list);
/* A list of a server of ours without the markers at its end, which nobody can choose. */
struct sp_span kexinit_choices(const struct kexinit *server, enum kexinit_list list);

/* What a list is called in a message for people: "key exchange method", "host key algorithm", ... */
const char *kexinit_list_name(enum kexinit_list list);

/*
 * Whether a cipher authenticates by itself, so that no MAC is negotiated with it. Known by name, for the
 * signer links no ciphers: every AEAD of SSH has its mode in its name (RFC 5647, PROTOCOL.chacha20poly1305).
 * The worker checks its modules against this.
 */
bool cipher_name_is_aead(struct sp_span name);
