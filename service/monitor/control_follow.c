/*
 * Records for who asks and for who follows. Input: lines of the log as they are written. Output: the same lines, to those
 * who want them; who does not read loses some, and is told how many, and nobody waits for him.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "monitor/control_answers.h"
#include "monitor/log.h"
#include "monitor/monitor.h"

/* ---- what is wanted ---------------------------------------------------------------------------------------- */

struct wanted {
    struct past_filter filter;
    size_t last;
    bool has_last;
};

static bool word_take(struct sp_span *rest, struct sp_span *word)
{
    while (rest->size != 0 && rest->data[0] == ' ') {
        rest->data++;
        rest->size--;
    }
    if (rest->size == 0)
        return false;
    const uint8_t *end = memchr(rest->data, ' ', rest->size);
    *word = sp_span_of(rest->data, end ? (size_t)(end - rest->data) : rest->size);
    rest->data += word->size;
    rest->size -= word->size;
    return true;
}

static bool value_of(struct sp_span word, const char *key, struct sp_span *value)
{
    size_t size = strlen(key);
    if (word.size <= size || memcmp(word.data, key, size) != 0)
        return false;
    *value = sp_span_of(word.data + size, word.size - size);
    return true;
}

static bool number_read(struct sp_span text, size_t *number)
{
    size_t value = 0;
    if (text.size > 6)
        return false;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        value = value * 10 + (size_t)(text.data[i] - '0');
    }
    *number = value;
    return true;
}

static bool wanted_take(struct sp_span word, struct wanted *wanted)
{
    struct past_filter *filter = &wanted->filter;
    struct sp_span value;
    if (value_of(word, "last=", &value) && !wanted->has_last) {
        wanted->has_last = true;
        return number_read(value, &wanted->last);
    }
    if (value_of(word, "connection=", &value) && filter->connection == 0)
        return control_id_read(value, &filter->connection) && filter->connection != 0;
    if (value_of(word, "event=", &value) && filter->event[0] == '\0' && value.size <= PAST_EVENT_MAX &&
        log_key_valid(value)) {
        snprintf(filter->event, sizeof filter->event, "%.*s", (int)value.size, (const char *)value.data);
        return true;
    }
    return false;
}

static bool wanted_read(struct sp_span argument, struct wanted *wanted)
{
    struct sp_span word;
    *wanted = (struct wanted){.last = PAST_RECORDS_MAX};
    while (word_take(&argument, &word))
        if (!wanted_take(word, wanted))
            return false;
    return true;
}

/* ---- asking ------------------------------------------------------------------------------------------------ */

static unsigned followers_count(const struct control *control)
{
    unsigned count = 0;
    for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++)
        count += watch_is_open(&control->clients[i].watch) && control->clients[i].follows ? 1u : 0u;
    return count;
}

int control_events(struct control_client *c, struct sp_span argument, bool follow, char **text, size_t *size,
                   char why[CONTROL_WHY_MAX])
{
    struct wanted wanted;
    if (!wanted_read(argument, &wanted))
        return control_unanswered(why,
                                  "expected \"last=N\", \"connection=ID\" with 16 digits, or \"event=NAME\"");
    if (follow && followers_count(&c->monitor->control) >= CONTROL_FOLLOWERS_MAX)
        return control_unanswered(why, "as many follow already as may");
    if (past_text(&c->monitor->control.observed.past, &wanted.filter, wanted.last, text, size))
        return control_unanswered(why, "out of memory");
    c->follows = follow;
    c->filter = wanted.filter;
    c->lost = 0;
    return 0;
}

/* ---- following --------------------------------------------------------------------------------------------- */

/* Not a record of the log: it says what this client did not get. */
static int lost_tell(struct control_client *c)
{
    char line[256];
    int size = snprintf(
        line, sizeof line,
        "{\"level\":\"warning\",\"event\":\"records_lost\",\"program\":\"monitor\",\"count\":\"%" PRIu64
        "\",\"message\":\"%" PRIu64 " records were too many for this reader\"}\n",
        c->lost, c->lost);
    int r = watch_send(&c->watch, control_part, .json = sp_span_of((const uint8_t *)line, (size_t)size));
    c->lost = r ? c->lost : 0;
    return r;
}

int control_follow_on(struct control_client *c)
{
    bool room = c->watch.link.queued_octets < CONTROL_FOLLOW_QUEUE_MAX / 2;
    return c->follows && c->lost != 0 && room ? lost_tell(c) : 0;
}

static int line_send(struct control_client *c, struct sp_span line)
{
    char text[LOG_LINE_MAX + 1];
    if (c->watch.link.queued_octets > CONTROL_FOLLOW_QUEUE_MAX) {
        c->lost++;
        return 0;
    }
    int r = control_follow_on(c);
    if (r)
        return r;
    if (c->lost != 0) { /* in order: what was lost comes first */
        c->lost++;
        return 0;
    }
    memcpy(text, line.data, line.size);
    text[line.size] = '\n';
    return watch_send(&c->watch, control_part, .json = sp_span_of((const uint8_t *)text, line.size + 1));
}

void control_keep(void *monitor, const struct record *record, struct sp_span line)
{
    struct monitor *m = monitor;
    if (line.size == 0 || line.size > LOG_LINE_MAX)
        return;
    past_add(&m->control.observed.past, record->connection, record->event, line);
    for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++) {
        struct control_client *c = &m->control.clients[i];
        if (!watch_is_open(&c->watch) || !c->follows ||
            !past_wants(&c->filter, record->connection, record->event))
            continue;
        if (line_send(c, line) == 0)
            continue;
        c->follows =
            false; /* nobody is dropped in here: its descriptor says that it has gone, or its time is over */
        (void)!control_client_wait(c);
    }
}
