/* Which clients know which host keys. Input: logins, proofs. Output: a table. */
#include "monitor/known_keys.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Bernstein's hash: only who has logged in has an address here. */
static size_t bucket_of(const char *address)
{
    uint32_t hash = 5381;
    for (; *address; address++)
        hash = hash * 33u ^ (unsigned char)*address;
    return hash % KNOWN_BUCKETS;
}

/* ---- clients ----------------------------------------------------------------------------------------------------- */

static struct known_client *client_find(const struct known_keys *known, const char *address)
{
    struct known_client *client = known->buckets[bucket_of(address)];
    while (client && strcmp(client->address, address) != 0)
        client = client->bucket_next;
    return client;
}

static void age_remove(struct known_keys *known, struct known_client *client)
{
    *(client->newer ? &client->newer->older : &known->newest) = client->older;
    *(client->older ? &client->older->newer : &known->oldest) = client->newer;
    client->newer = client->older = NULL;
}

static void age_add(struct known_keys *known, struct known_client *client)
{
    client->older = known->newest;
    *(known->newest ? &known->newest->newer : &known->oldest) = client;
    known->newest = client;
}

static void client_remove(struct known_keys *known, struct known_client *client)
{
    struct known_client **at = &known->buckets[bucket_of(client->address)];
    while (*at != client)
        at = &(*at)->bucket_next;
    *at = client->bucket_next;
    age_remove(known, client);
    known->clients--;
    free(client);
}

static struct known_client *client_make(struct known_keys *known, const char *address)
{
    struct known_client *client = calloc(1, sizeof *client);
    if (!client)
        return NULL;
    if (known->clients == KNOWN_CLIENTS_MAX) {
        client_remove(known, known->oldest);
        known->forgotten++;
    }
    snprintf(client->address, sizeof client->address, "%s", address);
    struct known_client **bucket = &known->buckets[bucket_of(client->address)];
    client->bucket_next = *bucket;
    *bucket = client;
    known->clients++;
    return client;
}

/* Found or made, and the newest. NULL: out of memory. */
static struct known_client *client_touch(struct known_keys *known, const char *address, int64_t now)
{
    struct known_client *client = client_find(known, address);
    if (client)
        age_remove(known, client);
    else
        client = client_make(known, address);
    if (!client)
        return NULL;
    age_add(known, client);
    client->seen = now;
    return client;
}

int known_keys_seen(struct known_keys *known, const char *address, int64_t now)
{
    return client_touch(known, address, now) ? 0 : -ENOMEM;
}

/* ---- keys -------------------------------------------------------------------------------------------------------- */

const struct known_key *known_keys_find(const struct known_keys *known, struct sp_span fingerprint)
{
    for (size_t i = 0; i < KNOWN_KEYS_MAX; i++)
        if (known->keys[i].fingerprint[0] && sp_span_is(fingerprint, known->keys[i].fingerprint))
            return &known->keys[i];
    return NULL;
}

/* A place that is free, or the one of the key that was proved least recently. */
static struct known_key *key_place(struct known_keys *known)
{
    struct known_key *place = &known->keys[0];
    for (size_t i = 0; i < KNOWN_KEYS_MAX && place->fingerprint[0]; i++)
        if (!known->keys[i].fingerprint[0] || known->keys[i].last < place->last)
            place = &known->keys[i];
    return place;
}

static struct known_key *key_make(struct known_keys *known, struct sp_span fingerprint, int64_t now)
{
    struct known_key *key = key_place(known);
    uint64_t bit = UINT64_C(1) << (key - known->keys);
    for (struct known_client *client = known->newest; client && key->fingerprint[0]; client = client->older)
        client->keys &= ~bit;
    *key = (struct known_key){.first = now};
    snprintf(key->fingerprint, sizeof key->fingerprint, "%.*s", (int)fingerprint.size,
             (const char *)fingerprint.data);
    return key;
}

int known_keys_proved(struct known_keys *known, const char *address, struct sp_span fingerprint, int64_t now)
{
    struct known_client *client = client_touch(known, address, now);
    if (!client || fingerprint.size == 0 || fingerprint.size >= KNOWN_FINGERPRINT_MAX)
        return client ? 0 : -ENOMEM;
    const struct known_key *found = known_keys_find(known, fingerprint);
    struct known_key *key = found ? &known->keys[found - known->keys] : key_make(known, fingerprint, now);
    key->proofs++;
    key->last = now;
    client->keys |= UINT64_C(1) << (key - known->keys);
    return 0;
}

size_t known_keys_count(const struct known_keys *known, const struct known_key *key, int64_t since,
                        size_t *proved)
{
    uint64_t bit = key ? UINT64_C(1) << (key - known->keys) : 0;
    size_t seen = 0;
    *proved = 0;
    for (const struct known_client *client = known->newest; client; client = client->older) {
        seen += client->seen >= since ? 1 : 0;
        *proved += client->seen >= since && (client->keys & bit) ? 1 : 0;
    }
    return seen;
}

void known_keys_free(struct known_keys *known)
{
    while (known->newest)
        client_remove(known, known->newest);
}
