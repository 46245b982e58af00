/*
 * Which clients know which host keys: addresses that users have logged in from, and the keys that were proved to them. By
 * this an administrator sees when a staged key can be used. Bounded: of more addresses than there is room for, the one
 * that was seen least recently goes, and of more keys the one that was proved least recently. An address may be that of
 * many clients; what is counted is a sign, not a proof. Knows no clock.
 */
#pragma once

#include <stdint.h>

#include <sallyport/types.h>

#include "base/util.h"
#include "monitor/address.h"

#define KNOWN_CLIENTS_MAX 4096u
#define KNOWN_KEYS_MAX 64u
#define KNOWN_FINGERPRINT_MAX 80u
#define KNOWN_BUCKETS 1024u

struct known_client {
    struct known_client *newer, *older;
    struct known_client *bucket_next;
    char address[ADDRESS_TEXT_MAX];
    int64_t seen;  /* when somebody logged in from there last: seconds since the epoch */
    uint64_t keys; /* that were proved to it: bits by position */
};

struct known_key {
    char fingerprint[KNOWN_FINGERPRINT_MAX]; /* "": free */
    uint64_t proofs;                         /* all that were ever made */
    int64_t first, last;
};

struct known_keys {
    struct known_client *buckets[KNOWN_BUCKETS];
    struct known_client *newest, *oldest;
    size_t clients;
    uint64_t forgotten; /* clients that had to go */
    struct known_key keys[KNOWN_KEYS_MAX];
};

/* Somebody has logged in from there. 0 or -ENOMEM. */
int known_keys_seen(struct known_keys *known, const char *address, int64_t now) MUST_USE;
/* That key was proved to a client there. 0 or -ENOMEM. */
int known_keys_proved(struct known_keys *known, const char *address, struct sp_span fingerprint,
                      int64_t now) MUST_USE;

/* NULL: it was proved to nobody. */
const struct known_key *known_keys_find(const struct known_keys *known, struct sp_span fingerprint);
/* Addresses seen at or after `since`; of them, or with key NULL of none, those that the key was proved to. */
size_t known_keys_count(const struct known_keys *known, const struct known_key *key, int64_t since,
                        size_t *proved);

/* For the next monitor: at most KNOWN_KEYS_MAX keys and KNOWN_CLIENTS_MAX clients. */
void known_keys_write(const struct known_keys *known, struct sp_out *out);
/* Into an empty table. 0, -ENOMEM, or -EINVAL if it is not what known_keys_write() writes; the table is empty then. */
int known_keys_read(struct known_keys *known, struct sp_span packed) MUST_USE;

void known_keys_free(struct known_keys *known);
