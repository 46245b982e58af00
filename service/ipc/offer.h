/*
 * What is offered to one client at one moment. The signer makes an offer per generation, with one variant per policy that
 * the configuration can choose; worker and signer make the same lists from the same variant, and each believes only its
 * own result. Pure: the clock is the caller's.
 *
 *   offer --offer_variant_find(policy)--> variant --offer_lists_make(address, now)--> struct offer_lists --> kexinit_build
 */
#pragma once

#include <sallyport/types.h>

#include "ipc/messages.h"

#define OFFER_LIST_MAX 2048u     /* octets of a comma-separated list with its NUL */
#define OFFER_VARIANTS_MAX 16u   /* of one generation */
#define OFFER_POLICY_MAX 512u    /* octets of a policy's name */
#define OFFER_NAME_MAX 128u      /* octets of an algorithm's */
#define OFFER_ADDRESSES_MAX 256u /* octets of an exception's address patterns, with their NUL */
#define OFFER_ORIGIN_MAX 320u

/* The kinds of lists, numbered as in the policy. */
enum offer_kind {
    OFFER_KEX,
    OFFER_HOST_KEY,
    OFFER_CIPHER,
    OFFER_MAC,
    OFFER_COMPRESSION,
    OFFER_USER_KEY,
    OFFER_KINDS,
};

/* In order of preference, NUL-terminated; a list may be empty. */
struct offer_lists {
    char lists[OFFER_KINDS][OFFER_LIST_MAX];
};

/* A name that some get, or until some time. */
struct offer_exception {
    enum offer_kind kind;
    struct sp_span name;
    int64_t not_after;                   /* the last second in which it counts; 0: for good */
    char addresses[OFFER_ADDRESSES_MAX]; /* "": everybody */
    struct sp_span origin;               /* "FILE line N" */
};

/* A host key, or a certificate of one. */
struct offer_key {
    struct sp_span algorithms; /* comma list; empty: staged */
    struct sp_span blob;
    uint64_t valid_after, valid_before; /* valid_after <= now < valid_before */
};

enum {
    OFFER_E_MALFORMED = 1, /* no offer of our signer's */
    OFFER_E_LONG = 2,      /* a list would not fit */
};

/* Whether every variant, exception and key of an offer has the form that it must have. 0 or OFFER_E_MALFORMED. */
int offer_check(const struct msg_offer *offer) SP_MUST_USE;
size_t offer_variant_count(const struct msg_offer *offer);
/* The n-th. False past the end. */
bool offer_variant_at(const struct msg_offer *offer, size_t index, struct msg_variant *variant);
/* policy: its name; empty: the first variant. */
bool offer_variant_find(const struct msg_offer *offer, struct sp_span policy, struct msg_variant *variant);

/* Each takes one item off the front of its list. False at the end, and for what is malformed. */
bool offer_next_exception(struct sp_span *exceptions, struct offer_exception *exception);
bool offer_next_key(struct sp_span *keys, struct offer_key *key);
void offer_put_exception(const struct offer_exception *exception, struct sp_out *out);
void offer_put_key(const struct offer_key *key, struct sp_out *out);

bool offer_exception_holds(const struct offer_exception *exception, const char *address, int64_t now);
bool offer_key_holds(const struct offer_key *key, int64_t now);

/*
 * The lists: those that hold for everybody, then the exceptions that hold for this address at this time; host key
 * algorithms as far as some key has them now. address may be NULL: no exception for an address holds. 0 or OFFER_E_LONG.
 */
int offer_lists_make(const struct msg_variant *variant, struct sp_span keys, const char *address, int64_t now,
                     struct offer_lists *lists) SP_MUST_USE;
/* Whether these lists are the same for every address at any time. */
bool offer_is_constant(const struct msg_variant *variant, struct sp_span keys);
/* The same with every exception: the longest lists that can be made of the variant. 0 or OFFER_E_LONG. */
int offer_lists_longest(const struct msg_variant *variant, struct offer_lists *lists) SP_MUST_USE;
/* The last second before `now` in which the lists may have been others; INT64_MIN: none. */
int64_t offer_changed_before(const struct msg_variant *variant, struct sp_span keys, int64_t now);
