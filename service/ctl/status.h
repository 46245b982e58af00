/* Commands about the running server: `sallyport status` and its like. Each in a file of its name. */
#pragma once

#include "ctl/ctl.h"
#include "ctl/found.h"

int status_find(const struct ctl_options *o, json_t *found);
void status_show(const struct ctl_options *o, const json_t *found);
int sessions_find(const struct ctl_options *o, json_t *found);
void sessions_show(const struct ctl_options *o, const json_t *found);
int session_find(const struct ctl_options *o, json_t *found);
void session_show(const struct ctl_options *o, const json_t *found);
int kill_find(const struct ctl_options *o, json_t *found);
void kill_show(const struct ctl_options *o, const json_t *found);
int failures_find(const struct ctl_options *o, json_t *found);
void failures_show(const struct ctl_options *o, const json_t *found);
int metrics_find(const struct ctl_options *o, json_t *found);
void metrics_show(const struct ctl_options *o, const json_t *found);
/* --output and --serve; else CTL_GO_ON. */
int metrics_stream(const struct ctl_options *o);
int events_stream(const struct ctl_options *o);

enum status_state {
    STATUS_SERVING = 0,
    STATUS_BUT = 1,  /* serving, but somebody should look */
    STATUS_DOWN = 3, /* clients are not served */
};

/*
 * What the facts of a `status` answer come to; status_verdict.c. *text: "serving", "serving, but ...", "not serving: ...", the
 * caller's (free()). Knows no clock and no server.
 */
enum status_state status_verdict(const json_t *answer, char **text);

/* Has the workers tell how they are doing, which is there when this returns. What fails is not said: without it the answers are
 * older. id: of one connection, or NULL for all. */
void workers_refresh(const struct ctl_options *o, const char *id);
