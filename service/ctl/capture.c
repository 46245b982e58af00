/*
 * Reads captured KEXINITs. Input: files that anybody may have made. Output: a payload that kexinit_parse(), which is what
 * the server itself reads clients with, has taken apart; or what is wrong, and where.
 */
#include "ctl/capture.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <sallyport/wire.h>

#include "base/lexer.h"

#define MSG_KEXINIT 20u

static int malformed(const char *text, const char **why)
{
    *why = text;
    return CAPTURE_E_MALFORMED;
}

int capture_take(struct sp_span payload, struct capture *capture, const char **why)
{
    if (payload.size > sizeof capture->payload)
        return malformed("longer than a packet may be", why);
    memmove(capture->payload, payload.data, payload.size);
    capture->size = payload.size;
    if (kexinit_parse(sp_span_of(capture->payload, capture->size), &capture->kexinit))
        return malformed("no KEXINIT of the form of RFC 4253 section 7.1", why);
    return 0;
}

/* ---- octets ------------------------------------------------------------------------------------------------ */

/* The payload of a packet without encryption (RFC 4253 section 6). */
static bool packet_open(struct sp_span octets, struct sp_span *payload)
{
    struct sp_in in = sp_in_of(octets);
    uint32_t length = sp_get_u32(&in);
    uint8_t padding = sp_get_u8(&in);
    if (in.bad || length < (uint32_t)padding + 2 || length - 1 > in.left)
        return false;
    *payload = sp_get_raw(&in, length - 1u - padding);
    return payload->size != 0 && payload->data[0] == MSG_KEXINIT;
}

static int octets_read(struct sp_span octets, struct capture *capture, const char **why)
{
    struct sp_span payload = octets;
    if (octets.size != 0 && octets.data[0] != MSG_KEXINIT && !packet_open(octets, &payload))
        return malformed("expected octet 20 of a KEXINIT, or a packet with one", why);
    return capture_take(payload, capture, why);
}

/* ---- hexadecimal ------------------------------------------------------------------------------------------- */

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool is_between(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == ':' || c == ',';
}

/* Whether the whole file is pairs of digits, with blanks or colons between; octets go to `out`. */
static bool hex_read(struct sp_span file, struct sp_out *out)
{
    size_t i = 0;
    while (i < file.size) {
        if (is_between(file.data[i])) {
            i++;
            continue;
        }
        int high = hex_digit(file.data[i]), low = i + 1 < file.size ? hex_digit(file.data[i + 1]) : -1;
        if (high < 0 || low < 0)
            return false;
        sp_put_u8(out, (uint8_t)(high << 4 | low));
        i += 2;
    }
    return out->size != 0 && !out->full;
}

/* ---- lists as text ----------------------------------------------------------------------------------------- */

struct lists {
    struct sp_span lists[KEXINIT_LISTS];
    bool given[KEXINIT_LISTS];
    bool follows;
};

static int lists_build(const struct lists *lists, struct capture *capture, const char **why)
{
    static const uint8_t cookie[KEXINIT_COOKIE_SIZE];
    uint8_t room[KEXINIT_PAYLOAD_MAX];
    struct sp_out out = {.data = room, .capacity = sizeof room};
    sp_put_u8(&out, MSG_KEXINIT);
    sp_put_raw(&out, sp_span_of(cookie, sizeof cookie));
    for (size_t i = 0; i < KEXINIT_LISTS; i++)
        sp_put_string(&out, lists->lists[i]);
    sp_put_bool(&out, lists->follows);
    sp_put_u32(&out, 0);
    if (sp_put_end(&out))
        return malformed("lists longer than a packet may be", why);
    return capture_take(sp_written(&out), capture, why);
}

static struct sp_span line_next(struct sp_span *text)
{
    const uint8_t *end = text->size ? memchr(text->data, '\n', text->size) : NULL;
    struct sp_span line = sp_span_of(text->data, end ? (size_t)(end - text->data) : text->size);
    size_t used = line.size + (end ? 1 : 0);
    text->data += used;
    text->size -= used;
    if (line.size != 0 && line.data[line.size - 1] == '\r')
        line.size--;
    return line;
}

static bool begins_with(struct sp_span *text, const char *with)
{
    size_t size = strlen(with);
    if (text->size < size || memcmp(text->data, with, size) != 0)
        return false;
    text->data += size;
    text->size -= size;
    return true;
}

static void text_keep(struct sp_span text, char kept[CAPTURE_TEXT_MAX])
{
    size_t used = 0;
    for (size_t i = 0; i < text.size && used < CAPTURE_TEXT_MAX - 1; i++)
        if (text.data[i] >= 0x20 && text.data[i] != 0x7f)
            kept[used++] = (char)text.data[i];
    kept[used] = '\0';
}

/* ---- ssh -vv ----------------------------------------------------------------------------------------------- */

static const struct {
    const char *begin;
    enum kexinit_list list;
} debug_rows[] = {
    {"KEX algorithms: ", KEXINIT_KEX},
    {"host key algorithms: ", KEXINIT_HOST_KEY},
    {"ciphers ctos: ", KEXINIT_CIPHER_C2S},
    {"ciphers stoc: ", KEXINIT_CIPHER_S2C},
    {"MACs ctos: ", KEXINIT_MAC_C2S},
    {"MACs stoc: ", KEXINIT_MAC_S2C},
    {"compression ctos: ", KEXINIT_COMPRESSION_C2S},
    {"compression stoc: ", KEXINIT_COMPRESSION_S2C},
};

static bool debug_take(struct sp_span line, struct lists *lists)
{
    for (size_t i = 0; i < ARRAY_SIZE(debug_rows); i++) {
        struct sp_span rest = line;
        if (!begins_with(&rest, debug_rows[i].begin) || lists->given[debug_rows[i].list])
            continue;
        lists->lists[debug_rows[i].list] = rest;
        lists->given[debug_rows[i].list] = true;
        return true;
    }
    return false;
}

static bool all_given(const struct lists *lists)
{
    for (size_t i = 0; i < KEXINIT_NEGOTIATED; i++)
        if (!lists->given[i])
            return false;
    return true;
}

/* "debug1: ", "debug2: " are in front, and of some front ends a time before that. */
static bool debug_open(struct sp_span *line)
{
    const uint8_t *at = line->size ? memmem(line->data, line->size, "debug", 5) : NULL;
    if (!at || (size_t)(line->data + line->size - at) < 8 || at[6] != ':' || at[7] != ' ')
        return false;
    *line = sp_span_of(at + 8, (size_t)(line->data + line->size - at - 8));
    return true;
}

static int debug_read(struct sp_span file, struct capture *capture, unsigned *line_number, const char **why)
{
    struct lists lists = {0};
    bool ours = false;
    char identification[CAPTURE_TEXT_MAX] = "";
    for (unsigned number = 1; file.size != 0 && !(ours && all_given(&lists)); number++) {
        struct sp_span line = line_next(&file), rest;
        if (!debug_open(&line))
            continue;
        rest = line;
        if (begins_with(&rest, "Local version string "))
            text_keep(rest, identification);
        else if (sp_span_is(line, "local client KEXINIT proposal"))
            ours = true;
        else if (sp_span_is(line, "peer server KEXINIT proposal") && ours)
            break;
        else if (ours && debug_take(line, &lists))
            *line_number = number;
    }
    if (!ours)
        return malformed("no \"local client KEXINIT proposal\" in it: `ssh -vv` prints one", why);
    if (!all_given(&lists))
        return malformed("the client's proposal is not whole: eight lists are expected", why);
    int r = lists_build(&lists, capture, why);
    if (r == 0)
        memcpy(capture->identification, identification, sizeof identification);
    return r;
}

/* ---- all --------------------------------------------------------------------------------------------------- */

int capture_read(struct sp_span file, struct capture *capture, unsigned *line, const char **why)
{
    uint8_t room[KEXINIT_PAYLOAD_MAX + 512u];
    struct sp_out out = {.data = room, .capacity = sizeof room};
    *capture = (struct capture){0};
    *line = 0;
    if (file.size != 0 && memmem(file.data, file.size, "debug", 5) && file.data[0] != MSG_KEXINIT &&
        file.data[0] != 0)
        return debug_read(file, capture, line, why);
    if (hex_read(file, &out))
        return octets_read(sp_written(&out), capture, why);
    return octets_read(file, capture, why);
}

/* ---- described clients ------------------------------------------------------------------------------------- */

enum client_keyword { TEXT_DESCRIPTION, TEXT_IDENTIFICATION, TEXT_DATE, TEXT_IGNORED, TEXT_LISTS };

static const struct client_row {
    const char *keyword;
    enum client_keyword what;
    enum kexinit_list first, second; /* TEXT_LISTS */
} client_rows[] = {
    {"Description", TEXT_DESCRIPTION, 0, 0},
    {"Identification", TEXT_IDENTIFICATION, 0, 0},
    {"Date", TEXT_DATE, 0, 0},
    {"Version", TEXT_IGNORED, 0, 0},
    {"Source", TEXT_IGNORED, 0, 0},
    {"KexAlgorithms", TEXT_LISTS, KEXINIT_KEX, KEXINIT_KEX},
    {"HostKeyAlgorithms", TEXT_LISTS, KEXINIT_HOST_KEY, KEXINIT_HOST_KEY},
    {"Ciphers", TEXT_LISTS, KEXINIT_CIPHER_C2S, KEXINIT_CIPHER_S2C},
    {"MACs", TEXT_LISTS, KEXINIT_MAC_C2S, KEXINIT_MAC_S2C},
    {"Compression", TEXT_LISTS, KEXINIT_COMPRESSION_C2S, KEXINIT_COMPRESSION_S2C},
};

struct client_reading {
    struct capture *capture;
    struct lists lists;
    char text[KEXINIT_NEGOTIATED][LEXER_LINE_MAX + 1]; /* what the lists point to */
};

static int client_list(struct client_reading *reading, const struct client_row *row, const char *value,
                       const char **why)
{
    struct lists *lists = &reading->lists;
    if (lists->given[row->first])
        return malformed("expected each list once", why);
    snprintf(reading->text[row->first], sizeof reading->text[0], "%s", value);
    lists->lists[row->first] = lists->lists[row->second] = sp_text(reading->text[row->first]);
    lists->given[row->first] = lists->given[row->second] = true;
    return 0;
}

static int client_value(struct client_reading *reading, const struct client_row *row, const char *value,
                        const char **why)
{
    struct capture *capture = reading->capture;
    switch (row->what) {
    case TEXT_DESCRIPTION:
        text_keep(sp_text(value), capture->description);
        return 0;
    case TEXT_IDENTIFICATION:
        text_keep(sp_text(value), capture->identification);
        return 0;
    case TEXT_DATE:
        text_keep(sp_text(value), capture->date);
        return 0;
    case TEXT_IGNORED:
        return 0;
    case TEXT_LISTS:
        return client_list(reading, row, value, why);
    }
    return 0;
}

static int client_line(struct client_reading *reading, struct sp_span line, const char **why)
{
    struct lexer_line words;
    int r = lexer_split(line, &words, why);
    if (r == LEXER_E_EMPTY)
        return 0;
    if (r)
        return CAPTURE_E_MALFORMED;
    if (words.count != 1)
        return malformed("expected one value behind the keyword", why);
    for (size_t i = 0; i < ARRAY_SIZE(client_rows); i++)
        if (strcasecmp(words.keyword, client_rows[i].keyword) == 0)
            return client_value(reading, &client_rows[i], words.arguments[0], why);
    return malformed("expected Description, Identification, Date, Version, Source or a list", why);
}

int capture_read_client(struct sp_span file, struct capture *capture, unsigned *line, const char **why)
{
    struct client_reading *reading CLEANUP_FREE = calloc(1, sizeof *reading);
    if (!reading)
        return malformed("out of memory", why);
    *capture = (struct capture){0};
    reading->capture = capture;
    for (*line = 1; file.size != 0; (*line)++) {
        int r = client_line(reading, line_next(&file), why);
        if (r)
            return r;
    }
    *line = 0;
    if (!all_given(&reading->lists))
        return malformed("expected KexAlgorithms, HostKeyAlgorithms, Ciphers, MACs and Compression", why);
    return lists_build(&reading->lists, capture, why);
}
