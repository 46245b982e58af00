/*
 * What the control socket answers. Input: a question and the monitor's tables. Output: JSON; text that clients of SSH have
 * chosen is escaped by jansson, and what is no UTF-8 goes as hexadecimal.
 */
#include "monitor/control.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sallyport/wire.h>

#include "base/loop.h"

#include "ipc/negotiate.h"

#include "monitor/monitor.h"

struct question {
    const char *name;
    /* 0, or CONTROL_E_UNANSWERED with *why. */
    int (*answer)(struct monitor *m, struct sp_span argument, json_t *into, char why[CONTROL_WHY_MAX]);
};

static int unanswered(char why[CONTROL_WHY_MAX], const char *text)
{
    snprintf(why, CONTROL_WHY_MAX, "%s", text);
    return CONTROL_E_UNANSWERED;
}

static void put_text(json_t *into, const char *key, struct sp_span text)
{
    char hex[2 * 256 + 1];
    json_t *value = json_stringn((const char *)text.data, text.size);
    if (!value) {
        size_t size = size_min(text.size, 256);
        for (size_t i = 0; i < size; i++)
            snprintf(hex + 2 * i, 3, "%02x", text.data[i]);
        value = json_sprintf("hex:%.*s", (int)(2 * size), hex);
    }
    (void)json_object_set_new(into, key, value);
}

static void put_string(json_t *into, const char *key, const char *text)
{
    put_text(into, key, sp_text(text ? text : ""));
}

static void put_number(json_t *into, const char *key, uint64_t number)
{
    (void)json_object_set_new(into, key, json_integer((json_int_t)number));
}

/* Ids use all 64 bits, and readers of JSON may have 53. */
static void put_id(json_t *into, const char *key, uint64_t id)
{
    char text[24];
    snprintf(text, sizeof text, "%" PRIu64, id);
    put_string(into, key, text);
}

static void put_time(json_t *into, const char *key, int64_t seconds)
{
    char text[32];
    time_t at = (time_t)seconds;
    struct tm parts;
    if (seconds > 0 && gmtime_r(&at, &parts) && strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts))
        put_string(into, key, text);
}

/* ---- running ----------------------------------------------------------------------------------------------- */

static const char *generation_state_name(enum generation_state state)
{
    static const char *const names[] = {
        [GENERATION_CONFIGURING] = "configuring",
        [GENERATION_PREPARING] = "preparing",
        [GENERATION_CURRENT] = "current",
        [GENERATION_OLD] = "old",
    };
    return (size_t)state < ARRAY_SIZE(names) ? names[state] : "unknown";
}

static json_t *generation_describe(const struct generation *g)
{
    json_t *row = json_object();
    put_number(row, "number", g->number);
    put_string(row, "state", generation_state_name(g->state));
    put_number(row, "users", g->users);
    put_time(row, "loaded", g->loaded_s);
    return row;
}

static int answer_running(struct monitor *m, struct sp_span argument, json_t *into, char why[CONTROL_WHY_MAX])
{
    json_t *generations = json_array();
    (void)argument;
    (void)why;
    put_string(into, "version", SALLYPORT_VERSION);
    put_number(into, "connections", m->connections.count);
    for (const struct generation *g = m->generations.list; g; g = g->next)
        (void)json_array_append_new(generations, generation_describe(g));
    (void)json_object_set_new(into, "generations", generations);
    return 0;
}

/* ---- connections ------------------------------------------------------------------------------------------- */

static json_t *connection_describe(const struct connection *c)
{
    json_t *row = json_object();
    put_id(row, "id", c->id);
    put_string(row, "address", c->remote.text);
    put_number(row, "port", c->remote.port);
    put_string(row, "phase", phase_name(c->phase));
    if (c->user)
        put_string(row, "user", c->user);
    put_number(row, "seconds", (clock_ms() - c->since_ms) / 1000);
    put_number(row, "generation", c->generation->number);
    return row;
}

static bool id_read(struct sp_span text, uint64_t *id)
{
    char digits[24];
    char *end;
    if (text.size != 0 && text.data[0] == '#')
        text = sp_span_of(text.data + 1, text.size - 1);
    if (text.size == 0 || text.size >= sizeof digits || text.data[0] < '0' || text.data[0] > '9')
        return false;
    memcpy(digits, text.data, text.size);
    digits[text.size] = '\0';
    *id = strtoull(digits, &end, 10);
    return *end == '\0';
}

/* Newest first; argument: the last id of the page before. "next" is there if there are more. */
static int answer_connections(struct monitor *m, struct sp_span argument, json_t *into,
                              char why[CONTROL_WHY_MAX])
{
    uint64_t after = 0;
    if (argument.size != 0 && !id_read(argument, &after))
        return unanswered(why, "expected a connection's id");
    const struct connection *c = m->connections.first;
    if (after != 0) {
        c = connection_find(m, after);
        if (!c)
            return unanswered(why, "the connection at the end of the last page has gone");
        c = c->next;
    }
    json_t *rows = json_array();
    const struct connection *last = NULL;
    for (; c && json_array_size(rows) < CONTROL_PAGE; c = c->next) {
        (void)json_array_append_new(rows, connection_describe(c));
        last = c;
    }
    (void)json_object_set_new(into, "connections", rows);
    if (c && last)
        put_id(into, "next", last->id);
    return 0;
}

static int answer_connection(struct monitor *m, struct sp_span argument, json_t *into,
                             char why[CONTROL_WHY_MAX])
{
    uint64_t id;
    if (!id_read(argument, &id))
        return unanswered(why, "expected a connection's id");
    const struct connection *c = connection_find(m, id);
    if (!c)
        return unanswered(why, "no such connection");
    (void)json_object_set_new(into, "connection", connection_describe(c));
    return 0;
}

/* ---- all --------------------------------------------------------------------------------------------------- */

static const struct question questions[] = {
    {"running", answer_running},
    {"connection", answer_connection},
    {"connections", answer_connections},
};

int control_answer(struct monitor *m, struct sp_span question, struct sp_span argument, json_t **answer,
                   char why[CONTROL_WHY_MAX])
{
    for (size_t i = 0; i < ARRAY_SIZE(questions); i++) {
        if (!sp_span_is(question, questions[i].name))
            continue;
        json_t *into = json_object();
        int r = into ? questions[i].answer(m, argument, into, why) : unanswered(why, "out of memory");
        if (r)
            json_decref(into);
        else
            *answer = into;
        return r;
    }
    return unanswered(why, "this server does not know that question");
}
