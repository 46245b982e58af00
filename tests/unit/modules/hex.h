/*
 * Vectors are written in hexadecimal, as their sources print them.
 */
#pragma once

#include <assert.h>
#include <stdio.h>

#include <sallyport/types.h>

struct hex {
    uint8_t data[2048];
    size_t size;
};

static inline struct hex hex_of(const char *text)
{
    struct hex hex = {0};
    for (; *text; text += 2) {
        unsigned octet;
        assert(hex.size < sizeof hex.data && sscanf(text, "%2x", &octet) == 1);
        hex.data[hex.size++] = (uint8_t)octet;
    }
    return hex;
}

static inline struct sp_span hex_span(const struct hex *hex)
{
    return sp_span_of(hex->data, hex->size);
}
