/* What happened to the lists of a policy, line by line, and the names of the files that its origins point to. */
#pragma once

#include "policy/list.h"

struct history_event {
    enum policy_kind kind;
    enum list_action action;
    char *names;
    int64_t not_after;
    char *addresses;
    struct policy_origin origin;
};

struct policy_history {
    struct history_event *events;
    size_t count, capacity;
    char **files;
    size_t file_count;
};

void history_free(struct policy_history *history);
/* The history's own copy of a file's name, the same for the same name. NULL stays NULL. */
int history_file(struct policy_history *history, const char *name, const char **copy) MUST_USE;
int history_add(struct policy_history *history, const struct list_line *line) MUST_USE;

#define HISTORY_TEXT_MAX 128u

/* The line as it was written, more or less: "KexAlgorithms -diffie-hellman-*", cut if it is long. */
const char *history_text(const struct history_event *event, char text[HISTORY_TEXT_MAX]);

/* What the lines did to one name. NULL: none did. */
struct history_fate {
    const struct history_event *allowed; /* let it in last */
    const struct history_event *removed; /* took it out last, if it is out */
    const struct history_event *set;     /* replaced the list last */
};

struct history_fate history_follow(const struct policy_history *history, enum policy_kind kind,
                                   struct sp_span name);
