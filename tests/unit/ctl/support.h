/* KEXINITs for the tests of the tool. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sallyport/wire.h>

/* A payload with these lists for everything, and `kex` for the first. */
static inline struct sp_span kexinit_make(const char *kex, uint8_t *room, size_t size)
{
    static const char *const lists[] = {
        "ssh-ed25519", "aes128-ctr", "aes256-ctr", "hmac-sha2-256", "hmac-sha2-512", "none", "none", "", ""};
    static const uint8_t cookie[16];
    struct sp_out out = {.data = room, .capacity = size};
    sp_put_u8(&out, 20);
    sp_put_raw(&out, sp_span_of(cookie, sizeof cookie));
    sp_put_text(&out, kex);
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        sp_put_text(&out, lists[i]);
    sp_put_bool(&out, false);
    sp_put_u32(&out, 0);
    assert_int_equal(sp_put_end(&out), 0);
    return sp_written(&out);
}

/* The same in a packet (RFC 4253 section 6). */
static inline struct sp_span packet_make(struct sp_span payload, uint8_t *room, size_t size)
{
    static const uint8_t zeros[16];
    struct sp_out out = {.data = room, .capacity = size};
    uint8_t padding = (uint8_t)(8 - (5 + payload.size) % 8 + 8);
    sp_put_u32(&out, (uint32_t)(1 + payload.size + padding));
    sp_put_u8(&out, padding);
    sp_put_raw(&out, payload);
    sp_put_raw(&out, sp_span_of(zeros, padding));
    assert_int_equal(sp_put_end(&out), 0);
    return sp_written(&out);
}
