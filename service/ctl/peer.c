/* Reads what a server says first. Input: its octets, as hostile as any. Output: its lists, or why there are none. */
#include "ctl/peer.h"

#include <sallyport/wire.h>

#define MSG_IGNORE 2u
#define MSG_DEBUG 4u
#define MSG_KEXINIT 20u
#define PACKET_LENGTH_MAX 35000u
#define PADDING_MIN 4u

static int malformed(const char *text, const char **why)
{
    *why = text;
    return PEER_E_MALFORMED;
}

/* Takes a line off the front, without its end. */
static bool line_take(struct sp_span *rest, struct sp_span *line)
{
    const uint8_t *end = rest->size ? memchr(rest->data, '\n', rest->size) : NULL;
    if (!end)
        return false;
    *line = sp_span_of(rest->data, (size_t)(end - rest->data));
    rest->data += line->size + 1;
    rest->size -= line->size + 1;
    if (line->size != 0 && line->data[line->size - 1] == '\r')
        line->size--;
    return true;
}

static bool is_identification(struct sp_span line)
{
    return line.size >= 4 && memcmp(line.data, "SSH-", 4) == 0;
}

static int identification_check(struct sp_span line, const char **why)
{
    if (line.size > PEER_IDENT_MAX)
        return malformed("its identification is longer than 255 octets", why);
    for (size_t i = 0; i < line.size; i++)
        if (line.data[i] < 0x20 || line.data[i] > 0x7e)
            return malformed("its identification has octets that are no printable ASCII", why);
    if (line.size < 8 || (memcmp(line.data, "SSH-2.0-", 8) != 0 && memcmp(line.data, "SSH-1.99", 8) != 0))
        return malformed("it speaks no SSH 2.0", why);
    return 0;
}

static int identification_read(struct sp_span *rest, struct sp_span *identification, const char **why)
{
    for (unsigned lines = 0; lines <= PEER_LINES_MAX; lines++) {
        struct sp_span line;
        if (!line_take(rest, &line))
            return rest->size > PEER_LINE_MAX ? malformed("a line longer than 8192 octets", why)
                                              : PEER_E_MORE;
        if (is_identification(line)) {
            *identification = line;
            return identification_check(line, why);
        }
        if (line.size > PEER_LINE_MAX)
            return malformed("a line longer than 8192 octets", why);
    }
    return malformed("more than 64 lines in front of an SSH identification: no SSH server", why);
}

bool peer_is_identified(struct sp_span octets)
{
    struct sp_span identification;
    const char *why;
    return identification_read(&octets, &identification, &why) == 0;
}

/* The payload of the next packet, without encryption. */
static int packet_read(struct sp_span *rest, struct sp_span *payload, const char **why)
{
    struct sp_in in = sp_in_of(*rest);
    uint32_t length = sp_get_u32(&in);
    uint8_t padding = sp_get_u8(&in);
    if (rest->size >= 4 && (length < 8 || length > PACKET_LENGTH_MAX))
        return malformed("its first packet has no length that a packet may have", why);
    if (in.bad || in.left < length - 1u)
        return PEER_E_MORE;
    if (padding < PADDING_MIN || (uint32_t)padding + 2 > length)
        return malformed("its first packet has a wrong padding", why);
    *payload = sp_get_raw(&in, length - 1u - padding);
    rest->data += 4 + (size_t)length;
    rest->size -= 4 + (size_t)length;
    return 0;
}

static int kexinit_read(struct sp_span *rest, struct kexinit *kexinit, const char **why)
{
    for (unsigned messages = 0; messages <= PEER_MESSAGES_MAX; messages++) {
        struct sp_span payload;
        int r = packet_read(rest, &payload, why);
        if (r)
            return r;
        if (payload.data[0] == MSG_KEXINIT)
            return kexinit_parse(payload, kexinit) ? malformed("its KEXINIT is malformed", why) : 0;
        if (payload.data[0] != MSG_IGNORE && payload.data[0] != MSG_DEBUG)
            return malformed("its first message is no KEXINIT", why);
    }
    return malformed("more than 8 messages in front of its KEXINIT", why);
}

int peer_parse(struct sp_span octets, struct peer_said *said, const char **why)
{
    struct peer_said read = {0};
    int r = identification_read(&octets, &read.identification, why);
    if (r == 0)
        r = kexinit_read(&octets, &read.kexinit, why);
    if (r == 0)
        *said = read;
    return r;
}
