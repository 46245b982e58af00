/*
 * Offers, any octets, as a signer that is not ours any more could send them to zygotes. Besides memory errors: what passes
 * offer_check() has variants of different forms that all give lists, which hold every name once and no key's algorithm
 * whose key is not there; times of changes go backwards and end.
 */
#include <stdlib.h>

#include <sallyport/wire.h>

#include "ipc/codec.h"
#include "ipc/offer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool promise)
{
    if (!promise)
        abort();
}

static void check_lists(const struct msg_variant *variant, struct sp_span keys, const char *address,
                        int64_t now)
{
    static struct offer_lists lists, longest;
    if (offer_lists_longest(variant, &longest))
        return;
    require(offer_lists_make(variant, keys, address, now, &lists) == 0);
    for (size_t kind = 0; kind < OFFER_KINDS; kind++)
        require(strlen(lists.lists[kind]) <= strlen(longest.lists[kind]));
    struct sp_span names = sp_text(lists.lists[OFFER_HOST_KEY]);
    while (names.size != 0) {
        struct sp_span name = sp_next_name(&names), left = keys;
        struct offer_key key;
        bool found = false;
        while (offer_next_key(&left, &key))
            found = found || (offer_key_holds(&key, now) && sp_list_has(key.algorithms, name));
        require(found);
    }
}

static void check_times(const struct msg_variant *variant, struct sp_span keys)
{
    int64_t at = INT64_MAX;
    for (int64_t before; (before = offer_changed_before(variant, keys, at)) != INT64_MIN; at = before)
        require(before < at);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct msg_offer offer;
    struct msg_variant variant;
    if (message_decode(message_find(MSG_offer), sp_span_of(data, size), &offer) || offer_check(&offer))
        return 0;
    size_t count = offer_variant_count(&offer);
    require(count != 0 && count <= OFFER_VARIANTS_MAX);
    for (size_t i = 0; i < count; i++) {
        require(offer_variant_at(&offer, i, &variant));
        check_lists(&variant, offer.keys, "192.0.2.1", 1000);
        check_lists(&variant, offer.keys, NULL, 0);
        check_times(&variant, offer.keys);
    }
    return 0;
}
