/*
 * Containment of address patterns, on the safe side: "no" wherever it would take more than a look. Input: lists as in
 * an exception's Address. Output: the verdict.
 */
#include "policy/addresses_cover.h"

#include <sallyport/wire.h>

#include "base/addresses.h"
#include "base/decimal.h"

#define ITEM_MAX 300u

struct block {
    struct address network;
    unsigned length;
};

/* An address is the block of itself. IPv4 mapped into IPv6 with a length is left to equality of text. */
static bool block_parse(struct sp_span item, struct block *block)
{
    char text[ITEM_MAX];
    uint64_t length = 0;
    if (item.size >= sizeof text)
        return false;
    memcpy(text, item.data, item.size);
    text[item.size] = '\0';
    char *slash = strchr(text, '/');
    if (slash)
        *slash = '\0';
    if (!address_parse(text, &block->network))
        return false;
    if (slash && ((block->network.bits == 32 && strchr(text, ':')) ||
                  !decimal_parse(slash + 1, block->network.bits, &length)))
        return false;
    block->length = slash ? (unsigned)length : block->network.bits;
    return true;
}

static bool block_covers(const struct block *outer, const struct block *inner)
{
    if (outer->network.bits != inner->network.bits || inner->length < outer->length)
        return false;
    for (unsigned i = 0; i < outer->length; i++)
        if ((outer->network.bytes[i / 8] ^ inner->network.bytes[i / 8]) & (0x80u >> i % 8))
            return false;
    return true;
}

static bool item_covers(struct sp_span outer, struct sp_span inner)
{
    struct block outer_block, inner_block;
    if (sp_span_equal(outer, inner) || sp_span_is(outer, "*"))
        return true;
    return block_parse(outer, &outer_block) && block_parse(inner, &inner_block) &&
           block_covers(&outer_block, &inner_block);
}

static bool is_negated(struct sp_span item)
{
    return item.size != 0 && item.data[0] == '!';
}

static struct sp_span without_mark(struct sp_span item)
{
    return is_negated(item) ? sp_span_of(item.data + 1, item.size - 1) : item;
}

/* Some item of the list, of the same sign, covers this one. */
static bool list_covers(struct sp_span list, struct sp_span item)
{
    while (list.size != 0) {
        struct sp_span other = sp_next_name(&list);
        if (is_negated(other) == is_negated(item) && item_covers(without_mark(other), without_mark(item)))
            return true;
    }
    return false;
}

/* Every item of `items` that has this sign is covered by one of `list`. */
static bool all_covered(const char *list, const char *items, bool negated)
{
    for (struct sp_span left = sp_text(items); left.size != 0;) {
        struct sp_span item = sp_next_name(&left);
        if (is_negated(item) == negated && !list_covers(sp_text(list), item))
            return false;
    }
    return true;
}

bool addresses_cover(const char *outer, const char *inner)
{
    return all_covered(outer, inner, false) && all_covered(inner, outer, true);
}
