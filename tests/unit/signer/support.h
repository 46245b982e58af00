/* What all tests of the signer share. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include <sallyport/types.h>

/* The octets of a hex text; the caller frees span.data. */
static inline struct sp_span from_hex(const char *hex)
{
    size_t size = strlen(hex) / 2;
    uint8_t *bytes = malloc(size + 1);
    assert_non_null(bytes);
    for (size_t i = 0; i < size; i++) {
        char digits[3] = {hex[2 * i], hex[2 * i + 1], 0};
        bytes[i] = (uint8_t)strtoul(digits, NULL, 16);
    }
    return sp_span_of(bytes, size);
}

static inline void free_span(struct sp_span span)
{
    free((void *)(uintptr_t)span.data);
}
