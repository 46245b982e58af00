/*
 * Connections, for who asks: listed, described, asked how they are, and ended. Input: ids as people type them. What a worker
 * has reported is its own word, and is shown as that.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sallyport/wire.h>

#include "base/loop.h"

#include "monitor/control_answers.h"
#include "monitor/monitor.h"
#include "monitor/progress.h"

#define ID_DIGITS 16u       /* of a connection's id, hexadecimal as in the log */
#define ID_DIGITS_MIN 3u    /* of a part of one */
#define PAGE_OCTETS 400000u /* of rows; users and addresses are text of any kind */
#define KILL_REASON_MAX 200u
#define KILL_REASON "Ended by the administrator"

/* ---- ids --------------------------------------------------------------------------------------------------- */

bool control_id_read(struct sp_span text, uint64_t *id)
{
    char digits[ID_DIGITS + 1];
    if (text.size != ID_DIGITS)
        return false;
    memcpy(digits, text.data, ID_DIGITS);
    digits[ID_DIGITS] = '\0';
    if (strspn(digits, "0123456789abcdef") != ID_DIGITS)
        return false;
    *id = strtoull(digits, NULL, 16);
    return true;
}

/* Ids begin alike, as they count up: what tells them apart is their end. Both are taken. */
static bool id_has_part(uint64_t id, const char *part, size_t size)
{
    char digits[ID_DIGITS + 1];
    snprintf(digits, sizeof digits, "%016" PRIx64, id);
    return memcmp(digits, part, size) == 0 || memcmp(digits + ID_DIGITS - size, part, size) == 0;
}

static int part_find(struct monitor *m, struct sp_span text, struct connection **found,
                     char why[CONTROL_WHY_MAX])
{
    char part[ID_DIGITS + 1];
    snprintf(part, sizeof part, "%.*s", (int)text.size, (const char *)text.data);
    if (text.size < ID_DIGITS_MIN || strspn(part, "0123456789abcdef") != text.size)
        return control_unanswered(why, "expected a connection's id of 16 hexadecimal digits, or its first or "
                                       "last ones, at least 3");
    *found = NULL;
    for (struct connection *c = m->connections.first; c; c = c->next) {
        if (!id_has_part(c->id, part, text.size))
            continue;
        if (*found)
            return control_unanswered(why, "more than one connection's id begins or ends so");
        *found = c;
    }
    return *found ? 0 : control_unanswered(why, "no such connection");
}

static int id_resolve(struct monitor *m, struct sp_span text, struct connection **found,
                      char why[CONTROL_WHY_MAX])
{
    uint64_t id;
    if (text.size > ID_DIGITS)
        return control_unanswered(why, "expected a connection's id of 16 hexadecimal digits");
    if (!control_id_read(text, &id))
        return part_find(m, text, found, why);
    *found = connection_find(m, id);
    return *found ? 0 : control_unanswered(why, "no such connection");
}

/* ---- describing -------------------------------------------------------------------------------------------- */

static void progress_describe(const struct connection_known *known, json_t *row)
{
    if (known->report_ms == 0)
        return;
    put_number(row, "report_age", (clock_ms() - known->report_ms) / 1000);
    put_number(row, "idle", known->idle_ms / 1000);
    put_number(row, "octets_in", known->octets_in);
    put_number(row, "octets_out", known->octets_out);
    put_number(row, "rekeys", known->rekeys);
    put_number(row, "channels", known->channels);
}

/* As sign_done lists them. */
static const char *const negotiated_keys[] = {"client_version", "kex",    "host_key", "cipher_in",
                                              "cipher_out",     "mac_in", "mac_out",  "compression_in",
                                              "compression_out"};

/* brief: what the client alone has chosen, which may be long, is left out. */
static void negotiated_describe(struct sp_span negotiated, bool brief, json_t *row)
{
    struct sp_in in = sp_in_of(negotiated);
    for (size_t i = 0; i < ARRAY_SIZE(negotiated_keys); i++) {
        struct sp_span text = sp_get_text(&in, 256);
        if (in.bad)
            return;
        if (i != 0 || !brief)
            put_text(row, negotiated_keys[i], text);
    }
}

static json_t *connection_describe(const struct connection *c)
{
    const struct connection_known *known = &c->known;
    json_t *row = json_object();
    put_id(row, "id", c->id);
    put_string(row, "address", c->remote.text);
    put_number(row, "port", c->remote.port);
    put_string(row, "listener", c->listener);
    if (c->balancer.address.text[0])
        put_string(row, "balancer", c->balancer.address.text);
    put_string(row, "phase", phase_name(c->phase));
    if (c->user)
        put_string(row, "user", c->user);
    put_number(row, "seconds", (clock_ms() - c->since_ms) / 1000);
    put_time(row, "since", known->since_s);
    put_time(row, "login", known->login_s);
    if (known->methods[0])
        put_string(row, "methods", known->methods);
    put_number(row, "generation", c->generation->number);
    progress_describe(known, row);
    return row;
}

static void details_describe(const struct connection *c, json_t *row)
{
    const struct connection_known *known = &c->known;
    put_string(row, "local_address", c->local.text);
    put_number(row, "local_port", c->local.port);
    if (known->login_s != 0) {
        put_number(row, "uid", known->uid);
        put_string(row, "detail", known->detail);
        put_number(row, "login_pid", known->login_pid);
        put_string(row, "session", known->session);
    }
    put_text(row, "policy", c->policy);
    negotiated_describe(c->negotiated, false, row);
}

static void hex_put(json_t *row, const char *key, struct sp_span octets)
{
    static const char digits[] = "0123456789abcdef";
    char *text = malloc(2 * octets.size + 1);
    if (!text)
        return;
    for (size_t i = 0; i < octets.size; i++) {
        text[2 * i] = digits[octets.data[i] >> 4];
        text[2 * i + 1] = digits[octets.data[i] & 15];
    }
    (void)json_object_set_new(row, key, json_stringn(text, 2 * octets.size));
    free(text);
}

/* ---- answers ----------------------------------------------------------------------------------------------- */

/* Newest first; argument: the last id of the page before, "" for the first page. */
static int page_begin(struct monitor *m, struct sp_span argument, struct connection **from,
                      char why[CONTROL_WHY_MAX])
{
    uint64_t after;
    *from = m->connections.first;
    if (argument.size == 0)
        return 0;
    if (!control_id_read(argument, &after))
        return control_unanswered(why, "expected a connection's id of 16 hexadecimal digits");
    const struct connection *last = connection_find(m, after);
    if (!last)
        return control_unanswered(why, "the connection at the end of the last page has gone");
    *from = last->next;
    return 0;
}

/* "next" is there if there are more. */
int answer_connections(struct monitor *m, const struct control_asked *asked, json_t *into,
                       char why[CONTROL_WHY_MAX])
{
    struct connection *c;
    const struct connection *last = NULL;
    size_t octets = 0;
    int r = page_begin(m, asked->argument, &c, why);
    if (r)
        return r;
    json_t *rows = json_array();
    for (; c && json_array_size(rows) < CONTROL_PAGE && octets < PAGE_OCTETS; c = c->next) {
        json_t *row = connection_describe(c);
        negotiated_describe(c->negotiated, true, row);
        octets += json_dumpb(row, NULL, 0, JSON_COMPACT);
        (void)json_array_append_new(rows, row);
        last = c;
    }
    (void)json_object_set_new(into, "connections", rows);
    if (c && last)
        put_id(into, "next", last->id);
    return 0;
}

int answer_connection(struct monitor *m, const struct control_asked *asked, json_t *into,
                      char why[CONTROL_WHY_MAX])
{
    struct connection *c;
    int r = id_resolve(m, asked->argument, &c, why);
    if (r)
        return r;
    json_t *row = connection_describe(c);
    details_describe(c, row);
    hex_put(row, "client_kexinit", c->client_kexinit);
    (void)json_object_set_new(into, "connection", row);
    return 0;
}

/* Has workers say how they are doing; what they say is there a moment later. argument: an id or a part of it for one alone,
 * after "=", else as with `connections`, whose pages these are. */
int answer_refresh(struct monitor *m, const struct control_asked *asked, json_t *into,
                   char why[CONTROL_WHY_MAX])
{
    struct sp_span argument = asked->argument;
    struct connection *c, *next;
    uint64_t asked_count = 0, last = 0;
    if (argument.size != 0 && argument.data[0] == '=') {
        int r = id_resolve(m, sp_span_of(argument.data + 1, argument.size - 1), &c, why);
        if (r == 0)
            put_number(into, "asked", connection_ask_report(c) ? 1 : 0);
        return r;
    }
    int r = page_begin(m, argument, &c, why);
    if (r)
        return r;
    for (unsigned i = 0; c && i < CONTROL_PAGE; i++, c = next) {
        next = c->next;
        last = c->id;
        asked_count += connection_ask_report(c) ? 1 : 0; /* the connection may have gone with that */
    }
    put_number(into, "asked", asked_count);
    if (c && connection_find(m, last))
        put_id(into, "next", last);
    return 0;
}

/* The client reads it: one line, and nothing that a terminal would obey. */
static bool reason_is_plain(struct sp_span reason)
{
    if (reason.size > KILL_REASON_MAX)
        return false;
    for (size_t i = 0; i < reason.size; i++)
        if (reason.data[i] < 0x20 || reason.data[i] == 0x7f)
            return false;
    return true;
}

/* argument: "ID" or "ID REASON". The worker sends the reason with its DISCONNECT. */
int answer_kill(struct monitor *m, const struct control_asked *asked, json_t *into, char why[CONTROL_WHY_MAX])
{
    struct sp_span id = asked->argument, reason = sp_text(KILL_REASON);
    const uint8_t *blank = id.size ? memchr(id.data, ' ', id.size) : NULL;
    struct connection *c;
    char uid[16];
    if (blank) {
        reason = sp_span_of(blank + 1, (size_t)(id.data + id.size - blank - 1));
        id.size = (size_t)(blank - id.data);
    }
    if (!reason_is_plain(reason) || reason.size == 0)
        return control_unanswered(why, "expected a reason of at most 200 octets without control characters");
    int r = id_resolve(m, id, &c, why);
    if (r)
        return r;
    if (c->phase == PHASE_CLOSING)
        return control_unanswered(why, "that connection is ending already");
    snprintf(uid, sizeof uid, "%u", (unsigned)asked->uid);
    const struct log_field fields[] = {{"by_uid", sp_text(uid)}, {"reason", reason}};
    (void)json_object_set_new(into, "connection", connection_describe(c));
    put_text(into, "reason", reason);
    m->control.observed.metrics.killed++;
    monitor_log(m, c, LOG_LEVEL_NOTICE, "killed", fields, ARRAY_SIZE(fields), "Ended by uid %s: %.*s", uid,
                (int)reason.size, (const char *)reason.data);
    connection_end(c, DISCONNECT_BY_APPLICATION, reason, "killed");
    return 0;
}
