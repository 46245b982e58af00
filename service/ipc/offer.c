/*
 * Offers, taken apart. Input: the octets of an `offer`, which the signer made and the monitor kept unread. Output: the
 * name-lists that one client is offered now.
 */
#include "ipc/offer.h"

#include <stdio.h>

#include <sallyport/wire.h>

#include "base/addresses.h"
#include "ipc/codec.h"

#define KEY_ALGORITHMS_MAX 1024u
#define KEY_BLOB_MAX 4096u

/* ---- variants ---------------------------------------------------------------------------------------------------- */

static bool variant_next(struct sp_in *in, struct msg_variant *variant)
{
    struct sp_span bytes = sp_get_string(in, UINT16_MAX);
    return !in->bad && message_decode(message_find(MSG_variant), bytes, variant) == 0;
}

bool offer_variant_at(const struct msg_offer *offer, size_t index, struct msg_variant *variant)
{
    struct sp_in in = sp_in_of(offer->variants);
    for (size_t i = 0; in.left != 0; i++) {
        struct msg_variant read;
        if (!variant_next(&in, &read))
            return false;
        if (i == index) {
            *variant = read;
            return true;
        }
    }
    return false;
}

size_t offer_variant_count(const struct msg_offer *offer)
{
    struct msg_variant unused;
    size_t count = 0;
    while (count <= OFFER_VARIANTS_MAX && offer_variant_at(offer, count, &unused))
        count++;
    return count;
}

bool offer_variant_find(const struct msg_offer *offer, struct sp_span policy, struct msg_variant *variant)
{
    struct msg_variant read;
    for (size_t i = 0; i < OFFER_VARIANTS_MAX && offer_variant_at(offer, i, &read); i++)
        if (policy.size == 0 || sp_span_equal(policy, read.policy)) {
            *variant = read;
            return true;
        }
    return false;
}

static bool variant_is_whole(const struct msg_variant *variant)
{
    struct sp_span exceptions = variant->exceptions;
    struct offer_exception unused;
    while (exceptions.size != 0)
        if (!offer_next_exception(&exceptions, &unused))
            return false;
    return variant->policy.size != 0;
}

int offer_check(const struct msg_offer *offer)
{
    struct sp_in in = sp_in_of(offer->variants);
    struct sp_span keys = offer->keys;
    struct offer_key unused;
    size_t count = 0;
    for (struct msg_variant variant; in.left != 0; count++)
        if (!variant_next(&in, &variant) || !variant_is_whole(&variant))
            return OFFER_E_MALFORMED;
    while (keys.size != 0)
        if (!offer_next_key(&keys, &unused))
            return OFFER_E_MALFORMED;
    return count == 0 || count > OFFER_VARIANTS_MAX ? OFFER_E_MALFORMED : 0;
}

/* ---- items of lists ---------------------------------------------------------------------------------------------- */

static bool item_end(struct sp_span *list, const struct sp_in *in)
{
    if (in->bad)
        return false;
    *list = sp_span_of(in->at, in->left);
    return true;
}

bool offer_next_exception(struct sp_span *exceptions, struct offer_exception *exception)
{
    struct sp_in in = sp_in_of(*exceptions);
    struct offer_exception read = {0};
    uint8_t kind = sp_get_u8(&in);
    read.name = sp_get_text(&in, OFFER_NAME_MAX);
    uint64_t not_after = sp_get_u64(&in);
    struct sp_span addresses = sp_get_text(&in, sizeof read.addresses - 1);
    read.origin = sp_get_text(&in, OFFER_ORIGIN_MAX);
    if (in.bad || kind >= OFFER_KINDS || read.name.size == 0 || not_after > INT64_MAX)
        return false;
    read.kind = (enum offer_kind)kind;
    read.not_after = (int64_t)not_after;
    if (addresses.size != 0)
        memcpy(read.addresses, addresses.data, addresses.size);
    if (!item_end(exceptions, &in))
        return false;
    *exception = read;
    return true;
}

void offer_put_exception(const struct offer_exception *exception, struct sp_out *out)
{
    sp_put_u8(out, (uint8_t)exception->kind);
    sp_put_string(out, exception->name);
    sp_put_u64(out, (uint64_t)exception->not_after);
    sp_put_text(out, exception->addresses);
    sp_put_string(out, exception->origin);
}

bool offer_next_key(struct sp_span *keys, struct offer_key *key)
{
    struct sp_in in = sp_in_of(*keys);
    struct offer_key read = {
        .algorithms = sp_get_text(&in, KEY_ALGORITHMS_MAX),
        .blob = sp_get_string(&in, KEY_BLOB_MAX),
        .valid_after = sp_get_u64(&in),
        .valid_before = sp_get_u64(&in),
    };
    if (!item_end(keys, &in))
        return false;
    *key = read;
    return true;
}

void offer_put_key(const struct offer_key *key, struct sp_out *out)
{
    sp_put_string(out, key->algorithms);
    sp_put_string(out, key->blob);
    sp_put_u64(out, key->valid_after);
    sp_put_u64(out, key->valid_before);
}

bool offer_exception_holds(const struct offer_exception *exception, const char *address, int64_t now)
{
    if (exception->not_after != 0 && now > exception->not_after)
        return false;
    return exception->addresses[0] == 0 || (address && addresses_match(address, exception->addresses) == 1);
}

bool offer_key_holds(const struct offer_key *key, int64_t now)
{
    return now >= 0 && (uint64_t)now >= key->valid_after && (uint64_t)now < key->valid_before;
}

/* ---- lists ------------------------------------------------------------------------------------------------------- */

static bool list_add(char *list, struct sp_span name)
{
    size_t used = strlen(list), gap = used != 0 ? 1 : 0;
    if (used + gap + name.size >= OFFER_LIST_MAX)
        return false;
    if (gap != 0)
        list[used] = ',';
    memcpy(list + used + gap, name.data, name.size);
    list[used + gap + name.size] = 0;
    return true;
}

static bool list_take(char *list, struct sp_span names)
{
    list[0] = 0;
    return names.size == 0 || list_add(list, names);
}

static int permanent_take(const struct msg_variant *variant, struct offer_lists *lists)
{
    const struct sp_span names[OFFER_KINDS] = {
        [OFFER_KEX] = variant->kex,
        [OFFER_HOST_KEY] = variant->host_key_algorithms,
        [OFFER_CIPHER] = variant->ciphers,
        [OFFER_MAC] = variant->macs,
        [OFFER_COMPRESSION] = variant->compression,
        [OFFER_USER_KEY] = variant->user_key_algorithms,
    };
    for (size_t kind = 0; kind < OFFER_KINDS; kind++)
        if (!list_take(lists->lists[kind], names[kind]))
            return OFFER_E_LONG;
    return 0;
}

static int exception_take(const struct offer_exception *exception, struct offer_lists *lists)
{
    char *list = lists->lists[exception->kind];
    if (sp_list_has(sp_text(list), exception->name))
        return 0;
    return list_add(list, exception->name) ? 0 : OFFER_E_LONG;
}

static bool key_is_here(struct sp_span keys, struct sp_span name, int64_t now)
{
    struct offer_key key;
    while (offer_next_key(&keys, &key))
        if (offer_key_holds(&key, now) && sp_list_has(key.algorithms, name))
            return true;
    return false;
}

/* A certificate that has expired, or is not valid yet, takes its algorithms along. */
static void host_keys_keep(struct offer_lists *lists, struct sp_span keys, int64_t now)
{
    char kept[OFFER_LIST_MAX] = "";
    struct sp_span left = sp_text(lists->lists[OFFER_HOST_KEY]);
    while (left.size != 0) {
        struct sp_span name = sp_next_name(&left);
        if (key_is_here(keys, name, now))
            (void)list_add(kept, name); /* no longer than what it came from */
    }
    memcpy(lists->lists[OFFER_HOST_KEY], kept, sizeof kept);
}

int offer_lists_make(const struct msg_variant *variant, struct sp_span keys, const char *address, int64_t now,
                     struct offer_lists *lists)
{
    struct sp_span exceptions = variant->exceptions;
    struct offer_exception exception;
    int r = permanent_take(variant, lists);
    while (r == 0 && offer_next_exception(&exceptions, &exception))
        if (offer_exception_holds(&exception, address, now))
            r = exception_take(&exception, lists);
    if (r == 0)
        host_keys_keep(lists, keys, now);
    return r;
}

int offer_lists_longest(const struct msg_variant *variant, struct offer_lists *lists)
{
    struct sp_span exceptions = variant->exceptions;
    struct offer_exception exception;
    int r = permanent_take(variant, lists);
    while (r == 0 && offer_next_exception(&exceptions, &exception))
        r = exception_take(&exception, lists);
    return r;
}

bool offer_is_constant(const struct msg_variant *variant, struct sp_span keys)
{
    struct offer_key key;
    while (offer_next_key(&keys, &key))
        if (key.valid_after != 0 || key.valid_before != UINT64_MAX)
            return false;
    return variant->exceptions.size == 0;
}

/* The last second before something that happens at `at`, if that was before `now`. */
static void consider(int64_t *latest, uint64_t last_second, int64_t now)
{
    if (last_second <= INT64_MAX && (int64_t)last_second < now && (int64_t)last_second > *latest)
        *latest = (int64_t)last_second;
}

int64_t offer_changed_before(const struct msg_variant *variant, struct sp_span keys, int64_t now)
{
    struct sp_span exceptions = variant->exceptions;
    struct offer_exception exception;
    struct offer_key key;
    int64_t latest = INT64_MIN;
    while (offer_next_exception(&exceptions, &exception))
        if (exception.not_after != 0)
            consider(&latest, (uint64_t)exception.not_after, now);
    while (offer_next_key(&keys, &key)) {
        if (key.valid_after != 0)
            consider(&latest, key.valid_after - 1, now);
        if (key.valid_before != 0)
            consider(&latest, key.valid_before - 1, now);
    }
    return latest;
}
