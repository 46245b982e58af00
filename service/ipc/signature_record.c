/* Records of signatures as text. Input: what the signer says, or a line of a file that anybody may have changed. */
#include "ipc/signature_record.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define SECOND_US 1000000u
#define DAY_S 86400u
#define TIME_MAX_S 253402300799u /* the last second that has a year of four digits */

static bool character_is_allowed(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           (c != 0 && strchr("-+/.:@_%", c) != NULL);
}

static void text_clean(const char *from, char *to, size_t size)
{
    size_t n = 0;
    for (; from[n] && n + 1 < size; n++)
        to[n] = character_is_allowed(from[n]) ? from[n] : '?';
    to[n] = 0;
}

void signature_hash_text(const uint8_t hash[SIGNATURE_HASH_SIZE], char text[SIGNATURE_HASH_TEXT])
{
    for (size_t i = 0; i < SIGNATURE_HASH_SIZE; i++)
        snprintf(text + 2 * i, 3, "%02x", hash[i]);
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

static bool is_leap(unsigned year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static unsigned days_of_year(unsigned year)
{
    return is_leap(year) ? 366 : 365;
}

static unsigned days_of_month(unsigned year, unsigned month)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month - 1] + (month == 2 && is_leap(year) ? 1u : 0u);
}

/* By hand: gmtime(3) looks for the time zone in a file, which the signer could not open. */
static void time_text(uint64_t time_us, char text[40])
{
    uint64_t seconds = time_us / SECOND_US <= TIME_MAX_S ? time_us / SECOND_US : TIME_MAX_S;
    unsigned day = (unsigned)(seconds / DAY_S), second = (unsigned)(seconds % DAY_S), year = 1970, month = 1;
    for (; day >= days_of_year(year); year++)
        day -= days_of_year(year);
    for (; day >= days_of_month(year, month); month++)
        day -= days_of_month(year, month);
    snprintf(text, 40, "%04u-%02u-%02uT%02u:%02u:%02u.%06uZ", year, month, day + 1, second / 3600,
             second / 60 % 60, second % 60, (unsigned)(time_us % SECOND_US));
}

size_t signature_record_write(const struct signature_record *record, char line[SIGNATURE_RECORD_MAX])
{
    char when[40], previous[SIGNATURE_HASH_TEXT], key[sizeof record->key],
        algorithm[sizeof record->algorithm];
    char purpose[sizeof record->purpose], peer[sizeof record->peer];
    time_text(record->time_us, when);
    signature_hash_text(record->previous, previous);
    text_clean(record->key, key, sizeof key);
    text_clean(record->algorithm, algorithm, sizeof algorithm);
    text_clean(record->purpose, purpose, sizeof purpose);
    text_clean(record->peer, peer, sizeof peer);
    int size =
        snprintf(line, SIGNATURE_RECORD_MAX,
                 "{\"n\":%" PRIu64 ",\"time\":\"%s\",\"key\":\"%s\",\"algorithm\":\"%s\",\"purpose\":\"%s\","
                 "\"connection\":\"%016" PRIx64 "\",\"peer\":\"%s\",\"latency_us\":%" PRIu64
                 ",\"unrecorded\":%" PRIu64 ",\"previous\":\"%s\"}",
                 record->number, when, key, algorithm, purpose, record->connection, peer, record->latency_us,
                 record->unrecorded, previous);
    return (size_t)size; /* fits: the limits of all fields together are below the line's */
}

size_t signature_head_write(const struct signature_head *head, char text[SIGNATURE_HEAD_MAX])
{
    char hash[SIGNATURE_HASH_TEXT];
    signature_hash_text(head->hash, hash);
    return (size_t)snprintf(text, SIGNATURE_HEAD_MAX, SIGNATURE_HEAD_FIRST "%" PRIu64 " %s\n", head->number,
                            hash);
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

/* What is left of a text; `bad` once anything was not as expected. */
struct scan {
    const char *at;
    bool bad;
};

static void take(struct scan *s, const char *expected)
{
    size_t size = strlen(expected);
    s->bad = s->bad || strncmp(s->at, expected, size) != 0;
    if (!s->bad)
        s->at += size;
}

/* Without zeros in front, so that there is one way to write it. */
static uint64_t take_number(struct scan *s)
{
    uint64_t number = 0;
    const char *from = s->at;
    while (!s->bad && *s->at >= '0' && *s->at <= '9') {
        unsigned digit = (unsigned)(*s->at - '0');
        s->bad = number > (UINT64_MAX - digit) / 10;
        number = number * 10 + digit;
        s->at++;
    }
    s->bad = s->bad || s->at == from || (*from == '0' && s->at != from + 1);
    return number;
}

/* Exactly so many digits. */
static unsigned take_digits(struct scan *s, unsigned count)
{
    unsigned number = 0;
    for (; count != 0 && !s->bad; count--) {
        s->bad = *s->at < '0' || *s->at > '9';
        if (!s->bad)
            number = number * 10 + (unsigned)(*s->at++ - '0');
    }
    return number;
}

static void take_text(struct scan *s, char *text, size_t size)
{
    size_t n = 0;
    while (!s->bad && (character_is_allowed(*s->at) || *s->at == '?')) {
        s->bad = n + 1 == size;
        if (!s->bad)
            text[n++] = *s->at++;
    }
    text[n] = 0;
}

static int hex_digit(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = c ? strchr(digits, c) : NULL;
    return at ? (int)(at - digits) : -1;
}

static void take_hash(struct scan *s, uint8_t hash[SIGNATURE_HASH_SIZE])
{
    for (size_t i = 0; i < SIGNATURE_HASH_SIZE && !s->bad; i++) {
        int high = hex_digit(s->at[0]), low = high < 0 ? -1 : hex_digit(s->at[1]);
        s->bad = low < 0;
        if (s->bad)
            return;
        hash[i] = (uint8_t)(high << 4 | low);
        s->at += 2;
    }
}

/* As logs show it. */
static uint64_t take_id(struct scan *s)
{
    uint64_t id = 0;
    for (unsigned i = 0; i < 16 && !s->bad; i++) {
        int digit = hex_digit(*s->at);
        s->bad = digit < 0;
        if (!s->bad)
            id = id << 4 | (unsigned)digit;
        s->at += s->bad ? 0 : 1;
    }
    return id;
}

static uint64_t take_time(struct scan *s)
{
    unsigned year = take_digits(s, 4);
    take(s, "-");
    unsigned month = take_digits(s, 2);
    take(s, "-");
    unsigned day = take_digits(s, 2);
    take(s, "T");
    unsigned hour = take_digits(s, 2);
    take(s, ":");
    unsigned minute = take_digits(s, 2);
    take(s, ":");
    unsigned second = take_digits(s, 2);
    take(s, ".");
    unsigned us = take_digits(s, 6);
    take(s, "Z");
    s->bad = s->bad || year < 1970 || month == 0 || month > 12 || day == 0;
    if (s->bad)
        return 0;
    uint64_t days = day - 1;
    for (unsigned y = 1970; y < year; y++)
        days += days_of_year(y);
    for (unsigned m = 1; m < month; m++)
        days += days_of_month(year, m);
    return (days * DAY_S + hour * 3600 + minute * 60 + second) * SECOND_US + us;
}

bool signature_record_read(struct sp_span line, struct signature_record *record)
{
    char text[SIGNATURE_RECORD_MAX], again[SIGNATURE_RECORD_MAX];
    struct signature_record read = {.number = 0};
    if (line.size >= sizeof text || memchr(line.data, 0, line.size))
        return false;
    memcpy(text, line.data, line.size);
    text[line.size] = 0;
    struct scan s = {.at = text};
    take(&s, "{\"n\":");
    read.number = take_number(&s);
    take(&s, ",\"time\":\"");
    read.time_us = take_time(&s);
    take(&s, "\",\"key\":\"");
    take_text(&s, read.key, sizeof read.key);
    take(&s, "\",\"algorithm\":\"");
    take_text(&s, read.algorithm, sizeof read.algorithm);
    take(&s, "\",\"purpose\":\"");
    take_text(&s, read.purpose, sizeof read.purpose);
    take(&s, "\",\"connection\":\"");
    read.connection = take_id(&s);
    take(&s, "\",\"peer\":\"");
    take_text(&s, read.peer, sizeof read.peer);
    take(&s, "\",\"latency_us\":");
    read.latency_us = take_number(&s);
    take(&s, ",\"unrecorded\":");
    read.unrecorded = take_number(&s);
    take(&s, ",\"previous\":\"");
    take_hash(&s, read.previous);
    take(&s, "\"}");
    if (s.bad || *s.at || read.number == 0)
        return false;
    /* A day that is none, such as the 31st of June, is read as another one. */
    if (signature_record_write(&read, again) != line.size || memcmp(again, text, line.size) != 0)
        return false;
    *record = read;
    return true;
}

bool signature_head_read(struct sp_span bytes, struct signature_head *head)
{
    char text[SIGNATURE_HEAD_MAX];
    struct signature_head read = {.number = 0};
    if (bytes.size >= sizeof text || memchr(bytes.data, 0, bytes.size))
        return false;
    memcpy(text, bytes.data, bytes.size);
    text[bytes.size] = 0;
    struct scan s = {.at = text};
    take(&s, SIGNATURE_HEAD_FIRST);
    read.number = take_number(&s);
    take(&s, " ");
    take_hash(&s, read.hash);
    take(&s, "\n");
    if (s.bad || *s.at || read.number == 0)
        return false;
    *head = read;
    return true;
}

int signature_record_hash(const struct sp_digest_ops *sha256, struct sp_span line,
                          uint8_t hash[SIGNATURE_HASH_SIZE])
{
    uint8_t digest[SP_DIGEST_MAX];
    int r = sha256->hash(&line, 1, digest);
    if (r == 0)
        memcpy(hash, digest, SIGNATURE_HASH_SIZE);
    return r;
}

bool signature_file_is_aside(const char *name)
{
    static const char prefix[] = SIGNATURE_LOG_NAME ".", digits[] = "0123456789";
    if (strncmp(name, prefix, strlen(prefix)) != 0)
        return false;
    const char *rest = name + strlen(prefix);
    if (strspn(rest, digits) != 20)
        return false;
    rest += 20;
    return *rest == 0 || (*rest == '.' && strspn(rest + 1, digits) == 3 && rest[4] == 0);
}
