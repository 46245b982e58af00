/* A token bucket: how often something may happen, with bursts. {0} is an empty bucket that fills from the first use. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct bucket {
    uint64_t at_ms;
    uint32_t level; /* thousandths */
    uint32_t dropped;
};

struct bucket_rate {
    uint32_t burst;
    uint32_t per_second;
};

/* Whether it may happen now; counts in `dropped` if not. */
static inline bool bucket_take(struct bucket *b, const struct bucket_rate *rate, uint64_t now_ms)
{
    uint64_t full = (uint64_t)rate->burst * 1000;
    uint64_t level = b->at_ms == 0 ? full : b->level + (now_ms - b->at_ms) * rate->per_second;
    if (level > full)
        level = full;
    b->at_ms = now_ms;
    b->level = (uint32_t)level;
    if (level < 1000) {
        b->dropped++;
        return false;
    }
    b->level -= 1000;
    return true;
}
