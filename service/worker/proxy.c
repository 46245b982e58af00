/*
 * What a balancer says first: whose connection it is that it opened (PROXY protocol). Input: the first octets of a connection
 * whose other end the monitor has found among the balancers that are to be believed. Output: `proxied` for the monitor, once,
 * before an octet of the client's is looked at: somebody who takes this process over by what a client can send comes too late
 * to say who the client is. The addresses themselves mean nothing to us until the monitor has handed them back.
 */
#include "worker/proxy.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <sallyport/wire.h>

#include "base/decimal.h"
#include "worker/connection.h"
#include "worker/ident.h"
#include "worker/packet_in.h"
#include "worker/packet_out.h"
#include "worker/setup.h"

static const uint8_t signature_v1[] = {'P', 'R', 'O', 'X', 'Y', ' '};
static const uint8_t signature_v2[] = {0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d,
                                       0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a};

/* As far as the octets go. */
static bool may_be(struct sp_span bytes, const uint8_t *signature, size_t size)
{
    return memcmp(bytes.data, signature, size_min(bytes.size, size)) == 0;
}

/* ---- version 1: a line --------------------------------------------------------------------------------------- */

/* Up to the next blank, of which there is exactly one between two words. */
static struct sp_span word_next(struct sp_span *line)
{
    const uint8_t *blank = line->size != 0 ? memchr(line->data, ' ', line->size) : NULL;
    size_t size = blank ? (size_t)(blank - line->data) : line->size;
    struct sp_span word = sp_span_of(line->data, size);
    size_t used = size + (blank ? 1 : 0);
    *line = sp_span_of(line->data + used, line->size - used);
    return word;
}

/* In the numeric form of that family alone: four decimals without zeros in front, or hexadecimal groups. */
static bool address_get(struct sp_span word, int family, uint8_t *address)
{
    char text[INET6_ADDRSTRLEN];
    if (word.size == 0 || word.size >= sizeof text || memchr(word.data, 0, word.size))
        return false;
    memcpy(text, word.data, word.size);
    text[word.size] = 0;
    if (family == AF_INET6 && strchr(text, '.'))
        return false;
    return inet_pton(family, text, address) == 1;
}

static bool port_get(struct sp_span word, uint16_t *port)
{
    char text[6];
    uint64_t value = 0;
    if (word.size == 0 || word.size >= sizeof text || (word.size > 1 && word.data[0] == '0') ||
        memchr(word.data, 0, word.size))
        return false;
    memcpy(text, word.data, word.size);
    text[word.size] = 0;
    if (!decimal_parse(text, UINT16_MAX, &value))
        return false;
    *port = (uint16_t)value;
    return true;
}

static int client_get(struct sp_span line, int family, struct proxy_header *header)
{
    struct proxy_header made = {.kind = PROXIED_CLIENT, .address_size = family == AF_INET ? 4 : 16};
    size_t blanks = 0;
    for (size_t i = 0; i < line.size; i++)
        blanks += line.data[i] == ' ';
    if (blanks != 3 || !address_get(word_next(&line), family, made.source) ||
        !address_get(word_next(&line), family, made.destination) ||
        !port_get(word_next(&line), &made.source_port) || !port_get(word_next(&line), &made.destination_port))
        return PROXY_E_MALFORMED;
    *header = made;
    return 0;
}

/* Behind UNKNOWN anything may stand, and means nothing. */
static int line_get(struct sp_span line, struct proxy_header *header)
{
    bool has_more = memchr(line.data, ' ', line.size) != NULL;
    struct sp_span family = word_next(&line);
    if (sp_span_is(family, "UNKNOWN")) {
        *header = (struct proxy_header){.kind = PROXIED_UNKNOWN};
        return 0;
    }
    if (!has_more)
        return PROXY_E_MALFORMED;
    if (sp_span_is(family, "TCP4"))
        return client_get(line, AF_INET, header);
    return sp_span_is(family, "TCP6") ? client_get(line, AF_INET6, header) : PROXY_E_MALFORMED;
}

static int parse_v1(struct sp_span bytes, struct proxy_header *header, size_t *used)
{
    struct sp_span window = sp_span_of(bytes.data, size_min(bytes.size, PROXY_V1_MAX));
    const uint8_t *end = memchr(window.data, '\n', window.size);
    if (!end)
        return bytes.size >= PROXY_V1_MAX ? PROXY_E_TOO_LONG : PROXY_E_MORE;
    size_t size = (size_t)(end - bytes.data), head = sizeof signature_v1;
    /* The line ends with CR LF, and no CR is anywhere else. */
    if (size <= head || memchr(bytes.data, '\r', size) != bytes.data + size - 1)
        return PROXY_E_MALFORMED;
    int r = line_get(sp_span_of(bytes.data + head, size - 1 - head), header);
    if (r == 0)
        *used = size + 1;
    return r;
}

/* ---- version 2: octets --------------------------------------------------------------------------------------- */

enum {
    V2_VERSION = 0x20,
    V2_LOCAL = 0x00,
    V2_PROXY = 0x01,
    V2_UNSPEC = 0x00,
    V2_TCP4 = 0x11,
    V2_TCP6 = 0x21,
    V2_TLV_CRC32C = 0x03,
    V2_TLV_HEAD = 3,
};

/* CRC-32C (RFC 3720 section 12.1): a checksum against accidents. The four octets at `hole` count as zeros. */
static uint32_t crc32c(struct sp_span bytes, size_t hole)
{
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < bytes.size; i++) {
        crc ^= i >= hole && i < hole + 4 ? 0 : bytes.data[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0);
    }
    return ~crc;
}

static bool checksum_is_good(struct sp_span header, size_t at)
{
    struct sp_in in = sp_in_of(sp_span_of(header.data + at, 4));
    return sp_get_u32(&in) == crc32c(header, at);
}

/* What is behind the addresses: passed over, but for the checksum. Type, size in two octets, value; up to the last octet. */
static int tlvs_check(struct sp_span header, size_t at)
{
    while (at != header.size) {
        if (header.size - at < V2_TLV_HEAD)
            return PROXY_E_MALFORMED;
        uint8_t type = header.data[at];
        size_t size = (size_t)header.data[at + 1] << 8 | header.data[at + 2];
        at += V2_TLV_HEAD;
        if (header.size - at < size || (type == V2_TLV_CRC32C && size != 4))
            return PROXY_E_MALFORMED;
        if (type == V2_TLV_CRC32C && !checksum_is_good(header, at))
            return PROXY_E_CHECKSUM;
        at += size;
    }
    return 0;
}

static int addresses_get(struct sp_span header, size_t size, struct proxy_header *out)
{
    struct proxy_header made = {.kind = PROXIED_CLIENT, .address_size = size};
    size_t ports = PROXY_V2_HEAD + 2 * size, end = ports + 4;
    if (header.size < end)
        return PROXY_E_MALFORMED;
    int r = tlvs_check(header, end);
    if (r)
        return r;
    memcpy(made.source, header.data + PROXY_V2_HEAD, size);
    memcpy(made.destination, header.data + PROXY_V2_HEAD + size, size);
    made.source_port = (uint16_t)(header.data[ports] << 8 | header.data[ports + 1]);
    made.destination_port = (uint16_t)(header.data[ports + 2] << 8 | header.data[ports + 3]);
    *out = made;
    return 0;
}

/* With LOCAL, and with an unknown family, nothing behind the first 16 octets means anything. */
static int v2_get(struct sp_span header, struct proxy_header *out)
{
    uint8_t command = header.data[12], family = header.data[13];
    if (command == (V2_VERSION | V2_LOCAL)) {
        *out = (struct proxy_header){.kind = PROXIED_LOCAL};
        return 0;
    }
    if (command != (V2_VERSION | V2_PROXY))
        return PROXY_E_UNSUPPORTED;
    switch (family) {
    case V2_UNSPEC:
        *out = (struct proxy_header){.kind = PROXIED_UNKNOWN};
        return 0;
    case V2_TCP4:
        return addresses_get(header, 4, out);
    case V2_TCP6:
        return addresses_get(header, 16, out);
    default:
        return PROXY_E_UNSUPPORTED;
    }
}

static int parse_v2(struct sp_span bytes, struct proxy_header *header, size_t *used)
{
    if (bytes.size < PROXY_V2_HEAD)
        return PROXY_E_MORE;
    size_t rest = (size_t)bytes.data[14] << 8 | bytes.data[15];
    if (rest > PROXY_V2_REST_MAX)
        return PROXY_E_TOO_LONG;
    if (bytes.size < PROXY_V2_HEAD + rest)
        return PROXY_E_MORE;
    int r = v2_get(sp_span_of(bytes.data, PROXY_V2_HEAD + rest), header);
    if (r == 0)
        *used = PROXY_V2_HEAD + rest;
    return r;
}

/* ---- both ---------------------------------------------------------------------------------------------------- */

int proxy_parse(struct sp_span bytes, struct proxy_header *header, size_t *used)
{
    if (bytes.size == 0)
        return PROXY_E_MORE;
    if (may_be(bytes, signature_v1, sizeof signature_v1))
        return bytes.size < sizeof signature_v1 ? PROXY_E_MORE : parse_v1(bytes, header, used);
    if (may_be(bytes, signature_v2, sizeof signature_v2))
        return parse_v2(bytes, header, used);
    return PROXY_E_FOREIGN;
}

static const char *complaint(int r)
{
    static const char *const texts[] = {
        [PROXY_E_FOREIGN] = "a PROXY protocol header was expected: clients come through a balancer here",
        [PROXY_E_MALFORMED] = "the PROXY protocol header is malformed",
        [PROXY_E_UNSUPPORTED] = "the PROXY protocol header is not one of TCP over IPv4 or IPv6",
        [PROXY_E_TOO_LONG] = "the PROXY protocol header is too long",
        [PROXY_E_CHECKSUM] = "the checksum of the PROXY protocol header is wrong",
        [PROXY_E_CUT] = "the connection was closed within the PROXY protocol header",
    };
    return texts[r];
}

static int monitor_tell(struct connection *c, const struct proxy_header *header)
{
    int r = link_send(&c->monitor, proxied, .kind = (uint8_t)header->kind,
                      .source = sp_span_of(header->source, header->address_size),
                      .destination = sp_span_of(header->destination, header->address_size),
                      .source_port = header->source_port, .destination_port = header->destination_port);
    if (r)
        return r < 0 ? r : connection_fail(c, SSH_DISCONNECT_BY_APPLICATION, "the server is going down");
    c->proxy_step = PROXY_ASKED;
    return 0;
}

int proxy_receive(struct connection *c)
{
    struct transport_input *input = &c->transport.input;
    struct sp_span bytes = sp_span_of(input->bytes + input->start, input->end - input->start);
    struct proxy_header header;
    size_t used;
    int r = proxy_parse(bytes, &header, &used);
    if (r == PROXY_E_MORE && !(input->eof && bytes.size != 0))
        return PACKET_E_MORE;
    if (r)
        return connection_fail(c, SSH_DISCONNECT_PROTOCOL_ERROR, "%s",
                               complaint(r == PROXY_E_MORE ? PROXY_E_CUT : r));
    input->start += used;
    return monitor_tell(c, &header);
}

int proxy_on_policy(struct connection *c, const struct msg_proxied_policy *answer)
{
    const struct worker_variant *variant = worker_setup_variant(c->setup, answer->policy);
    if (c->proxy_step != PROXY_ASKED)
        return -EPROTO;
    if (!variant)
        return connection_fail(c, SSH_DISCONNECT_SERVICE_NOT_AVAILABLE,
                               "no policy is prepared for this client");
    snprintf(c->remote_address, sizeof c->remote_address, "%.*s", (int)answer->remote_address.size,
             (const char *)answer->remote_address.data);
    c->remote_port = answer->remote_port;
    c->variant = variant;
    c->proxy_step = PROXY_NONE;
    return ident_send(c);
}

int proxy_refuse(struct connection *c)
{
    char line[sizeof c->end_text + 3];
    snprintf(line, sizeof line, "%s\r\n", c->end_text);
    return packet_put_line(c, sp_text(line));
}
