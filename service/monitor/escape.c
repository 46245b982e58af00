/* Escaping for logs. Input: anything that a peer sent. Output: what a terminal, a log file and a log parser can bear. */
#include "monitor/escape.h"

static size_t escape_octet(uint8_t octet, uint8_t first, char out[4])
{
    static const char digits[] = "0123456789abcdef";
    if (octet == '\\') {
        out[0] = out[1] = '\\';
        return 2;
    }
    if (octet >= first && octet <= 0x7e) {
        out[0] = (char)octet;
        return 1;
    }
    out[0] = '\\';
    out[1] = 'x';
    out[2] = digits[octet >> 4];
    out[3] = digits[octet & 15];
    return 4;
}

/* first: the first octet of ASCII that stands for itself. */
static size_t escape(struct sp_span bytes, uint8_t first, char *out, size_t capacity)
{
    size_t used = 0;
    char one[4];
    for (size_t i = 0; i < bytes.size; i++) {
        size_t size = escape_octet(bytes.data[i], first, one);
        if (capacity - used <= size)
            break;
        memcpy(out + used, one, size);
        used += size;
    }
    if (capacity != 0)
        out[used] = '\0';
    return used;
}

size_t escape_text(struct sp_span bytes, char *out, size_t capacity)
{
    return escape(bytes, ' ', out, capacity);
}

size_t escape_word(struct sp_span bytes, char *out, size_t capacity)
{
    return escape(bytes, ' ' + 1, out, capacity);
}
