/* Which clients know which host keys. Input: logins, proofs. Output: a table. */
#include "monitor/known_keys.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sallyport/wire.h>

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

/* ---- from one monitor to the next ------------------------------------------------------------------------------- */

void known_keys_write(const struct known_keys *known, struct sp_out *out)
{
    sp_put_u64(out, known->forgotten);
    for (size_t i = 0; i < KNOWN_KEYS_MAX; i++) {
        sp_put_text(out, known->keys[i].fingerprint);
        sp_put_u64(out, known->keys[i].proofs);
        sp_put_u64(out, (uint64_t)known->keys[i].first);
        sp_put_u64(out, (uint64_t)known->keys[i].last);
    }
    sp_put_u32(out, (uint32_t)known->clients);
    for (const struct known_client *client = known->oldest; client; client = client->newer) {
        sp_put_text(out, client->address);
        sp_put_u64(out, (uint64_t)client->seen);
        sp_put_u64(out, client->keys);
    }
}

static void key_read(struct known_key *key, struct sp_in *in)
{
    struct sp_span fingerprint = sp_get_text(in, KNOWN_FINGERPRINT_MAX - 1);
    uint64_t proofs = sp_get_u64(in), first = sp_get_u64(in), last = sp_get_u64(in);
    if (in->bad || fingerprint.size == 0)
        return;
    *key = (struct known_key){.proofs = proofs, .first = (int64_t)first, .last = (int64_t)last};
    memcpy(key->fingerprint, fingerprint.data, fingerprint.size);
}

static int client_read(struct known_keys *known, struct sp_in *in)
{
    char address[ADDRESS_TEXT_MAX] = "";
    struct sp_span text = sp_get_text(in, ADDRESS_TEXT_MAX - 1);
    uint64_t seen = sp_get_u64(in), keys = sp_get_u64(in);
    if (in->bad)
        return -EINVAL;
    if (text.size != 0)
        memcpy(address, text.data, text.size);
    if (client_find(known, address))
        return -EINVAL;
    struct known_client *client = client_touch(known, address, (int64_t)seen);
    if (!client)
        return -ENOMEM;
    for (size_t i = 0; i < KNOWN_KEYS_MAX; i++)
        if (known->keys[i].fingerprint[0])
            client->keys |= keys & (UINT64_C(1) << i);
    return 0;
}

int known_keys_read(struct known_keys *known, struct sp_span packed)
{
    struct sp_in in = sp_in_of(packed);
    uint64_t forgotten = sp_get_u64(&in);
    for (size_t i = 0; i < KNOWN_KEYS_MAX; i++)
        key_read(&known->keys[i], &in);
    uint32_t clients = sp_get_u32(&in);
    int r = in.bad || clients > KNOWN_CLIENTS_MAX ? -EINVAL : 0;
    for (uint32_t i = 0; r == 0 && i < clients; i++)
        r = client_read(known, &in);
    if (r == 0 && sp_get_end(&in))
        r = -EINVAL;
    if (r) {
        known_keys_free(known);
        *known = (struct known_keys){0};
        return r;
    }
    known->forgotten = forgotten;
    return 0;
}

void known_keys_free(struct known_keys *known)
{
    while (known->newest)
        client_remove(known, known->newest);
}
