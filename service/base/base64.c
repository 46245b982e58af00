/* Base64. Input: text of key files and signatures, or a digest. Output: octets, or text. RFC 4648 section 4. */
#include "base/base64.h"

#include <sallyport/wire.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static int digit(uint8_t c)
{
    const char *at = c ? strchr(alphabet, c) : NULL;
    return at ? (int)(at - alphabet) : -1;
}

/* Four digits, the last `missing` of which are padding. */
static int group_decode(const uint8_t *group, size_t missing, struct sp_out *out)
{
    uint32_t bits = 0;
    for (size_t i = 0; i < 4; i++) {
        int value = i < 4 - missing ? digit(group[i]) : 0;
        if (value < 0)
            return SP_E_MALFORMED;
        bits = bits << 6 | (uint32_t)value;
    }
    uint32_t unused = missing == 0 ? 0 : missing == 1 ? 0xff : 0xffff;
    if (bits & unused) /* more than one text would stand for the same octets */
        return SP_E_MALFORMED;
    for (size_t i = 0; i < 3 - missing; i++)
        sp_put_u8(out, (uint8_t)(bits >> (16 - 8 * i)));
    return 0;
}

int base64_decode(struct sp_span text, struct sp_out *out)
{
    if (text.size == 0 || text.size % 4 != 0)
        return SP_E_MALFORMED;
    for (size_t at = 0; at < text.size; at += 4) {
        bool last = at + 4 == text.size;
        size_t missing = 0;
        if (last && text.data[at + 3] == '=')
            missing = text.data[at + 2] == '=' ? 2 : 1;
        int r = group_decode(text.data + at, missing, out);
        if (r)
            return r;
    }
    return sp_put_end(out);
}

int base64_encode_bare(struct sp_span bytes, struct sp_out *out)
{
    for (size_t at = 0; at < bytes.size; at += 3) {
        size_t have = bytes.size - at < 3 ? bytes.size - at : 3;
        uint32_t bits = 0;
        for (size_t i = 0; i < 3; i++)
            bits = bits << 8 | (i < have ? bytes.data[at + i] : 0u);
        for (size_t i = 0; i <= have; i++)
            sp_put_u8(out, (uint8_t)alphabet[bits >> (18 - 6 * i) & 0x3f]);
    }
    return sp_put_end(out);
}

int base64_encode(struct sp_span bytes, struct sp_out *out)
{
    int r = base64_encode_bare(bytes, out);
    for (size_t i = bytes.size % 3; r == 0 && i != 0 && i < 3; i++)
        sp_put_u8(out, '=');
    return r ? r : sp_put_end(out);
}
