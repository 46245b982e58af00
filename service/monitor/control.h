/*
 * The control socket: what the administrator's tool may ask the running monitor. Questions only; nothing that is asked here
 * changes anything. A client is root, or of the group that owns the socket.
 */
#pragma once

#include <jansson.h>

#include "monitor/watch.h"

struct monitor;

#define CONTROL_SOCKET "control.sock"     /* in the runtime directory */
#define CONTROL_CLIENTS_MAX 8u            /* at a time; others wait in the kernel's queue */
#define CONTROL_TIMEOUT_MS 20000u         /* for the next question, and for an answer to be taken */
#define CONTROL_ANSWER_MAX (768u * 1024u) /* octets of one answer, less than may wait on a link */
#define CONTROL_PAGE 512u                 /* rows of a table in one answer; the tool asks for more */

struct control_client {
    struct monitor *monitor;
    struct watch watch;
    sd_event_source *deadline;
};

struct control {
    int fd; /* owned; 0 or -1: not given */
    sd_event_source *source;
    struct control_client clients[CONTROL_CLIENTS_MAX];
    unsigned count;
};

/* Takes an inherited descriptor if it is the control socket: a listening SOCK_SEQPACKET one. */
bool control_take(struct control *control, int fd);
/* Without a socket there is nothing to do. 0 or -errno. */
int control_start(struct monitor *m) MUST_USE;
void control_stop(struct monitor *m);

/*
 * control_answers.c. *answer: the caller's (json_decref). 0; or CONTROL_E_UNANSWERED, and why says why there is none.
 * Nothing here waits, and no question costs more than one page of a table.
 */
enum { CONTROL_E_UNANSWERED = 1 };
#define CONTROL_WHY_MAX 256u
int control_answer(struct monitor *m, struct sp_span question, struct sp_span argument, json_t **answer,
                   char why[CONTROL_WHY_MAX]) MUST_USE;
