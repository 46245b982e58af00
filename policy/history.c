/*
 * The lines that a policy was made from, kept to be told again. Input: every list line that was applied, in order.
 * Output: which of them let a name in and which took it out. Its size is bounded by that of the files.
 */
#include "policy/history.h"

#include <errno.h>
#include <stdio.h>

#include <sallyport/wire.h>

#include "base/wildcard.h"

static void event_clear(struct history_event *event)
{
    free(event->names);
    free(event->addresses);
}

void history_free(struct policy_history *history)
{
    if (!history)
        return;
    for (size_t i = 0; i < history->count; i++)
        event_clear(&history->events[i]);
    for (size_t i = 0; i < history->file_count; i++)
        free(history->files[i]);
    free(history->events);
    free(history->files);
    free(history);
}

int history_file(struct policy_history *history, const char *name, const char **copy)
{
    if (!name) {
        *copy = NULL;
        return 0;
    }
    for (size_t i = 0; i < history->file_count; i++)
        if (strcmp(history->files[i], name) == 0) {
            *copy = history->files[i];
            return 0;
        }
    char **files = reallocarray(history->files, history->file_count + 1, sizeof *files);
    if (!files)
        return -ENOMEM;
    history->files = files;
    files[history->file_count] = strdup(name);
    if (!files[history->file_count])
        return -ENOMEM;
    *copy = files[history->file_count++];
    return 0;
}

static int grow(struct policy_history *history)
{
    size_t capacity = history->capacity != 0 ? 2 * history->capacity : 16;
    if (history->count < history->capacity)
        return 0;
    struct history_event *events = reallocarray(history->events, capacity, sizeof *events);
    if (!events)
        return -ENOMEM;
    history->events = events;
    history->capacity = capacity;
    return 0;
}

int history_add(struct policy_history *history, const struct list_line *line)
{
    struct history_event event = {
        .kind = line->kind, .action = line->action, .not_after = line->not_after, .origin = line->origin};
    if (grow(history) != 0)
        return -ENOMEM;
    event.names = strndup((const char *)line->names.data, line->names.size);
    event.addresses = line->addresses ? strdup(line->addresses) : NULL;
    if (!event.names || (line->addresses && !event.addresses)) {
        event_clear(&event);
        return -ENOMEM;
    }
    history->events[history->count++] = event;
    return 0;
}

const char *history_text(const struct history_event *event, char text[HISTORY_TEXT_MAX])
{
    char prefix[2] = {(char)event->action, '\0'};
    int size = snprintf(text, HISTORY_TEXT_MAX, "%s %s%s", policy_keyword(event->kind), prefix, event->names);
    if (size >= (int)HISTORY_TEXT_MAX)
        memcpy(text + HISTORY_TEXT_MAX - 4, "...", 4);
    return text;
}

static bool names_it(const struct history_event *event, struct sp_span name)
{
    struct sp_span names = sp_text(event->names);
    if (event->action != LIST_REMOVE)
        return sp_list_has(names, name);
    while (names.size != 0)
        if (wildcard_matches(name, sp_next_name(&names)))
            return true;
    return false;
}

static void follow_one(struct history_fate *fate, bool *is_in, const struct history_event *event,
                       bool is_named)
{
    if (event->action == LIST_SET)
        fate->set = event;
    bool comes = is_named && event->action != LIST_REMOVE && !*is_in;
    bool goes = *is_in && (event->action == LIST_REMOVE ? is_named : event->action == LIST_SET && !is_named);
    if (comes)
        *fate = (struct history_fate){.allowed = event, .set = fate->set};
    if (goes)
        fate->removed = event;
    *is_in = (*is_in && !goes) || comes;
}

struct history_fate history_follow(const struct policy_history *history, enum policy_kind kind,
                                   struct sp_span name)
{
    struct history_fate fate = {0};
    bool is_in = false;
    for (size_t i = 0; i < history->count; i++)
        if (history->events[i].kind == kind)
            follow_one(&fate, &is_in, &history->events[i], names_it(&history->events[i], name));
    return fate;
}
